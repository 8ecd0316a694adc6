"""Traces of models of every make: encoders, two stacks, state spaces, parallel blocks, norms."""

from __future__ import annotations

import numpy as np
import pytest

from scrub import InputRefused, component, handmade, source, trace
from scrub.data.dataset import Dataset
from scrub.data.task import Task
from scrub.models.adapter import TransformersModel
from tests.architectures import encoder_decoders, gemma, state_spaces, vision
from tests.architectures.building import Case, build
from tests.architectures.claims import data, task_of

CASES = [
    encoder_decoders.CASES[0],
    vision.CASES[0],
    state_spaces.CASES[0],
    gemma.CASES[0],
    Case("gpt_neox"),
    Case("bert", cls="AutoModelForMaskedLM"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_first_component_restored_everywhere_restores_the_wild_type(case):
    """And of all cells some do something; those of other stacks reach the output by no edge."""
    model = TransformersModel(build(case), case.name)
    task = task_of(model.graph, data(model.graph, np.random.default_rng(1), equal=True))
    first = model.graph.components[0]
    how = {"corrupt": f"{first.name}=resample", "draws": 2, "replicates": 100}
    whole = trace(model, task, cells=first.name, positions="together", **how)
    wild = whole.per_example["wild"]
    assert whole.per_example["total"][0] == pytest.approx(wild, rel=1e-5, abs=1e-5)
    found = trace(model, task, positions="all", **how)
    assert {cell.space for cell in found.cells} == {
        c.space for c in model.graph.components if c.name != model.graph.output
    }
    assert abs(found.top(1)[0].total.value) > 0.05
    assert any(cell.direct.value for cell in found.cells)
    final = found.top(effect="direct")[0].space
    assert all(not cell.direct.value for cell in found.cells if cell.space != final)


def test_a_hand_made_model_is_traced_component_by_component():
    """C = 2·x0 + 3·x1 by A and B: of another x0, x0 and A repair everything, the rest none."""
    x = np.random.default_rng(0).integers(0, 10, (40, 2))
    label = (2 * x[:, 0] + 3 * x[:, 1]).tolist()
    columns = {"x0": x[:, 0].tolist(), "x1": x[:, 1].tolist(), "y": label}
    made = handmade(
        source("x0", lambda inputs: inputs[:, 0, None, None]),
        source("x1", lambda inputs: inputs[:, 1, None, None]),
        component("A", lambda x0: 2 * x0, x0="x0"),
        component("B", lambda x1: 3 * x1, x1="x1"),
        component("C", lambda a: a, a=["A", "B"]),
        output="C",
    )
    task = Task(
        Dataset.from_columns(columns, inputs=["x0", "x1"]),
        metric=lambda output, held: abs(output[:, 0, 0].numpy() - held["y"]),
        at="all",
        label=("y",),
    )
    found = trace(made, task, corrupt="x0=resample", cells="components", positions="together")
    shares = {cell.component: cell.share.value for cell in found.cells}
    assert shares == {"x0": 1, "x1": 0, "A": 1, "B": 0}
    assert found["x0@together"].direct.value == 0
    assert found["A@together"].indirect.value == 0
    with pytest.raises(InputRefused) as refused:
        trace(made, task, corrupt="x0=resample", cells="heads", positions="together")
    assert str(refused.value) == (
        "cells 'heads': the model has none of this kind. Write components, or name some of: "
        "x0, x1, A, B."
    )
