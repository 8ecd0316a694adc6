"""What a claim leaves to chance: which nodes have an input, somewhere, that no parent explains.

Coverage is by positions, example by example: an input of a node is explained where the parts named
there add up to the whole component. `each(...)`, several roles, or indices that together make up
all that a port reads explain it as well as one node at all of them does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scrub.graph import ALL, Everywhere, Indices, Part, Port, Positions, Reach, Role, Space

if TYPE_CHECKING:
    from scrub.data.dataset import Dataset, Ints
    from scrub.hypothesis.claim import Claim, Node

Entry = tuple[Part, Positions]
Mask = NDArray[np.bool_]  # [row, position]

NEARLY_WHOLE = 1 - 1e-9
ALL_EXPERTS = 0.5
"""What all experts of a component count as: less than the whole of it. A shared expert, which has
no name, may add to its output besides; taking all for the whole would hide that this is left to
chance, while taking the whole for less only draws an input more."""


def some_input_unimportant(claim: Claim, name: str) -> bool:
    """Whether a node leaves any input that it can read, in any example, to chance."""
    node, named = claim.nodes[name], _named_at(claim, name)
    return not all(
        _explained(claim, node, port, feeder, entries)
        for member in node.parts
        for port in claim.graph[member.component].ports
        for feeder in port.feeders
        for entries in [[*named.get((port.name, feeder), []), *_inner(claim, node, member, feeder)]]
    )


def _named_at(claim: Claim, name: str) -> Mapping[tuple[str, str], list[Entry]]:
    """What the parents put in for each (port, feeder): parts and their positions."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for edge in claim.parents[name]:
        parent = claim.nodes[edge.parent]
        for port in edge.ports:
            for part in parent.parts:
                found.setdefault((port, part.component), []).append((part, parent.positions))
    return found


def _inner(claim: Claim, node: Node, member: Part, feeder: str) -> list[Entry]:
    """What the earlier members of a merged node put in for a later one."""
    if not node.merged or claim.graph.order[feeder] >= claim.graph.order[member.component]:
        return []
    return [(part, node.positions) for part in node.parts if part.component == feeder]


def _explained(claim: Claim, node: Node, port: Port, feeder: str, entries: Sequence[Entry]) -> bool:
    if not entries:
        return False
    enough = [ALL, node.positions] if port.reach is Reach.SAME else [ALL]
    everywhere = [part for part, where in entries if where in enough]
    if sum(_share(claim, part) for part in everywhere) >= NEARLY_WHOLE:
        return True  # the common case, decided without looking at a single example
    axis = _Axis(claim.dataset, claim.graph.space[claim.graph[feeder].space])
    explained = np.zeros((len(axis.data), axis.length))
    for part, where in entries:
        explained += _share(claim, part) * axis.mask(where)
    needed = axis.needed(node.positions, port.reach)
    return bool((explained >= NEARLY_WHOLE)[needed].all())


def _share(claim: Claim, part: Part) -> float:
    """How much of its component a part is; parts that stand side by side do not overlap."""
    component = claim.graph[part.component]
    if part.neurons is not None:
        return (part.neurons[1] - part.neurons[0] + 1) / component.neurons
    if part.experts is not None:
        return ALL_EXPERTS * (part.experts[1] - part.experts[0] + 1) / component.experts
    if part.subspace is not None:
        return float(claim.bases[part.subspace].shape[1]) / component.width
    return 1.0


@dataclass(frozen=True)
class _Axis:
    """The positions of a space in every example."""

    data: Dataset
    space: Space

    @property
    def lengths(self) -> Ints:
        return self.data.lengths_in(self.space)

    @property
    def length(self) -> int:
        return int(self.lengths.max())

    def mask(self, where: Positions) -> Mask:
        """Which positions of each example these are, [row, position]."""
        table = self._table(where)
        if table is None:
            return np.arange(self.length) < self.lengths[:, None]
        mask = np.zeros((len(self.data), self.length), dtype=np.bool_)
        mask[np.arange(len(self.data))[:, None], table] = True
        return mask

    def needed(self, at: Positions, reach: Reach) -> Mask:
        """Which positions a port reads, evaluated at these, [row, position].

        Where it reads any, `at` may count the positions of another space.
        """
        inside = self.mask(ALL)
        if reach is Reach.ANY:
            return inside
        own = self.mask(at)
        if reach is Reach.SAME:
            return own
        later = np.flip(np.logical_or.accumulate(np.flip(own, axis=1), axis=1), axis=1)
        return inside & later  # a position is read if an evaluated one stands at it or after it

    def _table(self, where: Positions) -> Ints | None:
        """Positions of each row [row, n], None for all; none at all where a rule has refused
        them."""
        match where:
            case Everywhere():
                return None
            case Indices(indices) if max(indices) < self.length:
                return self.data.positions(where)
            case Role(name, item):
                spots = self.data.roles.get(name, [()])
                sizes = {len(row) for row in spots}
                inside = max((max(row, default=0) for row in spots), default=0) < self.length
                if len(sizes) == 1 and (item or 0) < min(sizes) and inside:
                    return self.data.positions(where)
        return np.zeros((len(self.data), 0), dtype=np.int64)
