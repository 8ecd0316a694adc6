"""What a claim leaves to chance: which nodes have an input, somewhere, that no parent explains.

Coverage is by positions, example by example: an input of a node is explained where the parts named
there add up to the whole component. `each(...)`, several roles, or indices that together make up
all that a port reads explain it as well as one node at all of them does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scrub.graph import ALL, Everywhere, Indices, Part, Port, Positions, Reach, Role

if TYPE_CHECKING:
    from scrub.data.dataset import Dataset, Ints
    from scrub.hypothesis.claim import Claim, Node

Entry = tuple[Part, Positions]
Mask = NDArray[np.bool_]  # [row, position]

NEARLY_WHOLE = 1 - 1e-9


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
    data = claim.dataset
    explained = np.zeros((len(data), data.length))
    for part, where in entries:
        explained += _share(claim, part) * _mask(data, where)
    needed = _needed(data, node.positions, port.reach)
    return bool((explained >= NEARLY_WHOLE)[needed].all())


def _share(claim: Claim, part: Part) -> float:
    """How much of its component a part is; parts that stand side by side do not overlap."""
    component = claim.graph[part.component]
    if part.neurons is not None:
        return (part.neurons[1] - part.neurons[0] + 1) / component.neurons
    if part.subspace is not None:
        return float(claim.bases[part.subspace].shape[1]) / component.width
    return 1.0


def _mask(data: Dataset, where: Positions) -> Mask:
    """Which positions of each example these are, [row, position]."""
    table = _table(data, where)
    if table is None:
        return np.arange(data.length) < data.lengths[:, None]
    mask = np.zeros((len(data), data.length), dtype=np.bool_)
    mask[np.arange(len(data))[:, None], table] = True
    return mask


def _needed(data: Dataset, at: Positions, reach: Reach) -> Mask:
    """Which positions a port reads, evaluated at these, [row, position]."""
    own = _mask(data, at)
    if reach is Reach.SAME:
        return own
    inside = _mask(data, ALL)
    if reach is Reach.ANY:
        return inside
    later = np.flip(np.logical_or.accumulate(np.flip(own, axis=1), axis=1), axis=1)
    return inside & later  # a position is read if an evaluated one stands at it or after it


def _table(data: Dataset, where: Positions) -> Ints | None:
    """Positions of each row [row, n], None for all; none at all where a rule has refused them."""
    match where:
        case Everywhere():
            return None
        case Indices(indices) if max(indices) < data.length:
            return data.positions(where)
        case Role(name, item):
            sizes = {len(spots) for spots in data.roles.get(name, [()])}
            if len(sizes) == 1 and (item or 0) < min(sizes):
                return data.positions(where)
    return np.zeros((len(data), 0), dtype=np.int64)
