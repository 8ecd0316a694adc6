"""A circuit of edges, all others carrying the corrupted values: what does an evaluation cost?"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from benchmarks.rivals import hooks
from benchmarks.rivals.case import Case, circuits
from benchmarks.rivals.contest import REFEREE, Contestant, Entry, Environment, Question, ours
from benchmarks.rivals.patchable import Patchable

CIRCUITS = circuits()
NAMES = list(CIRCUITS)


class Hooks(Contestant):
    """One pass in which each port's input is summed writer by writer: the referee."""

    def record(self) -> None:
        self.corrupted = hooks.record(self.case, self.case.corrupted)

    def run(self, units: Sequence[int]) -> torch.Tensor:
        kept = [CIRCUITS[NAMES[unit]] for unit in units]
        return torch.stack([hooks.circuit(self.case, k, self.corrupted) for k in kept])


class AutoCircuit(Contestant):
    """A pass in `patch_mode`. Its masks are made beforehand, and set is all that is timed."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.patchable = Patchable(case)
        self.masks = [self.patchable.masks(CIRCUITS[name]) for name in NAMES]

    def record(self) -> None:
        self.corrupted = self.patchable.record(self.case.corrupted)

    def run(self, units: Sequence[int]) -> torch.Tensor:
        masks = [self.masks[unit] for unit in units]
        return torch.stack([self.patchable.circuit(mask, self.corrupted) for mask in masks])


QUESTION = Question(
    title="a circuit of random edges, all others from the corrupted run",
    unit="circuit",
    units=NAMES,
    bar="≤ 2.3",
    entries={
        REFEREE: Entry(Environment.TWO, Hooks, timed=None),
        "scrub": Entry(Environment.ONE, ours("EdgeCircuit")),
        "auto-circuit 1.0.1": Entry(Environment.TWO, AutoCircuit),
    },
)
