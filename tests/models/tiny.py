"""Tiny random models of every covered family, drawn so large that attention matters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    PretrainedConfig,
    Qwen2Config,
    Qwen3Config,
)

from scrub.models.adapter import TransformersModel
from scrub.models.base import Batch

VOCABULARY, WIDTH, LAYERS, WINDOW = 50, 24, 2, 4

_LLAMA: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "intermediate_size": 40,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "initializer_range": 0.4,
    "bos_token_id": None,
    "eos_token_id": None,
}

CONFIGS: dict[str, Callable[[], PretrainedConfig]] = {
    "gpt2": lambda: GPT2Config(
        vocab_size=VOCABULARY,
        n_embd=WIDTH,
        n_layer=LAYERS,
        n_head=4,
        n_inner=40,
        n_positions=32,
        initializer_range=0.4,
        bos_token_id=None,
        eos_token_id=None,
    ),
    "llama": lambda: LlamaConfig(**_LLAMA, head_dim=8, attention_bias=True, mlp_bias=True),
    "mistral": lambda: MistralConfig(**_LLAMA, sliding_window=WINDOW),
    "qwen2": lambda: Qwen2Config(**_LLAMA),
    "qwen3": lambda: Qwen3Config(**_LLAMA, head_dim=8),
}
FAMILIES = tuple(CONFIGS)


def module(family: str, attention: str = "sdpa", seed: int = 0, **changes: Any) -> nn.Module:
    """Norm weights and biases are drawn too: at their initial 1 and 0 they could be left out."""
    config = CONFIGS[family]()
    config.update(changes)
    torch.manual_seed(seed)
    build: Any = AutoModelForCausalLM.from_config
    made: nn.Module = build(config, attn_implementation=attention)
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.3 * torch.randn_like(parameter))
    return made.eval()


def model(family: str, **options: Any) -> TransformersModel:
    return TransformersModel(module(family, **options), name=f"tiny-{family}")


def tokens(rows: int, length: int, seed: int = 1) -> torch.Tensor:
    return torch.randint(VOCABULARY, (rows, length), generator=torch.Generator().manual_seed(seed))


def batch(rows: int, length: int, seed: int = 1) -> Batch:
    return Batch.of_tokens(tokens(rows, length, seed))


def row(tokens: torch.Tensor) -> Batch:
    """One row alone, of its tokens [length]."""
    return Batch.of_tokens(tokens[None])


def random_ports(*names: str, rows: int, length: int, seed: int = 2) -> dict[str, torch.Tensor]:
    """Unrelated values for each port, of about the size of a residual stream."""
    generator = torch.Generator().manual_seed(seed)
    return {name: 2 * torch.randn(rows, length, WIDTH, generator=generator) for name in names}


def error(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """The largest difference, relative to the largest value."""
    assert ours.shape == theirs.shape
    return float((ours - theirs).abs().max() / theirs.abs().max())
