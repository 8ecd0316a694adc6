"""LLaVA and its kin: an image tower, a projector, and any decoder that reads the projected patches
in the places of a token of its own.

The decoder's facts are those of its own family, below another path; the tower's those of CLIP's or
SigLIP's image encoder. LLaVA reads patches before the tower's last blocks (one, mostly) and its
last norm, and leaves out the first of them, the class token.

The tower is one module further down in transformers below 5.6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from scrub.errors import InputRefused, Problem
from scrub.models.families.base import Bridge, Config, Family, Stack
from scrub.models.families.clip import BLOCK
from scrub.models.families.vision import TOWER, patches

Others = Callable[[str], Family]
TOWERS: dict[str, Callable[[Config], int]] = {  # the positions of each
    "clip_vision_model": lambda config: patches(config, 32) + 1,
    "siglip_vision_model": patches,
}


def _kind(config: Config, part: str, otherwise: str) -> str:
    """The architecture of a part."""
    return str((config.get(part) or {}).get("model_type", otherwise))


def _tower(config: Config, path: str) -> Stack:
    kind = _kind(config, "vision_config", "clip_vision_model")
    if kind not in TOWERS:
        found = f"an image tower of the architecture '{kind}' is not covered."
        raise InputRefused(Problem("config", found, f"Covered: {', '.join(TOWERS)}."))
    return replace(
        TOWER,
        path=path,
        blocks="encoder.layers",
        block=BLOCK,
        final_norm="post_layernorm",
        prefix="v",
        config="vision_config",
        patches=TOWERS[kind],
    )


def _decoder(config: Config, others: Others) -> Family:
    """The decoder's own family, its stack where it is a part of another model."""
    family = others(_kind(config, "text_config", "llama"))
    stack = family.stacks[-1]
    if len(family.stacks) > 1 or len(family.trunk) != 1 or stack.space != "tokens":
        found = f"a decoder of the architecture '{family.model_type}' is not covered as a part."
        raise InputRefused(Problem("config", found))
    path = "model.language_model" + stack.path.removeprefix(family.trunk[0])
    return replace(family, stacks=(replace(stack, path=path, config="text_config"),))


def _joined(config: Config, others: Others, tower: Stack, bridge: Bridge) -> Family:
    text = _decoder(config, others)
    text = replace(text, trunk=("model",), bridge=bridge, older=())
    deeper = replace(tower, path=f"{tower.path}.vision_model")
    now, before = (replace(text, stacks=(one, *text.stacks)) for one in (tower, deeper))
    return replace(now, older=(before,))


def _unused(config: Config) -> int:
    """Blocks after the one whose output is read: -1 is the last's, 0 what enters the first."""
    layer = config.get("vision_feature_layer", -2)
    if not isinstance(layer, int):
        found = f"vision_feature_layer {layer}: features of several layers are not covered."
        raise InputRefused(Problem("config", found))
    vision = config.get("vision_config") or {}
    layers: int = vision.get("num_hidden_layers", 12)
    return -1 - layer if layer < 0 else layers - layer


def _llava(config: Config, others: Others) -> Family:
    tower = replace(_tower(config, "model.vision_tower"), final_norm="", unused=_unused)
    whole = config.get("vision_feature_select_strategy", "default") == "full"
    skipped = 0 if whole else 1
    return _joined(config, others, tower, Bridge(skipped=skipped))


def _deepseek(config: Config, others: Others) -> Family:
    tower = _tower(config, "model.vision_model")
    return _joined(config, others, tower, Bridge("model.aligner"))


LLAVA = Family("llava", parts=_llava, classes=("LlavaForConditionalGeneration",))
DEEPSEEK_VL = Family(
    "deepseek_vl", parts=_deepseek, classes=("DeepseekVLForConditionalGeneration",)
)
