"""Nodes at `each(...)`: one node per position, connected where its children can read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from scrub.errors import Problem
from scrub.graph import Each, Indices, Positions, Reach, Role
from scrub.hypothesis.claim import Claim, Edge, Node
from scrub.hypothesis.rules.places import known_places


def expand_each(claim: Claim, each: Mapping[str, Each]) -> tuple[Claim, list[Problem]]:
    """One node per position for the nodes named in `each`, and what is wrong with them.

    A copy feeds those ports of a child that can read its position in some example (a rule holds
    that it is then readable in all).
    """
    if not each:
        return claim, []
    taken = set(claim.nodes)
    copies = {
        name: [_copy(node, spot, taken) for spot in _spots(node, claim)] if name in each else [node]
        for name, node in claim.nodes.items()
    }
    edges = [
        Edge(parent.name, child.name, ports)
        for edge in claim.edges
        for child in copies[edge.child]
        for parent in copies[edge.parent]
        if (ports := _ports(claim, edge, parent, child)) or not edge.ports
    ]
    nodes = {node.name: node for family in copies.values() for node in family}
    wide = replace(claim, nodes=nodes, edges=tuple(edges))
    return wide, _unread(claim, copies, edges)


def _copy(node: Node, spot: Positions, taken: set[str]) -> Node:
    """The node at one position, under a name that no other node has."""
    name = f"{node.name}@{spot}"
    while name in taken:
        name += "'"
    taken.add(name)
    return replace(node, name=name, positions=spot)


def _spots(node: Node, claim: Claim) -> Sequence[Positions]:
    match node.positions:
        case Role(name, None) if name in claim.dataset.roles:
            most = max(map(len, claim.dataset.roles[name]))
            return [Role(name)] if most < 2 else [Role(name, i) for i in range(most)]
        case Indices(indices):
            return [Indices((i,)) for i in indices]
        case Role():
            return [node.positions]  # one position already, or an unknown role: a rule reports it
        case _:
            most = int(claim.dataset.lengths_in(claim.space_of(node)).max())
            return [Indices((i,)) for i in range(most)]


def _ports(claim: Claim, edge: Edge, parent: Node, child: Node) -> tuple[str, ...]:
    """The ports of this edge through which this copy of the child can read that of the parent.

    A parent that is no copy keeps all its ports: a rule says where it cannot be read.
    """
    if not parent.of_each:
        return edge.ports
    return tuple(port for port in edge.ports if _readable(claim, port, parent, child))


def _readable(claim: Claim, port: str, parent: Node, child: Node) -> bool:
    """Whether some example lets the child read the parent's position through this port."""
    reaches = {
        claim.graph[part.component].port(port).reach
        for part in child.parts
        if port in claim.graph[part.component].port_names
    }
    if not (known_places(claim, parent) and known_places(claim, child)):
        return True  # reported by the rules about places
    where = claim.dataset.positions(parent.positions)
    at = claim.dataset.positions(child.positions)
    if where is None or at is None or Reach.ANY in reaches:
        return True
    if Reach.CAUSAL in reaches:
        return bool((where <= at.max(axis=1, keepdims=True)).any())
    return bool(np.any(where[:, :, None] == at[:, None, :]))


def _unread(
    claim: Claim, copies: Mapping[str, Sequence[Node]], edges: Sequence[Edge]
) -> list[Problem]:
    """Copies that no child reads would claim nothing."""
    reading = {edge.parent for edge in edges}
    problems = []
    for name in dict.fromkeys(edge.parent for edge in claim.edges):
        unread = [str(node.positions) for node in copies[name] if node.name not in reading]
        if unread:
            shown = ", ".join(unread[:6]) + (", …" if len(unread) > 6 else "")
            found = f"no child can read it at {shown}."
            fix = "Let each(...) name positions that the ports of its children read."
            problems.append(Problem(f"node '{name}'", found, fix, "each"))
    return problems
