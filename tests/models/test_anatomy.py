"""Modules in memory that are not laid out as their family says: refused by the full message."""

from __future__ import annotations

import pytest
import torch

from scrub.errors import InputRefused
from scrub.models.loading import load
from tests.models import tiny


def test_a_module_without_logits() -> None:
    trunk = tiny.module("llama").get_submodule("model")
    with pytest.raises(InputRefused) as caught:
        load(trunk)
    assert str(caught.value) == (
        "model 'LlamaModel': its class LlamaModel is a bare trunk: without a head it computes "
        "nothing to be scored. Take the model with its head, as LlamaForCausalLM."
    )


def test_a_module_that_is_no_transformers_model() -> None:
    with pytest.raises(InputRefused) as caught:
        load(torch.nn.Linear(2, 2))
    assert str(caught.value) == (
        "model 'Linear': a Linear has no transformers config. "
        "Pass a model from AutoModelForCausalLM, or a folder that holds one."
    )


def test_a_module_that_is_laid_out_otherwise() -> None:
    module = tiny.module("llama")
    block = module.get_submodule("model.layers.1")
    block.feed_forward = block.mlp
    del block.mlp
    with pytest.raises(InputRefused) as caught:
        load(module)
    assert str(caught.value) == (
        "model 'LlamaForCausalLM', layer 1: LlamaDecoderLayer has no 'mlp' as its architecture "
        "should; it has self_attn, input_layernorm, post_attention_layernorm, feed_forward."
    )


def test_a_projection_that_cannot_be_cut() -> None:
    class Quantised(torch.nn.Linear):
        pass

    module = tiny.module("llama")
    attention = module.get_submodule("model.layers.0.self_attn")
    attention.k_proj = Quantised(24, 16)
    with pytest.raises(InputRefused) as caught:
        load(module)
    assert str(caught.value) == (
        "model 'LlamaForCausalLM', layer 0: 'k_proj' is a Quantised; only plain linear maps can "
        "be cut into heads. Load the model unquantised and without adapters."
    )


def test_a_config_that_is_not_that_of_the_module() -> None:
    module = tiny.module("llama")
    module.config.num_hidden_layers = 3  # type: ignore[union-attr]
    with pytest.raises(InputRefused) as caught:
        load(module)
    assert str(caught.value) == (
        "model 'LlamaForCausalLM': the config says 3 layers, the module has 2."
    )


def test_weights_that_are_not_as_wide_as_the_config_says() -> None:
    module = tiny.module("llama")
    module.config.intermediate_size = 41  # type: ignore[union-attr]
    with pytest.raises(InputRefused) as caught:
        load(module)
    assert str(caught.value) == (
        "model 'LlamaForCausalLM', layer 0: the projection of the MLP's neurons is 40 wide, by "
        "the config it is 41."
    )
