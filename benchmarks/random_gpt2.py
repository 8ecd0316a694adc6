"""A stock GPT2LMHeadModel of any shape, with weights that are drawn by name.

Two versions of transformers must make the same model of it, and this imports nothing else of ours:
one of the rivals' environments has no scrub.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import GPT2Config, GPT2LMHeadModel

SPREAD = 0.1  # of the weights: with GPT-2's own 0.02, random attention is all but uniform


def random_gpt2(layers: int, heads: int, width: int, vocabulary: int, positions: int) -> Any:
    """The model, ready to be run; it asks for no gradients."""
    config = GPT2Config(
        n_layer=layers,
        n_head=heads,
        n_embd=width,
        vocab_size=vocabulary,
        n_positions=positions,
        bos_token_id=0,
        eos_token_id=0,
    )
    module: Any = GPT2LMHeadModel(config)
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in sorted(module.named_parameters()):
            weight.copy_(torch.randn(weight.shape, generator=draw) * SPREAD)
            if ".ln_" in name and name.endswith("weight"):
                weight.add_(1)  # not all ones: a norm that is folded or left out must show
    return module.eval().requires_grad_(False)
