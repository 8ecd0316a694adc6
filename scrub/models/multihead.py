"""torch's own attention, `nn.MultiheadAttention`, as a module whose projections can be seen.

torch keeps the three projections in one parameter, applies the output projection as a function, and
has a fast path that skips the modules of a layer altogether. In a shallow copy of a net each such
attention is replaced by one with linear maps over views of the same weights. The user's net is
left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from scrub.errors import InputRefused, Problem
from scrub.models.substitute import shallow

Tensor = torch.Tensor


class OpenAttention(nn.Module):
    """What an `nn.MultiheadAttention` computes, on [row, position, width]."""

    q_proj: nn.Linear
    k_proj: nn.Linear
    v_proj: nn.Linear

    def __init__(self, attention: nn.MultiheadAttention) -> None:
        super().__init__()
        self.num_heads, self.head_dim = attention.num_heads, attention.head_dim
        self.embed_dim = attention.embed_dim
        self.batch_first = True  # as the layers around it ask; those that are not are turned
        self.in_proj_bias = None  # asked for on the fast path only
        biases: list[Tensor | None] = [None] * 3
        if attention.in_proj_bias is not None:
            biases = list(attention.in_proj_bias.chunk(3))
        names = ("q_proj", "k_proj", "v_proj")
        for name, weight, bias in zip(names, _weights(attention), biases, strict=True):
            self.add_module(name, _linear(weight, bias))
        out = attention.out_proj
        self.out_proj = _linear(out.weight, out.bias)
        self.training = attention.training

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, None]:
        """The attention's output; no weights, asked for or not."""
        q, k, v = (
            self._heads(x) for x in (self.q_proj(query), self.k_proj(key), self.v_proj(value))
        )  # [row, head, position, width]
        rows, _, length, _ = q.shape
        mask: Tensor | None = None
        if attn_mask is not None:
            shape = (1, 1) if attn_mask.ndim == 2 else (rows, self.num_heads)
            mask = _floats(attn_mask, q).view(*shape, length, -1)
        if key_padding_mask is not None:
            hidden = _floats(key_padding_mask, q)[:, None, None]
            mask = hidden if mask is None else mask + hidden
        z = functional.scaled_dot_product_attention(
            q, k, v, mask, is_causal=is_causal and mask is None
        )
        out: Tensor = self.out_proj(z.transpose(1, 2).reshape(rows, length, -1))
        return out, None

    def _heads(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.num_heads, self.head_dim).transpose(1, 2)


def _weights(attention: nn.MultiheadAttention) -> tuple[Tensor, ...]:
    fused: Tensor | None = attention.in_proj_weight
    if fused is not None:
        return tuple(fused.chunk(3))
    return (attention.q_proj_weight, attention.k_proj_weight, attention.v_proj_weight)


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """A linear map over the same memory: what is trained there is seen here."""
    made = nn.Linear(1, 1, bias=bias is not None, device="meta")
    made.out_features, made.in_features = weight.shape
    made.weight = nn.Parameter(weight.detach(), requires_grad=False)
    if bias is not None:
        made.bias = nn.Parameter(bias.detach(), requires_grad=False)
    return made


def _floats(mask: Tensor, like: Tensor) -> Tensor:
    """What is added to the scores: torch hides where a Boolean mask is true."""
    if mask.dtype is not torch.bool:
        return mask.to(like.dtype)
    return torch.zeros_like(mask, dtype=like.dtype).masked_fill(mask, float("-inf"))


class Applied(nn.Module):
    """A function where a module is wanted, so that what passes can be seen."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class _RowsFirst:
    """An encoder that is called with [position, row, width] and works on [row, position, width]."""

    def forward(self, src: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        own: Any = super()
        given: Tensor = own.forward(src.transpose(0, 1), *args, **kwargs)
        return given.transpose(0, 1)


def opened(module: nn.Module, where: str) -> nn.Module:
    """A net in which every attention of torch's is open: a shallow copy, if it has any."""
    made: dict[nn.Module, nn.Module] = {}

    def copy(part: nn.Module, turned: bool) -> nn.Module:
        if part in made:
            return made[part]
        if not any(isinstance(inner, nn.MultiheadAttention) for inner in part.modules()):
            return part
        if isinstance(part, nn.MultiheadAttention):
            _require_plain(part, turned, where)
            made[part] = OpenAttention(part)
            return made[part]
        other = made[part] = shallow(part)
        turns = isinstance(part, nn.TransformerEncoder) and _positions_first(part)
        for name, child in part._modules.items():
            if child is not None:
                other._modules[name] = copy(child, turned or turns)
        if isinstance(part, nn.TransformerEncoderLayer) and "activation" in other.__dict__:
            other._modules["activation"] = Applied(other.__dict__.pop("activation"))
        if turns:
            other.__class__ = type("RowsFirst", (_RowsFirst, type(part)), {})
        return other

    return copy(module, turned=False)


def _positions_first(encoder: nn.TransformerEncoder) -> bool:
    inner = (m for m in encoder.modules() if isinstance(m, nn.MultiheadAttention))
    return not all(attention.batch_first for attention in inner)


def _require_plain(attention: nn.MultiheadAttention, turned: bool, where: str) -> None:
    if attention.bias_k is not None or attention.add_zero_attn:
        found = "an nn.MultiheadAttention with add_bias_kv or add_zero_attn attends to a position "
        raise InputRefused(Problem(where, f"{found}that no row has; it is not covered."))
    if not attention.batch_first and not turned:
        found = "an nn.MultiheadAttention outside nn.TransformerEncoder has batch_first=False."
        raise InputRefused(Problem(where, found, "Make it with batch_first=True."))


@contextmanager
def no_fast_path() -> Iterator[None]:
    """torch's fast path, which calls no submodules, is off inside."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
