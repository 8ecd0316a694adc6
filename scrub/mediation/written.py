"""Circuits as users have them: a file of EAP-IG or MIB, a networkx graph, edges or components."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import networkx as nx

from scrub.errors import InputRefused, Problem
from scrub.graph import ModelGraph
from scrub.graph.circuits import (
    Edge,
    all_edges,
    parse_edge,
    read_circuit,
    read_scores,
    unknown_edge,
)
from scrub.graph.names import UnknownName, expand

Written = str | Path | Iterable[str | Edge] | Any
Ranking = str | Path | Iterable[str | Edge] | Any
_PIECES = re.compile(r",(?!\s*\w+\s*(?:,\s*\w+\s*)*>)")  # commas outside of <q,k>
_PORTS = re.compile(r"^(?P<edge>.+)<(?P<ports>\w+(?:\s*,\s*\w+)+)>$")


def edges_of(written: Written, graph: ModelGraph) -> tuple[Edge, ...]:
    """The edges of a circuit, each once, in order of evaluation. Raises `InputRefused`.

    A path is that of a JSON file; a networkx graph has components as nodes, and an edge's `port`
    names one port or several (all, without it); edges are written `a0.h1->a5.h1<q>` (or `<q,k>`);
    components alone (`["embed", "a0.h1", "m3"]`) stand for every edge among them and the output.
    A text may hold several of either, with commas between them.

    >>> from scrub.graph import Component, Port
    >>> port = Port("in", "s", ("x",))
    >>> graph = ModelGraph("toy", (Component("x"), Component("y", ports=(port,))), output="y")
    >>> [str(edge) for edge in edges_of(["x->y"], graph)], edges_of(["x"], graph)
    (['x->y'], (Edge(feeder='x', reader='y', port='in'),))
    """
    if isinstance(written, nx.DiGraph):
        found = _of_graph(written, graph)
    elif isinstance(written, (str, Path)) and Path(written).suffix == ".json":
        found = set(read_circuit(written, graph))
    else:
        found = _of_names(_pieces(written), graph)
    return tuple(edge for edge in all_edges(graph) if edge in found)


def ranking_of(written: Ranking, graph: ModelGraph) -> tuple[Edge, ...]:
    """Every edge of a model graph once, the most important first. Raises `InputRefused`.

    A path is that of a JSON file of EAP-IG or MIB, whose scores are ranked by size; what
    `attribute` found has such scores too; edges are taken in their order.
    """
    scores: Mapping[Edge, float] | None = getattr(written, "scores", None)
    if isinstance(written, (str, Path)):
        scores = read_scores(written, graph)
    if scores is not None:
        return tuple(sorted(scores, key=lambda edge: -abs(scores[edge])))
    given: Any = written
    order = [parse_edge(one) if isinstance(one, str) else one for one in given]
    problems = [p for edge in order if (p := unknown_edge(edge, graph)) is not None]
    if not problems and (len(order) != graph.n_edges or len(set(order)) != graph.n_edges):
        found = f"must hold each of the {graph.n_edges} edges once, found {len(order)}, of which "
        problems = [Problem("ranking", f"{found}{len(set(order))} differ.")]
    if problems:
        raise InputRefused(problems[:10])
    return tuple(order)


def _pieces(written: Any) -> list[str | Edge]:
    """Members one by one: a text of several at its commas, an edge of several ports port by port.

    >>> _pieces("embed->a0.h0<q,k>, m0->logits")
    ['embed->a0.h0<q>', 'embed->a0.h0<k>', 'm0->logits']
    """
    found: list[str | Edge] = []
    for one in [written] if isinstance(written, (str, Edge)) else written:
        for piece in _PIECES.split(one) if isinstance(one, str) else [one]:
            match = _PORTS.match(piece.strip()) if isinstance(piece, str) else None
            if match is None:
                found.append(piece.strip() if isinstance(piece, str) else piece)
            else:
                ports = match["ports"].split(",")
                found += [f"{match['edge']}<{port.strip()}>" for port in ports]
    return found


def _of_names(written: Iterable[str | Edge], graph: ModelGraph) -> set[Edge]:
    edges: set[Edge] = set()
    components = {graph.output}
    problems: list[Problem] = []
    named = 0
    for one in written:
        try:
            if isinstance(one, Edge) or "->" in one:
                edges.add(_known(parse_edge(one) if isinstance(one, str) else one, graph))
            else:
                components |= {part.component for part in expand(one, graph)}
                named += 1
        except InputRefused as refused:
            problems += refused.problems
        except UnknownName as unknown:
            found = f"'{unknown.name}' is no component."
            problems.append(Problem(f"circuit member '{one}'", found, unknown.hint))
    if edges and named:
        found = "holds edges and components alone, and must hold one kind."
        problems.append(Problem("circuit", found, "Name the edges of those components."))
    if problems:
        raise InputRefused(problems[:10])
    if edges or not named:
        return edges
    return {e for e in all_edges(graph) if e.feeder in components and e.reader in components}


def _of_graph(written: nx.DiGraph[Any], graph: ModelGraph) -> set[Edge]:
    problems: list[Problem] = []
    edges: set[Edge] = set()
    port: Any
    for feeder, reader, port in written.edges(data="port"):
        ports: str | tuple[str, ...] = port or (
            graph[reader].port_names if reader in graph else "in"
        )
        for name in (ports,) if isinstance(ports, str) else ports:
            edge = Edge(str(feeder), str(reader), str(name))
            problem = unknown_edge(edge, graph)
            if problem is None:
                edges.add(edge)
            else:
                problems.append(problem)
    if problems:
        raise InputRefused(problems[:10])
    return edges


def _known(edge: Edge, graph: ModelGraph) -> Edge:
    problem = unknown_edge(edge, graph)
    if problem is not None:
        raise InputRefused(problem)
    return edge
