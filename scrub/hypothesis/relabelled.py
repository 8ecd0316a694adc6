"""The same claim with features that belong to other examples."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np

from scrub.data.dataset import Example, Ints
from scrub.data.features import Extent, Function, Near
from scrub.hypothesis.claim import Claim, Node
from scrub.hypothesis.rules.features import node_values


@dataclass(frozen=True, eq=False)
class Labels:
    """A feature that is a table: each row of the data has its value, whatever is in the row."""

    values: tuple[Hashable, ...]

    def __call__(self, example: Example, position: int = 0) -> Hashable:
        known = example.row < len(self.values)  # a generated row is nobody's donor here
        return self.values[example.row] if known else None


def relabelled(claim: Claim, rng: np.random.Generator) -> Claim | None:
    """The features of all nodes but the sink, moved from example to example by one permutation.

    As many rows share each value as before, and rows that share the values of several nodes still
    do: the partitions have their sizes and go together as they did, and are wrong. Where a node
    moves by index, rows keep their lengths. None where no node has a feature.
    """
    named = [
        name
        for name, node in claim.nodes.items()
        if name != claim.sink and not isinstance(node.feature, Extent)
    ]
    if not named:
        return None
    by_length = any(claim.by_length(name) for name in named)
    moved = _permutation(claim, rng, by_length)
    nodes = {
        name: _moved(node, claim, moved) if name in named else node
        for name, node in claim.nodes.items()
    }
    return replace(claim, nodes=nodes)


def _permutation(claim: Claim, rng: np.random.Generator, by_length: bool) -> Ints:
    rows = len(claim.dataset)
    if not by_length:
        return rng.permutation(rows)
    found = np.arange(rows, dtype=np.int64)
    for frame in np.unique(claim.dataset.frames):
        members = np.flatnonzero(claim.dataset.frames == frame)
        found[members] = rng.permutation(members)
    return found


def _moved(node: Node, claim: Claim, moved: Ints) -> Node:
    values = node_values(node, claim.dataset)
    labels = Function(Labels(tuple(values[row] for row in moved)))
    feature = replace(node.feature, of=labels) if isinstance(node.feature, Near) else labels
    return replace(node, feature=feature)
