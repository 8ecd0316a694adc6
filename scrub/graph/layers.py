"""A model graph cut into layers: each component one above the highest that feeds it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import networkx as nx

from scrub.graph.model_graph import ModelGraph


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


def _label(names: list[str]) -> str:
    """`a3` for the heads of layer 3; names as they are where there are few."""
    stems = list(dict.fromkeys(re.sub(r"\.h\d+$", "", name) for name in names))
    return ", ".join(stems) if len(stems) < 4 else f"{stems[0]}, …, {stems[-1]}"
