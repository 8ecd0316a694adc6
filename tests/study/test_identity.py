"""What a claim's fingerprint tells apart, and what it does not."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np

from scrub import ANY, EXACT, Dataset, Hypothesis, Task, component, handmade, run, source
from scrub.study.check import check
from scrub.study.identity import fingerprint_of_claim

X = source("x", lambda inputs: inputs.double()[:, :, None])
Y = source("y", lambda inputs: inputs.double()[:, :, None] * 2)
MODEL = handmade(X, Y, component("o", lambda q, k: q + k, q=["x", "y"], k=["x", "y"]), output="o")
ROWS = [{"tokens": [i, i + 1, i % 3, 1], "roles": {"end": 3}, "f": i % 2} for i in range(8)]


def claim(feature: Any = "f", part: str = "x", port: Any = "q", name: str = "n") -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_node("o", component="o", feature=EXACT)
    graph.add_node(name, component=part, positions="end", feature=feature)
    graph.add_edge(name, "o", port=port)
    return graph


def fingerprint(graph: nx.DiGraph, **options: Any) -> str:
    task = Task(Dataset.from_rows(ROWS), metric=lambda o, c: o[:, 0, 0], at="end", label=("f",))
    return fingerprint_of_claim(check(Hypothesis(graph, task=task, model=MODEL, **options)))


def test_what_differs_in_anything_differs():
    graphs = [claim(), claim(part="y"), claim(port="k"), claim(port=("q", "k")), claim(ANY)]
    graphs += [claim(lambda e: e["f"] + 1), claim(lambda e: e["f"] + 2)]
    prints = [fingerprint(graph) for graph in graphs]
    prints.append(fingerprint(claim(), unimportant="separately"))
    assert len(set(prints)) == len(prints)


def test_names_do_not_matter():
    assert fingerprint(claim(name="n")) == fingerprint(claim(name="other"))
    same = [fingerprint(claim(lambda e: e["f"] + 1)) for _ in range(2)]
    assert same[0] == same[1]


def test_a_task_scored_at_an_index_with_unequal_lengths_runs():
    """The baseline is made of the checked claim: the rules do not see it alone."""
    rng = np.random.default_rng(0)
    rows = [
        {"tokens": rng.integers(1, 9, 4 + i % 3).tolist(), "roles": {"s": 2}, "f": i % 3}
        for i in range(12)
    ]
    task = Task(Dataset.from_rows(rows), metric=lambda o, c: o[:, 0, 0], at=2, label=("f",))
    graph = claim()
    graph.nodes["n"]["positions"] = "s"
    assert run(Hypothesis(graph, task=task, model=MODEL), draws=1).means.model.value is not None
