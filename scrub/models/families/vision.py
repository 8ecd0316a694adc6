"""Vision transformers: norms before each sublayer and a last one, over the patches of an image.

Positions are the class token (DeiT: and that of its teacher; DINOv2: registers too), then the
patches row by row. DINOv2 and BEiT scale what a sublayer adds channel by channel; BEiT's scores
have a bias for each head and distance.

Older transformers have the projections apart from the one of the output, as BERT has them: ViT and
BEiT below 5.9, DINOv2 below 5.18, Data2Vec still.
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


Blocks = Block | Callable[[Config, int], Block]


def _family(
    name: str,
    trunk: str,
    tokens: Callable[[Config], int],
    block: Blocks,
    blocks: str = "layers",
    sizes: Sizes = SIZES,
    pooler: str = "",
    older: Blocks = (),
) -> Family:
    """`older` is the block of older transformers, which lie in an encoder's `layer`."""
    stack = replace(TOWER, path=trunk, blocks=blocks, block=block, sizes=sizes, patches=tokens)
    family = Family(name, stacks=(stack,), trunk=(trunk,), pooler=pooler)
    before = replace(stack, blocks="encoder.layer", block=older)
    return replace(family, older=(replace(family, stacks=(before,)),)) if older else family


def _one_more(config: Config) -> int:
    return patches(config) + 1


_HEADS = Attention("attention", before="layernorm_before")
_MLP = MLP("mlp", before="layernorm_after", down="fc2", matrices=2)
_APART = replace(
    _HEADS,
    path="attention.attention",
    projections=apart("query", "key", "value"),
    out="../output.dense",
)
_DENSE = replace(_MLP, path=("intermediate", "output.dense"), down="")

_VIT, _OLDER = (_HEADS, _MLP), (_APART, _DENSE)
VIT = _family("vit", "vit", _one_more, _VIT, older=_OLDER)
VIT_MSN = _family("vit_msn", "vit", _one_more, _VIT, older=_OLDER)
DEIT = _family("deit", "deit", lambda config: patches(config) + 2, _VIT, older=_OLDER)
IJEPA = _family("ijepa", "ijepa", patches, _VIT, older=_OLDER)


def _dinov2(heads: Attention, gated: str) -> Callable[[Config, int], Block]:
    """`gated` is the last map of an MLP with a gate."""
    read = replace(heads, before="norm1", scaled="layer_scale1")
    write = replace(_MLP, before="norm2", scaled="layer_scale2")

    def block(config: Config, layer: int) -> Block:
        wide = bool(config.get("use_swiglu_ffn"))
        return (read, replace(write, down=gated, matrices=3) if wide else write)

    return block


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
    _dinov2(_HEADS, "down_proj"),
    blocks="encoder.layer",
    sizes=_DINOV2,
    older=_dinov2(_APART, "weights_out"),
)
DINOV2_WITH_REGISTERS = _family(
    "dinov2_with_registers",
    "dinov2_with_registers",
    lambda config: patches(config) + 1 + int(config.get("num_register_tokens", 4)),
    _dinov2(_HEADS, "down_proj"),
    blocks="encoder.layer",
    sizes=_DINOV2,
    older=_dinov2(_APART, "weights_out"),
)


# where scores have a bias for each distance: a table for each layer, or one that is handed to all
TABLE = ("relative_position_bias.relative_position_bias_table",)


_BEIT = (
    replace(_HEADS, columns=TABLE, handed={"attention_mask": row_and_head}, scaled="lambda_1"),
    replace(_MLP, scaled="lambda_2"),
)
_DATA2VEC = (
    replace(
        _APART,
        columns=TABLE,
        handed={"2": row_and_head, "relative_position_bias": row_and_head},
        scaled="lambda_1",
    ),
    replace(_DENSE, scaled="lambda_2"),
)
BEIT = _family("beit", "beit", _one_more, _BEIT, pooler="beit.pooler", older=_DATA2VEC)
DATA2VEC_VISION = _family(
    "data2vec-vision",
    "data2vec_vision",
    _one_more,
    (replace(_DATA2VEC[0], asks=False), _DATA2VEC[1]),
    blocks="encoder.layer",
    pooler="data2vec_vision.pooler",
)
