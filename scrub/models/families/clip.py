"""CLIP and SigLIP: one tower of a pair, with what its class puts on top of it as the head.

The norm after the last block belongs to the head, for each class applies it to something else:
to what it has pooled (CLIP), to every position (SigLIP), or not at all (CLIP with labels). CLIP's
text tower is causal, and read where the text ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from scrub.models.families.base import MLP, Attention, Config, Family, Stack
from scrub.models.families.sizes import usual
from scrub.models.families.vision import TOWER, patches

BLOCK = (
    Attention(before="layer_norm1", out="out_proj"),
    MLP("mlp", before="layer_norm2", down="fc2", matrices=2),
)


def _images(
    name: str, cls: str, path: str, tokens: Callable[[Config], int], config: str = ""
) -> Family:
    stack = replace(TOWER, path=path, block=BLOCK, final_norm="", config=config, patches=tokens)
    return Family(name, stacks=(stack,), trunk=(path,), classes=(cls,))


def _clip(config: Config) -> int:
    return patches(config, 32) + 1


WHOLE, INNER = "vision_model.encoder", "encoder"
CLIP = _images("clip", "CLIPForImageClassification", WHOLE, _clip, "vision_config")
CLIP_VISION = _images("clip_vision_model", "CLIPVisionModelWithProjection", WHOLE, _clip)
CLIP_VISION_BARE = _images("clip_vision_model", "CLIPVisionModel", INNER, _clip)
SIGLIP = _images("siglip", "SiglipForImageClassification", WHOLE, patches, "vision_config")
SIGLIP_VISION = _images("siglip_vision_model", "SiglipVisionModel", INNER, patches)

CLIP_TEXT = Family(
    "clip_text_model",
    stacks=(
        Stack(
            path="text_model.encoder",
            block=BLOCK,
            final_norm="",
            sizes=usual(12, 512, 8, 2048, 49408),
            longest="max_position_embeddings",
        ),
    ),
    trunk=("text_model.encoder",),
    classes=("CLIPTextModelWithProjection",),
)
