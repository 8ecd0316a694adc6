"""Reading a hypothesis's nodes and edges: names, positions, features and ports become values.

What cannot be read is a problem; the rest is read all the same, so that all is reported at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from scrub.data.dataset import Dataset
from scrub.data.features import feature
from scrub.data.task import Task
from scrub.errors import Problem, nearest
from scrub.graph import ALL, Each, ModelGraph, Part, Positions, UnknownName, expand, positions
from scrub.hypothesis.claim import Edge, Inner, Node, basis_fingerprint
from scrub.hypothesis.hypothesis import EDGE_KEYS, NODE_KEYS


@dataclass(frozen=True)
class Written:
    """A node as written, with its positions perhaps still an `each`."""

    node: Node
    each: Each | None = None
    bases: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


def read_nodes(
    graph: nx.DiGraph[Any], model: ModelGraph, task: Task, sinks: Sequence[str]
) -> tuple[dict[str, Written], list[Problem]]:
    """The nodes that could be read, and what is wrong with the others."""
    scored = task.positions
    written: dict[str, Written] = {}
    problems: list[Problem] = []
    for key, attributes in graph.nodes(data=True):
        name = str(key)
        if found := list(_node_problems(name, attributes)):
            problems += [*found, *_data_problems(name, attributes, task.dataset)]
            continue
        try:
            written[name] = _node(name, attributes, model, scored if name in sinks else ALL)
        except (TypeError, ValueError) as error:
            problems.append(Problem(f"node '{name}'", str(error)))
            problems += _data_problems(name, attributes, task.dataset)
            continue
        if name in sinks and written[name].each is not None:
            found_each = "is the sink, and cannot be at each(...)."
            problems.append(Problem(f"node '{name}'", found_each, "Leave out its positions."))
            del written[name]
    return written, problems


def _node_problems(name: object, attributes: Mapping[str, Any]) -> Iterator[Problem]:
    where = f"node '{name}'"
    for key in attributes:
        if key not in NODE_KEYS:
            yield Problem(where, f"has an unknown attribute '{key}'.", nearest(key, NODE_KEYS))
    hints = {
        "component": "Which part of the model is it? For example component='a5.h1'.",
        "feature": "What does it carry? A column's name, a function of an example, EXACT or ANY.",
    }
    for key, hint in hints.items():
        if key not in attributes:
            yield Problem(where, f"says no {key}.", hint)


def _data_problems(name: str, attributes: Mapping[str, Any], data: Dataset) -> Iterator[Problem]:
    """What an unreadable node says of the data is checked all the same: roles and columns."""
    where, role = f"node '{name}'", attributes.get("positions")
    if isinstance(role, str) and role != "all" and role not in data.roles:
        yield Problem(where, f"the data has no role '{role}'.", nearest(role, data.roles))
    carried = attributes.get("feature")
    names = carried if isinstance(carried, (tuple, list)) else [carried]
    for column in names:
        if isinstance(column, str) and column not in data.columns:
            yield Problem(where, f"no column '{column}'. {nearest(column, data.columns)}")


def _node(name: str, written: Mapping[str, Any], graph: ModelGraph, default: Positions) -> Written:
    parts = _parts(written["component"], graph)
    spots = _positions(written["positions"]) if "positions" in written else default
    each = spots if isinstance(spots, Each) else None
    bases: dict[str, NDArray[np.float64]] = {}
    if written.get("subspace") is not None:
        basis = basis_of(written["subspace"], parts, graph)
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
    return Written(node, each, bases)


def _parts(written: object, graph: ModelGraph) -> tuple[Part, ...]:
    """The components that a node stands for."""
    names = [written] if isinstance(written, str) else written
    if not isinstance(names, (list, tuple, set, frozenset)) or not all(
        isinstance(name, str) for name in names
    ):
        raise TypeError(f"component must be a name or a list of names, not {written!r}.")
    if not names:
        raise ValueError("names no component. For example component='a5.h1'.")
    try:
        return expand(names, graph)
    except UnknownName as unknown:
        raise ValueError(f"component '{unknown.name}' does not exist. {unknown.hint}") from None


def _positions(written: object) -> Positions | Each:
    try:
        return positions(written)
    except TypeError as error:
        numbers = written if isinstance(written, (list, tuple)) else [written]
        if any(isinstance(number, int) and number < 0 for number in numbers):
            fix = "Indices count from 0; for the last token give the data a role such as 'end'."
            raise ValueError(f"{error} {fix}") from None
        raise


def _inner(written: object) -> Inner:
    if isinstance(written, Inner):
        return written
    if not isinstance(written, str) or written not in [member.value for member in Inner]:
        raise ValueError(f"inner is 'merged' or 'cut', not {written!r}.")
    return Inner(written)


def basis_of(written: object, parts: Sequence[Part], graph: ModelGraph) -> NDArray[np.float64]:
    """An orthonormal basis [width, k] of a subspace of one whole component's output.

    Raises `TypeError` and `ValueError`, in words.
    """
    try:
        basis = np.asarray(written, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"a subspace is a matrix of numbers, not {written!r}.") from None
    if len(parts) != 1 or not parts[0].whole:
        found = ", ".join(map(str, parts))
        raise ValueError(f"a subspace belongs to one whole component, not to {found}.")
    width = graph[parts[0].component].width
    if basis.ndim != 2 or basis.shape[0] != width or not 0 < basis.shape[1] <= width:
        found = " × ".join(map(str, basis.shape))
        raise ValueError(
            f"a subspace is a matrix of {width} rows and 1 to {width} columns, "
            f"found {found or 'a number'}."
        )
    off = float(np.abs(basis.T @ basis - np.eye(basis.shape[1])).max())
    if not off < 1e-6:
        raise ValueError(
            f"a subspace needs orthonormal columns, these are off by {off:.2g}. "
            "Use numpy.linalg.qr(basis)[0]."
        )
    return basis


def read_edges(
    graph: nx.DiGraph[Any], written: Mapping[str, Written], model: ModelGraph
) -> tuple[list[Edge], list[Problem]]:
    """Edges between the nodes that could be read, each with its ports."""
    edges: list[Edge] = []
    problems: list[Problem] = []
    ports = {
        name: tuple(
            dict.fromkeys(p for part in entry.node.parts for p in model[part.component].port_names)
        )
        for name, entry in written.items()
    }
    for parent, child, attributes in graph.edges(data=True):
        where = f"edge '{parent}' → '{child}'"
        problems += [
            Problem(where, f"has an unknown attribute '{key}'.", nearest(key, EDGE_KEYS))
            for key in attributes
            if key not in EDGE_KEYS
        ]
        if str(parent) not in written or str(child) not in written:
            continue
        parts, known = written[str(child)].node.parts, ports[str(child)]
        asked = _asked_ports(attributes.get("port"), known)
        if asked is None:
            found = f"port must be a name or a list of names, not {attributes['port']!r}."
            problems.append(Problem(where, found, f"Known: {', '.join(known)}.", "ports"))
            continue
        shown = ", ".join(map(str, parts[:3])) + ("…" if len(parts) > 3 else "")
        fix = f"Its ports: {', '.join(known) or 'none'}."
        problems += [
            Problem(where, f"{shown} has no port '{name}'.", fix, "ports")
            for name in asked
            if name not in known
        ]
        if all(name in known for name in asked):
            edges.append(Edge(str(parent), str(child), tuple(sorted(set(asked)))))
    return edges, problems


def _asked_ports(written: object, known: tuple[str, ...]) -> tuple[str, ...] | None:
    """The ports that an edge names, all of the child's if none; None where it makes no sense."""
    if written is None:
        return known
    names = [written] if isinstance(written, str) else written
    if not isinstance(names, (list, tuple, set, frozenset)) or not names:
        return None
    return tuple(names) if all(isinstance(name, str) for name in names) else None
