"""Random circuits of a model graph: made of random walks from a source to the output.

A walk starts at a source and goes on to any reader, each port of each reader alike, until it is at
the output (Shi et al. 2024, appendix). Every edge of such a circuit is on a path that could carry
something, which edges drawn one by one seldom are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np

from scrub.graph import ModelGraph
from scrub.graph.circuits import Edge, all_edges

Circuit = frozenset[Edge]
_TRIES = 200  # walks that bring nothing new, before one is led through an edge that is missing


class Walks:
    """Random walks over a model graph, or over what some edges leave of it.

    >>> from scrub.graph import Component, Port
    >>> graph = ModelGraph(
    ...     "toy",
    ...     (Component("x"), Component("y", (Port("in", "s", ("x",)),)),
    ...      Component("z", (Port("in", "t", ("x", "y")),))),
    ...     output="z",
    ... )
    >>> rng = np.random.default_rng(0)
    >>> walks = Walks(graph)
    >>> sorted(map(str, walks.circuit(2, rng))), len(walks.edges)
    (['x->y', 'x->z', 'y->z'], 3)
    """

    def __init__(self, graph: ModelGraph, besides: Iterable[Edge] = ()) -> None:
        self.graph, taken = graph, frozenset(besides)
        out: dict[str, list[Edge]] = {c.name: [] for c in graph.components}
        into: dict[str, list[Edge]] = {c.name: [] for c in graph.components}
        for edge in (edge for edge in all_edges(graph) if edge not in taken):
            out[edge.feeder].append(edge)
            into[edge.reader].append(edge)
        sources = {c.name for c in graph.components if not c.ports}
        leads, fed = _reached([graph.output], into), _reached(sources, out)
        self.out: Mapping[str, Sequence[Edge]] = {
            name: [e for e in edges if e.reader in leads] for name, edges in out.items()
        }
        self.into: Mapping[str, Sequence[Edge]] = {
            name: [e for e in edges if e.feeder in fed] for name, edges in into.items()
        }
        self.sources = sorted(sources & leads, key=graph.order.__getitem__)

    @cached_property
    def edges(self) -> Circuit:
        """Every edge that a walk can take."""
        there = {e for edges in self.out.values() for e in edges}
        return frozenset(there & {e for edges in self.into.values() for e in edges})

    def pruned(self, circuit: Iterable[Edge]) -> Circuit:
        """The edges of a circuit that are on one of its paths from a source to the output.

        No other edge carries anything, or is read: circuits that are pruned alike do alike.
        """
        out: dict[str, list[Edge]] = {name: [] for name in self.out}
        into: dict[str, list[Edge]] = {name: [] for name in self.out}
        for edge in circuit:
            out[edge.feeder].append(edge)
            into[edge.reader].append(edge)
        fed, leads = _reached(self.sources, out), _reached([self.graph.output], into)
        return frozenset(e for e in circuit if e.feeder in fed and e.reader in leads)

    def walk(self, rng: np.random.Generator) -> list[Edge]:
        """The edges of one walk, from a source on."""
        return self._onwards(self.sources[int(rng.integers(len(self.sources)))], rng)

    def circuit(self, size: int, rng: np.random.Generator) -> Circuit:
        """Walks until there are `size` edges: the last may bring some more.

        `size` is at most that of `edges`.
        """
        found: Circuit = frozenset()
        while len(found) < size:
            found = self.inflated(found, rng)
        return found

    def inflated(self, circuit: Circuit, rng: np.random.Generator) -> Circuit:
        """A circuit and one walk that brings at least one new edge. Raises ValueError where there
        is none."""
        missing = self.edges - circuit
        if not missing:
            raise ValueError("the circuit holds every edge that a walk can take.")
        for _ in range(_TRIES):
            walk = self.walk(rng)
            if not circuit.issuperset(walk):
                return circuit.union(walk)
        some = sorted(missing)
        return circuit.union(self._through(some[int(rng.integers(len(some)))], rng))

    def _onwards(self, name: str, rng: np.random.Generator) -> list[Edge]:
        walk: list[Edge] = []
        while name != self.graph.output:
            walk.append(self.out[name][int(rng.integers(len(self.out[name])))])
            name = walk[-1].reader
        return walk

    def _through(self, edge: Edge, rng: np.random.Generator) -> list[Edge]:
        walk, name = [edge], edge.feeder
        while self.graph[name].ports:
            walk.append(self.into[name][int(rng.integers(len(self.into[name])))])
            name = walk[-1].feeder
        return walk + self._onwards(edge.reader, rng)


def _reached(starts: Iterable[str], edges: Mapping[str, Sequence[Edge]]) -> set[str]:
    """All that these edges lead to, either way round, the starts among it."""
    found: set[str] = set()
    waiting = list(starts)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [end for edge in edges[name] for end in (edge.feeder, edge.reader)]
    return found
