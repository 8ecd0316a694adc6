"""AFMoE and Laguna: what an attention hands on is scaled by a gate that reads its queries' input.

So the gate belongs to the port of the queries. AFMoE has a norm on each sublayer's output too, a
component here. In Laguna each layer may have a number of heads of its own.
"""

from __future__ import annotations

from dataclasses import replace

from scrub.models.families.base import MLP, Attention, Family, Key, Run, Stack
from scrub.models.families.mixtures import NARROW, after_dense, by_type, mixture, sizes

NORMED = MLP(before="pre_mlp_layernorm", after="post_mlp_layernorm")


def _gated(gate: str, after: str = "") -> Attention:
    projections = {"q": (gate, "q_proj"), "k": ("k_proj",), "v": ("v_proj",)}
    return Attention(projections=projections, run=Run.TOGETHER, after=after)


AFMOE = Family(
    "afmoe",
    stacks=(
        Stack(
            block=mixture(
                after_dense("num_dense_layers", 1),
                _gated("gate_proj", "post_attention_layernorm"),
                NORMED,
                replace(NORMED, down=None, experts="experts", mixture=NARROW),
            ),
            sizes=sizes(128),
        ),
    ),
)
LAGUNA = Family(
    "laguna",
    stacks=(
        Stack(
            block=mixture(by_type(1), _gated("g_proj")),
            sizes=replace(
                sizes(128), heads=Key(("num_attention_heads_per_layer", "num_attention_heads"))
            ),
        ),
    ),
)
