"""Hypothesis files on a hand-made model, small enough to be run in each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from scrub.cli.app import app

TOY = '''"""A toy: A carries x0 and B carries x1. Refuted if recovered < 1."""
import networkx as nx
import numpy as np
import torch
from scrub import Dataset, Hypothesis, Task, component, handmade, source

x = np.random.default_rng(0).integers(0, 10, (300, 2))
data = Dataset.from_columns(
    {"x0": x[:, 0].tolist(), "x1": x[:, 1].tolist(), "y": (2 * x[:, 0] + 3 * x[:, 1]).tolist()},
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
claim.add_node("answer", component="C", feature="y")
claim.add_node("first", component="A", feature="x0")
claim.add_node("second", component="B", feature="x1")
claim.add_edge("first", "answer")
claim.add_edge("second", "answer")
hypothesis = Hypothesis(claim, task=Task(data, metric=loss, at="all", label=("y",)), model=model)
'''

Invoke = Callable[..., Result]


@pytest.fixture
def scrub(monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """The command line in this process: `scrub("check", file)`."""
    monkeypatch.delenv("SCRUB_TRACEBACK", raising=False)

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return invoke


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    path = tmp_path / "toy.py"
    path.write_text(TOY)
    return path


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """Two unknown components and an unknown column: three problems."""
    path = tmp_path / "wrong.py"
    text = TOY.replace('component="A"', 'component="A9"').replace('component="B"', 'component="B9"')
    path.write_text(text.replace('feature="y"', 'feature="z"'))
    return path
