"""Projection substitution: some heads of a layer, run by the model's own attention module.

A transformers attention module is `core(q_proj, k_proj, v_proj, o_proj)`. In a shallow copy the
projections are bound to values that were computed beforehand, each from its own input, and the
output projection to the identity; what the module returns is then every head's z. Which heads
these are, and how many, is up to us: each call becomes one *virtual head*, the same head several
times included. Nothing of the attention itself (rotary embeddings, norms, masks, windows, soft
caps) is written down here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from scrub.models.anatomy import Anatomy, Block
from scrub.models.base import Call
from scrub.models.families.base import Heads
from scrub.models.linear import project, weight_of
from scrub.models.sites import place_of
from scrub.models.substitute import Bound, replaced

PORTS = ("q", "k", "v")
MOST_ELEMENTS = {"cpu": 2**24, "cuda": 2**28}  # of one module call, in queries, keys and values


@dataclass(frozen=True, eq=False)
class Circumstances:
    """What else the model hands to one attention module in a forward pass: tables and masks."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


def run_heads(
    anatomy: Anatomy, layer: int, calls: Sequence[Call], seen: Circumstances
) -> list[torch.Tensor]:
    """Each call's z at its positions, [row, n, d_head]. All calls have one frame's shape."""
    block = anatomy.blocks[layer]
    results: list[torch.Tensor] = []
    for batch in _batches(calls, anatomy.shape.heads.width):
        slices = _project(anatomy, block, batch)
        z = _attend(anatomy, block, batch, slices, seen)  # [row, length, call, d_head]
        results += [_narrow(z[:, :, i], call.at) for i, call in enumerate(batch)]
    return results


def _batches(calls: Sequence[Call], width: int) -> Iterator[Sequence[Call]]:
    """Calls in turns that fit the memory: per call, its queries, keys, values, z and scores."""
    rows, length, _ = calls[0].ports["k"].shape
    device = calls[0].ports["k"].device.type
    each = rows * length * (4 * width + length)
    size = max(1, MOST_ELEMENTS.get(device, 2**24) // each)
    for first in range(0, len(calls), size):
        yield calls[first : first + size]


@dataclass(frozen=True)
class _Slice:
    """A head's queries, keys or values, computed from one input."""

    tensor: int  # the input's id: ports that are the same tensor are normed and projected once
    path: str
    start: int


def _slice(anatomy: Anatomy, call: Call, port: str) -> _Slice:
    start, _ = anatomy.slice_of(port, place_of(call.part.component).head)
    return _Slice(id(call.ports[port]), anatomy.family.projections[port], start)


def _project(
    anatomy: Anatomy, block: Block, calls: Sequence[Call]
) -> Mapping[_Slice, torch.Tensor]:
    """Every wanted slice, one norm per distinct input and one product per input and module."""
    inputs = {id(call.ports[port]): call.ports[port] for call in calls for port in PORTS}
    modules = {path: block.projections[port] for port, path in anatomy.family.projections.items()}
    wanted: dict[tuple[int, str], set[int]] = {}
    for call in calls:
        for port in PORTS:
            one = _slice(anatomy, call, port)
            wanted.setdefault((one.tensor, one.path), set()).add(one.start)
    dtype = weight_of(block.out).dtype
    normed_id, normed = 0, torch.empty(0)
    found: dict[_Slice, torch.Tensor] = {}
    for tensor, path in sorted(wanted):  # by input: one normed input is alive at a time
        if tensor != normed_id:
            normed_id, normed = tensor, block.attention_norm(inputs[tensor].to(dtype))
        starts = sorted(wanted[tensor, path])
        values = project(modules[path], normed, starts, anatomy.shape.heads.width)
        found |= {_Slice(tensor, path, s): v for s, v in zip(starts, values, strict=True)}
    return found


def _attend(
    anatomy: Anatomy,
    block: Block,
    calls: Sequence[Call],
    slices: Mapping[_Slice, torch.Tensor],
    seen: Circumstances,
) -> torch.Tensor:
    """The module's own attention over as many virtual heads as there are calls."""
    family, width = anatomy.family, anatomy.shape.heads.width
    rows, length, _ = calls[0].ports["k"].shape
    virtual = Heads(queries=len(calls), shared=len(calls), width=width)
    ends: dict[str, int] = {}
    for port, path in family.projections.items():
        end = family.layout(port, len(calls) - 1, virtual) + width
        ends[path] = max(end, ends.get(path, 0))
    like = next(iter(slices.values()))
    outputs = {path: like.new_zeros(rows, length, end) for path, end in ends.items()}
    for i, call in enumerate(calls):
        for port, path in family.projections.items():
            start = family.layout(port, i, virtual)
            into = outputs[path][..., start : start + width]  # [row, length, d_head]
            _put(into, slices[_slice(anatomy, call, port)], call.at if port == "q" else None)
    parts: dict[str, nn.Module] = {path: Bound(value) for path, value in outputs.items()}
    module = replaced(block.attention, parts | {family.out: nn.Identity()})
    _tell(module, anatomy, len(calls))
    shaped = like.new_zeros(()).expand(rows, length, anatomy.shape.width)  # read for its shape only
    z = _call(module, shaped, seen)  # [row, length, call * d_head]
    return z.view(rows, length, len(calls), width)


def _put(into: torch.Tensor, value: torch.Tensor, at: torch.Tensor | None) -> None:
    """Values at some positions of a whole sequence; what no one reads stays zero."""
    if at is None:
        into.copy_(value)
    else:
        into[torch.arange(len(at), device=at.device)[:, None], at] = value


def _narrow(z: torch.Tensor, at: torch.Tensor | None) -> torch.Tensor:
    if at is None:
        return z
    return z[torch.arange(len(at), device=at.device)[:, None], at]  # [row, n, d_head]


def _tell(module: nn.Module, anatomy: Anatomy, heads: int) -> None:
    """The copy's attributes that count heads: one head of keys and values for each of queries."""
    family, width = anatomy.family, anatomy.shape.heads.width
    for names, value in (
        (family.head_counts, heads),
        (family.group_sizes, 1),
        (family.widths, heads * width),
    ):
        for name in names:
            if name in module.__dict__:
                module.__dict__[name] = value


def _call(module: nn.Module, hidden: torch.Tensor, seen: Circumstances) -> torch.Tensor:
    output = module(hidden, *seen.args, **seen.kwargs)
    z = output[0] if isinstance(output, tuple) else output
    assert isinstance(z, torch.Tensor)
    return z
