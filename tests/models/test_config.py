"""The model graph from config.json, against the module that transformers builds from it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig

from scrub.errors import InputRefused
from scrub.graph import Reach
from scrub.models.config import completed, graph_from_config, read_config
from scrub.models.families import FAMILIES
from scrub.models.families.base import Key
from tests.models import tiny

GPT2_SMALL = {"model_type": "gpt2"}


def test_gpt2_small_has_the_components_and_edges_that_eap_ig_counts() -> None:
    graph = graph_from_config(GPT2_SMALL, "gpt2")
    assert (len(graph.components), graph.n_edges) == (158, 32_491)


def test_components_come_in_order_of_evaluation() -> None:
    graph = graph_from_config({"model_type": "gpt2", "n_layer": 2, "n_head": 2}, "x")
    assert [c.name for c in graph.components] == [
        "embed", "a0.h0", "a0.h1", "m0", "a1.h0", "a1.h1", "m1", "logits",
    ]  # fmt: skip
    head, mlp, logits = graph["a1.h0"], graph["m1"], graph["logits"]
    assert [(p.name, p.stream, p.reach) for p in head.ports] == [
        ("q", "resid.1", Reach.SAME),
        ("k", "resid.1", Reach.CAUSAL),
        ("v", "resid.1", Reach.CAUSAL),
    ]
    assert head.port("q").feeders == ("embed", "a0.h0", "a0.h1", "m0")
    assert mlp.port("in").feeders == ("embed", "a0.h0", "a0.h1", "m0", "a1.h0", "a1.h1")
    assert logits.port("in").feeders == (*mlp.port("in").feeders, "m1")
    assert (mlp.port("in").stream, logits.port("in").stream) == ("mid.1", "final")
    assert [graph[c].group for c in ("a1.h0", "a1.h1", "m1", "logits")] == [
        "a1", "a1", "m1", "logits",
    ]  # fmt: skip
    assert (head.stored, head.width, mlp.neurons, logits.width) == (384, 768, 3072, 50257)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_an_empty_config_means_what_it_means_to_transformers(family: str) -> None:
    """And is read without transformers."""
    empty = {"model_type": family, **({"n_positions": 1024} if family == "gpt2" else {})}
    default = AutoConfig.for_model(family).to_dict()
    assert completed(empty) is empty
    assert graph_from_config(empty, "x") == graph_from_config(default, "x")


@pytest.mark.parametrize(
    "family", ["albert", "bart", "distilbert", "falcon", "gptj", "mamba", "olmo2", "opt", "t5"]
)
def test_a_config_that_leaves_sizes_out_is_completed_by_transformers(family: str) -> None:
    default = AutoConfig.for_model(family).to_dict()
    assert graph_from_config(completed({"model_type": family}), "x") == (
        graph_from_config(default, "x")
    )


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_sizes_are_those_of_the_module(family: str) -> None:
    module = tiny.module(family)
    graph = tiny.model(family).graph
    stack = FAMILIES[family].stacks[0]
    blocks = module.get_submodule(f"{stack.path}.{stack.blocks}")
    config: Any = module.config
    heads = [c for c in graph.components if c.name.startswith("a")]
    assert len(heads) == len(list(blocks.children())) * config.num_attention_heads
    assert graph["m0"].neurons == 40
    assert graph["logits"].width == tiny.VOCABULARY


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_the_cost_of_a_pass_is_what_torch_counts(family: str) -> None:
    """On "eager": of sdpa's kernels the counter does not know those for the CPU."""
    module, rows, length = tiny.module(family, "eager"), 3, 11
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(input_ids=tiny.tokens(rows, length), use_cache=False)
    forecast = tiny.model(family).graph.pass_flops({"tokens": length}) * rows
    assert forecast == pytest.approx(counter.get_total_flops(), rel=0.01)


def test_neither_torch_nor_transformers_is_imported() -> None:
    code = "import sys, scrub.models.config; print({'torch', 'transformers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


MESSAGES: dict[str, tuple[dict[str, Any], str]] = {
    "no model_type": (
        {},
        "model 'x': the config has no 'model_type', so its architecture is unknown. "
        "scrub models lists those that are.",
    ),
    "near miss": (
        {"model_type": "qwen4"},
        "model 'x': the architecture 'qwen4' is not covered. scrub models lists those that are.",
    ),
    "far off": (
        {"model_type": "perceiver"},
        "model 'x': the architecture 'perceiver' is not covered. "
        "scrub models lists those that are.",
    ),
    "not a number": (
        {"model_type": "gpt2", "n_layer": "twelve"},
        "model 'x': config key 'n_layer' must be a whole number above 0, not 'twelve'.",
    ),
    "zero": (
        {"model_type": "llama", "num_attention_heads": 0},
        "model 'x': config key 'num_attention_heads' must be a whole number above 0, not 0.",
    ),
    "heads": (
        {"model_type": "gpt2", "n_head": 7},
        "model 'x': 7 heads do not divide the width 768, and the config names no head width.",
    ),
    "groups": (
        {"model_type": "llama", "num_key_value_heads": 5},
        "model 'x': 32 heads of queries cannot share 5 heads of keys and values.",
    ),
    "cross-attention": (
        {"model_type": "gpt2", "add_cross_attention": True},
        "model 'x': config key 'add_cross_attention' is set: heads that read an encoder are not "
        "covered.",
    ),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_message(case: str) -> None:
    config, message = MESSAGES[case]
    with pytest.raises(InputRefused) as caught:
        graph_from_config(config, "x")
    assert str(caught.value) == message


def test_read_config(tmp_path: Path) -> None:
    whole = {**GPT2_SMALL, "n_positions": 1024}
    (tmp_path / "config.json").write_text(json.dumps(whole))
    assert read_config(tmp_path) == whole


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"model_type": ',
            "{path}: is not readable as JSON: Expecting value: line 1 column 16 (char 15).",
        ),
        ("[1, 2]", '{path}: must hold one JSON object, {"model_type": …}.'),
        (
            None,
            "model '{folder}': the folder holds no config.json. A model folder is what "
            "transformers' save_pretrained writes.",
        ),
    ],
)
def test_read_config_message(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "config.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputRefused) as caught:
        read_config(tmp_path)
    expected = message.replace("{path}", str(path)).replace("{folder}", str(tmp_path))
    assert str(caught.value) == expected


def test_read_config_of_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as caught:
        read_config(tmp_path / "nowhere")
    assert str(caught.value) == (
        f"model '{tmp_path / 'nowhere'}': there is no such folder. Check the path."
    )


def test_a_key_may_go_by_several_names() -> None:
    aliased = {"model_type": "gpt2", "hidden_size": 24, "num_attention_heads": 4}
    named = {"model_type": "gpt2", "n_embd": 24, "n_head": 4}
    assert graph_from_config(aliased, "x") == graph_from_config(named, "x")
    assert Key(("a", "b")).default is None
