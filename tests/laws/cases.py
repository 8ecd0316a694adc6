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
from scrub.models.base import Batch
from scrub.models.callables import CallableModel

WIDTH = 2
FEATURES = (EXACT, ANY, "f", "g", ("f", "g"))
PLACES = ("here", "there", "pair", "all", 0, [1, 2])
TWO_PLACES = {"tokens": ("read", "read", "all", 0), "decoder_tokens": ("here", "there", "all", 0)}
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
    return _random_case(rng, equal_lengths, random_model, random_data)


def two_space_case(rng: np.random.Generator) -> Case:
    """As `random_case`, of a model with an encoder, whose positions are a space of their own."""
    return _random_case(rng, None, two_space_model, two_space_data)


def _random_case(
    rng: np.random.Generator, equal_lengths: bool | None, make_model: Any, make_data: Any
) -> Case:
    while True:
        equal = bool(rng.random() < 0.5) if equal_lengths is None else equal_lengths
        model, data = make_model(rng), make_data(rng, equal=equal)
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


def two_space_data(rng: np.random.Generator, *, equal: bool, rows: int = 20) -> Dataset:
    """Tokens of an encoder beside those of a decoder, with a role of their own."""
    made = []
    for _ in range(rows):
        length, read = (4, 3) if equal else map(int, rng.integers(4, 6, 2) - [0, 2])
        spots = rng.permutation(length - 1)[:2]
        made.append(
            {
                "tokens": rng.integers(0, 4, read).tolist(),
                "decoder_tokens": rng.integers(0, 4, length).tolist(),
                "roles": {"read": int(rng.integers(read))},
                "decoder_roles": {
                    "here": length - 1,
                    "there": int(spots[0]),
                    "pair": sorted(map(int, spots)),
                },
                "f": int(rng.integers(0, 3)),
                "g": str(rng.choice(["a", "b"])),
                "partner": int(rng.integers(0, rows)),
            }
        )
    return Dataset.from_rows(made)


def two_space_model(rng: np.random.Generator) -> CallableModel:
    """An encoder of which every position reads every other, and a decoder that reads it too."""
    pieces = [
        source("e0", _embedding(rng), width=WIDTH),
        component("e1", _encoder(rng), width=WIDTH, q="e0", k="e0", reach={"k": Reach.ANY}),
        source("in0", _embedding(rng), width=WIDTH, space="decoder_tokens"),
    ]
    for number in range(int(rng.integers(1, 4))):
        names = [piece.name for piece in pieces[2:]]
        feeds = {"q": _some(rng, names), "k": _some(rng, ["e0", "e1"])}
        mixed = _encoder(rng)
        if number % 2:
            feeds["k"], mixed = _some(rng, names), _mixer(rng, ["q", "k"], {"k": Reach.CAUSAL})
        reach = {"k": Reach.CAUSAL if number % 2 else Reach.ANY}
        pieces.append(component(f"c{number}", mixed, width=WIDTH, reach=reach, **feeds))
    names = [piece.name for piece in pieces[2:]]
    read = sorted({*_some(rng, names), names[-1]})
    feeds = {"q": read, "k": _some(rng, ["e0", "e1"])}
    out = component("out", _encoder(rng), width=WIDTH, reach={"k": Reach.ANY}, **feeds)
    return handmade(*pieces, out, output="out")


def _encoder(rng: np.random.Generator) -> Any:
    """tanh of what stands at a position and the mean of all that the encoder holds."""
    own, read = (torch.from_numpy(rng.normal(size=(WIDTH, WIDTH))) for _ in range(2))

    def mix(q: torch.Tensor, k: torch.Tensor, frame: Batch) -> torch.Tensor:
        lengths = frame.lengths["tokens"][:, None]
        there = (torch.arange(k.shape[1]) < lengths)[:, :, None]
        mean = (k * there).sum(1, keepdim=True) / lengths[:, :, None]
        return torch.tanh(q @ own + mean @ read)

    return mix


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
        spaces = model.graph.spaces
        places = PLACES if len(spaces) == 1 else TWO_PLACES[model.graph[chosen[0]].space]
        graph.add_node(
            name,
            component=",".join(chosen),
            positions=places[int(rng.integers(len(places)))],
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
