"""On a CUDA device the numbers are those of the CPU, wherever the recording lives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scrub import run
from scrub.compiler import compile_tree
from scrub.engine.executor import Executor
from scrub.hypothesis.unfold import unfold
from scrub.models.adapter import TransformersModel
from scrub.models.batches import Inputs
from scrub.models.probe import probe
from scrub.models.recording import Place, record
from tests.laws.running import draw, engine, flat
from tests.laws.test_transformers import data, error, ours, random_claim, two_heads
from tests.models.tiny import module

pytestmark = pytest.mark.gpu

FAMILIES = ("gpt2", "llama", "mistral", "qwen2", "qwen3")


def on_gpu(family: str, dtype: torch.dtype = torch.float32) -> TransformersModel:
    return TransformersModel(module(family).to("cuda", dtype), name=f"tiny-{family}")


@pytest.mark.parametrize("family", FAMILIES)
def test_the_probe_passes(family):
    probe(on_gpu(family)).require()


@pytest.mark.parametrize("family", ["gpt2", "llama", "mistral", "qwen3"])
@pytest.mark.parametrize("place", list(Place))
def test_law_4_the_device_and_the_place_of_the_recording_change_nothing(family, place):
    rng = np.random.default_rng(0)
    model = on_gpu(family)
    for _ in range(5):
        claim = random_claim(rng, family)
        tree = unfold(claim)
        schedule, rows = compile_tree(tree), flat(draw(tree))
        with record(
            model, Inputs.of(claim.dataset, model.graph), schedule.sites(), batch=4, place=place
        ) as made:
            found = Executor(schedule, model, made, claim.dataset, len(claim.dataset))(rows)
        assert error(found.cpu(), engine(ours(family), claim)) < 2e-4  # TF32 is off; kernels differ


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_whole_run_gives_the_numbers_of_the_cpu(family):
    hypothesis = two_heads(data(np.random.default_rng(5), equal=False), family)
    expected = run(hypothesis, draws=3)
    there = hypothesis.with_model(on_gpu(family))
    for batch in (1, 7, None):
        found = run(there, draws=3, batch=batch)
        np.testing.assert_allclose(
            found.per_example.scrubbed, expected.per_example.scrubbed, rtol=2e-4
        )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_states_its_error(dtype):
    hypothesis = two_heads(data(np.random.default_rng(5), equal=False), "gpt2")
    result = run(hypothesis.with_model(on_gpu("gpt2", dtype)), draws=2)
    assert result.precision.against == "float32"
    assert 0 < result.precision.mean_error <= result.precision.max_error < 5
