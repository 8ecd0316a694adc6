"""From what the user wrote to a `Claim`: names, positions and features become values.

Whatever is wrong with single nodes and edges is collected, the rest goes on to the rules, and all
problems are reported at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from scrub.data.features import EXACT, feature
from scrub.data.task import Task
from scrub.errors import InputRefused, Problem, nearest
from scrub.graph import (
    ALL,
    Each,
    Indices,
    ModelGraph,
    Part,
    Positions,
    Reach,
    Role,
    UnknownName,
    expand,
    positions,
)
from scrub.hypothesis.claim import Claim, Edge, Inner, Node, basis_fingerprint
from scrub.hypothesis.hypothesis import EDGE_KEYS, NODE_KEYS, Hypothesis
from scrub.hypothesis.rules import RULES


@dataclass(frozen=True)
class _Written:
    """A node as written, with its positions perhaps still an `each`."""

    node: Node
    each: Each | None = None
    bases: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


def resolve(hypothesis: Hypothesis, graph: ModelGraph, task: Task) -> Claim:
    """Check a hypothesis against a model graph and a task.

    Raises `InputRefused` with every violation: the node, the rule, what was found, and the fix.
    """
    problems = list(_shape_problems(hypothesis.graph))
    if any(problem.rule == "acyclic" for problem in problems):
        raise InputRefused(problems)
    sinks = [name for name, degree in hypothesis.graph.out_degree() if degree == 0]
    written: dict[str, _Written] = {}
    for name, attributes in hypothesis.graph.nodes(data=True):
        found = list(_node_problems(name, attributes))
        problems += found
        if not found:
            try:
                default = task.positions if name in sinks else ALL
                written[str(name)] = _node(str(name), attributes, graph, default)
            except (TypeError, ValueError) as error:
                problems.append(Problem(f"node '{name}'", str(error)))
    problems += [p for _, _, data in hypothesis.graph.edges(data=True) for p in _edge_keys(data)]
    if not written or len(sinks) != 1 or sinks[0] not in map(str, written):
        raise InputRefused(problems)
    edges, edge_problems = _edges(hypothesis.graph, written, graph)
    problems += edge_problems
    claim = Claim(
        graph=graph,
        dataset=task.dataset,
        task=task,
        options=hypothesis.options,
        nodes={name: entry.node for name, entry in written.items()},
        edges=tuple(edges),
        sink=str(sinks[0]),
        bases={k: v for entry in written.values() for k, v in entry.bases.items()},
    )
    claim = _expand_each(claim, {n: w.each for n, w in written.items() if w.each})
    for rule in RULES:
        problems += [replace(p, rule=rule.__name__) for p in rule(claim)]
    if problems:
        raise InputRefused(list(dict.fromkeys(problems)))
    return claim


def _shape_problems(graph: nx.DiGraph) -> Iterator[Problem]:
    """A hypothesis is a DAG with exactly one sink."""
    if not isinstance(graph, nx.DiGraph) or graph.is_multigraph():
        yield Problem("hypothesis", "must be a networkx DiGraph.", rule="acyclic")
        return
    if len(graph) == 0:
        yield Problem("hypothesis", "has no nodes.", "Add at least the output: component='logits'.")
        return
    if not nx.is_directed_acyclic_graph(graph):
        cycle = [str(parent) for parent, _ in nx.find_cycle(graph)]
        loop = " → ".join([*cycle, cycle[0]])
        yield Problem(
            "hypothesis",
            f"has a cycle: {loop}.",
            "Information flows one way; remove an edge.",
            "acyclic",
        )
        return
    sinks = [str(name) for name, degree in graph.out_degree() if degree == 0]
    if len(sinks) > 1:
        yield Problem(
            "hypothesis",
            f"has {len(sinks)} sinks: {', '.join(sorted(sinks))}.",
            "There is one sink, the output; connect or remove the others.",
            "one_sink",
        )


def _node_problems(name: object, attributes: Mapping[str, Any]) -> Iterator[Problem]:
    where = f"node '{name}'"
    for key in attributes:
        if key not in NODE_KEYS:
            yield Problem(where, f"has an unknown attribute '{key}'.", nearest(key, NODE_KEYS))
    for key, example in (("component", "component='a5.h1'"), ("feature", "feature=EXACT")):
        if key not in attributes:
            yield Problem(where, f"says no {key}.", f"For example {example}.")


def _edge_keys(attributes: Mapping[str, Any]) -> Iterator[Problem]:
    for key in attributes:
        if key not in EDGE_KEYS:
            yield Problem("edge", f"has an unknown attribute '{key}'.", nearest(key, EDGE_KEYS))


def _node(name: str, written: Mapping[str, Any], graph: ModelGraph, default: Positions) -> _Written:
    try:
        parts = expand(written["component"], graph)
    except UnknownName as unknown:
        raise ValueError(f"component '{unknown.name}' does not exist. {unknown.hint}") from None
    spots = positions(written["positions"]) if "positions" in written else default
    each = spots if isinstance(spots, Each) else None
    bases: dict[str, NDArray[np.float64]] = {}
    if written.get("subspace") is not None:
        basis = _basis(written["subspace"], parts, graph)
        bases[basis_fingerprint(basis)] = basis
        parts = (Part(parts[0].component, subspace=basis_fingerprint(basis)),)
    node = Node(
        name=name,
        parts=parts,
        positions=spots.of if isinstance(spots, Each) else spots,
        feature=feature(written["feature"]),
        inner=_inner(written.get("inner", Inner.MERGED)),
        of_each=each is not None,
    )
    return _Written(node, each, bases)


def _inner(written: object) -> Inner:
    if isinstance(written, Inner):
        return written
    if written not in [member.value for member in Inner]:
        raise ValueError(f"inner is 'merged' or 'cut', not {written!r}.")
    return Inner(written)


def _basis(written: object, parts: Sequence[Part], graph: ModelGraph) -> NDArray[np.float64]:
    """An orthonormal basis [width, k] of a subspace of one whole component's output."""
    basis = np.asarray(written, dtype=np.float64)
    if len(parts) != 1 or not parts[0].whole:
        raise ValueError("a subspace belongs to one whole component.")
    width = graph[parts[0].component].width
    if basis.ndim != 2 or basis.shape[0] != width or not 0 < basis.shape[1] <= width:
        found = " × ".join(map(str, basis.shape))
        raise ValueError(f"a subspace is a matrix of {width} rows and 1 to {width} columns, "
                         f"found {found or 'a number'}.")
    off = float(np.abs(basis.T @ basis - np.eye(basis.shape[1])).max())
    if not off < 1e-6:
        raise ValueError(
            f"a subspace needs orthonormal columns, these are off by {off:.2g}. "
            "Use numpy.linalg.qr(basis)[0]."
        )
    return basis


