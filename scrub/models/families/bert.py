"""BERT and its kin: a norm on every sum, which alone feeds what comes later; no last norm.

The attention module holds the projections of queries, keys and values, and the one of the output
stands beside it. What comes after the last block (a pooler, a language modelling head) is the head.
"""

from dataclasses import replace

from scrub.models.families.base import MLP, Attention, Family, Stack, apart, row_and_head
from scrub.models.families.sizes import usual

AS_DECODER = {
    "is_decoder": "as a decoder this architecture is not covered",
    "add_cross_attention": "heads that read an encoder are not covered",
    "chunk_size_feed_forward": "an MLP that is applied to pieces of a row is not covered",
}
_READ = Attention(
    "attention.self",
    before="",
    projections=apart("query", "key", "value"),
    out="../output.dense",
)
_WRITE = MLP(("intermediate", "output.dense"), before="", down="", matrices=2)
READ = replace(_READ, on_sum="attention.output.LayerNorm")
WRITE = replace(_WRITE, on_sum="output.LayerNorm")
_OWN = (replace(READ, asks=False), WRITE)  # scores that the module works out itself


def _before(heads: str, neurons: str) -> tuple[Attention, MLP]:
    """Norms before each sublayer, and none on the sums."""
    return replace(_READ, before=heads), replace(_WRITE, before=neurons)


def family(
    name: str,
    trunk: str,
    vocabulary: int,
    block: tuple[Attention, MLP] = (READ, WRITE),
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
        sizes=usual(12, 768, 12, 3072, vocabulary),
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
REMBERT = family("rembert", "rembert.encoder", 250300, block=_OWN)
LAYOUTLM = family("layoutlm", "layoutlm.encoder", 30522)  # of text alone: boxes are left at zero
ROC_BERT = family("roc_bert", "roc_bert.encoder", 30522)
ROFORMER = family("roformer", "roformer.encoder", 50000, block=_OWN)

# One bias for each head and distance is handed in.
MPNET = family(
    "mpnet",
    "mpnet.encoder",
    30527,
    block=(
        Attention(
            "attention.attn",
            before="",
            on_sum="attention.LayerNorm",
            projections=apart("q", "k", "v"),
            out="o",
            handed={"2": row_and_head},
            asks=False,
        ),
        WRITE,
    ),
    reserved=2,
)

# Norms before each sublayer, and a last one.
_MEGATRON = _before("attention.ln", "ln")
MEGATRON_BERT = family(
    "megatron-bert",
    "bert.encoder",
    29056,
    block=(replace(_MEGATRON[0], asks=False), _MEGATRON[1]),
    norm="ln",
)
XLM_ROBERTA_XL = family(
    "xlm-roberta-xl",
    "roberta.encoder",
    250880,
    block=_before("attention.self_attn_layer_norm", "LayerNorm"),
    norm="LayerNorm",
    reserved=2,
)
ROBERTA_PRELAYERNORM = family(
    "roberta-prelayernorm",
    "roberta_prelayernorm",
    50265,
    blocks="encoder.layer",
    block=_before("attention.LayerNorm", ""),  # the MLP's is inside
    norm="LayerNorm",
    reserved=2,
)
ESM = family(
    "esm",
    "esm.encoder",
    33,
    block=_before("attention.LayerNorm", "LayerNorm"),
    norm="emb_layer_norm_after",
    reserved=2,
)
