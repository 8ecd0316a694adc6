"""What a claim says of the model's layers: marks of its components, and its nodes as text."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence

from scrub.results.graph import ClaimGraph, GraphNode


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


def marks(claim: ClaimGraph) -> dict[str, Mark]:
    """What the claim says of each component of the model."""
    named, left_open = claim.named, frozenset(claim.left_open)
    return {
        name: Mark.NAMED if name in named else Mark.OPEN if name in left_open else Mark.UNNAMED
        for layer in claim.layers
        for name in layer.components
    }


def ports_read(claim: ClaimGraph, name: str) -> dict[str, list[str]]:
    """What arrives at a node: for each port, or set of ports, the parents' names."""
    found: dict[str, list[str]] = {}
    for edge in claim.edges:
        if edge.child == name:
            found.setdefault(", ".join(edge.ports), []).append(edge.parent)
    return found


def component_text(node: GraphNode, most: int = 4) -> str:
    """A node's components, the first and the last of many."""
    names = node.parts
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[: most - 2])}, …, {names[-1]} ({len(names)})"


def kind_of(components: Sequence[str], output: str) -> str:
    """What sort of component it is, from its name and its place.

    >>> kind_of(["a0.h1", "a3.h2"], "logits"), kind_of(["m3", "logits"], "logits")
    ('head', 'mixed')
    """
    kinds = {_kind(name, output) for name in components}
    return kinds.pop() if len(kinds) == 1 else "mixed"


def _kind(name: str, output: str) -> str:
    if name == output:
        return "output"
    if re.fullmatch(r"(\w+\.)?embed", name):
        return "embed"
    if re.search(r"\.h\d+$", name):
        return "head"
    return "mlp" if re.fullmatch(r"[a-z]?m\d+", name) else "other"