def _edges(
    graph: nx.DiGraph, written: Mapping[str, _Written], model: ModelGraph
) -> tuple[list[Edge], list[Problem]]:
    """Edges between the nodes that could be read, each with its ports."""
    edges: list[Edge] = []
    problems: list[Problem] = []
    for parent, child, attributes in graph.edges(data=True):
        if str(parent) not in written or str(child) not in written:
            continue
        parts = written[str(child)].node.parts
        known = tuple(dict.fromkeys(p for part in parts for p in model[part.component].port_names))
        port = attributes.get("port")
        asked = known if port is None else (port,) if isinstance(port, str) else tuple(port)
        for name in asked:
            if name not in known:
                shown = ", ".join(map(str, parts[:3])) + ("…" if len(parts) > 3 else "")
                problems.append(
                    Problem(
                        f"edge '{parent}' → '{child}'",
                        f"{shown} has no port '{name}'.",
                        f"Its ports: {', '.join(known) or 'none'}.",
                        "ports",
                    )
                )
        ports = tuple(sorted(set(asked) & set(known)))
        if ports or port is None:
            edges.append(Edge(str(parent), str(child), ports))
    return edges, problems


def _expand_each(claim: Claim, each: Mapping[str, Each]) -> Claim:
    """One node per position for nodes at `each(...)`, connected where the positions can be read."""
    if not each:
        return claim
    copies = {
        name: [replace(node, name=f"{name}@{spot}", positions=spot) for spot in _spots(node, claim)]
        if name in each
        else [node]
        for name, node in claim.nodes.items()
    }
    edges = [
        replace(edge, parent=parent.name, child=child.name)
        for edge in claim.edges
        for child in copies[edge.child]
        for parent in copies[edge.parent]
        if _connects(claim, edge, parent, child, len(copies[edge.parent]))
    ]
    nodes = {node.name: node for family in copies.values() for node in family}
    return replace(claim, nodes=nodes, edges=tuple(edges))


def _spots(node: Node, claim: Claim) -> list[Positions]:
    match node.positions:
        case Role(name) if name in claim.dataset.roles:
            most = max(map(len, claim.dataset.roles[name]))
            return [Role(name)] if most == 1 else [Role(name, i) for i in range(most)]
        case Indices(indices):
            return [Indices((i,)) for i in indices]
        case Role():
            return [node.positions]  # an unknown role, which a rule reports
        case _:
            return [Indices((i,)) for i in range(claim.dataset.length)]


def _connects(claim: Claim, edge: Edge, parent: Node, child: Node, siblings: int) -> bool:
    """Between two families of indices, only the pairs that the ports can read."""
    where, at = parent.positions, child.positions
    if siblings == 1 or not isinstance(where, Indices) or not isinstance(at, Indices):
        return True
    reaches = {claim.graph[p.component].port(name).reach for p in child.parts for name in edge.ports}
    if reaches <= {Reach.SAME}:
        return set(where.indices) <= set(at.indices)
    return Reach.ANY in reaches or max(where.indices) <= max(at.indices)


def trivial(hypothesis: Hypothesis, sink_component: str) -> Hypothesis:
    """The parentless sink: the claim that nothing matters, whose score is the baseline."""
    graph = nx.DiGraph()
    graph.add_node("output", component=sink_component, feature=EXACT)
    return hypothesis.with_graph(graph)
