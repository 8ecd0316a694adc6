"""BLIP: an image encoder with norms before and one fused projection, and text as in BERT, with
norms on the sum and a cross-attention in every layer.

Answering a question takes three stacks: the question is encoded with an eye on the image, and the
answer decoded from the question. A caption is decoded from the image.
"""

from dataclasses import replace

from scrub.models.families.base import (
    MLP,
    Attention,
    Config,
    Family,
    Run,
    Stack,
    fused,
    stacked,
)
from scrub.models.families.bert import READ as BERT_READ
from scrub.models.families.bert import WRITE
from scrub.models.families.sizes import usual
from scrub.models.families.vision import TOWER, patches


def _patches(config: Config) -> int:
    """A square grid, and the class token before it."""
    return patches({"image_size": 384, **config}) + 1


IMAGE = replace(
    TOWER,
    path="vision_model",
    blocks="encoder.layers",
    block=(
        Attention(
            "self_attn",
            before="layer_norm1",
            projections=fused("qkv"),
            layout=stacked,
            out="projection",
            run=Run.TOGETHER,  # the width of a head is that of its input over their number
            asks=False,
        ),
        MLP("mlp", before="layer_norm2", down="fc2", matrices=2),
    ),
    final_norm="post_layernorm",
    prefix="v",
    config="vision_config",
    patches=_patches,
)

READ = replace(BERT_READ, asks=False)
CROSS = replace(
    READ,
    path="crossattention.self",
    on_sum="crossattention.output.LayerNorm",
    memory=("encoder_hidden_states",),
)

CAPTION = Stack(
    path="text_decoder.bert",
    blocks="encoder.layer",
    block=(READ, CROSS, WRITE),
    final_norm="",
    sizes=usual(12, 768, 8, 3072, 30524),
    config="text_config",
    memory="v",
    longest="max_position_embeddings",
)
QUESTION = replace(CAPTION, path="text_encoder", prefix="e", causal=False)
ANSWER = replace(CAPTION, space="decoder_tokens", memory="e")

BLIP_ANSWERS = Family(
    "blip",
    stacks=(IMAGE, QUESTION, ANSWER),
    trunk=("vision_model", "text_encoder", "text_decoder.bert"),
    classes=("BlipForQuestionAnswering",),
)
BLIP_CAPTIONS = Family(
    "blip",
    stacks=(IMAGE, CAPTION),
    trunk=("vision_model", "text_decoder.bert"),
    classes=("BlipForConditionalGeneration",),
)
