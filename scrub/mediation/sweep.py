"""Every cell carried from one world into another, as many at a time as there is room for.

Cells that edit the same components at other positions run as one batch. What lies upstream of a
cell is never evaluated, and a cell that is the same in both worlds costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from scrub.engine.metrics import Floats
from scrub.engine.progress import Progress
from scrub.engine.worlds import World
from scrub.mediation.carrying import Carrying, Direction
from scrub.mediation.cells import Cell, Row
from scrub.mediation.columns import Column
from scrub.mediation.corruption import Corruption
from scrub.mediation.journal import Journal
from scrub.mediation.measuring import unchanged
from scrub.mediation.scene import Scene
from scrub.mediation.subject import TOKENS_AT_ONCE, Subject

WILD, CORRUPTED = "wild", "corrupted"  # entries of the journal that are no cells
ON_A_GPU = 16  # times as many positions at once


@dataclass(frozen=True, eq=False)
class Swept:
    """The metric of every item [item], and of every cell [cell, item].

    `total` is the metric with the cell carried over; `direct` with its difference added to the
    final stream alone. `unchanged` is the share of items that the corruption left as they were,
    None where nothing is drawn from the data. `evaluated` counts cells (once for each scene) that
    had to be run, `same` those that were equal in both worlds, `known` those that the journal held;
    `passes` is at most what was spent, in forward passes over all items.
    """

    wild: Floats
    corrupted: Floats
    total: Floats
    direct: Floats
    unchanged: float | None
    evaluated: int
    same: int
    known: int
    passes: float


@dataclass(eq=False)
class Sweep:
    """Cells of a subject under a corruption; `stack` is the most cells in one batch."""

    subject: Subject
    corruption: Corruption
    cells: Sequence[Cell]
    direction: Direction = Direction.RESTORE
    stack: int | None = None
    evaluated: int = field(init=False, default=0)
    same: int = field(init=False, default=0)
    known: int = field(init=False, default=0)
    passes: float = field(init=False, default=0.0)

    def run(self, journal: Journal, progress: Progress) -> Swept:
        """All cells on all items; what the journal holds is not measured again."""
        progress.start("tracing", self.subject.items * len(self.cells))
        pieces, told, first = [], list[NDArray[np.bool_]](), 0
        for scene in self.subject.scenes():
            same = unchanged(scene, self.corruption.changes)
            told += [] if same is None else [same]
            pieces.append(self._scene(scene, first, journal, progress))
            first += len(scene.rows)
        values = np.concatenate(pieces, axis=-1)  # [2, wild or corrupted or cell, item]
        return Swept(
            wild=values[0, 0],
            corrupted=values[0, 1],
            total=values[0, 2:],
            direct=values[1, 2:],
            unchanged=float(np.concatenate(told).mean()) if told else None,
            evaluated=self.evaluated,
            same=self.same,
            known=self.known,
            passes=self.passes,
        )

    def _scene(self, scene: Scene, first: int, journal: Journal, progress: Progress) -> Floats:
        """One scene's values, [2, wild or corrupted or cell, item]."""
        items = len(scene.rows)
        found = journal.read(first, items)
        left = [cell for cell in self.cells if cell.key not in found]
        self.known += len(self.cells) - len(left)
        progress.advance(items * (len(self.cells) - len(left)))
        if left or WILD not in found or CORRUPTED not in found:
            carrying = Carrying(scene, self.corruption, self.direction)
            self.passes += 3 * items / self.subject.items
            for name, world in ((WILD, carrying.wild), (CORRUPTED, carrying.corrupted)):
                found[name] = np.tile(scene.score(world), (2, 1))
            journal.write(first, [(name, found[name]) for name in (WILD, CORRUPTED)])
            for row, some in self._batches(scene, left):
                values = self._batch(carrying, row, [cell.column for cell in some])
                entries = [(cell.key, values[:, i]) for i, cell in enumerate(some)]
                journal.write(first, entries)
                found.update(entries)
                progress.advance(items * len(some))
        names = [WILD, CORRUPTED, *(cell.key for cell in self.cells)]
        return np.stack([found[name] for name in names], axis=1)

    def _batches(self, scene: Scene, left: Iterable[Cell]) -> Iterator[tuple[Row, Sequence[Cell]]]:
        """Cells of one row with equally many positions, some at a time; late layers last."""
        layout, most = self.subject.layout, self._most(scene)

        def start(cell: Cell) -> int:
            return min(layout.start(what) for what in cell.row.whats)

        def many(cell: Cell) -> int:
            at = scene.at(cell.column.at)
            return 0 if at is None else at.shape[1]

        for row, alike in groupby(sorted(left, key=start), key=lambda cell: cell.row):
            for size, some in groupby(sorted(alike, key=many), key=many):
                together = list(some)
                step = most if size else 1
                for i in range(0, len(together), step):
                    yield row, together[i : i + step]

    def _most(self, scene: Scene) -> int:
        """How many cells are run as one batch."""
        if self.stack is not None:
            return self.stack
        room = TOKENS_AT_ONCE * (1 if self.subject.model.device.type == "cpu" else ON_A_GPU)
        return max(1, room // (len(scene.rows) * sum(self.subject.inputs.longest.values())))

    def _batch(self, carrying: Carrying, row: Row, columns: Sequence[Column]) -> Floats:
        """The metric with each cell carried over, and with its direct effect alone:
        [2, cell, item]."""
        scene = carrying.scene
        values = np.tile(carrying.score, (2, len(columns), 1))
        carried = carrying.row(row)
        differ = [i for i, column in enumerate(columns) if carried.differs(column)]
        self.same += len(columns) - len(differ)
        if not differ:
            return values
        some = [columns[i] for i in differ]
        self.evaluated += len(some)
        share = len(scene.rows) / self.subject.items
        self.passes += len(some) * share * carried.cost
        values[0, differ] = scored(scene, carried.total(some), len(some))
        seen = [i for i in differ if carried.reaches(columns[i])]
        if seen:
            some = [columns[i] for i in seen]
            values[1, seen] = scored(scene, carried.direct(some), len(some))
        return values


def scored(scene: Scene, world: World, times: int) -> Floats:
    """The task's metric in a world that holds a scene's rows so many times, [time, item]."""
    subject = scene.subject
    at = scene.at(subject.task.positions)
    output = world.output(None if at is None else at.repeat(times, 1))
    own = scene.own.repeat(times, 1, 1) if subject.task.metric == "kl" else None
    found = subject.scorer(output, own, np.tile(scene.rows, times))
    return found.reshape(times, len(scene.rows))
