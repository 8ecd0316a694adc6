"""Which layer of a hybrid is what."""

from __future__ import annotations

from scrub.models.families.base import Config

ATTENTION = ("attention", "full_attention", "sliding_attention", "hybrid")


def kind_of(config: Config, layer: int, period: int, offset: int) -> str:
    """What a layer is: as the config lists it, else an attention once in so many layers.

    >>> [kind_of({}, layer, period=4, offset=3) for layer in (2, 3)]
    ['linear_attention', 'full_attention']
    """
    listed = config.get("layer_types") or config.get("layers_block_type")
    if listed:
        return str(listed[layer])
    return "full_attention" if layer % period == offset else "linear_attention"


def attends(config: Config, layer: int, period: int = 4, offset: int = 3) -> bool:
    return kind_of(config, layer, period, offset) in ATTENTION
