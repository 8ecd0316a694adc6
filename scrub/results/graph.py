"""A claim's graph as a result keeps it: enough to draw it beside the model's layers again."""

from __future__ import annotations

from dataclasses import dataclass

from scrub.data.features import ANY, Extent, Feature
from scrub.graph.layers import beginnings, heights, layers
from scrub.hypothesis.claim import Claim


@dataclass(frozen=True)
class GraphLayer:
    """A layer of the model: components that do not feed one another.

    `begins` names the position space that begins with it; empty where none does.
    """

    label: str
    begins: str
    components: tuple[str, ...]


@dataclass(frozen=True)
class GraphNode:
    """A node: in which layer it stands (counted from the input), for what, and what it carries.

    `components` are those of the model that its `parts` are, or are shares of. `left_open` is a
    leaf that reads other components, of which the claim says nothing.
    """

    name: str
    layer: int
    parts: tuple[str, ...]
    components: tuple[str, ...]
    positions: str
    feature: str
    left_open: bool


@dataclass(frozen=True)
class GraphEdge:
    """The parent's value arrives at these ports of the child."""

    parent: str
    child: str
    ports: tuple[str, ...]


@dataclass(frozen=True)
class ClaimGraph:
    """The claim over the model's layers, from the input up.

    `left_open` are the components that run on a leaf's donor, about which the claim says nothing;
    those that are neither named nor left open are claimed not to matter. `edges` come child by
    child, in the order in which the child reads them.
    """

    output: str
    layers: tuple[GraphLayer, ...]
    left_open: tuple[str, ...]
    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]

    @property
    def named(self) -> frozenset[str]:
        """The components that the nodes stand for."""
        return frozenset(name for node in self.nodes for name in node.components)


def graph_of(claim: Claim) -> ClaimGraph:
    """The graph of a claim that has been checked."""
    levels = layers(claim.graph)
    begins = beginnings(claim.graph, levels)
    height = heights(claim.graph)
    return ClaimGraph(
        output=claim.graph.output,
        layers=tuple(
            GraphLayer(level.label, begins.get(i, ""), level.components)
            for i, level in enumerate(levels)
        ),
        left_open=tuple(n for n in claim.graph.by_name if n in claim.upstream_of_leaves),
        nodes=tuple(_node(claim, name, height) for name in claim.topological),
        edges=tuple(
            GraphEdge(edge.parent, edge.child, tuple(edge.ports))
            for name in claim.topological
            for edge in claim.parents[name]
        ),
    )


def _node(claim: Claim, name: str, height: dict[str, int]) -> GraphNode:
    node = claim.nodes[name]
    components = tuple(dict.fromkeys(part.component for part in node.parts))
    reads = any(claim.graph[component].ports for component in components)
    return GraphNode(
        name=name,
        layer=max(height[component] for component in components),
        parts=tuple(map(str, node.parts)),
        components=components,
        positions=str(node.positions),
        feature=said_of(node.feature),
        left_open=claim.is_leaf(name) and reads and node.feature is not ANY,
    )


def said_of(feature: Feature) -> str:
    """A feature by its name.

    >>> said_of(ANY)
    'ANY'
    """
    return feature.value if isinstance(feature, Extent) else str(feature)
