"""What the engine hands to an attention is what flash attention takes, by a stand-in for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from scrub.models.adapter import TransformersModel
from scrub.models.implementations import offers
from scrub.models.probe import probe
from tests.architectures.building import build
from tests.architectures.claims import error, random_claim
from tests.architectures.coverage import CASES
from tests.laws.running import engine
from tests.models import tiny
from tests.models.flash import NAME, flash

NAMES = ("gpt2", "llama", "mistral", "gemma2", "gpt_oss", "bert", "bart")


def model_of(name: str) -> TransformersModel:
    return TransformersModel(build(next(case for case in CASES if case.name == name)), name)


@pytest.mark.parametrize("name", NAMES)
def test_a_claim_under_flash_attention_gives_what_it_gives_under_the_models_own(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows, soft caps, sinks, grouped queries, padding that is hidden, cross-attention."""
    model, rng = model_of(name), np.random.default_rng(0)
    claim = random_claim(model.graph, rng, equal=False)
    expected = engine(model, claim)
    with flash(model.module, monkeypatch) as masks:
        found = engine(model, claim)
    assert masks, "the stand-in was never called"
    assert any(mask is not None for mask in masks) == (name in ("bert", "bart"))
    assert error(found, expected) < 1e-5


@pytest.mark.parametrize("name", ["llama", "bert"])
def test_the_probe_passes_under_flash_attention_and_holds_it_to_the_others(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_of(name)
    with flash(model.module, monkeypatch):
        report = probe(model)
    assert report.passed, [check for check in report.checks if not check.passed]
    assert any("attention" in check.name for check in report.checks)


def test_a_mask_for_each_query_is_refused_by_the_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """As flash attention would refuse it: so a pass above says something."""
    module: Any = tiny.module("llama")
    with flash(module, monkeypatch), pytest.raises(AssertionError, match="takes no mask"):
        module(tiny.tokens(2, 4), attention_mask=torch.ones(2, 1, 4, 4))


def test_flash_attention_is_offered_on_a_gpu_at_two_bytes_a_number_alone() -> None:
    module = tiny.module("llama")
    assert not offers(module, NAME)
    assert not offers(module.bfloat16(), NAME)
