"""Rules about positions: roles exist and fit in every example, and ports can read them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scrub.errors import Problem, nearest
from scrub.graph import Everywhere, Indices, Positions, Reach, Role, Space
from scrub.hypothesis.claim import Claim, Edge, Node
from scrub.hypothesis.rules.spaces import count, outside, unit


def known_places(claim: Claim, node: Node) -> bool:
    """Whether a node's positions can be looked up in every row."""
    return known_positions(claim, node.positions, claim.space_of(node))


def known_positions(claim: Claim, where: Positions, space: Space) -> bool:
    """Whether positions of a space can be looked up in every row (else another rule has reported
    them)."""
    if isinstance(where, Indices):
        return max(where.indices) < int(claim.dataset.lengths_in(space).min())
    if isinstance(where, Everywhere):
        return True
    data = claim.dataset
    if where.name in data.roles and data.role_space(where.name) != space.name:
        return False
    if where.name in data.roles and outside(claim, where, space) is not None:
        return False
    sizes = {len(spots) for spots in claim.dataset.roles.get(where.name, [()])}
    return len(sizes) == 1 and 0 not in sizes and 0 <= (where.item or 0) < min(sizes)


def roles_exist(claim: Claim) -> Iterator[Problem]:
    """A role that a node names is a role of the data."""
    for name, node in claim.nodes.items():
        role = node.positions
        if isinstance(role, Role) and role.name not in claim.dataset.roles:
            known = nearest(role.name, claim.dataset.roles)
            yield Problem(f"node '{name}'", f"the data has no role '{role.name}'.", known)


def roles_present(claim: Claim) -> Iterator[Problem]:
    """Every example that can be drawn has the role, with equally many positions."""
    nodes_at: dict[str, str] = {}  # one report for each role
    for name, node in claim.nodes.items():
        if isinstance(node.positions, Role) and node.positions.name in claim.dataset.roles:
            nodes_at.setdefault(node.positions.name, name)
    for role, name in nodes_at.items():
        sizes = np.array([len(spots) for spots in claim.dataset.roles[role]])
        missing = np.nonzero(sizes == 0)[0]
        if len(missing):
            yield Problem(
                f"node '{name}'",
                f"role '{role}' is missing in {len(missing)} of {len(sizes)} examples "
                f"(first in row {missing[0]}).",
                "Any example may be drawn as a donor: give each the role, or leave these out.",
            )
        elif sizes.min() != sizes.max():
            other = int(np.nonzero(sizes != sizes[0])[0][0])
            yield Problem(
                f"node '{name}'",
                f"role '{role}' has {sizes[0]} position(s) in row 0 but {sizes[other]} in "
                f"row {other}.",
                "Values move from role to role, so each example needs equally many.",
            )


def role_items_exist(claim: Claim) -> Iterator[Problem]:
    """An item of a role is one of its positions."""
    for name, node in claim.nodes.items():
        match node.positions:
            case Role(role, int(item)) if role in claim.dataset.roles:
                most = min(map(len, claim.dataset.roles[role]))
                if not 0 <= item < most:
                    found = f"role '{role}' has no item {item}: it has {most} position(s)."
                    yield Problem(f"node '{name}'", found, "Items count from 0.")


def indices_exist(claim: Claim) -> Iterator[Problem]:
    """An index lies inside every example."""
    for name, node in claim.nodes.items():
        space = claim.space_of(node)
        shortest = int(claim.dataset.lengths_in(space).min())
        if isinstance(node.positions, Indices) and max(node.positions.indices) >= shortest:
            outside = f"position {max(node.positions.indices)} lies outside"
            found = f"{outside} the shortest example, which has {shortest} {unit(space)}."
            if space.fixed:
                found = f"{outside} '{space.name}', which has {count(space)}."
            yield Problem(f"node '{name}'", found, "Positions count from 0.")


def positions_readable(claim: Claim) -> Iterator[Problem]:
    """The child's port can read the parent's positions, in every example."""
    for edge in claim.edges:
        parent, child = claim.nodes[edge.parent], claim.nodes[edge.child]
        if isinstance(parent.positions, Everywhere):
            continue
        if claim.space_of(parent) != claim.space_of(child):
            continue  # read through a port that reads any position, or not at all
        if not (known_places(claim, parent) and known_places(claim, child)):
            continue
        reaches = {
            (port.name, port.reach)
            for part in child.parts
            for port in claim.graph[part.component].ports
            if port.name in edge.ports
        }
        for port, reach in sorted(reaches, key=lambda pair: pair[0]):
            if problem := _unreadable(claim, edge, port, reach):
                yield problem


def _unreadable(claim: Claim, edge: Edge, port: str, reach: Reach) -> Problem | None:
    parent, child = claim.nodes[edge.parent], claim.nodes[edge.child]
    where = claim.dataset.positions(parent.positions)  # [row, n]
    at = claim.dataset.positions(child.positions)  # [row, m], or None for all
    assert where is not None  # positions_readable skips parents that are everywhere
    if at is None or reach is Reach.ANY:
        return None
    if reach is Reach.SAME:
        readable = (where[:, :, None] == at[:, None, :]).any(axis=2)  # [row, n]
        must = "reads the same position only"
    else:
        readable = where <= at.max(axis=1, keepdims=True)
        must = "reads its own and earlier positions only"
    bad = np.nonzero(~readable.all(axis=1))[0]
    if not len(bad):
        return None
    row = int(bad[0])
    spot = int(where[row][~readable[row]][0])
    own = ", ".join(map(str, at[row].tolist()))
    return Problem(
        f"edge '{edge.parent}' → '{edge.child}'",
        f"port {port} at {_where(child.positions)} {must}, and cannot read "
        f"{_where(parent.positions)} (in row {row}, position {spot} from {own}).",
        _fix(claim, edge, reach, spot <= at[row].max()),
    )


def _fix(claim: Claim, edge: Edge, reach: Reach, earlier: bool) -> str:
    """Ports that look back help a query, but nothing looks ahead."""
    child = claim.nodes[edge.child]
    back = [
        port.name
        for port in claim.graph[child.parts[0].component].ports
        if port.reach is not Reach.SAME
    ]
    if reach is Reach.SAME and back and earlier:
        return f"Use {' or '.join(f'port={name!r}' for name in back)} on the edge."
    return "Name other positions."


def _where(spots: Positions) -> str:
    return f"'{spots}'" if isinstance(spots, Role) else f"position {spots}"
