"""A toy as the text of a hypothesis file: a hand-made model, for tests that write files."""

from __future__ import annotations

TOY = '''"""A toy: A carries x0 and B carries x1. Refuted if recovered < 1."""
import networkx as nx
import numpy as np
import torch
from scrub import EXACT, Dataset, Hypothesis, Task, component, handmade, source

x = np.random.default_rng(0).integers(0, {values}, ({rows}, 2))
data = Dataset.from_columns(
    {{"x0": x[:, 0].tolist(), "x1": x[:, 1].tolist(), "y": (2 * x[:, 0] + 3 * x[:, 1]).tolist()}},
    inputs=["x0", "x1"],
)

def loss(output, columns):
    return (output[:, 0, 0] - torch.tensor(columns["y"])).abs()

model = handmade(
    source("x0", lambda inputs: inputs[:, 0, None, None]),
    source("x1", lambda inputs: inputs[:, 1, None, None]),
    component("A", lambda x0: 2 * x0, x0="x0"),
    component("B", lambda x1: 3 * x1, x1="x1"),
    component("C", lambda a: a, a=["A", "B"]),
    output="C",
)
claim = nx.DiGraph()
{claim}
hypothesis = Hypothesis(claim, task=Task(data, metric=loss, at="all", label=("y",)), model=model)
'''


def toy_file(claim: str, *, values: int, rows: int) -> str:
    """The toy with these lines of a claim, on so many random rows of numbers below `values`."""
    return TOY.format(claim=claim.strip(), values=values, rows=rows)
