"""Random claims over a small model graph in which every component reads all earlier ones."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np

from scrub import ANY, EXACT, Dataset, Hypothesis, Task
from scrub.graph import Component, ModelGraph, Port, Reach
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.resolve import resolve

SIZE = 7
FEATURES = (EXACT, EXACT, ANY, "name")


def model_graph(size: int = SIZE) -> ModelGraph:
    """`c0` reads the tokens; `c1`, … and `out` each have ports `q` and `k` fed by all before."""
    names = [f"c{i}" for i in range(size)]
    later = [
        Component(name, _ports(tuple(names[: i + 1]))) for i, name in enumerate([*names[1:], "out"])
    ]
    return ModelGraph("dag", (Component("c0"), *later), output="out")


def _ports(feeders: tuple[str, ...]) -> tuple[Port, ...]:
    stream = f"sum{len(feeders)}"
    return Port("q", stream, feeders), Port("k", stream, feeders, Reach.CAUSAL)


GRAPH = model_graph()


def task(n: int = 12) -> Task:
    rows = [
        {"tokens": [i, 1, 2], "roles": {"end": 2}, "name": "abc"[i % 3], "answer": i % 2}
        for i in range(n)
    ]
    return Task(Dataset.from_rows(rows), at="all", metric="kl", label=("answer",))


TASK = task()


def random_graph(rng: np.random.Generator, features: Any = FEATURES) -> nx.DiGraph[Any]:
    """Some of the components, each feeding one or more later ones through some ports."""
    chosen = [f"c{i}" for i in range(SIZE) if rng.random() < 0.8] + ["out"]
    graph: nx.DiGraph[Any] = nx.DiGraph()
    for name in chosen:
        pick = EXACT if name == "out" else features[int(rng.integers(len(features)))]
        graph.add_node(name, component=name, feature=pick)
    for i, parent in enumerate(chosen[:-1]):
        later = chosen[i + 1 :]
        children = [c for c in later if rng.random() < 0.5] or [
            later[int(rng.integers(len(later)))]
        ]
        for child in children:
            port = (None, "q", "k", ("q", "k"))[int(rng.integers(4))]
            graph.add_edge(parent, child, **({} if port is None else {"port": port}))
    return graph


def claim_of(graph: nx.DiGraph[Any], **options: Any) -> Claim:
    return resolve(Hypothesis(graph, task=TASK, **options), GRAPH, TASK)


def paths_to(claim: Claim) -> dict[str, set[str]]:
    """Every node's paths from the sink, listed one by one."""
    found: dict[str, set[str]] = {name: set() for name in claim.nodes}

    def visit(name: str, path: str) -> None:
        found[name].add(path)
        for edge in claim.parents[name]:
            parent = claim.nodes[edge.parent]
            visit(edge.parent, f"{path} < {edge.ports} {parent.parts} {parent.positions}")

    visit(claim.sink, "")
    return found
