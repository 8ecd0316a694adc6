"""What all inputs begin with is gone through once on GPUs too, wherever the recording lies."""

from __future__ import annotations

import pytest
import torch

from scrub.models.adapter import TransformersModel
from scrub.models.prefixes import shared_prefix
from scrub.models.recording import Place, record
from scrub.models.spread import SpreadModel, adapted
from tests.architectures.building import build
from tests.devices.pretended import Pretended
from tests.devices.test_scrubbing import case_of, on
from tests.devices.test_spread import FIRST, HOST, spread
from tests.models.prompts import SHARED, TOLERANCE, error, prompts, sites_of


@pytest.fixture(autouse=True)
def _copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch copies a tensor's storage, and what is pretended has none."""
    monkeypatch.setattr(Pretended, "__deepcopy__", lambda self, _: self.clone(), raising=False)


def require_equal(there: TransformersModel, place: Place) -> None:
    here = on(HOST, "gpt2")
    inputs, sites = prompts(here), sites_of(here)
    prefix = shared_prefix(there, inputs, sites)
    assert prefix is not None
    assert prefix.length == SHARED
    whole = record(here, inputs, sites, batch=16)
    with record(there, inputs, sites, batch=16, place=place, prefix=prefix) as once:
        homes = {value.device for value in once.values.values()}
        assert homes == {FIRST if place is Place.DEVICE else HOST}
        once.values = {site: value.cpu() for site, value in once.values.items()}
        assert error(once, whole, inputs) < TOLERANCE


@pytest.mark.parametrize("place", Place)
def test_recordings_of_a_gpu_are_those_of_the_cpu(place: Place) -> None:
    require_equal(on(FIRST, "gpt2"), place)


def test_a_model_over_two_gpus_goes_on_from_a_prefix() -> None:
    pytest.importorskip("accelerate")
    there = adapted(spread(build(case_of("gpt2")), "gpt2"))
    assert isinstance(there, SpreadModel)
    assert set(there.homes.values()) == {FIRST, torch.device("cuda:1")}
    require_equal(there, Place.DEVICE)
