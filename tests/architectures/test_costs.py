"""What a mixture of experts is said to cost, against the FLOPs that torch counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from scrub.models.config import wiring_of
from scrub.models.families.base import MLP
from scrub.models.spots import first
from scrub.models.steps import Step
from tests.architectures.building import Case, build, config_of
from tests.architectures.coverage import CASES, class_of
from tests.architectures.test_architectures import model_of, params

LENGTH = 7


def mixture_of(case: Case) -> Step | None:
    """The first mixture of the stack that the output reads, from the config alone."""
    steps = wiring_of(config_of(case).to_dict(), case.name, class_of(case)).steps
    routed = (s for s in steps if isinstance(s.sublayer, MLP) and s.sublayer.mixture)
    return next((step for step in routed if not step.stack.prefix), None)


OTHERWISE = ("llama4_text", "switch_transformers")  # more is computed, or less
STEPS = {case: step for case in CASES if (step := mixture_of(case))}
PARTS = [case for case in STEPS if case.model_type not in OTHERWISE]


@contextmanager
def one_by_one(module: Any) -> Iterator[FlopCounterMode]:
    """Each expert on its own positions: of the fused kernels torch counts nothing."""
    kept = module.get_experts_implementation()
    module.set_experts_implementation("eager")
    try:
        with FlopCounterMode(display=False) as counter:
            yield counter
    finally:
        module.set_experts_implementation(kept)


def counted(case: Case) -> int:
    """FLOPs of the mixture on a row that is as long as that."""
    model = model_of(case)
    organ = model.anatomy.organs[STEPS[case].group]
    width = organ.step.shape.width
    x = torch.randn(1, LENGTH, width, generator=torch.Generator().manual_seed(0))
    with one_by_one(model.module) as counter:
        for spot in organ.whole:
            x = first(spot.module(x))
    return counter.get_total_flops()


def forecast(case: Case) -> int:
    return STEPS[case].components[0].cost.flops(LENGTH, LENGTH)


@pytest.mark.parametrize("case", params(PARTS))
def test_a_mixture_costs_what_its_positions_pass(case):
    """Experts taken, those of every position, the router; not the gate of one number (Qwen)."""
    assert forecast(case) == pytest.approx(counted(case), rel=0.01)


def case_of(name: str) -> Case:
    return next(case for case in STEPS if case.model_type == name)


def test_experts_that_llama_4_runs_and_weighs_with_zero_are_no_part_of_the_forecast():
    """The router, one expert of every position, and two of the others where it runs all five."""
    case = case_of("llama4_text")
    expert, router = 2 * 3 * 24 * 40, 2 * 24 * 5
    assert forecast(case) == LENGTH * (router + 3 * expert)
    assert counted(case) == LENGTH * (router + 6 * expert)


def test_positions_that_switch_has_no_room_for_are_part_of_the_forecast():
    case = case_of("switch_transformers")
    assert counted(case) < forecast(case) == LENGTH * (2 * 24 * 3 + 2 * 2 * 24 * 40)


@pytest.mark.parametrize("name", ["mixtral", "qwen2_moe", "aria_text"])
def test_the_cost_of_a_pass_through_mixtures_is_what_torch_counts(name):
    """On "eager": of sdpa's kernels the counter does not know those for the CPU."""
    case = case_of(name)
    module = build(case, attention="eager")
    graph = wiring_of(config_of(case).to_dict(), name).graph(name)
    with one_by_one(module) as counter:
        module(input_ids=torch.arange(LENGTH)[None], use_cache=False)
    found = graph.pass_flops({"tokens": LENGTH})
    assert found == pytest.approx(counter.get_total_flops(), rel=0.01)
