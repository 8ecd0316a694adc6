"""Tracing, patching, attribution, circuits and metrics on a device, held to the CPU's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from torch import nn

from scrub import attribute, faithfulness, trace
from scrub.graph.circuits import all_edges
from scrub.models.spread import SpreadModel, adapted
from tests.architectures.claims import data, task_of
from tests.devices.test_scrubbing import THERE, slow
from tests.devices.test_spread import spread
from tests.models import tiny

CORRUPT: dict[str, Any] = {"corrupt": "embed=resample", "replicates": 100}
Tool = Callable[[Any, Any], Any]


def edges(model: Any) -> Any:
    return list(all_edges(model.graph))[::3]


TOOLS: dict[str, Tool] = {
    "trace": lambda model, task: trace(model, task, positions="all", draws=2, **CORRUPT),
    "attribute": lambda model, task: attribute(model, task, exact=2, **CORRUPT),
    "faithfulness": lambda model, task: faithfulness(
        model, task, edges(model), subsets=2, **CORRUPT
    ),
}


def numbers(found: Any) -> dict[str, Any]:
    return {name: np.asarray(values) for name, values in found.per_example.items()}


def on_two(module: nn.Module) -> nn.Module:
    return spread(module, "gpt2")


def on_one(module: nn.Module) -> nn.Module:
    return module.to(THERE)


@pytest.mark.parametrize(("tool", "place"), [
    ("attribute", on_two), ("trace", on_one), slow("faithfulness", on_two),
    slow("attribute", on_one), slow("trace", on_two), slow("faithfulness", on_one),
])  # fmt: skip
def test_a_tool_gives_what_it_gives_on_the_cpu(tool: str, place: Callable[..., Any]) -> None:
    here = adapted(tiny.module("gpt2"))
    there = adapted(place(tiny.module("gpt2")))
    assert isinstance(there, SpreadModel) == (place is on_two)
    task = task_of(here.graph, data(here.graph, np.random.default_rng(1), equal=True))
    expected, found = (numbers(TOOLS[tool](model, task)) for model in (here, there))
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-3, atol=1e-4, err_msg=name)
