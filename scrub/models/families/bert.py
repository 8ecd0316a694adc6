"""BERT and its kin: a norm on every sum, which alone feeds what comes later; no last norm.

The attention module holds the projections of queries, keys and values, and the one of the output
stands beside it. What comes after the last block (a pooler, a language modelling head) is the head.
"""

from scrub.models.families.base import MLP, Attention, Family, Key, Run, Sizes, Stack

QKV = {"q": ("query",), "k": ("key",), "v": ("value",)}
AS_DECODER = {
    "is_decoder": "as a decoder this architecture is not covered",
    "add_cross_attention": "heads that read an encoder are not covered",
    "chunk_size_feed_forward": "an MLP that is applied to pieces of a row is not covered",
}
BLOCK = (
    Attention(
        "attention.self",
        before="",
        on_sum="attention.output.LayerNorm",
        projections=QKV,
        out="../output.dense",
    ),
    MLP(
        ("intermediate", "output.dense"),
        before="",
        on_sum="output.LayerNorm",
        down="",
        matrices=2,
    ),
)


def sizes(vocabulary: int | None = None, hidden: int = 3072) -> Sizes:
    return Sizes(
        layers=Key(("num_hidden_layers",), 12),
        width=Key(("hidden_size",), 768),
        heads=Key(("num_attention_heads",), 12),
        hidden=Key(("intermediate_size",), hidden),
        vocabulary=Key(("vocab_size",), vocabulary),
    )


def family(
    name: str,
    trunk: str,
    vocabulary: int,
    block: tuple[Attention, MLP] = BLOCK,
    norm: str = "",
    reserved: int = 0,
    blocks: str = "layer",
) -> Family:
    """`trunk` is what holds the blocks; positions are learned, and RoBERTa's kin keep two."""
    stack = Stack(
        path=trunk,
        blocks=blocks,
        block=block,
        final_norm=norm,
        causal=False,
        sizes=sizes(vocabulary),
        longest="max_position_embeddings",
        reserved=reserved,
    )
    return Family(name, stacks=(stack,), trunk=(trunk,), refused=AS_DECODER)


BERT = family("bert", "bert.encoder", 30522)
ROBERTA = family("roberta", "roberta.encoder", 50265, reserved=2)
CAMEMBERT = family("camembert", "roberta.encoder", 30522, reserved=2)
XLM_ROBERTA = family("xlm-roberta", "roberta.encoder", 250002, reserved=2)
DATA2VEC_TEXT = family("data2vec-text", "data2vec_text.encoder", 30522, reserved=2)
ELECTRA = family("electra", "electra.encoder", 30522)
ERNIE = family("ernie", "ernie.encoder", 30522)
REMBERT = family("rembert", "rembert.encoder", 250300)
LAYOUTLM = family("layoutlm", "layoutlm.encoder", 30522)  # of text alone: boxes are left at zero
ROC_BERT = family("roc_bert", "roc_bert.encoder", 30522)
ROFORMER = family("roformer", "roformer.encoder", 50000)

# One bias for each head and distance is handed in: all heads have to run.
MPNET = family(
    "mpnet",
    "mpnet.encoder",
    30527,
    block=(
        Attention(
            "attention.attn",
            before="",
            on_sum="attention.LayerNorm",
            projections={"q": ("q",), "k": ("k",), "v": ("v",)},
            out="o",
            run=Run.TOGETHER,
        ),
        BLOCK[1],
    ),
    reserved=2,
)

# Norms before each sublayer, and a last one.
MEGATRON_BERT = family(
    "megatron-bert",
    "bert.encoder",
    29056,
    block=(
        Attention("attention.self", before="attention.ln", projections=QKV, out="../output.dense"),
        MLP(("intermediate", "output.dense"), before="ln", down="", matrices=2),
    ),
    norm="ln",
)
XLM_ROBERTA_XL = family(
    "xlm-roberta-xl",
    "roberta.encoder",
    250880,
    block=(
        Attention(
            "attention.self",
            before="attention.self_attn_layer_norm",
            projections=QKV,
            out="../output.dense",
        ),
        MLP(("intermediate", "output.dense"), before="LayerNorm", down="", matrices=2),
    ),
    norm="LayerNorm",
    reserved=2,
)
ROBERTA_PRELAYERNORM = family(
    "roberta-prelayernorm",
    "roberta_prelayernorm",
    50265,
    blocks="encoder.layer",
    block=(
        Attention(
            "attention.self",
            before="attention.LayerNorm",
            projections=QKV,
            out="../output.dense",
        ),
        MLP(("intermediate", "output.dense"), before="", down="", matrices=2),  # its norm is inside
    ),
    norm="LayerNorm",
    reserved=2,
)
ESM = family(
    "esm",
    "esm.encoder",
    33,
    block=(
        Attention(
            "attention.self",
            before="attention.LayerNorm",
            projections=QKV,
            out="../output.dense",
        ),
        MLP(("intermediate", "output.dense"), before="LayerNorm", down="", matrices=2),
    ),
    norm="emb_layer_norm_after",
    reserved=2,
)
