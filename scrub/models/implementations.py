"""The implementations of attention that transformers can switch between in one model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn
from transformers.utils.import_utils import is_flash_attn_2_available

IMPLEMENTATIONS = ("eager", "sdpa", "flash_attention_2")


def offers(module: nn.Module, name: str) -> bool:
    """Whether a model says that it can run this one, and it is there.

    Flash attention is for a GPU and two bytes a number.
    """
    if name != "flash_attention_2":
        return name == "eager" or bool(getattr(module, f"_supports_{name}", False))
    some = next(module.parameters())
    fits = some.device.type == "cuda" and some.dtype.itemsize == 2
    return (
        fits
        and bool(getattr(module, "_supports_flash_attn", False))
        and bool(is_flash_attn_2_available())
    )


@contextmanager
def implemented(module: nn.Module, name: str) -> Iterator[None]:
    """Another implementation inside; the model's own afterwards."""
    configs = _configs(module)
    before = [config._attn_implementation for config in configs]
    try:
        for config in configs:
            config._attn_implementation = name
        yield
    finally:
        for config, value in zip(configs, before, strict=True):
            config._attn_implementation = value


def _configs(module: nn.Module) -> list[Any]:
    """The configs that the modules of a model look at, each once."""
    held = (getattr(part, "config", None) for part in module.modules())
    found = {id(config): config for config in held if hasattr(config, "_attn_implementation")}
    return list(found.values())
