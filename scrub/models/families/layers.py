"""What hybrids have in common: which layer is what, and sizes under their usual names."""

from __future__ import annotations

from dataclasses import replace

from scrub.models.families.base import Config, Key, Sizes

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


def sized(
    layers: int | Key, width: int, heads: int, shared: int | None, hidden: int | Key,
    vocabulary: int, **more: Key,
) -> Sizes:  # fmt: skip
    """The usual names, and what transformers takes where config.json leaves a size out."""
    sizes = Sizes(
        layers=_key("num_hidden_layers", layers),
        width=_key("hidden_size", width),
        heads=_key("num_attention_heads", heads),
        shared=_key("num_key_value_heads", shared),
        hidden=_key("intermediate_size", hidden),
        vocabulary=_key("vocab_size", vocabulary),
    )
    return replace(sizes, **more)


def _key(name: str, said: int | Key | None) -> Key:
    return said if isinstance(said, Key) else Key((name,), said, derived=said is None)
