"""CLIP and SigLIP: one tower of a pair, with what its class puts on top of it as the head.

The norm after the last block belongs to the head, for each class applies it to something else:
to what it has pooled (CLIP), to every position (SigLIP), or not at all (CLIP with labels). CLIP's
text tower is causal, and read where the text ends.

A bare image tower has its encoder one module further down in transformers below 5.6.
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
    name: str,
    cls: str,
    tokens: Callable[[Config], int],
    path: str = "vision_model.encoder",
    config: str = "",
    older: tuple[Family, ...] = (),
) -> Family:
    stack = replace(TOWER, path=path, block=BLOCK, final_norm="", config=config, patches=tokens)
    return Family(name, stacks=(stack,), trunk=(path,), classes=(cls,), older=older)


def _bare(name: str, cls: str, tokens: Callable[[Config], int]) -> Family:
    """A tower that is the whole model."""
    return _images(name, cls, tokens, "encoder", older=(_images(name, cls, tokens),))


def _clip(config: Config) -> int:
    return patches(config, 32) + 1


CLIP = _images("clip", "CLIPForImageClassification", _clip, config="vision_config")
CLIP_VISION = _images("clip_vision_model", "CLIPVisionModelWithProjection", _clip)
CLIP_VISION_BARE = _bare("clip_vision_model", "CLIPVisionModel", _clip)
SIGLIP = _images("siglip", "SiglipForImageClassification", patches, config="vision_config")
SIGLIP_VISION = _bare("siglip_vision_model", "SiglipVisionModel", patches)

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
