"""A model graph cut into layers: each component one above the highest that feeds it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from scrub.data.features import Extent, Feature
from scrub.graph import ModelGraph
from scrub.hypothesis.claim import Claim, Node


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
    """Each component's layer, as an index into `layers`."""
    height: dict[str, int] = {}
    streams: dict[str, int] = {}
    for component in graph.components:
        for port in component.ports:
            if port.stream not in streams:
                streams[port.stream] = max((height[f] for f in port.feeders), default=-1)
        above = [streams[port.stream] for port in component.ports]
        height[component.name] = 1 + max(above, default=-1)
    return height


def layer_of(node: Node, height: dict[str, int]) -> int:
    """Where a node is drawn: in the layer of its last member, from which its value is read."""
    return max(height[part.component] for part in node.parts)


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
    if name == "embed":
        return "embed"
    return "head" if re.search(r"\.h\d+$", name) else "mlp" if re.match(r"m\d+$", name) else "other"


def _label(names: list[str]) -> str:
    """`a3` for the heads of layer 3; names as they are where there are few."""
    stems = list(dict.fromkeys(re.sub(r"\.h\d+$", "", name) for name in names))
    return ", ".join(stems) if len(stems) < 4 else f"{stems[0]}, …, {stems[-1]}"
