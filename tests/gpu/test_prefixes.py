"""On a CUDA device a prompt that is gone through once gives the recording that it always gave."""

from __future__ import annotations

import pytest
import torch

from scrub.models.adapter import TransformersModel
from scrub.models.prefixes import shared_prefix
from scrub.models.recording import Place, record
from tests.models.prompts import SHARED, error, prompts, sites_of
from tests.models.tiny import module

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("family", ["gpt2", "llama", "mistral", "qwen3"])
@pytest.mark.parametrize("place", Place)
def test_recordings_with_and_without_a_shared_prefix_are_equal(family: str, place: Place) -> None:
    model = TransformersModel(module(family).to("cuda"), family)
    inputs, sites = prompts(model), sites_of(model)
    prefix = shared_prefix(model, inputs, sites)
    assert prefix is not None
    assert prefix.length == SHARED
    whole = record(model, inputs, sites, batch=16, place=Place.HOST)
    with record(model, inputs, sites, batch=16, place=place, prefix=prefix) as once:
        once.values = {site: value.cpu() for site, value in once.values.items()}
        assert error(once, whole, inputs) < 2e-4  # kernels differ with the length


def test_what_goes_on_from_a_prefix_in_half_precision_does_so_too() -> None:
    model = TransformersModel(module("llama").to("cuda", torch.bfloat16), "llama")
    inputs, sites = prompts(model), sites_of(model)
    assert shared_prefix(model, inputs, sites) is not None
