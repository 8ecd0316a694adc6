"""Vision transformers: norms before each sublayer and a last one, over the patches of an image.

Positions are the class token (DeiT: and that of its teacher; DINOv2: registers too), then the
patches row by row. DINOv2 and BEiT scale what a sublayer adds channel by channel; BEiT's scores
have a bias for each head and distance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from scrub.models.families.base import (
    MLP,
    Attention,
    Block,
    Config,
    Family,
    Key,
    Sizes,
    Stack,
    apart,
    row_and_head,
)
from scrub.models.families.sizes import usual

SIZES = usual(12, 768, 12, 3072)
TOWER = Stack(final_norm="layernorm", space="image", causal=False, sizes=SIZES)


def patches(config: Config, size: int = 16) -> int:
    """How many patches an image is cut into.

    >>> patches({"image_size": 224, "patch_size": [16, 32]})
    98
    """
    image, patch = config.get("image_size", 224), config.get("patch_size", size)
    height, width = (image, image) if isinstance(image, int) else image
    tall, wide = (patch, patch) if isinstance(patch, int) else patch
    return int((height // tall) * (width // wide))


def _family(
    name: str,
    trunk: str,
    tokens: Callable[[Config], int],
    block: Block | Callable[[Config, int], Block],
    blocks: str = "layers",
    sizes: Sizes = SIZES,
    pooler: str = "",
) -> Family:
    stack = replace(TOWER, path=trunk, blocks=blocks, block=block, sizes=sizes, patches=tokens)
    return Family(name, stacks=(stack,), trunk=(trunk,), pooler=pooler)


def _one_more(config: Config) -> int:
    return patches(config) + 1


_VIT = (
    Attention("attention", before="layernorm_before"),
    MLP("mlp", before="layernorm_after", down="fc2", matrices=2),
)
VIT = _family("vit", "vit", _one_more, _VIT)
VIT_MSN = _family("vit_msn", "vit", _one_more, _VIT)
DEIT = _family("deit", "deit", lambda config: patches(config) + 2, _VIT)
IJEPA = _family("ijepa", "ijepa", patches, _VIT)


def _dinov2(config: Config, layer: int) -> Block:
    gated = bool(config.get("use_swiglu_ffn"))
    return (
        Attention("attention", before="norm1", scaled="layer_scale1"),
        MLP(
            "mlp",
            before="norm2",
            down="down_proj" if gated else "fc2",
            matrices=3 if gated else 2,
            scaled="layer_scale2",
        ),
    )


def _dinov2_hidden(config: Config) -> int:
    hidden = int(config.get("hidden_size", 768) * config.get("mlp_ratio", 4))
    if config.get("use_swiglu_ffn"):
        return (int(hidden * 2 / 3) + 7) // 8 * 8
    return hidden


_DINOV2 = replace(SIZES, hidden=Key(("mlp_ratio",), of=_dinov2_hidden))
DINOV2 = _family(
    "dinov2",
    "dinov2",
    lambda config: patches(config, 14) + 1,
    _dinov2,
    blocks="encoder.layer",
    sizes=_DINOV2,
)
DINOV2_WITH_REGISTERS = _family(
    "dinov2_with_registers",
    "dinov2_with_registers",
    lambda config: patches(config) + 1 + int(config.get("num_register_tokens", 4)),
    _dinov2,
    blocks="encoder.layer",
    sizes=_DINOV2,
)


# where scores have a bias for each distance: a table for each layer, or one that is handed to all
TABLE = ("relative_position_bias.relative_position_bias_table",)


def _beit(config: Config, layer: int) -> Block:
    return (
        Attention(
            "attention",
            before="layernorm_before",
            columns=TABLE,
            handed={"attention_mask": row_and_head},
            scaled="lambda_1",
        ),
        MLP("mlp", before="layernorm_after", down="fc2", matrices=2, scaled="lambda_2"),
    )


def _data2vec(config: Config, layer: int) -> Block:
    return (
        Attention(
            "attention.attention",
            before="layernorm_before",
            projections=apart("query", "key", "value"),
            out="../output.dense",
            columns=TABLE,
            handed={"2": row_and_head, "relative_position_bias": row_and_head},
            scaled="lambda_1",
        ),
        MLP(
            ("intermediate", "output.dense"),
            before="layernorm_after",
            down="",
            matrices=2,
            scaled="lambda_2",
        ),
    )


BEIT = _family("beit", "beit", _one_more, _beit, pooler="beit.pooler")
DATA2VEC_VISION = _family(
    "data2vec-vision",
    "data2vec_vision",
    _one_more,
    _data2vec,
    blocks="encoder.layer",
    pooler="data2vec_vision.pooler",
)
