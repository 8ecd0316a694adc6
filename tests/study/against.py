"""Hypotheses that an adversary can or cannot hurt, and it is known how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import networkx as nx
import numpy as np
import torch

from scrub import EXACT, Dataset, Hypothesis, Task, component, handmade, source

ROWS = 400


def read(number: int) -> Any:
    return source(f"x{number}", lambda inputs: inputs[:, number, None, None])


def columns(seed: int = 0, rows: int = ROWS) -> dict[str, np.ndarray]:
    """Two signs, a number that is -1, 0 or 1, and one of its own for each row."""
    rng = np.random.default_rng(seed)
    return {
        "x0": rng.choice([-1.0, 1.0], rows),
        "x1": rng.choice([-1.0, 0.0, 1.0], rows),
        "x2": rng.permutation(np.arange(rows) * 1.0),
    }


def hypothesis(
    held: Mapping[str, np.ndarray],
    pieces: Sequence[Any],
    named: Sequence[tuple[str, Any, str]],
    metric: Any,
    **options: Any,
) -> Hypothesis:
    """Named are (component, feature, port of `out`); every column x0, x1, … is an input."""
    told = {name: values.tolist() for name, values in held.items()}
    data = Dataset.from_columns(told, [name for name in told if name.startswith("x")])
    graph = nx.DiGraph()
    graph.add_node("out", component="out", feature=EXACT)
    for part, feature, port in named:
        graph.add_node(part, component=part, feature=feature)
        graph.add_edge(part, "out", port=port)
    task = Task(data, metric=metric, at="all", label=("y",), name="toy")
    return Hypothesis(graph, task=task, model=handmade(*pieces, output="out"), **options)


def signed(output: torch.Tensor, held: Mapping[str, Any]) -> torch.Tensor:
    return -torch.as_tensor(held["y"]) * output[:, 0, 0]


def cancelling(**options: Any) -> Hypothesis:
    """y = x0, the model x0 + x1 / 2: "x1 does not matter" holds on average, and on no example."""
    held = columns()
    out = component("out", lambda a, b: a + b / 2, a="x0", b="x1")
    nodes = [("x0", "y", "a")]
    return hypothesis({**held, "y": held["x0"]}, [read(0), read(1), out], nodes, signed, **options)


def hiding(**options: Any) -> Hypothesis:
    """A is said to carry the sign x0, and its value is x0 + x1 / 2."""
    held = columns()
    pieces = [
        read(0),
        read(1),
        component("A", lambda a, b: a + b / 2, a="x0", b="x1"),
        component("out", lambda a: a, a="A"),
    ]
    return hypothesis({**held, "y": held["x0"]}, pieces, [("A", "y", "a")], signed, **options)


def true(**options: Any) -> Hypothesis:
    """A carries x0 and x0 alone; x1 feeds nothing that the output reads."""
    held = columns()
    pieces = [
        read(0),
        component("A", lambda a: 3 * a, a="x0"),
        component("out", lambda a: a, a="A"),
    ]
    return hypothesis({**held, "y": held["x0"]}, pieces, [("A", "y", "a")], signed, **options)


def joint() -> Hypothesis:
    """A and B hide a sign each, and only the product of the two is in the output.

    In the data B's sign is A's, so that the product is always 1; alone neither does anything.
    """
    held = columns()
    rng = np.random.default_rng(1)
    hidden = rng.choice([-1.0, 1.0], ROWS)
    held = {"x0": held["x0"], "x1": hidden, "x2": held["x2"], "y": held["x0"]}

    def both(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        return torch.cat([p, q], -1)

    pieces = [
        read(0),
        read(1),
        component("A", both, p="x0", q="x1", width=2),
        component("B", both, p="x0", q="x1", width=2),
        component(
            "out",
            lambda a, b: a[..., :1] * (2 + a[..., 1:] * b[..., 1:]),
            a="A",
            b="B",
        ),
    ]
    return hypothesis(held, pieces, [("A", "y", "a"), ("B", "y", "b")], signed)
