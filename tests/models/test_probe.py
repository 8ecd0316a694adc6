"""The probe passes on every covered family, and catches an adapter that is wrong in any one way."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch

from scrub.errors import ModelRefused
from scrub.models.adapter import TransformersModel
from scrub.models.heads import HeadsPiece
from scrub.models.probe import probe
from tests.models import tiny
from tests.models.sabotage import ADAPTERS, constant_forgotten


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_passes(family: str, attention: str) -> None:
    report = probe(tiny.model(family, attention=attention))
    report.require()
    assert report.passed
    assert [check.name for check in report.checks] == [
        "all weights are finite",
        "all recorded values are finite",
        "a repeated pass gives the same values",
        "the recorded logits are the model's own",
        f"attention '{'eager' if attention == 'sdpa' else 'sdpa'}' agrees with '{attention}'",
        "components sum to the stream",
        "a re-run component equals its recording",
        "a re-run on recorded projections equals the recording",
        "port in is read",
        "port k is read",
        "port q is read",
        "port v is read",
        "on other inputs it equals whole passes with hooks",
        "a later token changes nothing before it",
        "another row changes nothing in this one",
        "a right-padded row is as it is without padding",
    ]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_passes_in_other_dtypes(family: str, dtype: torch.dtype) -> None:
    probe(TransformersModel(tiny.module(family).to(dtype))).require()


def test_a_head_may_ignore_a_port() -> None:
    """Queries that are constant attend evenly: the model's own doing, not the adapter's."""
    module = tiny.module("gpt2")
    with torch.no_grad():
        projection: Any = module.get_submodule("transformer.h.0.attn.c_attn")
        projection.weight[:, : tiny.WIDTH] = 0
    model = TransformersModel(module)
    probe(model).require()


@pytest.mark.parametrize("case", ADAPTERS)
def test_a_wrong_adapter_is_caught(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    family, sabotage, expected = ADAPTERS[case]
    model = tiny.model(family)
    sabotage(monkeypatch)
    report = probe(model)
    failed = [check.name for check in report.checks if not check.passed]
    assert not report.passed
    assert any(name.startswith(expected) for name in failed), failed


def test_a_hook_that_never_fires_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny.model("gpt2")
    monkeypatch.setattr(HeadsPiece, "watch", lambda self, watch, site, found: None)
    with pytest.raises(ModelRefused) as caught:
        probe(model)
    assert str(caught.value) == "model 'tiny-gpt2': a forward pass never reached resid.0."


def test_the_refusal_says_what_by_how_much_and_where(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny.model("gpt2")
    constant_forgotten(monkeypatch)
    with pytest.raises(ModelRefused) as caught:
        probe(model).require()
    number = r"[\d.e+-]+"
    assert re.fullmatch(
        f"model 'tiny-gpt2' is refused, for this does not hold: components sum to the stream. "
        f"At (mid|resid).[01] the error is {number}; at most 2.4e-05 is allowed.",
        str(caught.value),
    )
    assert caught.value.exit_code == 3


def test_weights_that_are_not_finite_are_refused_by_name() -> None:
    module = tiny.module("llama")
    with torch.no_grad():
        weight: Any = module.get_submodule("model.layers.1.mlp.up_proj").weight
        weight[3, 5] = float("nan")
        weight[4, 5] = float("inf")
    report = probe(TransformersModel(module, name="broken"))
    assert len(report.checks) == 1
    with pytest.raises(ModelRefused) as caught:
        report.require()
    assert str(caught.value) == (
        "model 'broken' is refused, for this does not hold: all weights are finite. At tensor "
        "model.layers.1.mlp.up_proj.weight the error is 2; at most 0 is allowed."
    )


def test_values_that_overflow_are_refused() -> None:
    module = tiny.module("llama").to(torch.float16)
    with torch.no_grad():
        weight: Any = module.get_submodule("model.layers.0.mlp.down_proj").weight
        weight.mul_(20_000)
    with pytest.raises(ModelRefused, match=r"all recorded values are finite\. At m0:output"):
        probe(TransformersModel(module)).require()
