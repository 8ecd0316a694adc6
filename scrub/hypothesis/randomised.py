"""Hypotheses drawn at random in the shape of another: the same graph over other components.

Positions, features and edges stay; components are drawn one node after another, from the sink up
the graph, each uniformly from those that feed what the node is read by. What the rules then refuse
is drawn again. So every well-formed hypothesis of the shape can come out, though not all are
equally likely: where a first choice leaves few others, these come out more often.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from scrub.graph import Part
from scrub.hypothesis.claim import Claim, Edge, Node


class Kind(enum.Enum):
    """How null hypotheses are drawn."""

    RANDOM = "random"  # any components
    PROFILE = "profile"  # components of the same kind and layer
    PERMUTED = "permuted"  # the hypothesis' own components, permuted among its nodes
    LABELS = "labels"  # the same graph, the features of the examples permuted


def drawn(claim: Claim, kind: Kind, rng: np.random.Generator) -> Claim | None:
    """One hypothesis of this kind; None where the draw came to a dead end. It may break rules.

    >>> from scrub.hypothesis.loading import load_hypothesis
    >>> from scrub.study.check import check
    >>> naive = check(load_hypothesis("induction_naive"))
    >>> rng = np.random.default_rng(0)
    >>> sorted({str(drawn(naive, Kind.RANDOM, rng).nodes["induction"].parts[0]) for _ in range(99)})
    ['a0.h0', 'a1.h0', 'embed', 'm0', 'm1']
    """
    if kind is Kind.LABELS:
        from scrub.hypothesis.relabelled import relabelled

        return relabelled(claim, rng)
    return _Assignment(claim, kind, rng).run()


@dataclass(frozen=True)
class _Assignment:
    """Components for all nodes but the sink."""

    claim: Claim
    kind: Kind
    rng: np.random.Generator

    def run(self) -> Claim | None:
        claim = self.claim
        nodes, edges = {claim.sink: claim.nodes[claim.sink]}, {}
        for edge in claim.edges:
            if edge.child == claim.sink:
                edges[edge] = edge
        pool = [claim.nodes[n].parts for n in claim.topological if n != claim.sink]
        for name in reversed(claim.topological[:-1]):
            parts = self._parts(name, nodes, edges, pool)
            if parts is None:
                return None
            nodes[name] = replace(claim.nodes[name], parts=parts)
            edges |= {e: self._through(e, nodes[name]) for e in claim.parents[name]}
        return replace(
            claim,
            nodes={name: nodes[name] for name in claim.nodes},
            edges=tuple(edges[edge] for edge in claim.edges),
        )

    def _parts(
        self,
        name: str,
        nodes: dict[str, Node],
        edges: dict[Edge, Edge],
        pool: list[tuple[Part, ...]],
    ) -> tuple[Part, ...] | None:
        """What the node comes to stand for; None where nothing fits."""
        readers = [(e, edges[e]) for e in self.claim.edges if e.parent == name]
        taken = {p for e, new in readers for p in self._taken(e, new, nodes, edges)}
        if self.kind is Kind.PERMUTED:
            fit = [p for p in pool if all(self._fits(name, q, readers, nodes, taken) for q in p)]
            if not fit:
                return None
            chosen = fit[int(self.rng.integers(len(fit)))]
            pool.remove(chosen)
            return chosen
        found: list[Part] = []
        for part in self.claim.nodes[name].parts:
            fitting = [
                other
                for other in self._alternatives(part)
                if other not in found and self._fits(name, other, readers, nodes, taken)
            ]
            if not fitting:
                return None
            found.append(fitting[int(self.rng.integers(len(fitting)))])
        order = self.claim.graph.order
        return tuple(sorted(found, key=lambda part: (order[part.component], part.place)))

    def _fits(
        self,
        name: str,
        part: Part,
        readers: Sequence[tuple[Edge, Edge]],
        nodes: dict[str, Node],
        taken: set[Part],
    ) -> bool:
        claim = self.claim
        if part in taken or (claim.parents[name] and not claim.graph[part.component].ports):
            return False
        return all(
            any(
                claim.part_feeds(part, reader, port)
                for reader in nodes[old.child].parts
                for port in new.ports
            )
            for old, new in readers
        )

    def _taken(
        self, old: Edge, new: Edge, nodes: dict[str, Node], edges: dict[Edge, Edge]
    ) -> list[Part]:
        """What stands there already: what enters a port is explained once."""
        where = self.claim.nodes[old.parent].positions
        return [
            part
            for other in self.claim.parents[old.child]
            if other.parent in nodes
            and nodes[other.parent].positions == where
            and set(edges[other].ports) & set(new.ports)
            for part in nodes[other.parent].parts
        ]

    def _alternatives(self, part: Part) -> Sequence[Part]:
        """All that a part may be replaced by, in the order of evaluation; itself is among them."""
        graph, own = self.claim.graph, self.claim.graph[part.component]
        found = []
        for other in graph.components:
            if other.name == graph.output or other.space != own.space:
                continue
            if self.kind is Kind.PROFILE and profile(self.claim, other.name) != profile(
                self.claim, own.name
            ):
                continue
            if (some := self._share(part, other.name)) is not None:
                found.append(some)
        return found

    def _share(self, part: Part, name: str) -> Part | None:
        """As much of another component: as many neurons or experts, or the same subspace."""
        graph = self.claim.graph
        other, own = graph[name], graph[part.component]
        if part.subspace is not None:
            return replace(part, component=name) if other.width == own.width else None
        if part.neurons is not None:
            some = self._span(part.neurons, other.neurons)
            return some and Part(name, neurons=some)
        if part.experts is not None:
            some = self._span(part.experts, other.experts)
            return some and Part(name, experts=some)
        return Part(name)

    def _span(self, own: tuple[int, int], there: int) -> tuple[int, int] | None:
        """As many neighbours among those that there are, at a random place."""
        size = own[1] - own[0] + 1
        if there < size:
            return None
        start = int(self.rng.integers(there - size + 1))
        return start, start + size - 1

    def _through(self, edge: Edge, child: Node) -> Edge:
        """The edge's own ports, where the child has them; else all that it has."""
        graph = self.claim.graph
        there = [graph[part.component].port_names for part in child.parts]
        if all(set(edge.ports) <= set(ports) for ports in there):
            return edge
        return replace(edge, ports=tuple(dict.fromkeys(port for ports in there for port in ports)))


def profile(claim: Claim, name: str) -> tuple[object, ...]:
    """The kind and layer of a component: what has the same ports, fed by the same components."""
    component = claim.graph[name]
    ports = tuple((port.name, port.feeders, port.reach) for port in component.ports)
    return component.space, ports, component.neurons > 0, component.experts > 0
