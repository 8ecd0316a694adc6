"""Llama's near kin: what differs is within the attention or the MLP module, or a name.

Windows (Ministral, CWM), layers without positions (SmolLM3), norms on queries and keys (Hunyuan,
Apertus, nanochat), LayerNorm and biases (StarCoder2, Nemotron, Jais 2), MLPs without a gate.
BitNet norms what all heads, and all neurons, hand to the projection after them.
"""

from __future__ import annotations

from dataclasses import replace

from scrub.models.families.base import (
    MLP,
    Attention,
    Block,
    Family,
    Key,
    Run,
    Sizes,
    Stack,
    fused,
    stacked,
)

HEADS, GATED, UNGATED = Attention(), MLP(), MLP(matrices=2)
LLAMA: Block = (HEADS, GATED)
DERIVED, WIDE = Sizes(), Sizes(head_width=Key(("head_dim",), 128))


def _family(name: str, block: Block = LLAMA, sizes: Sizes = DERIVED) -> Family:
    return Family(name, stacks=(Stack(block=block, sizes=sizes),))


SMOLLM3 = _family("smollm3")
MINISTRAL = _family("ministral")
MINISTRAL3 = _family("ministral3", sizes=WIDE)
CWM = _family("cwm", sizes=WIDE)
ERNIE4_5 = _family("ernie4_5", sizes=WIDE)
HELIUM = _family("helium", sizes=WIDE)
SEED_OSS = _family("seed_oss", sizes=WIDE)
INTERNLM3 = _family("internlm3", sizes=WIDE)
IQUESTCODER = _family("iquestcoder", sizes=WIDE)
HUNYUAN_V1_DENSE = _family("hunyuan_v1_dense")
ARCEE = _family("arcee", (HEADS, UNGATED))
NEMOTRON = _family("nemotron", (HEADS, UNGATED))
JAIS2 = _family("jais2", (HEADS, UNGATED))
STARCODER2 = _family("starcoder2", (HEADS, replace(UNGATED, down="c_proj")))
APERTUS = _family(
    "apertus",
    (Attention(before="attention_layernorm"), replace(UNGATED, before="feedforward_layernorm")),
)
NANOCHAT = Family(
    "nanochat", stacks=(Stack(block=(HEADS, replace(UNGATED, down="fc2")), final_turn=1),)
)
PHI3 = _family(
    "phi3",
    (
        Attention(
            projections=fused("qkv_proj"),
            layout=stacked,
            run=Run.TOGETHER,  # where it cuts them is read off the config
        ),
        GATED,
    ),
)
BITNET = Family(
    "bitnet",
    stacks=(Stack(block=(Attention(run=Run.TOGETHER), GATED)),),
    note="what a head adds is normalised together with what all heads make of its inputs",
)
