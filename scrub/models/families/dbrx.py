"""DBRX: serial blocks whose attention stands with both norms in a module of its own, one fused
projection with clipped outputs, and a mixture of experts in every layer."""

from scrub.models.families.base import MLP, Attention, Config, Family, Key, Sizes, Stack, stacked

WQKV = ("Wqkv",)


def _shared(config: Config) -> int:
    attention = config.get("attn_config") or {}
    return int(attention.get("kv_n_heads") or 1)


DBRX = Family(
    "dbrx",
    stacks=(
        Stack(
            path="transformer",
            blocks="blocks",
            block=(
                Attention(
                    "norm_attn_norm.attn",
                    before="norm_attn_norm.norm_1",
                    projections={"q": WQKV, "k": WQKV, "v": WQKV},
                    layout=stacked,
                    out="out_proj",
                ),
                MLP("ffn", before="norm_attn_norm.norm_2", down=None),
            ),
            final_norm="norm_f",
            sizes=Sizes(
                layers=Key(("n_layers", "num_hidden_layers"), 24),
                width=Key(("d_model", "hidden_size"), 2048),
                heads=Key(("n_heads", "num_attention_heads"), 16),
                shared=Key((), of=_shared),
                hidden=Key((), derived=True),
                vocabulary=Key(("vocab_size",), 32000),
            ),
        ),
    ),
    trunk=("transformer",),
    note="the experts of a layer are one component: which of them run is their router's choice",
)
