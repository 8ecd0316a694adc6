"""Our own answers to all questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from benchmarks.rivals.case import Case, circuits, edges, head_circuit, heads, some_edges
from benchmarks.rivals.contest import Contestant
from benchmarks.rivals.integrated import STEPS
from scrub.engine.flow import edited
from scrub.engine.worlds import Edit, Input, World
from scrub.graph import Part
from scrub.graph.circuits import Edge, parse_edge
from scrub.mediation.attribution import EdgeIndex, Method, Rule, edge_estimates
from scrub.mediation.circuits import Keeping, Writers
from scrub.mediation.evaluator import Evaluator
from scrub.mediation.pairs import Pair
from scrub.mediation.turns import turns_of
from scrub.models.adapter import TransformersModel
from scrub.models.base import Batch

HEADS = heads()
EDGES = [parse_edge(edge) for edge in some_edges()]
CIRCUITS = [[parse_edge(edge) for edge in sorted(kept)] for kept in circuits().values()]
ABLATED = sorted(set(HEADS) - head_circuit())


class Ours(Contestant):
    """The model, and the worlds on the clean and on the corrupted inputs."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.model = TransformersModel(case.module)
        self.last = torch.full((len(case.clean), 1), case.clean.shape[1] - 1)

    def record(self) -> None:
        self.wild, self.corrupted = self.world(self.case.clean), self.world(self.case.corrupted)

    def world(self, tokens: torch.Tensor) -> World:
        """A plain run over tokens [row, pos]."""
        return World.plain(self.model, Batch.of_tokens(tokens))

    def score(self, world: World) -> torch.Tensor:
        """The metric [batch], for which the output is computed at the last position only."""
        return self.case.metric(world.output(self.last))


class HeadSweep(Ours):
    """An edited world for each cell: what lies downstream of the head, and nothing else."""

    def run(self, units: Sequence[int]) -> torch.Tensor:
        return torch.stack([self._cell(HEADS[unit]) for unit in units])

    def _cell(self, head: str) -> torch.Tensor:
        other = self.corrupted.shares[head]
        return self.score(edited(self.wild, [Edit(Part(head), lambda own: other)]))


class OneEdge(Ours):
    """A world in which a port's input is edited."""

    def run(self, units: Sequence[int]) -> torch.Tensor:
        return torch.stack([self._edge(EDGES[unit]) for unit in units])

    def _edge(self, edge: Edge) -> torch.Tensor:
        change = self.corrupted.shares[edge.feeder] - self.wild.shares[edge.feeder]
        edit = Edit(Input(edge.reader, edge.port), lambda own: own + change)
        return self.score(edited(self.wild, [edit]))


class EdgeCircuit(Ours):
    """Which edges a circuit keeps is read beforehand, as the masks of the rivals are; what an
    evaluation does is worked out in the time."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.writers = Writers(self.model.graph)
        self.kept = [Keeping.of(kept, self.writers) for kept in CIRCUITS]

    def record(self) -> None:
        super().record()
        self.evaluator = Evaluator(self.wild, self.corrupted, self.writers)

    def run(self, units: Sequence[int]) -> torch.Tensor:
        turns = [turns_of(self.kept[unit], self.writers) for unit in units]
        outputs = [self.evaluator.follow(some, self.last) for some in turns]
        return torch.stack([self.case.metric(output) for output in outputs])


class Attribution(Ours):
    """Gradients at every port, times what every writer differs by."""

    method, rule = Method.EAP, Rule.LEFT

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.writers = Writers(self.model.graph)
        self.index = EdgeIndex(self.writers)
        number = {str(edge): i for i, edge in enumerate(self.index.edges)}
        self.order = [number[edge] for edge in edges()]

    def run(self, units: Sequence[int]) -> torch.Tensor:
        pair = Pair(self.wild, self.corrupted, self.writers, self.case.metric, self.last)
        found = edge_estimates(pair, self.index, self.method, STEPS, self.rule)
        return torch.from_numpy(found.mean(axis=0)[None, self.order])


class Integrated(Attribution):
    method = Method.EAP_IG_INPUTS


class Faithfulness(Ours):
    """The ablated heads are edited all at once."""

    def record(self) -> None:
        super().record()
        means = self.world(self.case.others).shares
        rows = len(self.case.clean)
        self.given: Sequence[Mapping[str, torch.Tensor]] = [
            {head: self.corrupted.shares[head] for head in ABLATED},
            {head: means[head].mean(0).expand(rows, -1, -1) for head in ABLATED},
        ]

    def run(self, units: Sequence[int]) -> torch.Tensor:
        return torch.stack([self._ablated(self.given[unit]) for unit in units])

    def _ablated(self, given: Mapping[str, torch.Tensor]) -> torch.Tensor:
        edits = [Edit(Part(head), lambda own, head=head: given[head]) for head in ABLATED]
        return self.score(edited(self.wild, edits))
