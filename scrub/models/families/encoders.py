"""Encoders that are not laid out as BERT is: DistilBERT, ALBERT, Nomic, ModernBERT, EuroBERT.

ALBERT applies the same blocks several times, and each application is a layer of its own.
"""

from scrub.models.families.base import (
    MLP,
    Attention,
    Family,
    Key,
    Sizes,
    Stack,
    apart,
    fused,
    stacked,
)
from scrub.models.families.sizes import usual

SPLIT = {"chunk_size_feed_forward": "an MLP that is applied to pieces of a row is not covered"}

DISTILBERT = Family(
    "distilbert",
    stacks=(
        Stack(
            path="distilbert.transformer",
            blocks="layer",
            block=(
                Attention(
                    "attention",
                    before="",
                    on_sum="sa_layer_norm",
                    projections=apart("q_lin", "k_lin", "v_lin"),
                    out="out_lin",
                ),
                MLP("ffn", before="", on_sum="output_layer_norm", down="lin2", matrices=2),
            ),
            final_norm="",
            causal=False,
            sizes=Sizes(
                layers=Key(("n_layers",), 6),
                width=Key(("dim",), 768),
                heads=Key(("n_heads",), 12),
                hidden=Key(("hidden_dim",), 3072),
                vocabulary=Key(("vocab_size",), 30522),
            ),
            longest="max_position_embeddings",
        ),
    ),
    trunk=("distilbert.transformer",),
    refused=SPLIT,
)

ALBERT = Family(
    "albert",
    stacks=(
        Stack(
            path="albert.encoder",
            blocks="albert_layer_groups.*.albert_layers",
            block=(
                Attention(
                    "attention",
                    before="",
                    on_sum="attention.LayerNorm",
                    projections=apart("query", "key", "value"),
                    out="dense",
                ),
                MLP(
                    ("ffn", "activation", "ffn_output"),
                    before="",
                    on_sum="full_layer_layer_norm",
                    down="",
                    matrices=2,
                ),
            ),
            final_norm="",
            causal=False,
            sizes=usual(12, 4096, 64, 16384, 30000),
            shared="num_hidden_groups",
            inner="inner_group_num",
            longest="max_position_embeddings",
        ),
    ),
    trunk=("albert.encoder",),
    refused=SPLIT,
)


def _normed_after(name: str, trunk: str, mlp: MLP, vocabulary: int) -> Family:
    """Llama's modules with a norm on every sum, and rotary positions."""
    stack = Stack(
        path=trunk,
        block=(Attention(before="", on_sum="post_attention_layernorm"), mlp),
        final_norm="",
        causal=False,
        sizes=usual(12, 768, 12, 3072, vocabulary, shared=Key(("num_attention_heads",), 12)),
    )
    return Family(name, stacks=(stack,), trunk=(trunk,))


NOMIC_BERT = _normed_after(
    "nomic_bert", "nomic_bert", MLP(before="", on_sum="post_mlp_layernorm"), 30528
)
GTE = _normed_after("gte", "gte", MLP(before="", on_sum="post_mlp_layernorm"), 30528)
JINA_V3 = _normed_after(
    "jina_embeddings_v3",
    "roberta",
    MLP(before="", on_sum="post_mlp_layernorm", down="fc2", matrices=2),
    250002,
)

MODERNBERT = Family(  # the norm before its first attention is the one after the embedding
    "modernbert",
    stacks=(
        Stack(
            block=(
                Attention(
                    "attn",
                    before="attn_norm",
                    projections=fused("Wqkv"),
                    layout=stacked,
                    out="Wo",
                ),
                MLP("mlp", before="mlp_norm", down="Wo"),
            ),
            final_norm="final_norm",
            causal=False,
            sizes=usual(22, 768, 12, 1152, 50368),
        ),
    ),
)

EUROBERT = Family(
    "eurobert",
    stacks=(Stack(causal=False, sizes=usual(12, 768, 12, 3072, 128256)),),
)
