"""Sizes as they were measured, under the config's keys where one holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from scrub.models.families.base import Config, Heads, Key, Sizes
from scrub.models.shapes import given

PARTS = ("text_config", "decoder", "llm_config", "language_config")
HINTS: Mapping[str, tuple[str, ...]] = {
    "layers": ("layer", "depth", "block"),
    "width": ("hidden", "width", "dim", "embd", "model"),
    "heads": ("head",),
    "shared": ("kv", "key_value", "group"),
    "head_width": ("head_dim", "kv_channels", "head_size", "d_kv", "qk_head"),
    "value_width": ("v_head", "value"),
    "hidden": ("inter", "ffn", "inner", "ff", "mlp"),
    "vocabulary": ("vocab",),
}


def part_of(config: Config) -> str:
    """The key of the part of a config that is about text, where it has parts."""
    usual = Sizes()
    if given(config, usual.layers) is not None:
        return ""
    held = (k for k in PARTS if isinstance(config.get(k), Mapping))
    return next((k for k in held if given(config[k], usual.layers) is not None), "")


def sizes_of(
    config: Config,
    layers: int,
    width: int,
    vocabulary: int,
    hidden: int | None,
    heads: Heads | None,
) -> Sizes:
    """Keys that give what was measured; a number where no key of the config has it."""
    usual = Sizes()
    measured: dict[str, tuple[int, int | None]] = {  # and what the size is where no key says it
        "layers": (layers, None),
        "width": (width, None),
        "vocabulary": (vocabulary, None),
    }
    if hidden is not None:
        measured["hidden"] = (hidden, 4 * width)
    if heads is not None:
        measured |= {
            "heads": (heads.queries, None),
            "shared": (heads.shared, heads.queries),
            "head_width": (heads.width, width // heads.queries),
            "value_width": (heads.z, heads.width),
        }
    keys: dict[str, Any] = {
        name: _key(getattr(usual, name), value, otherwise, config, HINTS[name])
        for name, (value, otherwise) in measured.items()
    }
    if heads is None:
        keys["heads"] = Key(("num_attention_heads",), 1)
    if heads is not None and given(config, usual.common) not in (None, heads.common):
        keys["common"] = Key((), heads.common)
    return replace(usual, **keys)


def _key(
    usual: Key, measured: int, otherwise: int | None, config: Config, hints: tuple[str, ...]
) -> Key:
    said = given(config, usual)
    if said == measured or (said is None and otherwise == measured):
        return usual
    for name, value in config.items():
        if type(value) is int and value == measured and any(hint in name for hint in hints):
            return Key((name,))
    return Key((), measured)
