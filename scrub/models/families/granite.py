"""Granite: multipliers on embeddings, attention scores, logits and what each sublayer adds.

The last (`residual_multiplier`) belongs to the sublayer; the others are within modules. HyperCLOVA
X has a norm on each sublayer's output besides, if its config says so. Sliding-window Granite has
sinks, one number for each head.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from scrub.models.families.base import (
    MLP,
    Attention,
    Block,
    Config,
    Family,
    Key,
    Mixture,
    Sizes,
    Stack,
)

SCALE = "residual_multiplier"
PLAIN, SINKS = Attention(scale=SCALE), Attention(scale=SCALE, per_head=("sinks",))
DENSE = MLP(scale=SCALE)
EXPERTS = MLP("block_sparse_moe", down=None, experts="experts", mixture=Mixture(), scale=SCALE)
SHARED_MLP = MLP("shared_mlp", down="output_linear", scale=SCALE)
BESIDE = replace(SHARED_MLP, beside=True, letter="ms")
WIDTH = "shared_intermediate_size"
SHARED = Sizes(hidden=Key((WIDTH,), of=lambda c: c.get(WIDTH) or c.get("intermediate_size", 1)))


def _shared(attention: Attention) -> Callable[[Config, int], Block]:
    """Beside the experts an MLP for every token, if it has any neurons."""

    def block(config: Config, _: int) -> Block:
        return (attention, EXPERTS, BESIDE) if config.get(WIDTH) else (attention, EXPERTS)

    return block


def _peri(config: Config, _: int) -> Block:
    if not config.get("use_post_norm", True):
        return (PLAIN, DENSE)
    return (Attention(scale=SCALE, after="post_norm1"), MLP(scale=SCALE, after="post_norm2"))


GRANITE = Family("granite", stacks=(Stack(block=(PLAIN, DENSE)),))
GRANITE_SWA = Family("granite_swa", stacks=(Stack(block=(SINKS, DENSE)),))
GRANITEMOE = Family("granitemoe", stacks=(Stack(block=(PLAIN, EXPERTS)),))
GRANITEMOESHARED = Family("granitemoeshared", stacks=(Stack(block=_shared(PLAIN), sizes=SHARED),))
GRANITEMOE_SWA = Family("granitemoe_swa", stacks=(Stack(block=_shared(SINKS), sizes=SHARED),))
HYPERCLOVAX = Family("hyperclovax", stacks=(Stack(block=_peri),))
