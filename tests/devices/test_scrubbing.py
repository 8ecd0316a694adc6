"""A scrub on a device is the scrub on the CPU, wherever the recording lives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from scrub import run
from scrub.engine import memory
from scrub.models.adapter import TransformersModel
from scrub.models.probe import probe
from scrub.models.recording import Place, record
from tests.architectures.building import Case, build
from tests.architectures.claims import error, random_claim
from tests.architectures.coverage import CASES
from tests.laws.running import engine
from tests.laws.test_transformers import data, two_heads
from tests.models.tiny import module


def slow(*values: Any) -> Any:
    """A case that waits for the slow tier: an operation here costs many times what it costs."""
    return pytest.param(*values, marks=pytest.mark.slow)


THERE = torch.device("cuda:1")
NAMES = ("gpt2", "t5", *(slow(name) for name in ("llama", "mixtral", "bert", "albert", "gpt_oss")))


def case_of(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


def on(device: torch.device, name: str) -> TransformersModel:
    return TransformersModel(build(case_of(name)).to(device), name)


@pytest.mark.parametrize("name", NAMES)
def test_random_claims_give_what_they_give_on_the_cpu(name: str) -> None:
    here, there = on(torch.device("cpu"), name), on(THERE, name)
    assert there.device == THERE
    for seed in range(2):
        claim = random_claim(here.graph, np.random.default_rng(seed), equal=False)
        found = engine(there, claim)
        assert found.device == THERE
        assert error(found.cpu(), engine(here, claim)) < 1e-4


@pytest.mark.parametrize("name", [slow("gpt2"), slow("bert")])
def test_the_probe_passes(name: str) -> None:
    probe(on(THERE, name)).require()


PLACES = {  # which budget, and how much memory of the host is free
    Place.DEVICE: ("1GiB", 2**30),
    Place.HOST: ("48KiB", 2**30),
    Place.DISK: ("48KiB", 0),
}


@pytest.mark.parametrize("place", [Place.HOST, slow(Place.DEVICE), slow(Place.DISK)])
def test_a_whole_run_gives_the_losses_of_the_cpu(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    hypothesis = two_heads(data(np.random.default_rng(5), equal=False), "llama")
    expected = run(hypothesis, draws=3)
    seen: list[Place] = []

    def recorded(*args: Any, **options: Any) -> Any:
        made = record(*args, **options)
        seen.append(made.place)
        assert {value.is_pinned() for value in made.values.values()} == {place is Place.HOST}
        return made

    budget, host = PLACES[place]
    monkeypatch.setattr(memory, "free_host_bytes", lambda: host)
    monkeypatch.setattr("scrub.study.measuring.record", recorded)
    there = TransformersModel(module("llama").to(THERE), "tiny-llama")
    found = run(hypothesis.with_model(there), draws=3, memory=budget)
    assert set(seen) == {place}
    np.testing.assert_allclose(found.per_example.scrubbed, expected.per_example.scrubbed, rtol=1e-5)
    np.testing.assert_allclose(found.per_example.model, expected.per_example.model, rtol=1e-5)
    assert found.divergence == pytest.approx(expected.divergence, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 7])
def test_the_size_of_a_chunk_changes_nothing(batch: int) -> None:
    hypothesis = two_heads(data(np.random.default_rng(5), equal=False), "gpt2")
    there = hypothesis.with_model(TransformersModel(module("gpt2").to("cuda"), "tiny-gpt2"))
    some, all_at_once = run(there, draws=2, batch=batch), run(there, draws=2)
    np.testing.assert_allclose(
        some.per_example.scrubbed, all_at_once.per_example.scrubbed, rtol=1e-5
    )
