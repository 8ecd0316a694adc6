"""Llama 4: experts in some layers, attention in chunks, layers without rotary positions.

Its experts return the positions of all rows on one axis. One expert of the same width is every
position's.
"""

from __future__ import annotations

from scrub.models.families.base import MLP, Config, Family, Key, Mixture, Stack
from scrub.models.families.mixtures import HEADS, mixture, sizes


def _sparse(config: Config, layer: int) -> bool:
    """In the layers that the config lists; where it has no list, in every so many."""
    listed, step = config.get("moe_layers"), int(config.get("interleave_moe_layer_step", 1))
    return layer in listed if listed is not None else (layer + 1) % step == 0


DENSE = MLP("feed_forward")
EXPERTS = MLP("feed_forward", down=None, mixture=Mixture(shared=Key(("intermediate_size",))))
LLAMA4_TEXT = Family(
    "llama4_text",
    stacks=(
        Stack(
            block=mixture(_sparse, HEADS, DENSE, EXPERTS),
            sizes=sizes(128, "intermediate_size_mlp"),
        ),
    ),
)
