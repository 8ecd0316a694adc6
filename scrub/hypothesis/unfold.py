"""The tree of occurrences: a hypothesis unfolded from the sink, with every draw made a variable.

Sampling, compiler and reference all read this tree and nothing else, so they cannot disagree on
what is drawn. An *occurrence* is a node visited under one reference; a *draw* is a variable over
rows of the data set: variable 0 is the reference itself, every other is a function of an earlier
one. Occurrences that draw nothing of their own are shared: the graph of all edges of a 12 × 12
model has 10^17 paths and 158 of them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from scrub.data.features import EXACT
from scrub.hypothesis.claim import Claim, Edge
from scrub.hypothesis.counting import quiet_nodes
from scrub.hypothesis.options import Nodes, Partner, Replacement, Unimportant
from scrub.hypothesis.pathsets import path_sets, step


class DrawKind(enum.Enum):
    """What a variable stands for."""

    REFERENCE = "reference"  # the example that is scored
    DONOR = "donor"  # stands in for a reference that agrees on the node's feature
    FRAME = "frame"  # supplies a node's unimportant inputs
    FEEDER = "feeder"  # supplies one unimportant input (`separately`)
    PARTNER = "partner"  # the row that a column names


@dataclass(frozen=True)
class Draw:
    """One variable over rows: how it is drawn, given the variable `of`.

    `path` keys the random numbers: components, positions, subspaces and ports from the root down.
    `within_length` restricts it to rows of the same length, where values move by index.
    """

    kind: DrawKind
    path: str
    node: str
    of: int
    within_length: bool = False
    feeder: str = ""


@dataclass(frozen=True)
class Input:
    """A scrubbed value that arrives at ports of an occurrence."""

    occurrence: int
    edge: Edge


@dataclass(frozen=True)
class Occurrence:
    """A node visited under a reference: a leaf is looked up, any other is evaluated.

    All fields but `node`, `inputs` and `path` are indices of draws; `feeders` holds the draw of
    each unimportant feeding component where these are drawn separately.
    """

    node: str
    path: str
    reference: int
    frame: int
    inputs: tuple[Input, ...] = ()
    feeders: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Tree:
    """Occurrences in an order of evaluation, the sink's last, and the draws that they read."""

    claim: Claim
    draws: tuple[Draw, ...]
    occurrences: tuple[Occurrence, ...]

    @property
    def root(self) -> Occurrence:
        return self.occurrences[-1]

    @property
    def n_inner(self) -> int:
        return sum(not self.claim.is_leaf(o.node) for o in self.occurrences)


def unfold(claim: Claim) -> Tree:
    """The tree of occurrences of a claim (its size has been checked by the rules)."""
    unfolder = _Unfolder(claim)
    unfolder.visit_root()
    return Tree(claim, tuple(unfolder.draws), tuple(unfolder.occurrences))


class _Unfolder:
    """Depth-first from the sink; memory of what can be shared."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.draws = [Draw(DrawKind.REFERENCE, "", claim.sink, 0)]
        self.occurrences: list[Occurrence] = []
        self._known_draws: dict[Draw, int] = {}
        self._known: dict[tuple[str, int], int] = {}
        self._quiet = quiet_nodes(claim)
        self._joint = claim.options.nodes is Nodes.JOINT
        self._keys = path_sets(claim) if self._joint else {}

    def visit_root(self) -> None:
        sink = self.claim.sink
        path = self.claim.nodes[sink].label
        self._visit(sink, self._donor(sink, path, 0), path)

    def _visit(self, name: str, reference: int, path: str) -> int:
        """The index of the occurrence of a node under a reference."""
        shared = self._joint or name in self._quiet
        if shared and (name, reference) in self._known:
            return self._known[name, reference]
        frame = self._frame(name, path, reference)
        inputs = tuple(self._input(edge, path, reference) for edge in self.claim.parents[name])
        feeders = self._feeders(name, path, reference)
        self.occurrences.append(Occurrence(name, path, reference, frame, inputs, feeders))
        index = len(self.occurrences) - 1
        if shared:
            self._known[name, reference] = index
        return index

    def _input(self, edge: Edge, path: str, reference: int) -> Input:
        deeper = f"{path}/{step(self.claim, edge)}"
        donor = self._donor(edge.parent, deeper, reference)
        return Input(self._visit(edge.parent, donor, deeper), edge)

    def _donor(self, name: str, path: str, reference: int) -> int:
        if self.claim.nodes[name].feature is EXACT:
            return reference
        within = self.claim.by_length(name) and name != self.claim.sink
        return self._draw(DrawKind.DONOR, path, name, reference, within)

    def _frame(self, name: str, path: str, reference: int) -> int:
        """The example whose activations fill in what the hypothesis calls unimportant."""
        options = self.claim.options
        if not self.claim.calls_some_unimportant[name]:
            return reference
        if not isinstance(options.replacement, Replacement):
            return reference
        if options.replacement is not Replacement.RESAMPLE:
            return reference
        if isinstance(options.unimportant, Partner):
            return self._draw(DrawKind.PARTNER, "", name, reference)
        within = frame_within_length(self.claim, name)
        match options.unimportant:
            case Unimportant.KEPT:
                return reference
            case Unimportant.ONE:
                sink = self.claim.sink
                return self._draw(DrawKind.FRAME, self.claim.nodes[sink].label, sink, 0)
            case _:
                return self._draw(DrawKind.FRAME, path, name, reference, within)

    def _feeders(self, name: str, path: str, reference: int) -> dict[str, int]:
        options = self.claim.options
        if (
            options.unimportant is not Unimportant.SEPARATELY
            or options.replacement is not Replacement.RESAMPLE
            or not self.claim.calls_some_unimportant[name]
        ):
            return {}
        parts = self.claim.nodes[name].parts
        names = {
            feeder
            for part in parts
            for port in self.claim.graph[part.component].ports
            for feeder in port.feeders
        }
        ordered = sorted(names, key=lambda feeder: self.claim.graph.order[feeder])
        within = frame_within_length(self.claim, name)
        return {
            feeder: self._draw(DrawKind.FEEDER, path, name, reference, within, feeder)
            for feeder in ordered
        }

    def _draw(
        self,
        kind: DrawKind,
        path: str,
        name: str,
        of: int,
        within: bool = False,
        feeder: str = "",
    ) -> int:
        key = self._keys[name] if self._joint and path else path
        draw = Draw(kind, key, name if path else "", of, within, feeder)
        if draw not in self._known_draws:
            self._known_draws[draw] = len(self.draws)
            self.draws.append(draw)
        return self._known_draws[draw]


def frame_within_length(claim: Claim, name: str) -> bool:
    """A frame keeps its reference's length where values cross into or out of it by index."""
    return claim.by_length(name) or any(claim.by_length(e.parent) for e in claim.parents[name])
