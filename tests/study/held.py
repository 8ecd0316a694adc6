"""A sum of two terms whose controls are all known, and how to find them in what was found."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import cache
from typing import Any

import networkx as nx
import torch

from scrub import (
    EXACT,
    Controls,
    Dataset,
    Hypothesis,
    Settings,
    Task,
    component,
    controls,
    handmade,
    source,
)
from scrub.results.controls import Anchor, LeftOut, Nulls, Swap

FEW = Settings(references=50, draws=3, replicates=200)


def x(number: int) -> Any:
    return source(f"x{number}", lambda inputs: inputs[:, number, None, None])


def absolute_error(output: torch.Tensor, columns: Mapping[str, Any]) -> torch.Tensor:
    return (output[:, 0, 0] - torch.as_tensor(columns["y"])).abs()


MODEL = handmade(
    x(0),
    x(1),
    component("A", lambda v: 2 * v, v="x0"),
    component("B", lambda v: 3 * v, v="x1"),
    component("Z", lambda v: 0 * v, v="x1"),  # written, and nothing
    component("C", lambda v: v, v=["A", "B", "Z"]),
    output="C",
)


def toy(a: Any = "x0", b: Any = "x1", z: Any = None, **options: Any) -> Hypothesis:
    """C = 2·x0 + 3·x1: A carries x0, B carries x1, and nothing else matters."""
    rows = list(itertools.product(range(8), repeat=2))
    columns = {"x0": [p for p, _ in rows], "x1": [q for _, q in rows]}
    columns["y"] = [2 * p + 3 * q for p, q in rows]
    columns["half"] = [p >= 4 for p, _ in rows]
    data = Dataset.from_columns(columns, ["x0", "x1"])
    claim = nx.DiGraph()
    claim.add_node("C", component="C", feature=EXACT)
    for name, carried in (("A", a), ("B", b), ("Z", z)):
        if carried is not None:
            claim.add_node(name, component=name, feature=carried)
            claim.add_edge(name, "C")
    task = Task(data, metric=absolute_error, at="all", label=("y",), name="sum")
    return Hypothesis(claim, task=task, model=MODEL, **options)


@cache
def right() -> Controls:
    return controls(toy(z="x1"), FEW, nulls=8)


@cache
def pair() -> Controls:
    """The same without Z, among its nulls."""
    return controls(toy(), FEW, which=["nulls"])


def nulls(found: Controls, kind: str) -> Nulls:
    return next(one for one in found.nulls if one.kind == kind)


def without(found: Controls, name: str) -> LeftOut:
    return next(one for one in found.left_out if one.name == name)


def swap(found: Controls, node: str) -> Swap:
    return next(one for one in found.swaps if one.node == node)


def anchor(found: Controls, name: str) -> Anchor:
    return next(one for one in found.anchors if one.name == name)


def value(found: Controls, name: str, convention: str) -> float | None:
    told = found.sensitivity
    return next(o for o in told if (o.name, o.value) == (name, convention)).recovered.value
