"""BLOOM: no positions but a bias for the distance (ALiBi), which each head is handed.

Its attention and its MLP add the stream that they are handed: the last linear map before that is
what a sublayer writes.
"""

from scrub.models.families.base import (
    MLP,
    Attention,
    Family,
    Key,
    Sizes,
    Stack,
    fused,
    interleaved,
    row_by_head,
)

BLOOM = Family(
    "bloom",
    stacks=(
        Stack(
            path="transformer",
            blocks="h",
            block=(
                Attention(
                    "self_attention",
                    projections=fused("query_key_value"),
                    layout=interleaved,
                    out="dense",
                    handed={"alibi": row_by_head},
                    asks=False,
                ),
                MLP(
                    ("mlp.dense_h_to_4h", "mlp.gelu_impl", "mlp.dense_4h_to_h"),
                    down="",
                    matrices=2,
                ),
            ),
            final_norm="ln_f",
            sizes=Sizes(
                layers=Key(("n_layer", "num_hidden_layers"), 2),
                width=Key(("n_embed", "hidden_size"), 64),
                heads=Key(("n_head", "num_attention_heads"), 8),
                hidden=Key((), derived=True),
                vocabulary=Key(("vocab_size",), 250880),
            ),
        ),
    ),
    trunk=("transformer",),
    refused={
        "apply_residual_connection_post_layernorm": "its stream is normed at every sublayer, "
        "so that it is no sum of what the sublayers write",
        "slow_but_exact": "its output projection is applied in parts",
    },
)
