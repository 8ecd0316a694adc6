"""Random data and random claims for a model of any kind, and the oracle that they are held to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
import torch

from scrub import ANY, EXACT, Dataset, Hypothesis, InputRefused, Task
from scrub.graph import IMAGE, Component, ModelGraph, Part, Space
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.resolve import resolve
from scrub.models.base import Batch
from scrub.models.hooked import HookedModel
from scrub.models.keywords import with_places

ROLES = {"tokens": "roles", "decoder_tokens": "decoder_roles", "image": "image_roles"}
ROWS = 8
SHORT, LONG = 7, 13  # tokens of a row at the most; of LONG, one query is run where one is read
PARTS = re.compile(r"\.[ne]\d+-\d+$")  # some neurons or experts of a component


@dataclass(frozen=True, eq=False)
class HookedOracle:
    """A module, asked by whole forward passes with hooks."""

    hooked: HookedModel

    def outputs(self, inputs: Batch) -> Mapping[str, torch.Tensor]:
        return self.hooked.outputs(inputs)

    def share(self, part: Part, inputs: Batch) -> torch.Tensor:
        port = self.hooked.graph[part.component].port("in")
        plain = self.outputs(inputs)
        total = self.constant(port.stream) + sum(plain[feeder] for feeder in port.feeders)
        return self.evaluate(part, inputs, {"in": total})

    def evaluate(
        self, part: Part, inputs: Batch, ports: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        return self.hooked.evaluate(part, inputs, ports)

    def constant(self, stream: str) -> torch.Tensor:
        return self.hooked.constant(stream)


def data(
    graph: ModelGraph,
    rng: np.random.Generator,
    *,
    equal: bool,
    padding: str = "none",
    longest: int = SHORT,
) -> Dataset:
    """Rows with every field that the model reads, and two roles in each."""
    rows = [_row(graph, rng, equal, longest) for _ in range(ROWS)]
    return Dataset.from_rows([_padded(row, padding) for row in rows] if padding != "none" else rows)


def _padded(row: dict[str, Any], side: str) -> dict[str, Any]:
    """The same example as a user's tokenizer pads it; roles count the padded positions."""
    gap = 9 - len(row["tokens"])
    before, after = (gap, 0) if side == "left" else (0, gap)
    return {
        **row,
        "tokens": [*[0] * before, *row["tokens"], *[0] * after],
        "attention_mask": [*[0] * before, *[1] * len(row["tokens"]), *[0] * after],
        "roles": {name: spot + before for name, spot in row["roles"].items()},
    }


def _row(graph: ModelGraph, rng: np.random.Generator, equal: bool, longest: int) -> dict[str, Any]:
    row: dict[str, Any] = {"f": int(rng.integers(0, 3))}
    row["answer"] = int(rng.integers(0, graph[graph.output].width))
    for space in (space for space in graph.spaces if space.given):
        drawn = 6 if equal else int(rng.integers(4, longest + 1))
        length = space.length or drawn + space.placeholders
        if space.name == IMAGE:
            row[IMAGE] = rng.normal(size=space.shape).astype(np.float32)
        else:
            tokens = torch.from_numpy(rng.integers(1, space.vocabulary, (1, length)))
            row[space.name] = with_places(space, tokens)[0].tolist()
        there = int(rng.integers(0, length - 1))
        row[ROLES[space.name]] = {f"{space.name}_end": length - 1, f"{space.name}_mid": there}
    return row


def task_of(graph: ModelGraph, dataset: Dataset) -> Task:
    """Scored at the end of the output's own space."""
    space = graph.space[graph[graph.output].space]
    return Task(dataset, at=f"{space.name}_end" if space.given else 0)


def random_claim(
    graph: ModelGraph,
    rng: np.random.Generator,
    *,
    equal: bool,
    padding: str = "none",
    longest: int = SHORT,
) -> Claim:
    """Components of every kind that the model has, ports one by one, at roles and everywhere."""
    rows = data(graph, rng, equal=equal, padding=padding, longest=longest)
    task = task_of(graph, rows)
    for _ in range(2000):
        claim = nx.DiGraph()
        claim.add_node("sink", component=graph.output, feature=EXACT)
        for _ in range(int(rng.integers(3, 7))):
            _grow(rng, claim, graph)
        if not _is_telling(claim, graph):
            continue
        try:
            return resolve(Hypothesis(claim, task=task, self_donation="allowed"), graph, task)
        except InputRefused:
            continue
    raise AssertionError("2,000 random claims, and none of them well formed")


def _is_telling(claim: nx.DiGraph, graph: ModelGraph) -> bool:
    """Whether something that mixes positions is evaluated on inputs that are named."""
    inner = [_component(claim, graph, node) for node in claim if claim.in_degree(node)]
    mixing = any(len(c.ports) > 1 or c.name != graph.output for c in inner)
    heads = any(".h" in c.name for c in graph.components)
    return mixing and (not heads or any(len(c.ports) > 1 for c in inner))


def _grow(rng: np.random.Generator, claim: nx.DiGraph, graph: ModelGraph) -> None:
    """A parent more, for one of the nodes that can have one."""
    child = str(rng.choice(list(claim)))
    reader = _component(claim, graph, child)
    if not reader.ports:
        return
    port = reader.ports[int(rng.integers(len(reader.ports)))]
    feeder = str(rng.choice(port.feeders))
    whole = graph[feeder]
    if whole.neurons and rng.random() < 0.3:
        feeder = f"{feeder}.n2-{whole.neurons // 2}"
    elif whole.experts and rng.random() < 0.5:
        feeder = f"{feeder}.e1-{whole.experts // 2}"
    space = graph.space[whole.space]
    names = [p.name for p in reader.ports if p.stream == port.stream]
    features = (EXACT, ANY, "f", "f")
    name = f"n{len(claim)}"
    claim.add_node(
        name,
        component=feeder,
        positions=_positions(rng, space),
        feature=features[int(rng.integers(len(features)))],
    )
    claim.add_edge(name, child, port=tuple(names) if rng.random() < 0.3 else (port.name,))


def _component(claim: nx.DiGraph, graph: ModelGraph, node: str) -> Component:
    return graph[PARTS.sub("", claim.nodes[node]["component"])]


def _positions(rng: np.random.Generator, space: Space) -> Any:
    if not space.given:
        return "all"
    choices = ("all", "all", f"{space.name}_end", f"{space.name}_mid", 0)
    return choices[int(rng.integers(len(choices)))]


def error(found: torch.Tensor, expected: torch.Tensor) -> float:
    """The largest difference, relative to the largest output."""
    assert found.shape == expected.shape
    return float((found - expected).abs().max() / expected.abs().max())
