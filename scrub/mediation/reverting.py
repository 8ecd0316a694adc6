"""The search for cells that, restored in a corrupted run, repair it: greedy and best-first.

A set of cells is worth the share of the whole effect that restoring it repairs, on the examples
that are searched. A set is extended by one cell at a time; all extensions of a set are evaluated on
the world in which that set is restored already, so that what lies upstream costs nothing.
"""

from __future__ import annotations

import enum
import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from scrub.engine.edits import Edit
from scrub.engine.flow import edited
from scrub.engine.metrics import Floats
from scrub.engine.progress import Progress
from scrub.engine.worlds import World
from scrub.mediation.carrying import Carrying, Direction
from scrub.mediation.cells import Cell
from scrub.mediation.corruption import Corruption
from scrub.mediation.places import Place
from scrub.mediation.scene import Scene
from scrub.mediation.subject import TOKENS_AT_ONCE, Subject
from scrub.mediation.sweep import ON_A_GPU, scored

Numbers = tuple[int, ...]  # of cells, ascending: a set


class Strategy(enum.Enum):
    """Which set is extended next."""

    GREEDY = "greedy"  # the last one, by the cell that repairs most
    BEST_FIRST = "best_first"  # the best of those not extended yet, of which few are kept


@dataclass(frozen=True)
class Move:
    """A cell that was restored, or given up again, and the set that this led to."""

    cell: int
    restored: bool
    cells: Numbers


class Restoring(Carrying):
    """The corrupted world with some cells restored: what one more is carried into."""

    def __init__(self, of: Carrying, some: Iterable[Cell]) -> None:
        self.scene, self.wild, self.corrupted, self.source = (
            of.scene,
            of.wild,
            of.corrupted,
            of.wild,
        )
        edits = [edit for cell in some for edit in restoring(of.scene, cell, of.wild)]
        self.base: World = edited(of.corrupted, edits, of.scene.subject.bases)


def restoring(scene: Scene, cell: Cell, wild: World) -> Iterator[Edit]:
    """What restores a cell."""
    for what in cell.row.whats:
        yield scene.restored(Place(what, cell.column.at), wild)


class OutOfBudget(Exception):
    """More sets would have to be evaluated than were allowed."""


