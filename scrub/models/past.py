"""What a model keeps of positions that it has been through, so that others can come after them."""

from __future__ import annotations

import inspect
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

CACHES = ("past_key_values", "cache_params")  # under which name a forward takes its cache


@dataclass(frozen=True, eq=False)
class Past:
    """The model's own cache, and how many positions went into it.

    A pass that is given one adds to it in place: what is to be used again is copied first.
    """

    cache: Any
    length: int = 0

    @staticmethod
    def empty(module: nn.Module) -> Past:
        """The cache with which a module would begin to generate."""
        from transformers import DynamicCache

        config: Any = module.config
        return Past(DynamicCache(config=config))

    @property
    def bytes(self) -> int:
        """What the cache holds, of all its layers."""
        layers = (vars(layer).values() for layer in getattr(self.cache, "layers", ()))
        return sum(x.nbytes for held in layers for x in held if isinstance(x, torch.Tensor))

    def copied(self, rows: int) -> Past:
        """The same for so many rows, each of which follows on the one row that went in."""
        cache = deepcopy(self.cache)
        cache.reorder_cache(torch.zeros(rows, dtype=torch.int64))
        return Past(cache, self.length)

    def keywords(self, module: nn.Module, tokens: torch.Tensor) -> dict[str, Any]:
        """What to call a module with, beside these tokens [row, position] that come after.

        Raises `ValueError` for a module that takes no cache.
        """
        known = inspect.signature(module.forward).parameters
        name = next((name for name in CACHES if name in known), None)
        if name is None:
            raise ValueError(f"a {type(module).__name__} takes no cache.")
        rows, new = tokens.shape
        after = torch.arange(self.length, self.length + new, device=tokens.device)
        # padding counts as a token, as it does in rows of a causal stack that have no mask
        own = {
            "position_ids": after.expand(rows, -1),
            "attention_mask": tokens.new_ones(rows, self.length + new),
        }
        given = {word: value for word, value in own.items() if word in known}
        return given | {name: self.cache, "use_cache": True}
