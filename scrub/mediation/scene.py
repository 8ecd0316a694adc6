"""A scene: some items of a subject, the model as it is on them, and edits in their terms.

Values move as in a scrub: from the donor's positions of a role onto the item's own, at indices and
at all positions between inputs of one length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from scrub.data.dataset import Ints
from scrub.engine.flow import edited
from scrub.engine.metrics import Floats
from scrub.engine.replacements import (
    Blend,
    Draws,
    Mean,
    MeanWithin,
    Noise,
    Replacement,
    Scale,
    Zero,
)
from scrub.engine.worlds import Edit, World, picked, reading
from scrub.errors import InputRefused, Problem
from scrub.graph import Positions, Role
from scrub.mediation.places import Place
from scrub.sampling.philox import key_of, uniform_unit, uniform_words

if TYPE_CHECKING:
    from scrub.mediation.subject import Subject

Tensor = torch.Tensor
Value = Callable[[Tensor], Tensor]
Change = tuple[Place, Replacement]


class Scene:
    """Some items, [item] rows of the data, and what can be done to the model on them."""

    def __init__(self, subject: Subject, draws: Draws) -> None:
        self.subject, self.draws = subject, draws
        self._donors: dict[str, tuple[Ints, World]] = {}

    @property
    def rows(self) -> Ints:
        return self.draws.rows

    @cached_property
    def wild(self) -> World:
        """The model as it is."""
        return self.world(self.rows)

    def world(self, rows: Ints) -> World:
        """The model as it is on these rows of the data."""
        subject = self.subject
        inputs = subject.task.dataset.sequence[rows]
        frame = subject.inputs.batch(inputs, subject.model.device)
        return World.plain(subject.model, frame, subject.layout)

    def at(self, at: Positions, rows: Ints | None = None) -> Tensor | None:
        """Positions in these rows (the items' own), [item, n]; None for all."""
        table = self.subject.task.dataset.positions(at)
        if table is None:
            return None
        picked_rows = table[self.rows if rows is None else rows]
        return torch.from_numpy(picked_rows).to(self.subject.model.device)

    def edit(self, place: Place, replacement: Replacement) -> Edit:
        """A replacement at a place."""
        return Edit(place.what, self.value(place, replacement), self.at(place.at))

    def restored(self, place: Place, source: World) -> Edit:
        """What stands at a place in another world of these items."""
        at = self.at(place.at)
        bases = self.subject.bases
        return Edit(place.what, lambda _: picked(reading(source, place.what, bases), at), at)

    def changed(self, changes: Iterable[Change], base: World | None = None) -> World:
        """The wild world (or another base) under replacements."""
        base = base or self.wild
        edits = [self.edit(place, new) for place, new in changes]
        return edited(base, edits, self.subject.bases)

    def value(self, place: Place, replacement: Replacement) -> Value:
        """What a replacement makes of what stands at a place."""
        match replacement:
            case Zero():
                return torch.zeros_like
            case Scale(factor):
                return lambda own: own * factor
            case Mean():
                return self._mean(place, None)
            case MeanWithin(column):
                return self._mean(place, column)
            case Noise(scale):
                return self._noise(place, scale)
            case Blend(t, other):
                theirs = self.value(place, other)
                return lambda own: (1 - t) * own + t * theirs(own)
        rows, world = self.donors(replacement)
        self._require_alike(place, replacement, rows)
        at = self.at(place.at, rows)
        bases = self.subject.bases
        return lambda _: picked(reading(world, place.what, bases), at)

    def donors(self, replacement: Replacement) -> tuple[Ints, World]:
        """A replacement's donors [item], and the model as it is on them."""
        name = str(replacement)
        if name not in self._donors:
            rows = replacement.donors(self.subject.task.dataset, self.draws)
            assert rows is not None  # those without donors have their values by name
            self._donors[name] = rows, self.world(rows)
        return self._donors[name]

    def output(self, world: World) -> Tensor:
        """The output of a world at the scored positions, [item, n, width]."""
        return world.output(self.at(self.subject.task.positions))

    @cached_property
    def own(self) -> Tensor:
        """The model's own output at the scored positions."""
        return self.output(self.wild)

    def score(self, world: World) -> Floats:
        """The task's metric in a world, [item]."""
        return self.subject.scorer(self.output(world), self.own, self.rows)

    def named(self, metric: str, world: World) -> Floats:
        """A built-in metric in a world, [item]."""
        return self.subject.scorer.named(metric, self.output(world), self.own, self.rows)

    def _mean(self, place: Place, column: str | None) -> Value:
        moments = self.subject.moments
        index = torch.from_numpy(moments.classes(column)[self.rows])
        value = moments.mean(place, column)[index.to(self.subject.model.device)]
        return lambda own: value.to(own)

    def _noise(self, place: Place, scale: float) -> Value:
        deviation = self.subject.moments.deviation(place.what)

        def value(own: Tensor) -> Tensor:
            shape = tuple(own.shape[1:])
            return own + scale * deviation * self._normal(f"noise {place}", shape).to(own)

        return value

    def _normal(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """Standard normal numbers, [item, *shape]: a function of (seed, place, row, draw)."""
        from scipy.special import ndtri

        size = int(np.prod(shape))
        key = key_of(self.draws.seed, name)
        counters = self.draws.draw[:, None] * size + np.arange(size)[None, :]
        unit = uniform_unit(uniform_words(self.rows[:, None], counters, key))
        normal = ndtri(unit + 2.0**-54).reshape(len(self.rows), *shape)
        return torch.from_numpy(normal)

    def _require_alike(self, place: Place, replacement: Replacement, donors: Ints) -> None:
        """Values that cross at indices or at all positions need inputs of one length."""
        frames = self.subject.task.dataset.frames
        apart = np.nonzero(frames[donors] != frames[self.rows])[0]
        if isinstance(place.at, Role) or not len(apart):
            return
        item = int(apart[0])
        found = f"row {self.rows[item]} would read from row {donors[item]}, which has another "
        fix = "Name a role, or pair examples of one length."
        raise InputRefused(Problem(f"'{replacement}' at {place}", f"{found}length.", fix))


def stacked(scene: Scene, cells: Sequence[Sequence[Edit]], base: World) -> World:
    """A base world's rows once for each cell, each under the edits of its own cell.

    All cells must edit the same things in the same order, at equally many positions.
    """
    rows = len(scene.rows)
    edits = []
    for alike in zip(*cells, strict=True):
        ats = [edit.at for edit in alike]
        assert all((at is None) == (ats[0] is None) for at in ats)
        at = None if ats[0] is None else torch.cat([a for a in ats if a is not None])

        def value(own: Tensor, alike: Sequence[Edit] = alike) -> Tensor:
            blocks = torch.split(own, rows)
            return torch.cat([e.value(b) for e, b in zip(alike, blocks, strict=True)])

        edits.append(Edit(alike[0].what, value, at))
    return edited(base.repeated(len(cells)), edits, scene.subject.bases)