@dataclass(eq=False)
class Reverter:
    """Sets of cells on the examples of a subject; `budget` is the most that are evaluated."""

    subject: Subject
    made: Corruption
    cells: Sequence[Cell]
    budget: int
    told: Progress
    spent: int = 0
    known: dict[Numbers, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.wild, self.corrupted = (
            self.subject.averaged(np.concatenate(values))
            for values in zip(*self._ends(), strict=True)
        )
        self.known[()] = 0.0
        self.told.start("search", self.budget)

    def _ends(self) -> Iterator[tuple[Floats, Floats]]:
        for carrying in self._carryings():
            yield carrying.scene.score(carrying.wild), carrying.scene.score(carrying.corrupted)

    def _carryings(self) -> Iterator[Carrying]:
        for scene in self.subject.scenes():
            yield Carrying(scene, self.made, Direction.RESTORE)

    def share(self, values: Floats) -> Floats:
        """The repaired share of each set's values [..., example], as a ratio of means."""
        gap = float(self.wild.mean() - self.corrupted.mean())
        found: Floats = (values.mean(-1) - self.corrupted.mean()) / gap
        return found

    def values(self, sets: Sequence[Numbers]) -> Floats:
        """The metric with each set restored, [set, example]."""
        found = [
            [
                carrying.scene.score(Restoring(carrying, self._some(numbers)).base)
                for numbers in sets
            ]
            for carrying in self._carryings()
        ]
        return self.subject.averaged(np.concatenate([np.stack(rows) for rows in found], axis=1))

    def _some(self, numbers: Numbers) -> list[Cell]:
        return [self.cells[i] for i in numbers]

    def extended(self, numbers: Numbers) -> dict[int, float]:
        """The share of this set and one cell more, for each cell that is not in it.

        Raises `OutOfBudget` before anything is run.
        """
        rest = [i for i in range(len(self.cells)) if i not in numbers]
        new = [i for i in rest if _with(numbers, i) not in self.known]
        self._spend(len(new))
        if new:
            values = [self._scene(carrying, numbers, new) for carrying in self._carryings()]
            shares = self.share(self.subject.averaged(np.concatenate(values, axis=1)))
            self.known |= {_with(numbers, i): s for i, s in zip(new, shares.tolist(), strict=True)}
        return {i: self.known[_with(numbers, i)] for i in rest}

    def _spend(self, sets: int) -> None:
        if self.spent + sets > self.budget:
            raise OutOfBudget
        self.spent += sets
        self.told.advance(sets)

    def _scene(self, carrying: Carrying, numbers: Numbers, new: Sequence[int]) -> Floats:
        """The metric of each extension, [extension, item]."""
        here = Restoring(carrying, self._some(numbers))
        found = np.tile(here.score, (len(new), 1))
        for batch in self._batches(carrying.scene, [(k, self.cells[i]) for k, i in enumerate(new)]):
            carried = here.row(batch[0][1].row)
            differ = [(k, cell.column) for k, cell in batch if carried.differs(cell.column)]
            if differ:
                places, columns = [k for k, _ in differ], [column for _, column in differ]
                found[places] = scored(carrying.scene, carried.total(columns), len(columns))
        return found

    def _batches(
        self, scene: Scene, some: Iterable[tuple[int, Cell]]
    ) -> Iterator[Sequence[tuple[int, Cell]]]:
        """Cells of one row with equally many positions, as many as there is room for."""

        def alike(entry: tuple[int, Cell]) -> tuple[str, str, int]:
            at = scene.at(entry[1].column.at)
            return entry[1].row.kind, entry[1].row.name, 0 if at is None else at.shape[1]

        room = TOKENS_AT_ONCE * (1 if self.subject.model.device.type == "cpu" else ON_A_GPU)
        most = max(1, room // (len(scene.rows) * sum(self.subject.inputs.longest.values())))
        for (_, _, size), entries in groupby(sorted(some, key=alike), key=alike):
            together = list(entries)
            step = most if size else 1
            for first in range(0, len(together), step):
                yield together[first : first + step]

    def greedy(self, stop: float) -> tuple[list[Move], bool]:
        """Each step the cell with the largest share, the first of equals; whether it got there."""
        moves = list[Move]()
        numbers: Numbers = ()
        try:
            while self.known[numbers] < stop and len(numbers) < len(self.cells):
                shares = self.extended(numbers)
                best = max(shares, key=lambda i: shares[i])
                numbers = _with(numbers, best)
                moves.append(Move(best, restored=True, cells=numbers))
        except OutOfBudget:
            pass
        return moves, self.known[numbers] >= stop

    def best_first(self, stop: float, frontier: int) -> tuple[list[Move], bool]:
        """The best set not extended yet is extended; of those that wait `frontier` are kept.

        Of sets that repair equally much the smaller comes first.
        """
        waiting: list[tuple[float, int, Numbers]] = [(0.0, 0, ())]
        came: dict[Numbers, Numbers] = {}  # which set, in order of restoring, leads there
        best: Numbers = ()
        try:
            while waiting and self.known[best] < stop:
                _, _, numbers = heapq.heappop(waiting)
                for i, share in self.extended(numbers).items():
                    longer = _with(numbers, i)
                    if longer in came:
                        continue
                    came[longer] = (*came.get(numbers, ()), i)
                    waiting.append((-share, len(longer), longer))
                    if share > self.known[best]:
                        best = longer
                waiting = heapq.nsmallest(frontier, waiting)
                heapq.heapify(waiting)
        except OutOfBudget:
            pass
        order = came.get(best, ())
        moves = [
            Move(i, restored=True, cells=tuple(sorted(order[: k + 1]))) for k, i in enumerate(order)
        ]
        return moves, self.known[best] >= stop

    def spared(self, numbers: Numbers, order: Sequence[int], stop: float) -> list[Move]:
        """Cells that are not needed for the share, given up one after another in this order."""
        moves = []
        try:
            for i in order:
                fewer = tuple(n for n in numbers if n != i)
                if fewer not in self.known:
                    self._spend(1)
                    self.known[fewer] = float(self.share(self.values([fewer]))[0])
                if self.known[fewer] >= stop:
                    numbers = fewer
                    moves.append(Move(i, restored=False, cells=numbers))
        except OutOfBudget:
            pass
        return moves


def _with(numbers: Numbers, one: int) -> Numbers:
    """
    >>> _with((1, 4), 3)
    (1, 3, 4)
    """
    return tuple(sorted((*numbers, one)))
