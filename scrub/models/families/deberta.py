"""DeBERTa: scores from content to distance and back, beside those from content to content.

Keys and queries of distances have projections of their own, or (`share_att_key`) those of the
content, which are then applied a second time, to the table of distances; it is no input of a head.
"""

from scrub.models.families.base import MLP, Attention, Family, Run, Stack, interleaved
from scrub.models.families.bert import BLOCK, sizes

_NORM = "attention.output.LayerNorm"
_CHANGED = {
    "talking_head": "heads that mix their scores are no heads of their own",
    "conv_kernel_size": "a convolution that crosses the first block is not covered",
}


def _family(name: str, attention: Attention, vocabulary: int) -> Family:
    mlp = BLOCK[1]
    assert isinstance(mlp, MLP)
    stack = Stack(
        path="deberta.encoder",
        blocks="layer",
        block=(attention, mlp),
        final_norm="",
        causal=False,
        sizes=sizes(vocabulary),
        longest="max_position_embeddings",
    )
    # the head of some classes reads the embedding's weights
    return Family(name, stacks=(stack,), trunk=("deberta",), refused=_CHANGED)


DEBERTA = _family(
    "deberta",
    Attention(
        "attention.self",
        before="",
        on_sum=_NORM,
        projections={"q": ("in_proj",), "k": ("in_proj",), "v": ("in_proj",)},
        layout=interleaved,
        out="../output.dense",
        run=Run.TOGETHER,
    ),
    50265,
)
DEBERTA_V2 = _family(
    "deberta-v2",
    Attention(
        "attention.self",
        before="",
        on_sum=_NORM,
        projections={"q": ("query_proj",), "k": ("key_proj",), "v": ("value_proj",)},
        out="../output.dense",
        run=Run.TOGETHER,
    ),
    128100,
)
