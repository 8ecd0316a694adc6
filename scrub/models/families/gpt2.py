"""GPT-2: LayerNorms and biases everywhere, learned positions, one fused projection (`c_attn`).

Its linear maps are `Conv1D`, whose weights are stored transposed.
"""

from scrub.models.families.base import Family, Key, Sizes, stacked

GPT2 = Family(
    "gpt2",
    sizes=Sizes(
        layers=Key(("n_layer", "num_hidden_layers"), 12),
        width=Key(("n_embd", "hidden_size"), 768),
        heads=Key(("n_head", "num_attention_heads"), 12),
        hidden=Key(("n_inner",)),
        vocabulary=Key(("vocab_size",), 50257),
    ),
    mlp_matrices=2,
    refused={"add_cross_attention": "heads that read an encoder are not covered"},
    longest="n_positions",
    trunk="transformer",
    blocks="h",
    final_norm="ln_f",
    attention_norm="ln_1",
    attention="attn",
    mlp_norm="ln_2",
    projections={"q": "c_attn", "k": "c_attn", "v": "c_attn"},
    layout=stacked,
    out="c_proj",
    down="c_proj",
    widths=("split_size", "embed_dim"),
)
