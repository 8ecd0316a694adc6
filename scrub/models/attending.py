"""The model's own attention code, run on projections that were computed beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import nn

from scrub.models.base import Call
from scrub.models.circumstances import Circumstances
from scrub.models.linear import weight_of
from scrub.models.pieces import Tensor
from scrub.models.substitute import Catch, Caught, replaced

if TYPE_CHECKING:
    from scrub.models.heads import HeadsPiece

PORTS = ("q", "k", "v")


def attend(
    piece: HeadsPiece,
    module: nn.Module,
    heads: Sequence[int],
    parts: dict[str, nn.Module],
    call: Call,
    seen: Circumstances,
) -> Tensor:
    """What arrives at the output projection, [row, length, heads * width of z]."""
    if piece.organ.within:
        parts = parts | {piece.organ.within: Catch()}
    copy = replaced(module, parts)
    rows, keys, width = call.ports["k"].shape
    like = call.ports["q"].to(weight_of(piece.out).dtype)
    hidden = like.new_zeros(()).expand(rows, piece.length(call), like.shape[2])  # its shape
    seen = seen.fitted(piece.attention.handed, heads, rows)
    for name in piece.attention.memory:
        if name in seen.kwargs:
            memory = like.new_zeros(()).expand(rows, keys, width)
            seen = Circumstances(seen.args, {**seen.kwargs, name: memory})
    try:
        z = seen.call(copy, hidden)
    except Caught as caught:
        z = caught.value
    z = z[0] if isinstance(z, tuple) else z
    assert isinstance(z, Tensor)
    return z.reshape(rows, piece.length(call), -1)


def number_of(component: str) -> int:
    """The number of a head, from its name.

    >>> number_of("a9.h6")
    6
    """
    return int(component.rpartition(".h")[2])
