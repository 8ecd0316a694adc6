"""Toys whose scores are known in closed form: the or-gate, cancellation, and what is drawn."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch

from scrub import EXACT, Dataset, Hypothesis, Task, component, handmade, run, source
from scrub.compiler import compile_tree
from scrub.engine.executor import Executor
from scrub.hypothesis.unfold import unfold
from scrub.models.base import Batch
from scrub.models.batches import Inputs
from scrub.models.recording import record
from scrub.study.prepare import prepare
from scrub.study.settings import Settings


def x(number: int) -> Any:
    return source(f"x{number}", lambda inputs: inputs[:, number, None, None])


def squared_error(output: torch.Tensor, columns: Mapping[str, Any]) -> torch.Tensor:
    return (output[:, 0, 0] - torch.as_tensor(columns["y"])) ** 2


GRID = np.array(list(itertools.product(range(10), repeat=3)), dtype=float)
OR_GATE = handmade(
    x(0),
    x(1),
    x(2),
    component(
        "A",
        lambda x0, x1, x2: torch.sigmoid(x0 + 0.1 * x1 - 0.05 * x2 - 3),
        x0="x0",
        x1="x1",
        x2="x2",
    ),
    component(
        "B",
        lambda x0, x1, x2: torch.sigmoid(-0.01 * x0 + x1 + 0.2 * x2 - 3),
        x0="x0",
        x1="x1",
        x2="x2",
    ),
    component("T", lambda v: 0.1 * v, v=["x0", "x1", "x2"]),
    component("D", lambda v: v, v=["A", "B", "T"]),
    output="D",
)


def or_gate(carried: Any = EXACT, **options: Any) -> Hypothesis:
    first, second = GRID[:, 0] > 3, GRID[:, 1] > 3
    columns = {f"x{i}": GRID[:, i].tolist() for i in range(3)}
    columns |= {"first": first.tolist(), "second": second.tolist()}
    columns |= {"and": (first & second).tolist(), "y": (first | second).astype(float).tolist()}
    data = Dataset.from_columns(columns, ["x0", "x1", "x2"])
    claim = nx.DiGraph()
    claim.add_node("D", component="D", feature=carried)
    claim.add_node("A", component="A", feature="first")
    claim.add_node("B", component="B", feature="second")
    claim.add_edge("A", "D")
    claim.add_edge("B", "D")
    task = Task(data, metric=squared_error, at="all", label=("y",), name="or gate")
    return Hypothesis(claim, task=task, model=OR_GATE, **options)


def outputs(component_name: str) -> np.ndarray:
    return OR_GATE.outputs(Batch.of_tokens(torch.from_numpy(GRID)))[component_name][:, 0, 0].numpy()


def expected_loss(a: np.ndarray, b: np.ndarray, t: np.ndarray, y: float) -> float:
    """E (A + B + T - y)² for independent A, B, T, each uniform on its values."""
    mean = a.mean() + b.mean() + t.mean() - y
    return float(a.var() + b.var() + t.var() + mean**2)


def enumerated(root_classes: bool) -> float:
    """The scrubbed loss over the whole grid, every donor counted."""
    a, b, t = outputs("A"), outputs("B"), outputs("T")
    first, second = GRID[:, 0] > 3, GRID[:, 1] > 3
    by_class = {
        (f, s, y): expected_loss(a[first == f], b[second == s], t, y)
        for f, s, y in itertools.product([True, False], [True, False], [0.0, 1.0])
    }
    total = 0.0
    for row in range(1000):
        y = float(first[row] | second[row])
        same = (first & second) == (first & second)[row] if root_classes else np.arange(1000) == row
        total += np.mean(
            [by_class[f, s, y] for f, s in zip(first[same], second[same], strict=True)]
        )
    return total / 1000


def test_the_or_gate_by_enumeration():
    d, y = outputs("D"), (GRID[:, 0] > 3) | (GRID[:, 1] > 3)
    model = float(((d - y) ** 2).mean())
    random = float(d.var() + y.var() + (d.mean() - y.mean()) ** 2)
    right, wrong = enumerated(root_classes=False), enumerated(root_classes=True)
    assert model == pytest.approx(4.212106, abs=5e-7)
    assert random == pytest.approx(4.655515, abs=5e-7)
    assert right == pytest.approx(4.010580, abs=5e-7)
    assert wrong == pytest.approx(4.159293, abs=5e-7)
    assert (right - random) / (model - random) == pytest.approx(1.45, abs=0.005)
    assert (wrong - random) / (model - random) == pytest.approx(1.12, abs=0.005)


@pytest.mark.parametrize(
    ("carried", "options", "scrubbed", "share"),
    [(EXACT, {}, 4.010580, 1.45), ("and", {"root": "free"}, 4.159293, 1.12)],
)
def test_the_or_gate_by_sampling(carried, options, scrubbed, share):
    """Within four standard errors of the enumerated values, both of which lie above 1."""
    result = run(or_gate(carried, **options), references=1000, draws=30, null="none")
    values = result.per_example.scrubbed
    error = values.mean(axis=0).std(ddof=1) / np.sqrt(values.shape[1])
    assert abs(values.mean() - scrubbed) < 4 * error < 0.1
    assert result.means.model.value == pytest.approx(4.212106, abs=5e-7)
    assert abs(result.recovered.value - share) < 0.2
    assert any("above 1" in caution for caution in result.cautions)
    assert any("does not fix the label" in c for c in result.cautions) == (carried != EXACT)


def cancellation() -> Hypothesis:
    """y = ±1, x1 = y, x2 independent: "x2 does not matter" recovers all, every example wrong."""
    rows = list(itertools.product([-1.0, 1.0], [-1.0, 0.0, 1.0]))
    columns = {"x1": [y for y, _ in rows], "x2": [x2 for _, x2 in rows], "y": [y for y, _ in rows]}
    data = Dataset.from_columns(columns, ["x1", "x2"])
    model = handmade(
        x(0), x(1), component("out", lambda a, b: a + b / 2, a="x0", b="x1"), output="out"
    )
    claim = nx.DiGraph()
    claim.add_node("out", component="out", feature=EXACT)
    claim.add_node("sign", component="x0", feature="y")
    claim.add_edge("sign", "out", port="a")

    def loss(output: torch.Tensor, columns: Mapping[str, Any]) -> torch.Tensor:
        return -torch.as_tensor(columns["y"]) * output[:, 0, 0]

    task = Task(data, metric=loss, at="all", label=("y",), name="cancellation")
    return Hypothesis(claim, task=task, model=model)


def test_cancellation_by_enumeration():
    """Every reference with every donor and frame: recovered exactly 1, divergence exactly 4/9."""
    plan = prepare(cancellation(), Settings())
    tree, schedule = plan.claim.tree, plan.claim.schedule
    data, model = plan.task.dataset, plan.hypothesis.model
    pairs = np.array(list(itertools.product(range(6), range(6))))  # reference, frame
    donor = pairs[:, 0]  # x1 = y: every donor of the class has the same value
    order = {"reference": pairs[:, 0], "donor": donor, "frame": pairs[:, 1]}
    rows = np.stack([order[draw.kind.value] for draw in tree.draws])
    with record(model, Inputs.of(data, model.graph), schedule.sites(), batch=6) as recording:
        out = Executor(schedule, model, recording, data, 6)(rows)[:, 0, 0].numpy()
    y = np.array(data.columns["y"])
    own = -y * (y + np.array(data.columns["x2"]) / 2)
    scrubbed = -y[pairs[:, 0]] * out
    assert scrubbed.mean() == pytest.approx(own.mean(), abs=1e-12)
    assert np.abs(scrubbed - own[pairs[:, 0]]).mean() == pytest.approx(4 / 9, abs=1e-12)
    averaged_first = np.abs(scrubbed.reshape(6, 6).mean(1) - own).mean()
    assert averaged_first == pytest.approx(1 / 3, abs=1e-12), "what taking means first would hide"


def test_cancellation_shows_in_the_divergence_and_is_said_in_words():
    result = run(cancellation(), draws=2000, estimand="data", null="none")
    assert result.recovered.value == pytest.approx(1, abs=0.05)
    assert result.divergence == pytest.approx(4 / 9, abs=0.02)
    assert any("errors cancel" in caution for caution in result.cautions)


@pytest.mark.parametrize(
    ("named", "feeders", "drawn"),
    [(1, 1, 1), (1, 2, 2), (2, 2, 2)],
    ids=["chain", "1 of 2", "2 of 2"],
)
def test_how_many_inputs_are_drawn(named, feeders, drawn):
    parts = [component(name, lambda v: v, v="x0") for name in "AB"[:feeders]]
    model = handmade(x(0), *parts, component("C", lambda v: v, v=list("AB"[:feeders])), output="C")
    data = Dataset.from_columns({"x0": [0, 1, 2, 3], "f": [0, 0, 1, 1], "y": [0, 0, 0, 0]}, ["x0"])
    claim = nx.DiGraph()
    claim.add_node("C", component="C", feature=EXACT)
    for name in "AB"[:named]:
        claim.add_node(name, component=name, feature="f")
        claim.add_edge(name, "C")
    task = Task(data, metric=squared_error, at="all", label=("y",))
    plan = prepare(Hypothesis(claim, task=task, model=model), Settings())
    assert len(plan.claim.tree.draws) - 1 == drawn


def test_a_leaf_on_the_frame_itself_needs_no_instruction():
    """An EXACT leaf under a node whose inputs are all explained is in the frame already."""
    model = handmade(x(0), component("C", lambda v: v, v="x0"), output="C")
    data = Dataset.from_columns({"x0": [0, 1], "y": [0, 0]}, ["x0"])
    claim = nx.DiGraph()
    claim.add_node("C", component="C", feature=EXACT)
    claim.add_node("x", component="x0", feature=EXACT)
    claim.add_edge("x", "C")
    task = Task(data, metric=squared_error, at="all", label=("y",))
    tree = prepare(Hypothesis(claim, task=task, model=model), Settings()).claim.tree
    assert "sum" not in compile_tree(unfold(tree.claim)).pretty()
