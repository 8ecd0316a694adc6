"""DeBERTa: scores from content to distance and back, beside those from content to content.

Keys and queries of distances have projections of their own, or (`share_att_key`) those of the
content, which are then applied a second time, to the table of distances; it is no input of a head.
"""

from dataclasses import replace

from scrub.models.families.base import Attention, Family, Run, Stack, apart, fused, interleaved
from scrub.models.families.bert import READ, WRITE
from scrub.models.families.sizes import usual

_CHANGED = {
    "talking_head": "heads that mix their scores are no heads of their own",
    "conv_kernel_size": "a convolution that crosses the first block is not covered",
}
_TOGETHER = replace(READ, run=Run.TOGETHER, asks=False)


def _family(name: str, attention: Attention, vocabulary: int) -> Family:
    stack = Stack(
        path="deberta.encoder",
        blocks="layer",
        block=(attention, WRITE),
        final_norm="",
        causal=False,
        sizes=usual(12, 768, 12, 3072, vocabulary),
        longest="max_position_embeddings",
    )
    # the head of some classes reads the embedding's weights
    return Family(name, stacks=(stack,), trunk=("deberta",), refused=_CHANGED)


DEBERTA = _family(
    "deberta", replace(_TOGETHER, projections=fused("in_proj"), layout=interleaved), 50265
)
DEBERTA_V2 = _family(
    "deberta-v2",
    replace(_TOGETHER, projections=apart("query_proj", "key_proj", "value_proj")),
    128100,
)
