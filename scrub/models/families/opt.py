"""OPT and its kin, after fairseq: LayerNorms, biases, an MLP without a module of its own.

OPT-350m norms the sum after each sublayer, has no norm at the end, and projects its stream to the
width of its embeddings. XGLM insists on a mask for each row.
"""

from dataclasses import replace

from scrub.models.families.base import (
    MLP,
    Attention,
    Block,
    Config,
    Family,
    Key,
    Sizes,
    Stack,
    each_row,
)
from scrub.models.families.sizes import usual

READ = Attention(before="self_attn_layer_norm", out="out_proj")
WRITE = MLP(("fc1", "activation_fn", "fc2"), before="final_layer_norm", down="", matrices=2)


def _opt(config: Config, layer: int) -> Block:
    if config.get("do_layer_norm_before", True):
        return (READ, WRITE)
    return (
        replace(READ, before="", on_sum=READ.before),
        replace(WRITE, before="", on_sum=WRITE.before),
    )


OPT = Family(
    "opt",
    stacks=(
        Stack(
            path="model.decoder",
            block=_opt,
            final_norm="final_layer_norm",
            project="project_out",
            sizes=usual(12, 768, 12, Key(("ffn_dim",), 3072), 50272),
            longest="max_position_embeddings",
        ),
    ),
    trunk=("model.decoder",),
)

BIOGPT = Family(
    "biogpt",
    stacks=(
        Stack(
            path="biogpt",
            block=(READ, WRITE),
            final_norm="layer_norm",
            sizes=usual(24, 1024, 16, 4096, 42384),
            longest="max_position_embeddings",
        ),
    ),
    trunk=("biogpt",),
)

XGLM = Family(
    "xglm",
    stacks=(
        Stack(
            block=(replace(READ, handed={"attention_mask": each_row}, asks=False), WRITE),
            final_norm="layer_norm",
            sizes=Sizes(
                layers=Key(("num_layers", "num_hidden_layers"), 24),
                width=Key(("d_model", "hidden_size"), 1024),
                heads=Key(("attention_heads", "num_attention_heads"), 16),
                hidden=Key(("ffn_dim",), 4096),
                vocabulary=Key(("vocab_size",), 256008),
            ),
        ),
    ),
    refused={"add_cross_attention": "heads that read an encoder are not covered"},
)
