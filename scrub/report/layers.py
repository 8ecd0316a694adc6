"""A model graph cut into layers: each component one above the highest that feeds it."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import networkx as nx

from scrub.data.features import ANY, Extent, Feature
from scrub.graph import ModelGraph
from scrub.hypothesis.claim import Claim, Node


class Mark(enum.Enum):
    """What a claim says of a component of the model."""

    NAMED = "named"
    OPEN = "left open"
    UNNAMED = "unnamed"


MEANING = {
    Mark.NAMED: "named",
    Mark.OPEN: "left open: runs on a leaf's donor, and the claim says nothing about it",
    Mark.UNNAMED: "unnamed: claimed not to matter",
}


@dataclass(frozen=True)
class Layer:
    """Components that do not feed one another; the first layer reads the input."""

    label: str
    components: tuple[str, ...]


def layers(graph: ModelGraph) -> tuple[Layer, ...]:
    """From the input up.

    >>> from scrub.models.config import graph_from_config
    >>> sizes = {"n_layer": 1, "n_head": 2, "n_embd": 4, "vocab_size": 9}
    >>> [layer.label for layer in layers(graph_from_config({"model_type": "gpt2", **sizes}, "m"))]
    ['embed', 'a0', 'm0', 'logits']
    """
    height = heights(graph)
    found: dict[int, list[str]] = {}
    for component in graph.components:
        found.setdefault(height[component.name], []).append(component.name)
    return tuple(Layer(_label(found[h]), tuple(found[h])) for h in sorted(found))


def heights(graph: ModelGraph) -> dict[str, int]:
    """Each component's layer, as an index into `layers`.

    What is laid out along one position space (an encoder, an image's tower) stands as a whole below
    what reads it.
    """
    height: dict[str, int] = {}
    for names in _stacks(graph):
        start = max(height.values(), default=-1) + 1
        streams: dict[str, int] = {}
        for component in (graph[name] for name in names):
            for port in component.ports:
                if port.stream not in streams:
                    streams[port.stream] = max((height[f] for f in port.feeders), default=-1)
            above = [1 + streams[port.stream] for port in component.ports]
            height[component.name] = max([start, *above])
    return height


def _stacks(graph: ModelGraph) -> list[list[str]]:
    """The components of each space, in order of evaluation, spaces that are read before their
    readers; all together where two spaces read each other."""
    reads: nx.DiGraph[Any] = nx.DiGraph()
    for component in graph.components:
        reads.add_node(component.space)
        sources = {graph.stream_spaces[port.stream] for port in component.ports}
        reads.add_edges_from((source, component.space) for source in sources - {component.space})
    if not nx.is_directed_acyclic_graph(reads):
        return [[component.name for component in graph.components]]
    return [
        [component.name for component in graph.components if component.space == space]
        for space in nx.topological_sort(reads)
    ]


def beginnings(graph: ModelGraph, levels: Sequence[Layer]) -> dict[int, str]:
    """The layers, from below, with which another position space begins; none where there is one."""
    spaces = [dict.fromkeys(graph[name].space for name in level.components) for level in levels]
    if len(graph.spaces) == 1 or any(len(found) > 1 for found in spaces):
        return {}
    names = [name for (name,) in spaces]
    return {
        i: name.replace("_", " ") for i, name in enumerate(names) if i == 0 or names[i - 1] != name
    }


def layer_of(node: Node, height: dict[str, int]) -> int:
    """Where a node is drawn: in the layer of its last member, from which its value is read."""
    return max(height[part.component] for part in node.parts)


def marks(claim: Claim) -> dict[str, Mark]:
    """What the claim says of each component of the model."""
    named = {part.component for node in claim.nodes.values() for part in node.parts}
    left_open = claim.upstream_of_leaves
    return {
        name: Mark.NAMED if name in named else Mark.OPEN if name in left_open else Mark.UNNAMED
        for name in claim.graph.by_name
    }


def reads_openly(claim: Claim, name: str) -> bool:
    """Whether a node is a leaf that reads other components, of which the claim says nothing."""
    node = claim.nodes[name]
    read = any(claim.graph[part.component].ports for part in node.parts)
    return claim.is_leaf(name) and read and node.feature is not ANY


def ports_read(claim: Claim, name: str) -> dict[str, list[str]]:
    """What arrives at a node: for each port, or set of ports, the parents' names."""
    found: dict[str, list[str]] = {}
    for edge in claim.parents[name]:
        found.setdefault(", ".join(edge.ports), []).append(edge.parent)
    return found


def component_text(node: Node, most: int = 4) -> str:
    """A node's components, the first and the last of many."""
    names = [str(part) for part in node.parts]
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[: most - 2])}, …, {names[-1]} ({len(names)})"


def feature_text(feature: Feature) -> str:
    return feature.value if isinstance(feature, Extent) else str(feature)


def kind_of(components: Sequence[str], graph: ModelGraph) -> str:
    """What sort of component it is, from its name and its place."""
    kinds = {_kind(name, graph) for name in components}
    return kinds.pop() if len(kinds) == 1 else "mixed"


def _kind(name: str, graph: ModelGraph) -> str:
    if name == graph.output:
        return "output"
    if re.fullmatch(r"(\w+\.)?embed", name):
        return "embed"
    if re.search(r"\.h\d+$", name):
        return "head"
    return "mlp" if re.fullmatch(r"[a-z]?m\d+", name) else "other"


def _label(names: list[str]) -> str:
    """`a3` for the heads of layer 3; names as they are where there are few."""
    stems = list(dict.fromkeys(re.sub(r"\.h\d+$", "", name) for name in names))
    return ", ".join(stems) if len(stems) < 4 else f"{stems[0]}, …, {stems[-1]}"
