"""Heads of a plain GPT-2: their names, their columns, and what they add to the residual stream."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch

Head = tuple[int, int]  # layer, number
Shares = Mapping[Head, torch.Tensor]  # what each head adds to the residual stream, [item, n, width]
PORTS = "qkv"  # in the order of a fused projection's columns
SINK: Head = (-1, -1)  # under which the sink's value, the logits, is kept


def head_of(name: str) -> Head:
    """
    >>> head_of("a9.h6")
    (9, 6)
    """
    found = re.fullmatch(r"a(\d+)\.h(\d+)", name)
    assert found is not None, f"{name} is no head"
    return int(found[1]), int(found[2])


def columns(model: Any, head: Head, port: str) -> slice:
    """A head's columns of `c_attn`'s output, for one of its ports."""
    width, size = model.config.n_embd, model.config.n_embd // model.config.n_head
    start = PORTS.index(port) * width + head[1] * size
    return slice(start, start + size)


def pick(values: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """Values [item, position, …] at positions [item, n]."""
    return values[torch.arange(len(at), device=at.device)[:, None], at]


def share(model: Any, head: Head, z: torch.Tensor) -> torch.Tensor:
    """A head's slice of z, times its slice of the output projection."""
    layer, number = head
    size = z.shape[-1] // model.config.n_head
    part = slice(number * size, (number + 1) * size)
    output: torch.Tensor = z[..., part] @ model.transformer.h[layer].attn.c_proj.weight[part]
    return output
