"""Any set of edges of the whole model graph, against corrupted inputs, each component run once.

An edge of the circuit carries what its feeder gives in the circuit, every other edge what it gives
in the corrupted world. The inputs of all ports of a group are one contraction over the writers:

    input[port] = corrupted stream + Σ over writers w:  kept[port, w] · (live[w] − corrupted[w])

Sources (embeddings) give what they give in the wild world. This is the evaluation of EAP-IG and
of the MIB benchmark, and of ACDC. Here stands which edges are kept; `turns.py` works out what that
asks of each group, and `evaluator.py` does it on a batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scrub.errors import InputRefused
from scrub.graph import ModelGraph
from scrub.graph.circuits import Edge, unknown_edge
from scrub.graph.links import groups_of, last_mixing

Kept = NDArray[np.float32]
Home = tuple[str, int]  # a position space and a width: where values can be added


@dataclass(frozen=True, eq=False)
class Keeping:
    """Which edges a circuit keeps: for each group, how much of each writer each port reads.

    `groups[g]` is [member, port, writer]; 1 for an edge of the circuit, 0 for any other. Values
    between are blends, which attribution uses.
    """

    groups: Mapping[int, Kept]

    @staticmethod
    def of(edges: Iterable[Edge], index: Writers) -> Keeping:
        """The circuit of these edges. Raises `InputRefused` with the first ten unknown ones."""
        graph, edges = index.graph, list(edges)
        problems = [p for edge in edges if (p := unknown_edge(edge, graph)) is not None]
        if problems:
            raise InputRefused(problems[:10])
        groups = {
            i: np.zeros((len(g), len(g[0].ports), len(index.number)), dtype=np.float32)
            for i, g in enumerate(index.groups)
            if g[0].ports
        }
        for edge in edges:
            group, member = index.place[edge.reader]
            port = graph[edge.reader].port_names.index(edge.port)
            groups[group][member, port, index.number[edge.feeder]] = 1.0
        return Keeping(groups)


class Writers:
    """The components of a graph that write, numbered in order of evaluation, and their groups."""

    def __init__(self, graph: ModelGraph) -> None:
        self.graph = graph
        self.groups = groups_of(graph)
        names = [c.name for group in self.groups for c in group if c.name != graph.output]
        self.number = {name: i for i, name in enumerate(names)}
        self.place = {
            c.name: (g, m) for g, group in enumerate(self.groups) for m, c in enumerate(group)
        }

    @cached_property
    def homes(self) -> Mapping[str, Home]:
        """Where each writer's values lie."""
        return {name: (self.graph[name].space, self.graph[name].width) for name in self.number}

    @cached_property
    def most(self) -> Mapping[Home, int]:
        """The most sums of one group in each home, with one for the group after it."""
        counts = [
            Counter(self.home(port.stream) for c in group for port in c.ports if port.feeders)
            for group in self.groups
        ]
        return {home: 1 + max(found[home] for found in counts) for home in self.homes.values()}

    def home(self, stream: str) -> Home:
        """Where the sums of a stream lie: with what feeds it."""
        return self.homes[self.graph.streams[stream][0]]

    @cached_property
    def last_mixing(self) -> int:
        """The last group that has to be evaluated at all positions."""
        return last_mixing(self.groups)
