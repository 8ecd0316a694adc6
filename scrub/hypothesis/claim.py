"""A hypothesis whose names have been resolved against a model graph and a data set.

Rules look at claims, and the tree of occurrences is unfolded from one. Everything is plain
values: parts, positions, features, ports.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scrub.data.dataset import Dataset
from scrub.data.features import ANY, Feature
from scrub.data.task import Task
from scrub.graph import Indices, ModelGraph, Part, Positions, Role, Space
from scrub.hypothesis.coverage import some_input_unimportant
from scrub.hypothesis.options import Options


class Inner(enum.Enum):
    """Whether the components of one node feed one another."""

    MERGED = "merged"
    CUT = "cut"


@dataclass(frozen=True)
class Node:
    """One node: what it stands for, where, and what it carries.

    `of_each` is set on nodes made by `each`: their feature takes (example, position).
    """

    name: str
    parts: tuple[Part, ...]
    positions: Positions
    feature: Feature
    inner: Inner = Inner.MERGED
    of_each: bool = False

    @property
    def label(self) -> str:
        """What identifies the node in a path: its parts and positions, not the user's name.

        Draws are keyed by it, so its text is part of what a seed means, and never changes.
        """
        where = str(self.positions)
        if isinstance(self.positions, Indices):
            where = f"#{where}"  # else index 0 would read like a role named "0"
        elif isinstance(self.positions, Role):
            where = where.replace("#", "##")
        return f"{'+'.join(sorted(map(str, self.parts)))}@{where}"

    @property
    def merged(self) -> bool:
        """Whether its members feed one another."""
        return self.inner is Inner.MERGED and len(self.parts) > 1

    @property
    def by_index(self) -> bool:
        """Whether its value moves to the same index, and not from role to role."""
        return not isinstance(self.positions, Role)


@dataclass(frozen=True)
class Edge:
    """The parent's value arrives at these ports of the child."""

    parent: str
    child: str
    ports: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Claim:
    """The resolved hypothesis. `parents[name]` are the edges into a node, in canonical order."""

    graph: ModelGraph
    dataset: Dataset
    task: Task
    options: Options
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    sink: str
    bases: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    @cached_property
    def parents(self) -> Mapping[str, tuple[Edge, ...]]:
        found: dict[str, list[Edge]] = {name: [] for name in self.nodes}
        for edge in self.edges:
            found[edge.child].append(edge)
        return {
            name: tuple(sorted(edges, key=lambda e: (e.ports, self.nodes[e.parent].label)))
            for name, edges in found.items()
        }

    @cached_property
    def topological(self) -> tuple[str, ...]:
        """Node names, every parent before its children."""
        placed: dict[str, None] = {}

        stack = [(self.sink, iter(self.parents[self.sink]))]
        while stack:
            name, edges = stack[-1]
            edge = next(edges, None)
            if edge is None:
                placed[name] = None
                stack.pop()
            elif edge.parent not in placed:
                stack.append((edge.parent, iter(self.parents[edge.parent])))
        return tuple(placed)

    def space_of(self, node: Node) -> Space:
        """The position space that a node's positions count in: that of its first component."""
        return self.graph.space[self.graph[node.parts[0].component].space]

    def by_length(self, name: str) -> bool:
        """Whether a node's value moves by index where examples may differ in length."""
        node = self.nodes[name]
        return node.by_index and not all(
            self.graph.space[self.graph[part.component].space].fixed for part in node.parts
        )

    @cached_property
    def moved_by_index(self) -> tuple[str, ...]:
        """The nodes that need donors of their reference's length."""
        return tuple(name for name in self.nodes if self.by_length(name))

    def is_leaf(self, name: str) -> bool:
        return name != self.sink and not self.parents[name]

    def part_feeds(self, part: Part, child: Part, port: str) -> bool:
        """Whether a part is one of the terms summed at a port of another, if it has that port."""
        has = port in self.graph[child.component].port_names
        return has and self.graph.feeds(part.component, child.component, port)

    @cached_property
    def named_edges(self) -> frozenset[tuple[str, str, str]]:
        """Edges of the model graph that the hypothesis names: (feeder, reader, port).

        Those between the members of a merged node, which feed one another, are among them.
        """
        pairs = [(self.nodes[e.parent], self.nodes[e.child], e.ports) for e in self.edges]
        for node in self.nodes.values():
            if node.merged:
                ports = {
                    name for part in node.parts for name in self.graph[part.component].port_names
                }
                pairs.append((node, node, tuple(ports)))
        return frozenset(
            (part.component, reader.component, port)
            for parent, child, ports in pairs
            for part in parent.parts
            for reader in child.parts
            for port in ports
            if self.part_feeds(part, reader, port)
        )

    @cached_property
    def unimportant(self) -> float:
        """The share of the model graph's edges that the hypothesis declares not to matter."""
        return 1 - len(self.kept_edges) / max(self.graph.n_edges, 1)

    @cached_property
    def kept_edges(self) -> frozenset[tuple[str, str, str]]:
        """Edges of the model graph that the hypothesis names or leaves open.

        A leaf is looked up on its donor, with all that is upstream of it intact: edges into a leaf
        and into what feeds it are left open, not declared unimportant. An `ANY` leaf carries
        nothing, so that it says of its edge what leaving it out would have said.
        """
        intact = {
            (feeder, reader, port.name)
            for reader in self.upstream_of_leaves
            for port in self.graph[reader].ports
            for feeder in port.feeders
        }
        idle = {name for name in self.nodes if self.is_leaf(name) and self._carries_nothing(name)}
        edges = tuple(edge for edge in self.edges if edge.parent not in idle)
        named = replace(self, edges=edges).named_edges if idle else self.named_edges
        return named | intact

    def _carries_nothing(self, name: str) -> bool:
        return self.nodes[name].feature is ANY

    @cached_property
    def upstream_of_leaves(self) -> frozenset[str]:
        """The components of leaves, and all that they depend on: what runs on a leaf's donor."""
        found: set[str] = set()
        waiting = [
            part.component
            for name in self.nodes
            if self.is_leaf(name) and not self._carries_nothing(name)
            for part in self.nodes[name].parts
        ]
        while waiting:
            component = waiting.pop()
            if component not in found:
                found.add(component)
                waiting += {f for port in self.graph[component].ports for f in port.feeders} - found
        return frozenset(found)

    @cached_property
    def calls_some_unimportant(self) -> Mapping[str, bool]:
        """Whether a node leaves any of its inputs to chance (a leaf, which is looked up, does not).

        See `coverage`: by positions, example by example.
        """
        return {
            name: not self.is_leaf(name) and some_input_unimportant(self, name)
            for name in self.nodes
        }


def basis_fingerprint(basis: NDArray[Any]) -> str:
    """A name for the subspace itself: of its projector, so that any basis of it will do."""
    matrix = np.asarray(basis, dtype=np.float64)
    projector = np.round(matrix @ matrix.T, 6) + 0.0  # + 0.0 turns -0.0 into 0.0
    return hashlib.sha256(projector.tobytes()).hexdigest()[:16]
