"""Qwen's mixtures of experts, and Flint: experts in every so many layers, dense MLPs elsewhere.

Flint has sinks, one number for each head, and positions in layers with a window only.
"""

from scrub.models.families.base import Attention, Config, Family, Stack
from scrub.models.families.mixtures import ALONE_EXPERTS, by_step, mixture, sizes


def _flint(config: Config, layer: int) -> bool:
    """Where the config lists no dense layers they are the first two."""
    return by_step({"mlp_only_layers": [0, 1], **config}, layer)


QWEN2_MOE = Family("qwen2_moe", stacks=(Stack(block=mixture(by_step)),))
QWEN3_MOE = Family("qwen3_moe", stacks=(Stack(block=mixture(by_step, experts=ALONE_EXPERTS)),))
FLINT = Family(
    "flint",
    stacks=(Stack(block=mixture(_flint, Attention(per_head=("sinks",))), sizes=sizes(128)),),
)
