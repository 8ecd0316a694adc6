"""Rules about position spaces: each node stands in one, and a role in the one that it counts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scrub.errors import Problem, nearest
from scrub.graph import IMAGE, TOKENS, Everywhere, Role, Space
from scrub.hypothesis.claim import Claim, Node

# where a row holds the roles of each space
KEYS = {TOKENS: "roles", "decoder_tokens": "decoder_roles", IMAGE: "image_roles"}


def unit(space: Space) -> str:
    """What a space's positions are called."""
    return "positions" if space.fixed else space.name.replace("_", " ")


def count(space: Space) -> str:
    """How many positions a space of fixed length has, in words."""
    return f"{space.length} position{'' if space.length == 1 else 's'}"


def nodes_in_one_space(claim: Claim) -> Iterator[Problem]:
    """Roles and indices count in one space, so that a node at them stands in one."""
    seen: set[object] = set()
    for name, node in claim.nodes.items():
        spaces = {claim.graph[part.component].space: part for part in reversed(node.parts)}
        if len(spaces) == 1 or isinstance(node.positions, Everywhere) or node.parts in seen:
            continue
        seen.add(node.parts)  # one report for all copies of each(...)
        shown = " and ".join(f"{part} in '{space}'" for space, part in spaces.items())
        yield Problem(
            f"node '{name}'",
            f"stands for {shown}, and positions are those of one space.",
            "Write a node for each space, or put it at positions='all'.",
        )


def roles_in_their_space(claim: Claim) -> Iterator[Problem]:
    """A node at a role lives in the role's space, and the role inside it."""
    for name, node in claim.nodes.items():
        role, space = node.positions, claim.space_of(node)
        if not isinstance(role, Role) or role.name not in claim.dataset.roles:
            continue
        stands_in = claim.dataset.role_space(role.name)
        if stands_in != space.name:
            yield Problem(
                f"node '{name}'",
                f"role '{role.name}' counts positions of '{stands_in}', and {node.parts[0]} lives "
                f"in '{space.name}'.",
                _fix(claim, node, space, role),
            )
        elif (row := outside(claim, role, space)) is not None:
            spot = max(claim.dataset.roles[role.name][row])
            yield Problem(
                f"node '{name}'",
                f"role '{role.name}' is at {spot} in row {row}, outside '{space.name}', which has "
                f"{count(space)}.",
                "Positions count from 0.",
            )


def _fix(claim: Claim, node: Node, space: Space, role: Role) -> str:
    """The sink stands where the task is scored; a role may be written under another space's key."""
    sink, known = node.name == claim.sink, claim.dataset.roles_in(space.name)
    if sink and space.length == 1:
        return "Set at=0 in the task."
    key = KEYS.get(space.name)
    move = f"If it should count '{space.name}', put it into '{key}'. " if key else ""
    if not known:
        return f"{move}{'Set at= in the task to' if sink else 'Give'} an index or 'all'."
    other = "Set at= in the task to another role. " if sink else ""
    return f"{move}{other}{nearest(role.name, known)}"


def outside(claim: Claim, role: Role, space: Space) -> int | None:
    """The first row in which a role stands beyond the end of its space, None where there is none.

    Roles of a sequence were looked at when the data was read; those of an image wait for a model.
    """
    last = np.array([max(row, default=0) for row in claim.dataset.roles[role.name]])
    beyond = np.nonzero(last >= space.length)[0]
    return int(beyond[0]) if space.fixed and len(beyond) else None
