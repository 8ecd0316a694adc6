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


class Lookups:
    """The inputs and positions of each draw's items, on one device.

    `rows` [draw, item] are those that the draws take; `tables` gives each row's positions.
    """

    def __init__(self, dataset: Dataset, tables: Tables, rows: Ints, device: torch.device) -> None:
        self.rows, self.tables, self.device = rows, tables, device
        self._inputs = sent(dataset.sequence[rows], device)  # [draw, item]
        self._positions: dict[Positions, torch.Tensor | None] = {}  # [draw, item, n]
        self._running: dict[tuple[Positions, int], torch.Tensor] = {}  # [draw, item · n]

    def inputs(self, draw: int) -> torch.Tensor:
        """Which recorded input each item's draw takes, [item]."""
        return self._inputs[draw]

    def positions(self, at: Positions, draw: int) -> torch.Tensor | None:
        """Positions [item, n] in the frame of a draw, None for all."""
        found = self._all_positions(at)
        return None if found is None else found[draw]

    def running(self, at: Positions, draw: int, frame: int, length: int) -> torch.Tensor:
        """The positions `at` of a frame, in the inputs that a draw takes, by one index that runs
        through all inputs of `length` positions each, [item · n]."""
        if draw != frame:
            spots = self.positions(at, frame)
            assert spots is not None  # all positions are looked up by their inputs
            return (self._inputs[draw][:, None] * length + spots).flatten()
        if (at, length) not in self._running:
            found = self._all_positions(at)
            assert found is not None
            self._running[at, length] = (self._inputs[:, :, None] * length + found).flatten(1)
        return self._running[at, length][draw]

    def _all_positions(self, at: Positions) -> torch.Tensor | None:
        if at not in self._positions:
            table = self.tables(at)
            found = None if table is None else sent(table[self.rows], self.device)
            self._positions[at] = found
        return self._positions[at]
