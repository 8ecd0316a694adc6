"""Integer toys (after Chan et al. 2022, appendix): what must come out is known beforehand.

Inputs are whole numbers from 0 to 9, independent; the label is a function of them, the loss is
|output - label|; 1,000 rows of data, 50 references.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch

from scrub import EXACT, Dataset, Hypothesis, Task, component, handmade, run, source

Columns = dict[str, np.ndarray]


def x(number: int) -> Any:
    return source(f"x{number}", lambda inputs: inputs[:, number, None, None])


def absolute_error(output: torch.Tensor, columns: Mapping[str, Any]) -> torch.Tensor:
    return (output[:, 0, 0] - torch.as_tensor(columns["y"])).abs()


@dataclass(frozen=True)
class Toy:
    """A model, a label, a claim as (node, component, feature, child), and what must come out."""

    name: str
    pieces: Sequence[Any]
    label: Callable[[Columns], np.ndarray]
    nodes: Sequence[tuple[str, Any, str]]
    plain: tuple[float, float]
    scrubbed: tuple[float, float]
    root: Any = "y"
    data: Callable[[Columns], Columns] = lambda columns: columns
    options: Mapping[str, str] = field(default_factory=dict)


EXACTLY_0 = (-1e-12, 1e-12)
TWO_TERMS = [
    x(0),
    x(1),
    component("A", lambda v: 2 * v, v="x0"),
    component("B", lambda v: 3 * v, v="x1"),
]
SUM = component("C", lambda v: v, v=["A", "B"])
TWO_LABEL = lambda c: 2 * c["x0"] + 3 * c["x1"]  # noqa: E731  # tables read better so

TOYS = [
    Toy(
        "identical",
        [*TWO_TERMS, SUM],
        TWO_LABEL,
        [("A", "x0", "C"), ("B", "x1", "C")],
        EXACTLY_0,
        EXACTLY_0,
    ),
    Toy(
        "unspecified node",
        [*TWO_TERMS, SUM],
        TWO_LABEL,
        [("A", "x0", "C")],
        EXACTLY_0,
        (1, math.inf),
    ),
    Toy(
        "unspecified node, its inputs exact",
        [*TWO_TERMS, SUM],
        TWO_LABEL,
        [("A", EXACT, "C"), ("B", EXACT, "C")],
        EXACTLY_0,
        EXACTLY_0,
        root=EXACT,
    ),
    Toy(
        "spread over the residual",
        [
            x(0),
            x(1),
            component("A", lambda v: v, v=["x0", "x1"]),
            component("C", lambda v: v, v=["A", "x1"]),
        ],
        lambda c: c["x0"] + 2 * c["x1"],
        [("A", "x0", "C"), ("x1", "x1", "C")],
        (0, 0.01),
        (1, math.inf),
    ),
    Toy(
        "spread over two nodes",
        [
            x(0),
            component("A", lambda v: 2 * v, v="x0"),
            component("B", lambda v: 3 * v, v="x0"),
            SUM,
        ],
        lambda c: 5 * c["x0"],
        [("A", "x0", "C")],
        EXACTLY_0,
        (0.1, math.inf),
    ),
    Toy(
        "large deviation",
        [
            x(0),
            x(1),
            component("A", lambda a, b: 2 * a + b, a="x0", b="x1"),
            component("B", lambda v: 3 * v, v="x1"),
            SUM,
        ],
        TWO_LABEL,
        [("A", "x0", "C"), ("B", "x1", "C")],
        (1, math.inf),
        (1, math.inf),
    ),
    Toy(
        "tiny deviation",
        [
            x(0),
            x(1),
            component("A", lambda a, b: 2 * a + 0.001 * b, a="x0", b="x1"),
            component("B", lambda v: 3 * v, v="x1"),
            SUM,
        ],
        TWO_LABEL,
        [("A", "x0", "C"), ("B", "x1", "C")],
        (0, 0.01),
        (0, 0.01),
    ),
    Toy(
        "intermediates cancel",
        [
            x(0),
            x(1),
            x(2),
            component("A", lambda a, c: a + c, a="x0", c="x2"),
            component("B", lambda b, c: b - c, b="x1", c="x2"),
            SUM,
        ],
        lambda c: c["x0"] + c["x1"],
        [("A", "x0", "C"), ("B", "x1", "C")],
        (0, 1e-4),
        (1, math.inf),
    ),
    Toy(
        "swapped intermediates",
        [
            x(0),
            x(1),
            component("A", lambda a, b: 2 * a + b, a="x0", b="x1"),
            component("B", lambda a, b: a + 2 * b, a="x0", b="x1"),
            SUM,
        ],
        lambda c: 3 * c["x0"] + 3 * c["x1"],
        [("A", "swapped_b", "C"), ("B", "swapped_a", "C")],
        EXACTLY_0,
        (1, math.inf),
        data=lambda c: {
            **c,
            "swapped_a": 2 * c["x0"] + c["x1"],
            "swapped_b": c["x0"] + 2 * c["x1"],
        },
    ),
    Toy(
        "correlated data",
        [x(0), x(1), component("C", lambda v: v, v=["x0", "x1"])],
        lambda c: c["x0"] + c["x1"],
        [("x0", "x0", "C")],
        EXACTLY_0,
        (1, math.inf),
        data=lambda c: {**c, "x1": 2 * c["x0"]},
    ),
]


def hypothesis_of(toy: Toy) -> Hypothesis:
    rng = np.random.default_rng(0)
    columns = toy.data({f"x{i}": rng.integers(0, 10, 1000) for i in range(3)})
    columns = {**columns, "y": toy.label(columns)}
    data = Dataset.from_columns({k: v.tolist() for k, v in columns.items()}, ["x0", "x1", "x2"])
    task = Task(data, metric=absolute_error, at="all", label=("y",), name=toy.name)
    claim = nx.DiGraph()
    claim.add_node("C", component="C", feature=toy.root)
    for part, feature, child in toy.nodes:
        claim.add_node(part, component=part, feature=feature)
        claim.add_edge(part, child)
    return Hypothesis(claim, task=task, model=handmade(*toy.pieces, output="C"), **toy.options)


@pytest.mark.parametrize("toy", TOYS, ids=lambda toy: toy.name)
def test_what_must_come_out(toy):
    result = run(hypothesis_of(toy), references=50, draws=1)
    assert toy.plain[0] <= result.means.model.value <= toy.plain[1]
    assert toy.scrubbed[0] <= result.means.scrubbed.value <= toy.scrubbed[1]
    assert len(result.per_example.references) == 50


def test_an_unspecified_node_whose_inputs_are_kept_loses_nothing():
    """The claim of `unspecified node`: with `kept`, what it calls unimportant still works."""
    toy = next(toy for toy in TOYS if toy.name == "unspecified node")
    exact = replace(toy, root=EXACT, nodes=[("A", EXACT, "C")], options={"unimportant": "kept"})
    result = run(hypothesis_of(exact), references=50, draws=1)
    assert abs(result.means.scrubbed.value) < 1e-12
    assert any("kept, not resampled" in caution for caution in result.cautions)
