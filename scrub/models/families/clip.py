"""CLIP and SigLIP: one tower of a pair, with what its class puts on top of it as the head.

The norm after the last block belongs to the head, for each class applies it to something else:
to what it has pooled (CLIP), to every position (SigLIP), or not at all (CLIP with labels). CLIP's
text tower is causal, and read where the text ends.
"""

from __future__ import annotations

from collections.abc import Callable

from scrub.models.families.base import MLP, Attention, Config, Family, Key, Sizes, Stack
from scrub.models.families.vision import SIZES, patches

BLOCK = (
    Attention(before="layer_norm1", out="out_proj"),
    MLP("mlp", before="layer_norm2", down="fc2", matrices=2),
)


def _images(
    name: str, cls: str, path: str, tokens: Callable[[Config], int], config: str = ""
) -> Family:
    stack = Stack(
        path=path,
        block=BLOCK,
        final_norm="",
        space="image",
        causal=False,
        sizes=SIZES,
        config=config,
        patches=tokens,
    )
    return Family(name, stacks=(stack,), trunk=(path,), classes=(cls,))


def _clip(config: Config) -> int:
    return patches(config, 32) + 1


TOWER, INNER = "vision_model.encoder", "encoder"
CLIP = _images("clip", "CLIPForImageClassification", TOWER, _clip, "vision_config")
CLIP_VISION = _images("clip_vision_model", "CLIPVisionModelWithProjection", TOWER, _clip)
CLIP_VISION_BARE = _images("clip_vision_model", "CLIPVisionModel", INNER, _clip)
SIGLIP = _images("siglip", "SiglipForImageClassification", TOWER, patches, "vision_config")
SIGLIP_VISION = _images("siglip_vision_model", "SiglipVisionModel", INNER, patches)

CLIP_TEXT = Family(
    "clip_text_model",
    stacks=(
        Stack(
            path="text_model.encoder",
            block=BLOCK,
            final_norm="",
            sizes=Sizes(
                layers=Key(("num_hidden_layers",), 12),
                width=Key(("hidden_size",), 512),
                heads=Key(("num_attention_heads",), 8),
                hidden=Key(("intermediate_size",), 2048),
                vocabulary=Key(("vocab_size",), 49408),
            ),
            longest="max_position_embeddings",
        ),
    ),
    trunk=("text_model.encoder",),
    classes=("CLIPTextModelWithProjection",),
)
