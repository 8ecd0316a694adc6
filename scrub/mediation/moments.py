"""Means and deviations of places over the whole data, in as few passes as are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch

from scrub.data.dataset import Dataset, Ints
from scrub.engine.replacements import classes_of
from scrub.engine.worlds import Layout, What, World, picked, reading
from scrub.errors import InputRefused, Problem
from scrub.graph import Positions, Role
from scrub.mediation.places import Place
from scrub.models.base import Model
from scrub.models.batches import Inputs

Tensor = torch.Tensor
AT_ONCE = 64  # rows in one pass


class Moments:
    """What places hold on average over the data, and how far they deviate from it.

    A mean at a role is over the examples' positions of that role; at indices and at all positions
    it is taken position by position, so that all examples must be equally long.
    """

    def __init__(
        self,
        model: Model,
        layout: Layout,
        dataset: Dataset,
        inputs: Inputs,
        bases: Mapping[str, Tensor],
    ) -> None:
        self.model, self.layout, self.dataset, self.inputs = model, layout, dataset, inputs
        self.bases = bases
        self._means: dict[tuple[Place, str | None], Tensor] = {}
        self._deviations: dict[What, float] = {}
        self._classes: dict[str | None, Ints] = {}

    def classes(self, column: str | None) -> Ints:
        """Which class each row of the data belongs to, [row]: one for all without a column."""
        if column not in self._classes:
            one = np.zeros(len(self.dataset), dtype=np.int64)
            self._classes[column] = one if column is None else classes_of(self.dataset, column)
        return self._classes[column]

    def mean(self, place: Place, column: str | None) -> Tensor:
        """The mean of each class at a place, [class, n, width]."""
        if (place, column) not in self._means:
            self.gather([place], column)
        return self._means[place, column]

    def gather(self, places: Sequence[Place], column: str | None) -> None:
        """The means of several places in one pass over the data. Raises `InputRefused`."""
        wanted = [place for place in places if (place, column) not in self._means]
        for place in wanted:
            self._require_equal_lengths(place)
        if not wanted:
            return
        classes = self.classes(column)
        sums: dict[Place, Tensor] = {}
        for rows, world in self._worlds():
            index = torch.from_numpy(classes[rows]).to(self.model.device)
            for place in wanted:
                here = reading(world, place.what, self.bases)
                value = picked(here, self._at(place.at, rows)).double()
                if place not in sums:
                    shape = (int(classes.max()) + 1, *value.shape[1:])
                    sums[place] = value.new_zeros(shape)
                sums[place].index_add_(0, index, value)
        counts = torch.from_numpy(np.bincount(classes)).to(self.model.device)
        for place, total in sums.items():
            self._means[place, column] = total / counts[:, None, None]

    def deviation(self, what: What) -> float:
        """The standard deviation of all that a place holds, over the data's positions and the
        channels together."""
        if what not in self._deviations:
            count, total, squares = 0, 0.0, 0.0
            for rows, world in self._worlds():
                value = reading(world, what, self.bases).double()
                there = self._there(what, rows, value.shape[1])
                kept = value[there]  # [position, width]
                count += kept.numel()
                total += float(kept.sum())
                squares += float(kept.square().sum())
            mean = total / count
            self._deviations[what] = max(squares / count - mean**2, 0.0) ** 0.5
        return self._deviations[what]

    def _worlds(self) -> Iterator[tuple[Ints, World]]:
        """All rows of the data, some at a time, and the model on them."""
        rows = np.arange(len(self.dataset))
        for first in range(0, len(rows), AT_ONCE):
            some = rows[first : first + AT_ONCE]
            frame = self.inputs.batch(self.dataset.sequence[some], self.model.device)
            yield some, World.plain(self.model, frame, self.layout)

    def _at(self, at: Positions, rows: Ints) -> Tensor | None:
        table = self.dataset.positions(at)
        return None if table is None else torch.from_numpy(table[rows]).to(self.model.device)

    def _there(self, what: What, rows: Ints, length: int) -> Tensor:
        """Which positions are no padding, [row, position]."""
        lengths = self.dataset.lengths_in(self.model.graph.space[self.layout.space(what)])[rows]
        kept = np.arange(length)[None, :] < lengths[:, None]
        return torch.from_numpy(kept).to(self.model.device)

    def _require_equal_lengths(self, place: Place) -> None:
        """As everywhere in scrub: what is averaged position by position must be equally long."""
        lengths = self.dataset.lengths_in(self.model.graph.space[self.layout.space(place.what)])
        if not isinstance(place.at, Role) and len(set(lengths.tolist())) > 1:
            found = "a mean position by position needs examples of one length, found lengths from "
            found += f"{lengths.min()} to {lengths.max()}."
            fix = "Name a role, or give examples of one length."
            raise InputRefused(Problem(f"place '{place}'", found, fix))
