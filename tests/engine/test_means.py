"""Means as replacements: over the task's rows alone, and at every precision."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch

from scrub import EXACT, Dataset, Hypothesis, Task, run
from scrub.engine.means import Means
from scrub.graph import Site
from scrub.graph.sites import Kind
from scrub.models.adapter import TransformersModel
from scrub.models.recording import Place, Recording
from tests.models.tiny import VOCABULARY, WIDTH, module

SITE = Site(Kind.OUTPUT, "x")


def averages(column: str | None) -> tuple[Means, torch.Tensor]:
    """Three rows of the data, of inputs 0, 1 and 1, and one made row after them."""
    data = Dataset.from_rows([{"tokens": [t], "h": h} for t, h in ((5, 0), (6, 0), (6, 1))])
    data = data.extended([{"tokens": [7], "h": 9}])
    values = {SITE: torch.tensor([[[1.0]], [[4.0]], [[100.0]]])}  # [input, length, width]
    means = Means(Recording(values, torch.device("cpu"), Place.DEVICE), data, members=3)
    return means, means.over(SITE, column).values[SITE].flatten()


def test_means_are_over_the_rows_of_the_data_alone():
    _, found = averages(None)
    assert found.tolist() == [3.0]


def test_a_class_without_members_has_no_mean():
    """NaN, which a metric refuses, and not zeros, which would pass for a value."""
    means, found = averages("h")
    assert means.classes("h").tolist() == [0, 0, 1, 2]
    assert found[:2].tolist() == [2.5, 4.0]
    assert found[2].isnan()


def claim() -> nx.DiGraph:
    """A whole head, some neurons and a subspace, so that each way to read a mean is taken."""
    rng = np.random.default_rng(0)
    graph = nx.DiGraph()
    graph.add_node("sink", component="logits", feature=EXACT)
    graph.add_node("head", component="a1.h1", positions="end", feature="f")
    graph.add_node("neurons", component="m0.n0-9", positions="end", feature="f")
    basis = np.linalg.qr(rng.normal(size=(WIDTH, 3)))[0]
    graph.add_node("space", component="a0.h0", positions="end", feature="f", subspace=basis)
    graph.add_edge("head", "sink")
    graph.add_edge("neurons", "head", port=("k", "v"))
    graph.add_edge("space", "head", port="q")
    return graph


def task() -> Task:
    rng = np.random.default_rng(1)
    rows: list[dict[str, Any]] = [
        {"tokens": rng.integers(0, VOCABULARY, 6).tolist(), "roles": {"end": 5}, "f": i % 3,
         "answer": int(rng.integers(VOCABULARY))}
        for i in range(24)
    ]  # fmt: skip
    return Task(Dataset.from_rows(rows), at="end")


OPTIONS = [
    {"replacement": "mean"},
    {"replacement": "mean_within:f"},
    {"replacement": "zero"},
    {"baseline": "mean"},
]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_half_precision_takes_means(dtype, options):
    """They are averaged in float32, and meet the weights in the weights' own type."""
    half = TransformersModel(module("gpt2", initializer_range=0.1).to(dtype), name="half")
    full = TransformersModel(module("gpt2", initializer_range=0.1), name="full")
    found, expected = (
        run(Hypothesis(claim(), task=task(), model=model, **options), draws=2, null="none")
        for model in (half, full)
    )
    for name in ("scrubbed", "baseline"):
        here, there = (getattr(r.per_example, name) for r in (found, expected))
        np.testing.assert_allclose(here, there, atol=0.15)
