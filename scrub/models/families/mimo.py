"""MiMo V2: layers with a window have sinks and twice as many heads of keys and values.

Values are narrower than queries and keys, and scaled within the attention module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scrub.models.families.base import Attention, Block, Config, Family, Key, Stack
from scrub.models.families.mixtures import ALONE_EXPERTS, by_type, mixture, sizes


def _windows(config: Config) -> Sequence[bool]:
    """Whether each layer has a window; where the config has no list: five of six."""
    types, layers = config.get("layer_types"), int(config.get("num_hidden_layers", 48))
    if types:
        return [kind == "sliding_attention" for kind in types]
    return [i > 0 and (i + 1) % 6 != 0 for i in range(layers)]


def _shared(config: Config) -> Sequence[int]:
    shared = int(config.get("num_key_value_heads", 4))
    return [2 * shared if window else shared for window in _windows(config)]


def _block(config: Config, layer: int) -> Block:
    sinks = ("sinks",) if _windows(config)[layer] else ()
    return mixture(by_type(1), Attention(per_head=sinks), experts=ALONE_EXPERTS)(config, layer)


MIMO_V2_FLASH = Family(
    "mimo_v2_flash",
    stacks=(
        Stack(
            block=_block,
            sizes=replace(
                sizes(192),
                shared=Key(("num_key_value_heads",), of=_shared),
                value_width=Key(("v_head_dim",), 128),
            ),
        ),
    ),
)
