"""Sizes under their usual names, with what transformers takes where config.json leaves one out."""

from __future__ import annotations

from dataclasses import replace

from scrub.models.families.base import Key, Sizes


def usual(
    layers: int | Key, width: int, heads: int, hidden: int | Key, vocabulary: int | None = None,
    **more: Key,
) -> Sizes:  # fmt: skip
    """Those of a stack, under the names that most have for them; `more` are other fields.

    >>> usual(12, 768, 12, 3072).width
    Key(names=('hidden_size',), default=768, derived=False, of=None)
    """
    sizes = Sizes(
        layers=_key("num_hidden_layers", layers),
        width=_key("hidden_size", width),
        heads=_key("num_attention_heads", heads),
        hidden=_key("intermediate_size", hidden),
        vocabulary=_key("vocab_size", vocabulary),
    )
    return replace(sizes, **more)


def sized(
    layers: int | Key, width: int, heads: int, shared: int | None, hidden: int | Key,
    vocabulary: int, **more: Key,
) -> Sizes:  # fmt: skip
    """The same with heads of keys and values; `shared` is None where they are as many as queries.

    >>> sized(32, 4096, 32, None, 11008, 32000).shared.derived
    True
    """
    key = Key(("num_key_value_heads",), shared, derived=shared is None)
    return usual(layers, width, heads, hidden, vocabulary, shared=key, **more)


def _key(name: str, said: int | Key | None) -> Key:
    return said if isinstance(said, Key) else Key((name,), said)
