"""Rules about who feeds whom: the map from nodes to components is a correspondence."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from scrub.errors import Problem
from scrub.graph import Everywhere, Part, Positions, summarise
from scrub.hypothesis.claim import Claim, Edge, Node
from scrub.hypothesis.rules.places import known_positions


def sink(claim: Claim) -> Iterator[Problem]:
    """The sink is the output."""
    node = claim.nodes[claim.sink]
    if [str(part) for part in node.parts] != [claim.graph.output]:
        found = ", ".join(map(str, node.parts))
        yield Problem(
            f"node '{node.name}'",
            f"is the sink, but stands for {found}.",
            f"The sink is the model's output: component='{claim.graph.output}'.",
        )
    task = claim.task
    if node.positions != task.positions:
        found = f"is the sink at '{node.positions}', and task '{task.name}' scores at "
        yield Problem(
            f"node '{node.name}'",
            f"{found}'{task.positions}'.",
            "Leave out the sink's positions, or set at= in the task.",
        )


def inputs_have_ports(claim: Claim) -> Iterator[Problem]:
    """A component that reads no other component has no parents."""
    for name, edges in claim.parents.items():
        for part in claim.nodes[name].parts:
            if edges and not claim.graph[part.component].ports:
                yield Problem(
                    f"node '{name}'",
                    f"{part.component} reads the model's input and has no ports.",
                    f"Remove the edge from '{edges[0].parent}'.",
                )


def direct_paths(claim: Claim) -> Iterator[Problem]:
    """Every member of a node has a direct path to (from) a member of the other end."""
    for edge in claim.edges:
        parent, child = claim.nodes[edge.parent], claim.nodes[edge.child]
        if not all(claim.graph[part.component].ports for part in child.parts):
            continue
        reported = [_not_fed_by(claim, edge, u, child) for u in parent.parts]
        reported += [_not_reached(claim, edge, c, parent) for c in child.parts]
        yield from list(dict.fromkeys(p for p in reported if p))[:3]


def _not_fed_by(claim: Claim, edge: Edge, part: Part, child: Node) -> Problem | None:
    """A parent's member that feeds nobody through these ports."""
    if any(claim.part_feeds(part, c, port) for c in child.parts for port in edge.ports):
        return None
    return _blocked(claim, edge, part, child.parts[-1], child.name)


def _not_reached(claim: Claim, edge: Edge, part: Part, parent: Node) -> Problem | None:
    """A child's member that none of the parent's members feeds."""
    if any(claim.part_feeds(u, part, port) for u in parent.parts for port in edge.ports):
        return None
    return _blocked(claim, edge, parent.parts[0], part, edge.child)


def _blocked(claim: Claim, edge: Edge, feeder: Part, reader: Part, node: str) -> Problem:
    graph = claim.graph
    component = graph[reader.component]
    ports = [port for port in component.ports if port.name in edge.ports] or component.ports[:1]
    target = f"{component.name}.{ports[0].name}" if len(component.ports) > 1 else component.name
    why = (
        f" ({feeder.component} is evaluated after {component.name})"
        if graph.order[feeder.component] > graph.order[component.name]
        else f" ({feeder.component} is {component.name})"
        if feeder.component == component.name
        else ""
    )
    return Problem(
        f"node '{node}'",
        f"{_ports_text(edge)} of {component.name} cannot be fed by {feeder}{why}.",
        f"What feeds {target}: {summarise(ports[0].feeders)}.",
    )


def _ports_text(edge: Edge) -> str:
    return f"port{'s' if len(edge.ports) > 1 else ''} {', '.join(edge.ports)}"


def parents_disjoint(claim: Claim) -> Iterator[Problem]:
    """The parents of a node are disjoint in (part, position, port), for every example."""
    for name, node in claim.nodes.items():
        for first, second in combinations(node.parts, 2):
            if _parts_overlap(claim, first, second):
                found = f"names {first} and {second}, which overlap."
                what = "expert" if first.experts and second.experts else "neuron"
                yield Problem(f"node '{name}'", found, f"Name each {what} once.")
        entries = list(_entries(claim, name))
        by_component: dict[str, list[tuple[Edge, Part, Positions]]] = {}
        for entry in entries:
            by_component.setdefault(entry[1].component, []).append(entry)
        for group in by_component.values():
            for one, other in combinations(group, 2):
                if problem := _overlap(claim, name, one, other):
                    yield problem


def _entries(claim: Claim, name: str) -> Iterator[tuple[Edge, Part, Positions]]:
    """All that is put in for a node's inputs; merged members feed the later ones."""
    node = claim.nodes[name]
    for edge in claim.parents[name]:
        parent = claim.nodes[edge.parent]
        for part in parent.parts:
            yield edge, part, parent.positions
    if node.merged:
        for part in node.parts:
            ports = tuple(
                p
                for reader in node.parts
                for p in claim.graph[reader.component].port_names
                if claim.part_feeds(part, reader, p)
            )
            yield Edge(name, name, ports), part, node.positions


def _overlap(
    claim: Claim,
    name: str,
    one: tuple[Edge, Part, Positions],
    other: tuple[Edge, Part, Positions],
) -> Problem | None:
    ports = sorted(set(one[0].ports) & set(other[0].ports))
    if not ports or one[0] is other[0] or not _parts_overlap(claim, one[1], other[1]):
        return None
    row = _shared_row(claim, one[2], other[2], claim.graph[one[1].component].space)
    if row is None:
        return None
    example = "" if row < 0 else f" in row {row}"
    mine = [entry for entry in (one, other) if entry[0].parent == name]
    if len(mine) == 2:
        return None  # two members of the node itself, which are reported above
    theirs = [f"'{e.parent}' ({p} at {at})" for e, p, at in (one, other) if e.parent != name]
    if mine:
        found = f"its parent {theirs[0]} and its own {mine[0][1]}, which feeds its other members,"
        fix = "Take it out of the parent, or say inner='cut': members do not feed one another."
    else:
        found = f"its parents {theirs[0]} and {theirs[1]}"
        fix = "What enters a port is explained once: narrow the parts, positions or ports of one."
    found = f"{found} overlap at port {', '.join(ports)}{example}."
    return Problem(f"node '{name}'", found, fix)


def _shared_row(claim: Claim, one: Positions, other: Positions, space: str) -> int | None:
    """A row in which two positions of a space meet, -1 where they do in all, None where in none."""
    if isinstance(one, Everywhere) or isinstance(other, Everywhere) or one == other:
        return -1
    axis = claim.graph.space[space]
    if not (known_positions(claim, one, axis) and known_positions(claim, other, axis)):
        return None
    first, second = claim.dataset.positions(one), claim.dataset.positions(other)
    assert first is not None  # neither is everywhere
    assert second is not None
    rows = np.nonzero((first[:, :, None] == second[:, None, :]).any(axis=(1, 2)))[0]
    return int(rows[0]) if len(rows) else None


def _parts_overlap(claim: Claim, one: Part, other: Part) -> bool:
    if one.component != other.component:
        return False
    for mine, theirs in ((one.neurons, other.neurons), (one.experts, other.experts)):
        if mine and theirs:
            return mine[0] <= theirs[1] and theirs[0] <= mine[1]
    if one.subspace and other.subspace:
        first, second = claim.bases[one.subspace], claim.bases[other.subspace]
        return bool(np.abs(first.T @ second).max() > 1e-6)
    return True
