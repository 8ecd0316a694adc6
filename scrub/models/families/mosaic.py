"""Mosaic's: MPT, whose heads are handed a bias for the distance (ALiBi), and DBRX, with a mixture
of experts in every layer, whose attention stands with both norms in a module of its own.

Both have one fused projection. MPT's MLP adds the stream that it is handed: the last linear map
before that is what it writes.
"""

from __future__ import annotations

from dataclasses import replace

from scrub.models.families.base import (
    MLP,
    Attention,
    Config,
    Family,
    Key,
    Mixture,
    Sizes,
    Stack,
    fused,
    head_alone,
    stacked,
)

READ = Attention(projections=fused("Wqkv"), layout=stacked, out="out_proj")
STACK = Stack(
    path="transformer",
    blocks="blocks",
    final_norm="norm_f",
    sizes=Sizes(
        layers=Key(("n_layers", "num_hidden_layers"), 24),
        width=Key(("d_model", "hidden_size"), 2048),
        heads=Key(("n_heads", "num_attention_heads"), 16),
        hidden=Key((), derived=True),
        vocabulary=Key(("vocab_size",), 50368),
    ),
)

MPT = Family(
    "mpt",
    stacks=(
        replace(
            STACK,
            block=(
                replace(
                    READ,
                    path="attn",
                    before="norm_1",
                    handed={"position_bias": head_alone},
                    asks=False,
                ),
                MLP(
                    ("ffn.up_proj", "ffn.act", "ffn.down_proj"),
                    before="norm_2",
                    down="",
                    matrices=2,
                ),
            ),
            longest="max_seq_len",
        ),
    ),
    trunk=("transformer",),
)


def _part(name: str, key: str, default: int) -> Key:
    """A key of one of the config's parts."""

    def of(config: Config) -> int:
        return int((config.get(name) or {}).get(key) or default)

    return Key((), of=of)


EXPERTS = Mixture(
    taken=_part("ffn_config", "moe_top_k", 1),
    hidden=_part("ffn_config", "ffn_hidden_size", 3584),
)
DBRX = Family(
    "dbrx",
    stacks=(
        replace(
            STACK,
            block=(
                replace(READ, path="norm_attn_norm.attn", before="norm_attn_norm.norm_1"),
                MLP("ffn", before="norm_attn_norm.norm_2", down=None, mixture=EXPERTS),
            ),
            sizes=replace(
                STACK.sizes,
                shared=_part("attn_config", "kv_n_heads", 1),
                experts=_part("ffn_config", "moe_num_experts", 4),
                vocabulary=Key(("vocab_size",), 32000),
            ),
        ),
    ),
    trunk=("transformer",),
    note="the experts of a layer are one component: which of them run is their router's choice",
)
