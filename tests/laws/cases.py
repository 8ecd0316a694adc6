"""Random model graphs, random data and random hypotheses, small enough for the reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
import torch

from scrub import ANY, EXACT, Dataset, Hypothesis, InputRefused, Task, component, handmade, source
from scrub.graph import Reach
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.resolve import resolve
from scrub.models.callables import CallableModel

WIDTH = 2
FEATURES = (EXACT, ANY, "f", "g", ("f", "g"))
PLACES = ("here", "there", "pair", "all", 0, [1, 2])
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "unimportant": ("together", "separately", "one", "kept", "partner:partner"),
    "replacement": ("resample", "zero", "mean", "mean_within:f"),
    "nodes": ("independent", "joint"),
}


@dataclass(frozen=True)
class Case:
    """A model, a claim about it, and the hypothesis that the claim was resolved from."""

    model: CallableModel
    hypothesis: Hypothesis
    claim: Claim


def random_case(rng: np.random.Generator, *, equal_lengths: bool | None = None) -> Case:
    """Draw until a hypothesis is well formed; most are."""
    while True:
        equal = bool(rng.random() < 0.5) if equal_lengths is None else equal_lengths
        model, data = random_model(rng), random_data(rng, equal=equal)
        task = Task(data, metric=first_unit, at=str(rng.choice(["here", "there"])), label=("f",))
        options = {k: str(rng.choice(v)) for k, v in OPTIONS.items() if rng.random() < 0.4}
        options |= {"self_donation": "allowed", "root": "free"}
        graph = random_graph(rng, model)
        hypothesis = Hypothesis(graph, task=task, model=model, **options)
        try:
            return Case(model, hypothesis, resolve(hypothesis, model.graph, task))
        except InputRefused:
            continue


def first_unit(output: torch.Tensor, columns: Mapping[str, Any]) -> torch.Tensor:
    return output[:, :, 0].mean(1) + torch.as_tensor(columns["f"])


def random_data(rng: np.random.Generator, *, equal: bool, rows: int = 14) -> Dataset:
    """Inputs of 4 to 6 tokens, some of them twice, with roles of one and of two positions."""
    made = []
    for _ in range(rows):
        length = 5 if equal else int(rng.integers(4, 7))
        spots = rng.permutation(length - 1)[:2]
        roles = {"here": length - 1, "there": int(spots[0]), "pair": sorted(map(int, spots))}
        made.append(
            {
                "tokens": rng.integers(0, 4, length).tolist(),
                "roles": roles,
                "f": int(rng.integers(0, 3)),
                "g": str(rng.choice(["a", "b"])),
                "partner": int(rng.integers(0, rows)),
            }
        )
    made[-1] = {**made[0], "f": made[-1]["f"], "partner": 0}  # the same input, another row
    return Dataset.from_rows(made)


def random_model(rng: np.random.Generator) -> CallableModel:
    """Two inputs and up to five components with one to three ports, pointwise or causal."""
    pieces = [source(f"in{i}", _embedding(rng), width=WIDTH) for i in range(2)]
    for number in range(int(rng.integers(2, 6))):
        names = [piece.name for piece in pieces]
        ports = ["q", "k", "v"][: int(rng.integers(1, 4))]
        feeds = {port: list(_some(rng, names)) for port in ports}
        reach = {p: Reach.CAUSAL for p in ports if p != "q" and rng.random() < 0.7}
        pieces.append(
            component(f"c{number}", _mixer(rng, ports, reach), width=WIDTH, reach=reach, **feeds)
        )
    names = [piece.name for piece in pieces]
    out = component(
        "out", _mixer(rng, ["q"], {}), width=WIDTH, q=sorted({*_some(rng, names), names[-1]})
    )
    return handmade(*pieces, out, output="out")


def _some(rng: np.random.Generator, names: list[str]) -> list[str]:
    chosen = [name for name in names if rng.random() < 0.6]
    return chosen or [str(rng.choice(names))]


def _embedding(rng: np.random.Generator) -> Any:
    table = torch.from_numpy(rng.normal(size=(4, WIDTH)))
    places = torch.from_numpy(rng.normal(size=(8, WIDTH)))
    return lambda inputs: table[inputs] + places[: inputs.shape[1]]


def _mixer(rng: np.random.Generator, ports: list[str], reach: Mapping[str, Reach]) -> Any:
    """tanh of a mixture of the ports; causal ones arrive as the mean of all positions so far."""
    weights = {port: torch.from_numpy(rng.normal(size=(WIDTH, WIDTH))) for port in ports}

    def mix(**inputs: torch.Tensor) -> torch.Tensor:
        total = torch.zeros(())
        for name, value in inputs.items():
            if reach.get(name) is Reach.CAUSAL:
                count = torch.arange(1, value.shape[1] + 1)[:, None]
                value = value.cumsum(1) / count
            total = total + value @ weights[name]
        return torch.tanh(total)

    namespace: dict[str, Any] = {"mix": mix}
    listed = ", ".join(ports)
    given = ", ".join(f"{p}={p}" for p in ports)
    return eval(f"lambda {listed}: mix({given})", namespace)  # parameters named as the ports


def random_graph(rng: np.random.Generator, model: CallableModel) -> nx.DiGraph:
    """A random DAG over the model: each node picks parents among what feeds its ports."""
    graph = nx.DiGraph()
    graph.add_node("sink", component="out", feature=_feature(rng, [EXACT, EXACT, "f"]))
    frontier = ["sink"]
    for _ in range(int(rng.integers(0, 7))):
        child = str(rng.choice(frontier))
        reader = graph.nodes[child]["component"].split(",")[-1]
        ports = model.graph[reader].ports
        if not ports:
            continue
        port = ports[int(rng.integers(len(ports)))]
        feeders = list(port.feeders)
        chosen = sorted(rng.permutation(feeders)[: int(rng.integers(1, 3))].tolist())
        name = f"n{len(graph)}"
        graph.add_node(
            name,
            component=",".join(chosen),
            positions=PLACES[int(rng.integers(len(PLACES)))],
            feature=_feature(rng, FEATURES),
            inner=str(rng.choice(["merged", "cut"])),
        )
        graph.add_edge(name, child, port=port.name)
        if rng.random() < 0.3 and len(ports) > 1:
            graph.edges[name, child]["port"] = tuple(p.name for p in ports)
        frontier.append(name)
        _second_child(rng, graph, model, name)
    return graph


def _second_child(
    rng: np.random.Generator, graph: nx.DiGraph, model: CallableModel, name: str
) -> None:
    """Now and then a node is read by a second one, so that several paths reach it."""
    written = set(graph.nodes[name]["component"].split(","))
    fitting = [
        (other, port.name)
        for other in graph
        if other not in (name, *graph.successors(name)) and not nx.has_path(graph, other, name)
        for port in model.graph[graph.nodes[other]["component"].split(",")[0]].ports
        if written <= set(port.feeders)
    ]
    if fitting and rng.random() < 0.7:
        child, port = fitting[int(rng.integers(len(fitting)))]
        graph.add_edge(name, child, port=port)


def _feature(rng: np.random.Generator, known: Any) -> Any:
    return known[int(rng.integers(len(known)))]


def full_graph(model: CallableModel) -> nx.DiGraph:
    """Every edge of the model graph named, EXACT at every node."""
    graph = nx.DiGraph()
    for part in model.graph.components:
        where = {} if part.name == model.graph.output else {"positions": "all"}
        graph.add_node(part.name, component=part.name, feature=EXACT, **where)
    for part in model.graph.components:
        for feeder in {f for port in part.ports for f in port.feeders}:
            ports = tuple(port.name for port in part.ports if feeder in port.feeders)
            graph.add_edge(feeder, part.name, port=ports)
    needed = nx.ancestors(graph, model.graph.output) | {model.graph.output}
    return graph.subgraph(needed).copy()
