"""Where the draws of a chunk look: for all of them at once.

A schedule names hundreds of draws, and a chunk looks up what each of them takes. Their rows and
positions are tables with a line for each draw, made and handed to a device together; a look-up
reads its line.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from scrub.data.dataset import Dataset, Ints
from scrub.graph import Positions
from scrub.models.sending import sent

Tables = Callable[[Positions], Ints | None]
FEW = 16  # positions of a row: more are worked out for one draw at a time, or they would be many


class Lookups:
    """The inputs and positions of each draw's items, on one device.

    `rows` [draw, item] are those that the draws take; `tables` gives each row's positions.
    """

    def __init__(self, dataset: Dataset, tables: Tables, rows: Ints, device: torch.device) -> None:
        self.rows, self.tables, self.device = rows, tables, device
        self._inputs = sent(dataset.sequence[rows], device)  # [draw, item]
        self._positions: dict[Positions, torch.Tensor] = {}  # [draw, item, n]
        self._running: dict[tuple[Positions, int], torch.Tensor] = {}  # [draw, item · n]

    def inputs(self, draw: int) -> torch.Tensor:
        """Which recorded input each item's draw takes, [item]."""
        return self._inputs[draw]

    def positions(self, at: Positions, draw: int) -> torch.Tensor | None:
        """Positions [item, n] in the frame of a draw, None for all."""
        table = self.tables(at)
        if table is None:
            return None
        if table.shape[1] > FEW:
            return sent(table[self.rows[draw]], self.device)
        if at not in self._positions:
            self._positions[at] = sent(table[self.rows], self.device)
        return self._positions[at][draw]

    def running(self, at: Positions, draw: int, frame: int, length: int) -> torch.Tensor:
        """The positions `at` of a frame, in the inputs that a draw takes, by one index that runs
        through all inputs of `length` positions each, [item · n]."""
        spots = self.positions(at, frame)
        assert spots is not None  # all positions are looked up by their inputs
        if draw != frame or at not in self._positions:
            return (self._inputs[draw][:, None] * length + spots).flatten()
        if (at, length) not in self._running:
            every = self._inputs[:, :, None] * length + self._positions[at]
            self._running[at, length] = every.flatten(1)
        return self._running[at, length][draw]
