"""Moshi's text decoder: Llama within other names, gate and up projection in one."""

from scrub.models.families.base import MLP, Attention, Family, Key, Sizes, Stack

MOSHI = Family(
    "moshi",
    stacks=(
        Stack(
            block=(
                Attention(
                    projections={port: (f"{port}_proj.linear",) for port in "qkv"},
                    out="o_proj.linear",
                    asks=False,
                ),
                MLP(down="fc2"),
            ),
            # gate and up are half of it each
            sizes=Sizes(hidden=Key(("ffn_dim",), of=lambda c: int(c.get("ffn_dim", 22528)) // 2)),
        ),
    ),
    classes=("MoshiForCausalLM",),
)
