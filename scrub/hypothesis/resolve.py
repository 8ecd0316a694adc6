"""From what the user wrote to a `Claim`: names, positions and features become values.

Whatever is wrong with single nodes and edges is collected, the rest goes on to the rules, and all
problems are reported at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import networkx as nx

from scrub.data.task import Task
from scrub.errors import InputRefused, Problem
from scrub.graph import ModelGraph
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.each import expand_each
from scrub.hypothesis.hypothesis import Hypothesis
from scrub.hypothesis.reading import read_edges, read_nodes
from scrub.hypothesis.rules import RULES
from scrub.hypothesis.rules.inputs import missing_fields


def resolve(hypothesis: Hypothesis, graph: ModelGraph, task: Task) -> Claim:
    """Check a hypothesis against a model graph and a task.

    Raises `InputRefused` with every violation: the node, the rule, what was found, and the fix.
    """
    problems = list(_shape_problems(hypothesis.graph))
    if any(problem.rule == "acyclic" for problem in problems):
        raise InputRefused(problems)  # there is no graph whose nodes could be looked at
    sinks = [str(name) for name, degree in hypothesis.graph.out_degree() if degree == 0]
    written, node_problems = read_nodes(hypothesis.graph, graph, task, sinks)
    problems += node_problems
    if len(sinks) != 1 or sinks[0] not in written:
        raise InputRefused(problems)
    edges, edge_problems = read_edges(hypothesis.graph, written, graph)
    problems += edge_problems
    claim = Claim(
        graph=graph,
        dataset=task.dataset,
        task=task,
        options=hypothesis.options,
        nodes={name: entry.node for name, entry in written.items()},
        edges=tuple(edges),
        sink=sinks[0],
        bases={k: v for entry in written.values() for k, v in entry.bases.items()},
    )
    if missing := list(missing_fields(claim)):  # there are no positions that could be looked at
        raise InputRefused([*problems, *missing])
    claim, each_problems = expand_each(claim, {n: w.each for n, w in written.items() if w.each})
    problems += each_problems
    for rule in RULES:
        problems += [replace(p, rule=rule.__name__) for p in rule(claim)]
    if problems:
        raise InputRefused(list(dict.fromkeys(problems)))
    return claim


def _shape_problems(graph: nx.DiGraph[Any]) -> Iterator[Problem]:
    """A hypothesis is a DAG with exactly one sink."""
    if not isinstance(graph, nx.DiGraph) or graph.is_multigraph():
        found = f"must be a networkx DiGraph, not a {type(graph).__name__}."
        several = isinstance(graph, nx.Graph) and graph.is_multigraph()
        fix = (
            "One edge may name several ports: port=('q', 'k')." if several else "Use nx.DiGraph()."
        )
        yield Problem("hypothesis", found, fix, "acyclic")
        return
    if len(graph) == 0:
        fix = "Add at least the output, for example component='logits'."
        yield Problem("hypothesis", "has no nodes.", fix, "acyclic")
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
    names = Counter(str(name) for name in graph)
    if repeated := [name for name, times in names.items() if times > 1]:
        found = f"has two nodes that are both written '{repeated[0]}'."
        yield Problem("hypothesis", found, "Rename one.", "acyclic")
