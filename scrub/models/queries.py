"""Attention for the queries that are read, and for no others.

A head that is read at one position of a hundred needs one query of a hundred. Its module runs on
whole rows as ever: all but the scores costs little. But where its code asks transformers for an
attention function, it is handed one that first picks the queries, with their rows of masks and
biases, and lays what it finds at their positions, with zeros everywhere else, where nobody reads.
A module that works its scores out itself does so for all queries.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

REGISTRY = "ALL_ATTENTION_FUNCTIONS"  # where modules look attention functions up
DENSE = ("sdpa", "eager")  # those that take a mask with a row for each query
BY_QUERY = ("position_bias",)  # what else has one: [row or 1, head or 1, query, key]
AttentionFunction = Callable[..., Any]


def asks(module: nn.Module) -> bool:
    """Whether a module's own code asks transformers for its attention function."""
    own = type(module).forward
    code = getattr(own, "__code__", None)
    # a name that is imported inside, or is an attribute, stands in the code and not beside it
    return code is not None and REGISTRY in code.co_names and REGISTRY in own.__globals__


def reading(module: nn.Module, at: torch.Tensor, length: int) -> None:
    """Let a module that is a copy of ours attend, of `length` queries, for those at [row, head, n].

    Its own code runs, beside another registry. One that asks for no function, or whose forward is
    not its class's (accelerate has wrapped it), stays as it is.
    """
    own = type(module).forward
    if not asks(module) or "forward" in vars(module):
        return
    seen = {**own.__globals__, REGISTRY: _Registry(own.__globals__[REGISTRY], at, length)}
    forward = types.FunctionType(
        own.__code__, seen, own.__name__, own.__defaults__, own.__closure__
    )
    forward.__kwdefaults__ = own.__kwdefaults__
    module.__dict__["forward"] = types.MethodType(forward, module)


@dataclass(frozen=True, eq=False)
class _Registry:
    """Transformers' attention functions, each for the queries at [row, head, n] alone."""

    own: Any
    at: torch.Tensor
    length: int

    def get_interface(self, name: str, default: AttentionFunction) -> AttentionFunction:
        return self._reading(name, self.own.get_interface(name, default))

    def __getitem__(self, name: str) -> AttentionFunction:
        return self._reading(name, self.own[name])

    def __contains__(self, name: object) -> bool:
        return name in self.own

    def __getattr__(self, name: str) -> Any:
        """Whatever else is asked of it; functions that come by another way run for all queries."""
        return getattr(self.own, name)

    def _reading(self, name: str, function: AttentionFunction) -> AttentionFunction:
        return _Reading(function, name, self.at, self.length) if name in DENSE else function


@dataclass(frozen=True, eq=False)
class _Reading:
    """An attention function that is called as any other, and attends for a few queries."""

    function: AttentionFunction
    name: str
    at: torch.Tensor
    length: int

    def __call__(
        self,
        module: nn.Module,
        query: torch.Tensor,  # [row, head, query, width]
        key: torch.Tensor,
        value: torch.Tensor,
        attention_mask: torch.Tensor | None,
        **kwargs: Any,
    ) -> Any:
        causal = attention_mask is None and self._is_causal(module, kwargs)
        by_query = {name: x for name, x in kwargs.items() if name in BY_QUERY and x is not None}
        laid = [x for x in (attention_mask, *by_query.values()) if x is not None]
        if not self._knows(query, laid, causal):
            return self.function(module, query, key, value, attention_mask, **kwargs)
        mask = self._causal(key) if causal else None
        if attention_mask is not None:
            mask = self._rows(attention_mask)
        some = self.at[..., None].expand(-1, -1, -1, query.shape[3])
        kwargs |= {name: self._rows(x) for name, x in by_query.items()}
        z, *rest = self.function(module, query.gather(2, some), key, value, mask, **kwargs)
        return (self._laid(z), *rest)

    def _is_causal(self, module: nn.Module, kwargs: dict[str, Any]) -> bool:
        """What sdpa goes by where it has no mask."""
        said = kwargs.get("is_causal")
        return bool(getattr(module, "is_causal", True) if said is None else said)

    def _knows(self, query: torch.Tensor, laid: list[torch.Tensor], causal: bool) -> bool:
        """Whether this is the attention that was expected, with a row of each mask for each query:
        without one, only sdpa says what it hides."""
        return (
            query.shape[:3] == (*self.at.shape[:2], self.length)
            and all(x.ndim == 4 and x.shape[2] in (1, self.length) for x in laid)
            and (not causal or self.name == "sdpa")
        )

    def _causal(self, key: torch.Tensor) -> torch.Tensor:
        """What each query sees: keys up to its own position, [row, head, n, key]."""
        return torch.arange(key.shape[2], device=key.device) <= self.at[..., None]

    def _rows(self, x: torch.Tensor) -> torch.Tensor:
        """The rows of a mask that belong to the queries, [row, head, n, key]."""
        if x.shape[2] == 1:
            return x
        rows, heads, _ = self.at.shape
        which = self.at[..., None].expand(-1, -1, -1, x.shape[3])
        return x.expand(rows, heads, -1, -1).gather(2, which)

    def _laid(self, z: torch.Tensor) -> torch.Tensor:
        """[row, n, head, width] among zeros, [row, length, head, width]."""
        rows, _, heads, width = z.shape
        where = self.at.transpose(1, 2)[..., None].expand_as(z)
        return z.new_zeros(rows, self.length, heads, width).scatter_(1, where, z)
