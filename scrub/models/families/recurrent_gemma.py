"""Recurrent Gemma (Griffin): two gated recurrences, then a local attention."""

from scrub.models.families.base import MLP, Attention, Block, Config, Family, Key, Mixer, Stack
from scrub.models.families.sizes import sized


def _block(config: Config, layer: int) -> Block:
    kinds = config.get("block_types") or ("recurrent", "recurrent", "attention")
    mlp = MLP("mlp_block", before="channel_pre_norm")
    if kinds[layer % len(kinds)] == "attention":
        return (Attention("temporal_block", before="temporal_pre_norm"), mlp)
    return (Mixer("temporal_block", before="temporal_pre_norm"), mlp)


def _hidden(config: Config) -> int:
    """The config counts the gate too."""
    return int(config.get("intermediate_size", 7680)) // 2


RECURRENT_GEMMA = Family(
    "recurrent_gemma",
    (
        Stack(
            block=_block,
            final_norm="final_norm",
            sizes=sized(26, 2560, 10, None, Key(("intermediate_size",), of=_hidden), 256000),
        ),
    ),
    note=Mixer().why,
)
