"""Models that accelerate has dispatched: layers in memory and on disk, run as any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM

from scrub import EXACT, Dataset, Hypothesis, Task, run
from scrub.models.adapter import TransformersModel
from scrub.models.fingerprint import fingerprint_of
from scrub.models.linear import bias_of, weight_of
from scrub.models.loading import load
from scrub.models.probe import probe
from scrub.models.quiet import quiet
from scrub.models.substitute import Bound, home_of, replaced, shallow, weights
from tests.architectures.building import build
from tests.architectures.coverage import CASES
from tests.models import tiny

accelerate = pytest.importorskip("accelerate")

PLACES = {  # the second layer, the final norm and the unembedding lie on disk between calls
    "model.embed_tokens": "cpu",
    "model.layers.0": "cpu",
    "model.layers.1": "disk",
    "model.norm": "disk",
    "model.rotary_emb": "cpu",
    "lm_head": "disk",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    with quiet():
        tiny.module("llama").save_pretrained(path)  # type: ignore[operator]
    return path


@pytest.fixture
def plain(folder: Path) -> nn.Module:
    return load(folder).module


@pytest.fixture
def offloaded(folder: Path, tmp_path: Path) -> nn.Module:
    read: Any = AutoModelForCausalLM.from_pretrained
    with quiet():
        module = read(folder, device_map=PLACES, offload_folder=tmp_path, use_safetensors=True)
    assert module.lm_head.weight.is_meta
    return module.eval()


def test_a_copy_runs_what_was_replaced_in_it(plain: nn.Module, offloaded: nn.Module) -> None:
    """The wrapper that accelerate puts on the instance is bound to the original."""
    x = torch.randn(2, 3, tiny.WIDTH)
    for module in (plain, offloaded):
        mlp = module.get_submodule("model.layers.1.mlp")
        down = replaced(mlp, {"down_proj": nn.Identity()})(x)
        assert down.shape == (2, 3, 40)
        assert torch.equal(mlp(x), plain.get_submodule("model.layers.1.mlp")(x))
        through = replaced(module, {"model.layers.1.mlp.up_proj": Bound(torch.zeros(()))})
        tokens = tiny.tokens(2, 5)
        assert not torch.allclose(through(tokens).logits, module(tokens).logits)


def test_a_copy_brings_its_weights_and_leaves_them_where_they_lay(offloaded: nn.Module) -> None:
    copy = shallow(offloaded.get_submodule("model.layers.1.self_attn.q_proj"))
    x = torch.randn(2, tiny.WIDTH)
    assert torch.equal(copy(x), offloaded.get_submodule("model.layers.1.self_attn.q_proj")(x))
    assert copy.weight.is_meta
    assert offloaded.get_submodule("model.layers.1.self_attn.q_proj").weight.is_meta


def test_weights_are_fetched_one_by_one(plain: nn.Module, offloaded: nn.Module) -> None:
    assert home_of(offloaded) == home_of(offloaded.get_submodule("lm_head")) == torch.device("cpu")
    for path in ("model.layers.0.mlp.down_proj", "model.layers.1.mlp.down_proj"):
        ours, theirs = offloaded.get_submodule(path), plain.get_submodule(path)
        assert torch.equal(weight_of(ours), weight_of(theirs))
        assert torch.equal(bias_of(ours), bias_of(theirs))  # type: ignore[arg-type]
    fetched = dict(weights(offloaded))
    assert list(fetched) == sorted(plain.state_dict())
    assert all(torch.equal(fetched[name], w) for name, w in plain.state_dict().items())
    assert fingerprint_of(offloaded, {}) == fingerprint_of(plain, {})


def claim() -> nx.DiGraph:
    """Heads and MLPs of both layers, with every port in use."""
    graph = nx.DiGraph()
    graph.add_node("answer", component="logits", feature=EXACT)
    graph.add_node("late", component="a1.h1", positions="here", feature="word")
    graph.add_node("mlp", component="m1", positions="here", feature="word")
    graph.add_node("early", component="a0.h2", positions="there", feature="word")
    graph.add_node("some", component="m0.n3-9", positions="here", feature="word")
    for parent, child, port in (
        ("late", "answer", "in"),
        ("mlp", "answer", "in"),
        ("late", "mlp", "in"),
        ("early", "late", "k"),
        ("early", "late", "v"),
        ("some", "late", "q"),
    ):
        graph.add_edge(parent, child, port=port)
    return graph


def task() -> Task:
    rng = np.random.default_rng(0)
    rows = [
        {
            "tokens": tokens.tolist(),
            "roles": {"here": 5, "there": 2},
            "word": int(tokens[2]) % 3,
            "answer": int(tokens[3]),
        }
        for tokens in rng.integers(0, tiny.VOCABULARY, (24, 6))
    ]
    return Task(Dataset.from_rows(rows), metric="loss", at="here")


def test_a_whole_run_gives_what_the_plain_model_gives(
    plain: nn.Module, offloaded: nn.Module
) -> None:
    """The probe included, which passes."""
    ours, theirs = (
        run(Hypothesis(claim(), task=task(), model=module), references=8, draws=2)
        for module in (offloaded, plain)
    )
    assert ours.recovered.value == pytest.approx(theirs.recovered.value, abs=1e-5)
    assert ours.divergence == pytest.approx(theirs.divergence, rel=1e-4)
    assert ours.fingerprints["model"] == theirs.fingerprints["model"]
    assert offloaded.get_submodule("lm_head").weight.is_meta


def test_auto_loads_a_folder_through_accelerate(folder: Path, plain: nn.Module) -> None:
    model = load(folder, device="auto")
    assert model.device.type == ("cuda" if torch.cuda.is_available() else "cpu")
    tokens = tiny.tokens(2, 5)
    with torch.no_grad():
        logits = model.module(tokens.to(model.device)).logits.cpu()
    torch.testing.assert_close(logits, plain(tokens).logits)


@pytest.mark.parametrize("name", ["t5", "gpt_oss", "beit"])
def test_tables_with_an_entry_for_each_head_are_cut_when_they_are_fetched(name: str) -> None:
    """Relative positions, sinks, and factors by channel, all offloaded."""
    case = next(case for case in CASES if case.name == name)
    with quiet():
        module: Any = build(case)
        state = {key: tensor.clone() for key, tensor in module.state_dict().items()}
        accelerate.cpu_offload(module, torch.device("cpu"), state_dict=state)
    assert all(weight.is_meta for weight in module.parameters())
    report = probe(TransformersModel(module, name))
    assert report.passed, [check for check in report.checks if not check.passed]
