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
    Key,
    Run,
    Sizes,
    Stack,
    stacked,
)


def patches(config: Config) -> int:
    """A square grid, and the class token before it."""
    side: int = config.get("image_size", 384) // config.get("patch_size", 16)
    return side**2 + 1


IMAGE = Stack(
    path="vision_model",
    blocks="encoder.layers",
    block=(
        Attention(
            "self_attn",
            before="layer_norm1",
            projections={"q": ("qkv",), "k": ("qkv",), "v": ("qkv",)},
            layout=stacked,
            out="projection",
            run=Run.TOGETHER,  # the width of a head is that of its input over their number
        ),
        MLP("mlp", before="layer_norm2", down="fc2", matrices=2),
    ),
    final_norm="post_layernorm",
    prefix="v",
    space="image",
    causal=False,
    sizes=Sizes(
        layers=Key(("num_hidden_layers",), 12),
        width=Key(("hidden_size",), 768),
        heads=Key(("num_attention_heads",), 12),
        hidden=Key(("intermediate_size",), 3072),
    ),
    config="vision_config",
    patches=patches,
)

READ = Attention(
    "attention.self",
    before="",
    projections={"q": ("query",), "k": ("key",), "v": ("value",)},
    out="../output.dense",
    on_sum="attention.output.LayerNorm",
)
CROSS = replace(
    READ,
    path="crossattention.self",
    on_sum="crossattention.output.LayerNorm",
    memory=("encoder_hidden_states",),
)
FEED = MLP(
    ("intermediate", "output.dense"), before="", down="", on_sum="output.LayerNorm", matrices=2
)

CAPTION = Stack(
    path="text_decoder.bert",
    blocks="encoder.layer",
    block=(READ, CROSS, FEED),
    final_norm="",
    sizes=Sizes(
        layers=Key(("num_hidden_layers",), 12),
        width=Key(("hidden_size",), 768),
        heads=Key(("num_attention_heads",), 8),
        hidden=Key(("intermediate_size",), 3072),
        vocabulary=Key(("vocab_size",), 30524),
    ),
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
