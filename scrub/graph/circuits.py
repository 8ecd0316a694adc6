"""Circuits of whole edges: read from and written to the JSON of EAP-IG and the MIB benchmark.

The file holds `nodes` and `edges` by name, each with `in_graph`; edges are written
`a0.h1->a5.h1<q>`, `input->m3`, `m11->logits`. Their `input` is our `embed`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scrub.errors import InputRefused, Problem, nearest
from scrub.graph.model_graph import ModelGraph
from scrub.graph.names import ALIASES

_EDGE = re.compile(r"^(?P<feeder>[^<>]+?)\s*->\s*(?P<reader>[^<>]+?)(?:<(?P<port>\w+)>)?$")
_HEAD = re.compile(r"^a(?P<layer>\d+)\.h(?P<head>\d+)$")
_THEIRS = {ours: theirs for theirs, ours in ALIASES.items()}


@dataclass(frozen=True, order=True)
class Edge:
    """One edge of a model graph: a feeder's output at a port of a reader.

    >>> str(Edge("a0.h1", "a5.h1", "q")), str(Edge("embed", "m3", "in"))
    ('a0.h1->a5.h1<q>', 'embed->m3')
    """

    feeder: str
    reader: str
    port: str

    def __str__(self) -> str:
        port = "" if self.port == "in" else f"<{self.port}>"
        return f"{self.feeder}->{self.reader}{port}"


def parse_edge(text: str) -> Edge:
    """An edge as it is written. Raises `InputRefused`.

    >>> parse_edge("input->a0.h0<q>")
    Edge(feeder='embed', reader='a0.h0', port='q')
    """
    match = _EDGE.match(text.strip())
    if match is None:
        fix = "Write a0.h1->a5.h1<q>, embed->m3 or m11->logits."
        raise InputRefused(Problem(f"edge '{text}'", "is not written as an edge.", fix))
    feeder = ALIASES.get(match["feeder"], match["feeder"])
    return Edge(feeder, match["reader"], match["port"] or "in")


def read_circuit(path: str | Path, graph: ModelGraph) -> tuple[Edge, ...]:
    """The edges that a circuit file keeps (`in_graph`), sorted. Raises `InputRefused`.

    Every problem is reported at once: what is no edge, and what the model graph does not have.
    """
    document = _read(Path(path))
    kept = [name for name, entry in document["edges"].items() if _kept(entry)]
    problems: list[Problem] = []
    edges: list[Edge] = []
    for name in kept:
        try:
            edge = parse_edge(name)
        except InputRefused as refused:
            problems += refused.problems
            continue
        problem = unknown_edge(edge, graph)
        if problem is None:
            edges.append(edge)
        else:
            problems.append(problem)
    if problems:
        raise InputRefused(problems[:10])
    return tuple(sorted(edges))


def read_scores(path: str | Path, graph: ModelGraph) -> Mapping[Edge, float]:
    """The score of every edge in a circuit file, in order of evaluation: a ranking of them all.

    Raises `InputRefused` with what is no edge of the model graph, what has no score that is a
    finite number, and the edges that the file leaves out.
    """
    edges = _read(Path(path))["edges"]
    found: dict[Edge, float] = {}
    problems: list[Problem] = []
    for name, entry in edges.items():
        try:
            edge = parse_edge(name)
        except InputRefused as refused:
            problems += refused.problems
            continue
        problem = unknown_edge(edge, graph)
        score = entry.get("score") if isinstance(entry, dict) else None
        if problem is None and not _is_score(score):
            fix = 'An entry is {"score": 0.5, "in_graph": true}.'
            problem = Problem(f"edge '{edge}'", "has no score that is a number.", fix)
        if problem is None:
            found[edge] = float(score)  # type: ignore[arg-type]
        else:
            problems.append(problem)
    absent = [edge for edge in all_edges(graph) if edge not in found]
    if absent and not problems:
        shown = ", ".join(map(str, absent[:3])) + (", …" if len(absent) > 3 else "")
        said = f"leaves out {len(absent)} of the {graph.n_edges} edges: {shown}."
        problems = [Problem(str(path), said, "A ranking has a score for every edge.")]
    if problems:
        raise InputRefused(problems[:10])
    return {edge: found[edge] for edge in all_edges(graph)}


def write_circuit(path: str | Path, edges: Iterable[Edge], graph: ModelGraph) -> None:
    """Write a circuit so that EAP-IG and MIB can read it: all edges, those kept marked."""
    Path(path).write_text(circuit_json(edges, graph), encoding="utf-8")


def circuit_json(
    edges: Iterable[Edge], graph: ModelGraph, scores: Mapping[Edge, float] | None = None
) -> str:
    """A circuit as EAP-IG and MIB read it: all edges with their scores, those kept marked.

    Without scores an edge that is kept has 1, any other 0.
    """
    kept = set(edges)
    inside = {name for edge in kept for name in (edge.feeder, edge.reader)}
    document = {
        "cfg": {"name": graph.name, **_sizes(graph)},
        "nodes": {_theirs(c.name): {"in_graph": c.name in inside} for c in graph.components},
        "edges": {
            _theirs(str(edge)): {
                "score": float(edge in kept if scores is None else scores[edge]),
                "in_graph": edge in kept,
            }
            for edge in all_edges(graph)
        },
    }
    return json.dumps(document, indent=1) + "\n"


def _sizes(graph: ModelGraph) -> Mapping[str, int | bool]:
    """What EAP-IG builds its own graph from; nothing, of a model that has no such sizes."""
    heads = [match for name in graph.by_name if (match := _HEAD.match(name))]
    if not heads or "embed" not in graph:
        return {}
    return {
        "n_layers": len({match["layer"] for match in heads}),
        "n_heads": len({match["head"] for match in heads}),
        "parallel_attn_mlp": "m0" in graph and not graph.feeds("a0.h0", "m0", "in"),
        "d_model": graph["embed"].width,
    }


def _is_score(value: object) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value)  # type: ignore[arg-type]


def all_edges(graph: ModelGraph) -> Sequence[Edge]:
    """Every edge of a model graph, in order of evaluation."""
    return [
        Edge(feeder, component.name, port.name)
        for component in graph.components
        for port in component.ports
        for feeder in port.feeders
    ]


def _theirs(name: str) -> str:
    head, arrow, tail = name.partition("->")
    return _THEIRS.get(head, head) + arrow + tail


def _read(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputRefused(Problem(str(path), "there is no such file.")) from None
    except (OSError, ValueError) as error:
        raise InputRefused(Problem(str(path), f"is not readable as JSON: {error}.")) from None
    if not isinstance(document, dict) or not isinstance(document.get("edges"), dict):
        fix = 'A circuit is {"nodes": {…}, "edges": {"a0.h1->m3": {"in_graph": true}}}.'
        raise InputRefused(Problem(str(path), "holds no table 'edges'.", fix))
    return document


def _kept(entry: object) -> bool:
    return bool(entry.get("in_graph", True)) if isinstance(entry, dict) else bool(entry)


def unknown_edge(edge: Edge, graph: ModelGraph) -> Problem | None:
    """What keeps an edge from being one of the graph's."""
    for name in (edge.feeder, edge.reader):
        if name not in graph:
            close = nearest(name, graph.by_name)
            return Problem(f"edge '{edge}'", f"component '{name}' does not exist.", close)
    ports = graph[edge.reader].port_names
    if edge.port not in ports:
        known = f"Its ports: {', '.join(ports) or 'none'}."
        return Problem(f"edge '{edge}'", f"{edge.reader} has no port '{edge.port}'.", known)
    if not graph.feeds(edge.feeder, edge.reader, edge.port):
        return Problem(f"edge '{edge}'", f"{edge.feeder} does not feed {edge.reader}.")
    return None
