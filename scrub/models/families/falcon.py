"""Falcon: three generations under one name, by the config.

The first shares one head of keys and values among all (or none, as Falcon-RW does), the new one
several; sublayers are parallel behind one norm or two, or in turn; positions are rotary or a bias
for the distance (ALiBi), which arrives by itself and as a part of the mask.
"""

from collections.abc import Sequence
from typing import Any

from scrub.models.families.base import (
    MLP,
    Attention,
    Block,
    Config,
    Family,
    Key,
    Sizes,
    Stack,
    fused,
    grouped,
    row_and_head,
    row_by_head,
)


def _bias(table: Any, heads: Sequence[int], rows: int) -> Any:
    """[row, head, …]; transformers 5.0 has it as [row * head, …]."""
    fit = row_and_head if table.ndim == 4 else row_by_head
    return fit(table, heads, rows)


def _block(config: Config, layer: int) -> Block:
    norm, other = _norms(config)
    serial = other == "post_attention_layernorm"
    return (
        Attention(
            "self_attention",
            before=norm,
            projections=fused("query_key_value"),
            layout=grouped,
            out="dense",
            told={"multi_query": False},
            handed={"alibi": _bias, "attention_mask": row_and_head},
            asks=False,
        ),
        MLP("mlp", before=other, down="dense_4h_to_h", matrices=2, parallel=not serial),
    )


def _norms(config: Config) -> tuple[str, str]:
    """Those of the attention and of the MLP."""
    new = config.get("new_decoder_architecture")
    if new and config.get("num_ln_in_parallel_attn") in (None, 2):
        return "ln_attn", "ln_mlp"
    if config.get("parallel_attn", True):
        return "input_layernorm", "input_layernorm"
    return "input_layernorm", "post_attention_layernorm"


def _shared(config: Config) -> int:
    heads = int(config.get("num_attention_heads") or config.get("n_head") or 71)
    if config.get("new_decoder_architecture") or not config.get("multi_query", True):
        return int(config.get("num_kv_heads") or heads)
    return 1


FALCON = Family(
    "falcon",
    stacks=(
        Stack(
            path="transformer",
            blocks="h",
            block=_block,
            final_norm="ln_f",
            sizes=Sizes(
                layers=Key(("num_hidden_layers", "n_layer"), 32),
                width=Key(("n_embed", "hidden_size"), 4544),
                heads=Key(("num_attention_heads", "n_head"), 71),
                shared=Key((), of=_shared),
                hidden=Key(("ffn_hidden_size",), derived=True),
                vocabulary=Key(("vocab_size",), 65024),
            ),
        ),
    ),
    trunk=("transformer",),
    differing={"alibi": "'eager' adds the bias for the distance twice, 'sdpa' once"},
)
