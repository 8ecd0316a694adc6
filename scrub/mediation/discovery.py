"""Automatic circuit search: edges or components taken away one after another, or the first n of a
ranking by attribution. What is found is scored on examples that the search has not seen.

Source of the pruning: Conmy et al. 2023 ("Towards automated circuit discovery", ACDC), 3: from the
output back, an edge whose removal worsens the circuit by less than a threshold is left out.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from scrub.engine.metrics import Floats
from scrub.engine.progress import Progress
from scrub.graph import ModelGraph
from scrub.graph.circuits import Edge, all_edges
from scrub.mediation.circuits import Keeping, Writers
from scrub.mediation.corruption import Corruption
from scrub.mediation.evaluator import Evaluator
from scrub.mediation.scene import Scene
from scrub.mediation.subject import Subject


class Unit(enum.Enum):
    """What is taken away at a time."""

    EDGES = "edges"
    COMPONENTS = "components"  # all edges into and out of one


class Criterion(enum.Enum):
    """What taking something away must not worsen."""

    KL = "kl"  # the mean divergence from the model's own output may not rise (ACDC's)
    METRIC = "metric"  # the mean of the task's metric may not move, either way


@dataclass(frozen=True)
class Step:
    """Something that was tried: what was taken away, what that changed, and whether it stayed."""

    taken: str
    change: float
    kept: bool


@dataclass(frozen=True, eq=False)
class Pruned:
    """What is left, in order of evaluation, and every step that led there."""

    edges: tuple[Edge, ...]
    steps: tuple[Step, ...]


@dataclass(eq=False)
class Pruner:
    """The search on some examples. All of these stay in memory, in both worlds."""

    subject: Subject
    made: Corruption
    criterion: Criterion
    threshold: float

    def __post_init__(self) -> None:
        self.writers = Writers(self.subject.model.graph)
        self.scenes = [(s, self._evaluator(s)) for s in self.subject.scenes()]
        self.keeping = Keeping.of(all_edges(self.subject.model.graph), self.writers)

    def _evaluator(self, scene: Scene) -> Evaluator:
        return Evaluator(scene.wild, scene.changed(self.made.changes), self.writers)

    def run(self, unit: Unit, told: Progress) -> Pruned:
        """From the output back to the sources; within a port the later feeders first."""
        tried = list(self._candidates(unit))
        told.start("prune", len(tried))
        best = self._score(0)
        steps = []
        for name, edges in tried:
            told.advance(1)
            alive = [edge for edge in edges if self._weight(edge) > 0]
            if not alive:
                continue
            start = min(self.writers.place[edge.reader][0] for edge in alive)
            self._set(alive, 0.0)
            score = self._score(start)
            change = score - best
            worse = change if self.criterion is Criterion.KL else abs(change)
            if worse < self.threshold:
                best = score
            else:
                self._set(alive, 1.0)
            steps.append(Step(name, change, worse >= self.threshold))
        return Pruned(connected(self._left(), self.subject.model.graph), tuple(steps))

    def _candidates(self, unit: Unit) -> Iterator[tuple[str, Sequence[Edge]]]:
        """What is tried in turn. Of the groups before it, everything is still kept."""
        edges = all_edges(self.subject.model.graph)[::-1]
        if unit is Unit.EDGES:
            yield from ((str(edge), [edge]) for edge in edges)
            return
        for component in reversed(self.subject.model.graph.components):
            if component.ports and component.name != self.subject.model.graph.output:
                own = [e for e in edges if component.name in (e.feeder, e.reader)]
                yield component.name, own

    def _score(self, start: int) -> float:
        """The criterion's mean over the examples; groups before `start` are as in the model."""
        found: list[Floats] = []
        for scene, evaluator in self.scenes:
            at = scene.at(self.subject.task.positions)
            output = evaluator.output(self.keeping, at, start)
            scorer = self.subject.scorer
            if self.criterion is Criterion.KL:
                found.append(scorer.named("kl", output, scene.own, scene.rows))
            else:
                found.append(scorer(output, scene.own, scene.rows))
        return float(np.concatenate(found).mean())

    def _place(self, edge: Edge) -> tuple[int, int, int, int]:
        group, member = self.writers.place[edge.reader]
        port = self.writers.graph[edge.reader].port_names.index(edge.port)
        return group, member, port, self.writers.number[edge.feeder]

    def _weight(self, edge: Edge) -> float:
        group, *where = self._place(edge)
        return float(self.keeping.groups[group][tuple(where)])

    def _set(self, edges: Sequence[Edge], weight: float) -> None:
        for edge in edges:
            group, *where = self._place(edge)
            self.keeping.groups[group][tuple(where)] = weight

    def _left(self) -> list[Edge]:
        return [e for e in all_edges(self.subject.model.graph) if self._weight(e) > 0]


def connected(edges: Sequence[Edge], graph: ModelGraph) -> tuple[Edge, ...]:
    """The edges, in order of evaluation, that lie on a path from a source to the output.

    What does not reach the output changes nothing, and what no source reaches carries nothing.

    >>> from scrub.graph import Component, Port
    >>> x = Component("x")
    >>> y, z = (Component(n, ports=(Port("in", f"{n}.in", ("x",)),)) for n in "yz")
    >>> out = Component("out", ports=(Port("in", "out.in", ("y", "z")),))
    >>> graph = ModelGraph("toy", (x, y, z, out), "out")
    >>> dead_end, *whole = [Edge("x", "y", "in"), Edge("x", "z", "in"), Edge("z", "out", "in")]
    >>> connected([dead_end, *whole], graph) == tuple(whole)
    True
    """
    fed = {component.name for component in graph.components if not component.ports}
    alive = []
    for edge in edges:  # feeders come before their readers
        if edge.feeder in fed:
            fed.add(edge.reader)
            alive.append(edge)
    useful = {graph.output}
    for edge in reversed(alive):
        if edge.reader in useful:
            useful.add(edge.feeder)
    return tuple(edge for edge in alive if edge.reader in useful)
