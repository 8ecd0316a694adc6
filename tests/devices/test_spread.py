"""Models over two GPUs and the host, as accelerate lays them out: run as any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM

from scrub import run
from scrub.models.hooked import HookedModel
from scrub.models.loading import load
from scrub.models.probe import probe
from scrub.models.quiet import quiet
from scrub.models.spread import SpreadModel, adapted
from tests.architectures.building import build
from tests.architectures.claims import error, random_claim
from tests.devices.test_scrubbing import case_of, on, slow
from tests.laws.running import engine
from tests.laws.test_transformers import data, two_heads
from tests.models import tiny

accelerate = pytest.importorskip("accelerate")

FIRST, SECOND, HOST = (torch.device(name) for name in ("cuda:0", "cuda:1", "cpu"))
MAPS: dict[str, dict[str, Any]] = {  # tied weights together, as accelerate has it
    "gpt2": {
        "transformer.wte": FIRST, "transformer.wpe": FIRST, "transformer.drop": FIRST,
        "transformer.h.0": FIRST, "transformer.h.1": SECOND, "transformer.ln_f": SECOND,
        "lm_head": FIRST,
    },
    "bert": {
        "bert.embeddings": FIRST, "bert.encoder.layer.0": FIRST, "bert.encoder.layer.1": SECOND,
        "bert.pooler": SECOND, "cls": FIRST,
    },
    "t5": {
        "shared": FIRST, "encoder.embed_tokens": FIRST, "encoder.block.0": FIRST,
        "encoder.block.1": SECOND, "encoder.final_layer_norm": SECOND, "encoder.dropout": SECOND,
        "decoder.embed_tokens": FIRST, "decoder.block.0": FIRST, "decoder.block.1": SECOND,
        "decoder.block.2": SECOND,
        "decoder.final_layer_norm": SECOND, "decoder.dropout": SECOND, "lm_head": FIRST,
    },
}  # fmt: skip


def spread(module: nn.Module, name: str) -> nn.Module:
    """Dispatched as `from_pretrained` dispatches; only what this model has."""
    held = {path for path, _ in module.named_modules()}
    where = {path: there for path, there in MAPS[name].items() if path in held}
    with quiet():
        return accelerate.dispatch_model(module, where)  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["gpt2", slow("bert"), slow("t5")])
def test_random_claims_give_what_they_give_on_the_cpu(name: str) -> None:
    here, there = on(HOST, name), adapted(spread(build(case_of(name)), name))
    assert isinstance(there, SpreadModel)
    assert set(there.homes.values()) == {FIRST, SECOND}
    for seed in range(2):
        claim = random_claim(here.graph, np.random.default_rng(seed), equal=False)
        found = engine(there, claim)
        assert found.device == there.device == FIRST
        assert error(found.cpu(), engine(here, claim)) < 1e-4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    with quiet():
        tiny.module("llama").save_pretrained(path)  # type: ignore[operator]
    return path


@pytest.mark.parametrize("free", [slow(50_000), slow(30_000)])
def test_auto_fills_both_gpus_and_then_the_host(
    folder: Path, free: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The probe passes, and so much is each GPU said to have; the rest is fetched when it runs."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda *_: (free, free))
    model = load(folder, device="auto")
    assert isinstance(model, SpreadModel)
    assert {model.device, *model.homes.values()} == {FIRST, SECOND}
    assert {weight.device.type for weight in model.module.parameters()} == {"cuda", "meta"}
    probe(model).require()


@pytest.mark.slow
def test_a_whole_run_gives_the_losses_of_the_cpu(folder: Path) -> None:
    hypothesis = two_heads(data(np.random.default_rng(5), equal=False), "llama")
    expected = run(hypothesis, draws=3)
    places = {
        "model.embed_tokens": FIRST, "model.rotary_emb": FIRST, "model.layers.0": FIRST,
        "model.layers.1": SECOND, "model.norm": HOST, "lm_head": SECOND,
    }  # fmt: skip
    with quiet():
        read: Any = AutoModelForCausalLM.from_pretrained
        module = read(folder, device_map=places).eval()
    found = run(hypothesis.with_model(module), draws=3)
    np.testing.assert_allclose(found.per_example.scrubbed, expected.per_example.scrubbed, rtol=1e-5)
    assert found.divergence == pytest.approx(expected.divergence, rel=1e-4)


def test_the_reference_gives_its_values_where_the_model_takes_its_inputs() -> None:
    module = spread(tiny.module("gpt2"), "gpt2")
    values = HookedModel(module).outputs(tiny.batch(1, 5))
    assert {value.device for value in values.values()} == {FIRST}


def test_a_model_on_one_device_has_no_homes() -> None:
    assert not isinstance(adapted(tiny.module("gpt2").to(SECOND)), SpreadModel)
    assert not isinstance(adapted(tiny.module("gpt2")), SpreadModel)
