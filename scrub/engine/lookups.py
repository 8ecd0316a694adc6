"""Where the draws of a chunk look: for all of them at once.

A schedule names hundreds of draws, and a chunk looks up what each of them takes. What the rows of
the data look up lies on a device from the first chunk on, so that all a chunk has to hand over are
its rows. Their inputs and positions are tables with a line for each draw; a look-up reads the lines
of one draw, or of many at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch

from scrub.data.dataset import Dataset, Ints
from scrub.engine.means import Means
from scrub.graph import Positions
from scrub.models.base import Batch
from scrub.models.batches import Inputs
from scrub.models.sending import sent

FEW = 16  # positions of a row: more are worked out for one draw at a time, or they would be many


class Handed:
    """All that the host hands to a chunk: its rows [draw, item], and what frames are asked for.

    Nothing else of a chunk depends on its rows, so two that are handed the same are the same.
    """

    def __init__(self, dataset: Dataset, inputs: Inputs, rows: Ints, device: torch.device) -> None:
        self.dataset, self.inputs, self.rows, self.device = dataset, inputs, rows, device

    @property
    def items(self) -> int:
        """How many items there are."""
        return int(self.rows.shape[1])

    def on(self, device: torch.device) -> torch.Tensor:
        """The rows on a device, [draw, item]."""
        return sent(self.rows, device)

    def frame(self, draw: int) -> Batch:
        """The rows of a draw; their fields and lengths are made when they are asked for."""
        return self.inputs.batch(self.dataset.sequence[self.rows[draw]], self.device)


class Tables:
    """What each row of the data looks up, on one device: sent when it is first asked for."""

    def __init__(self, dataset: Dataset, means: Means, device: torch.device) -> None:
        self.dataset, self.means, self.device = dataset, means, device
        self._positions: dict[Positions, torch.Tensor | None] = {}
        self._classes: dict[str, torch.Tensor] = {}
        self._draws: dict[tuple[int, ...], torch.Tensor] = {}

    def draws(self, numbers: tuple[int, ...]) -> torch.Tensor:
        """The numbers of some draws, [draw]: a schedule asks for the same ones in every chunk."""
        if numbers not in self._draws:
            self._draws[numbers] = sent(torch.tensor(numbers), self.device)
        return self._draws[numbers]

    @cached_property
    def inputs(self) -> torch.Tensor:
        """Which recorded input each row is, [row]."""
        return sent(self.dataset.sequence, self.device)

    def positions(self, at: Positions) -> torch.Tensor | None:
        """Where these positions lie in each row, [row, n]; None for all."""
        if at not in self._positions:
            found = self.dataset.positions(at)
            self._positions[at] = None if found is None else sent(found, self.device)
        return self._positions[at]

    def classes(self, column: str) -> torch.Tensor:
        """The number of each row's class, [row]."""
        if column not in self._classes:
            self._classes[column] = sent(self.means.classes(column), self.device)
        return self._classes[column]


class Lookups:
    """The inputs, classes and positions of draws' items, on one device: one row for each item of
    each draw that is asked for.

    `rows` [draw, item] are those that the draws take; `tables` says what each row looks up.
    """

    def __init__(self, tables: Tables, rows: torch.Tensor) -> None:
        self.tables, self.rows = tables, rows
        self._rows = _Lines(rows, tables)
        self._inputs = _Lines(tables.inputs[rows], tables)
        self._positions: dict[Positions, _Lines] = {}

    def inputs(self, draws: Sequence[int]) -> torch.Tensor:
        """Which recorded input each row takes, [row]."""
        return self._inputs.of(draws)

    def classes(self, column: str | None, draws: Sequence[int]) -> torch.Tensor:
        """The number of the class of each row, [row]; all are of one class where there is no
        column."""
        rows = self._rows.of(draws)
        return torch.zeros_like(rows) if column is None else self.tables.classes(column)[rows]

    def positions(self, at: Positions, draws: Sequence[int]) -> torch.Tensor | None:
        """Positions [row, n] in the frames of draws, None for all."""
        table = self.tables.positions(at)
        if table is None:
            return None
        if table.shape[1] > FEW:
            return table[self._rows.of(draws)]
        if at not in self._positions:
            self._positions[at] = _Lines(table[self.rows], self.tables)
        return self._positions[at].of(draws)


class _Lines:
    """Something of each draw's items, [draw, item, ...]."""

    def __init__(self, values: torch.Tensor, tables: Tables) -> None:
        self.values, self.tables = values, tables
        self._each: dict[int, torch.Tensor] = {}  # a schedule asks for some again and again

    def of(self, draws: Sequence[int]) -> torch.Tensor:
        """That of some draws one behind the other, [row, ...]."""
        if len(draws) > 1:
            return self.values[self.tables.draws(tuple(draws))].flatten(0, 1)
        (draw,) = draws
        if draw not in self._each:
            self._each[draw] = self.values[draw]
        return self._each[draw]
