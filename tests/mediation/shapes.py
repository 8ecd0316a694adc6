"""Random models of the three shapes that mediation is tested on, and where their modules sit.

GPT-2 (fused projections), Llama (grouped queries, gated MLPs, biases) and BERT (norms after the
sums, attention both ways). Nothing of scrub is used.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from transformers import BertConfig, BertForMaskedLM

from tests.models import tiny

SHAPES = ("gpt2", "llama", "bert")


@dataclass(frozen=True)
class Facts:
    """Where a shape's modules sit: paths from the block, or from the module."""

    blocks: str
    projections: tuple[str, str, str]  # of queries, keys and values
    out: str
    mlp: str  # what the MLP reads through: its norm, or itself
    down: str
    final: str
    norm: str = ""  # before attention
    attention: str = ""  # whose output the block adds to the stream
    after_attention: str = ""  # the norms of a post-norm block
    after_mlp: str = ""


FACTS = {
    "gpt2": Facts(
        blocks="transformer.h",
        projections=("attn.c_attn", "attn.c_attn", "attn.c_attn"),
        out="attn.c_proj",
        mlp="ln_2",
        down="mlp.c_proj",
        final="transformer.ln_f",
        norm="ln_1",
        attention="attn",
    ),
    "llama": Facts(
        blocks="model.layers",
        projections=("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
        out="self_attn.o_proj",
        mlp="post_attention_layernorm",
        down="mlp.down_proj",
        final="model.norm",
        norm="input_layernorm",
        attention="self_attn",
    ),
    "bert": Facts(
        blocks="bert.encoder.layer",
        projections=("attention.self.query", "attention.self.key", "attention.self.value"),
        out="attention.output.dense",
        mlp="intermediate",
        down="output.dense",
        final="cls",
        after_attention="attention.output.LayerNorm",
        after_mlp="output.LayerNorm",
    ),
}


def module(shape: str, seed: int = 0, dtype: torch.dtype = torch.float32) -> nn.Module:
    """A random model of two layers, drawn so large that attention matters."""
    made = _bert(seed) if shape == "bert" else tiny.module(shape, seed=seed)
    return made.to(dtype).requires_grad_(False)


def _bert(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    made: nn.Module = BertForMaskedLM(
        BertConfig(
            vocab_size=tiny.VOCABULARY,
            hidden_size=tiny.WIDTH,
            num_hidden_layers=tiny.LAYERS,
            num_attention_heads=4,
            intermediate_size=40,
            max_position_embeddings=32,
            initializer_range=0.4,
        )
    )
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.3 * torch.randn_like(parameter))
    return made.train(False)
