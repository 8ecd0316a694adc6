"""The model's own attention code, run on projections that were computed beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import nn

from scrub.models.base import Call
from scrub.models.circumstances import Circumstances
from scrub.models.families.base import Run
from scrub.models.linear import weight_of
from scrub.models.pieces import Tensor
from scrub.models.queries import reading
from scrub.models.substitute import Catch, Caught, replaced

if TYPE_CHECKING:
    from scrub.models.heads import HeadsPiece

PORTS = ("q", "k", "v")
CATCH = Catch()


def attend(
    piece: HeadsPiece,
    module: nn.Module,
    heads: Sequence[int],
    parts: dict[str, nn.Module],
    call: Call,
    seen: Circumstances,
    read: Tensor | None,
) -> Tensor:
    """What arrives at the output projection, [row, length, heads * width of z].

    `read` are the queries that somebody reads [row, head, n], None for all; what stands at others
    means nothing.
    """
    if piece.organ.within:
        parts = parts | {piece.organ.within: CATCH}
    rows, keys = call.seen("k").shape[:2]
    weight = weight_of(piece.out)
    none = torch.zeros((), dtype=weight.dtype, device=call.seen("q").device)
    alone = piece.attention.run is Run.ALONE
    # its shape alone is read; some modules take the width of all heads from it
    wide = len(heads) * piece.heads.z if alone else call.ports["q"].shape[2]
    hidden = none.expand(rows, piece.length(call), wide)
    seen = seen.fitted(piece.attention.handed, heads, rows)
    if piece.organ.memory_space:
        width = call.ports["k"].shape[2] if "k" in call.ports else piece.memory_width
        seen = _remembering(piece, seen, none.expand(rows, keys, width))
    made = replaced(module, parts)
    if read is not None:
        reading(asking(piece, made), read, hidden.shape[1])
    return _caught(made, hidden, seen)


def asking(piece: HeadsPiece, module: nn.Module) -> nn.Module:
    """The module that asks for an attention function: where its queries' projection stands."""
    path, *_ = piece.attention.projections["q"]
    owner = path.rpartition(".")[0]
    return module if owner.startswith("..") else module.get_submodule(owner)


def attended(piece: HeadsPiece, call: Call, seen: Circumstances) -> Tensor:
    """The same for all heads on the same ports: by the module as it is, with its projections."""
    parts = {piece.organ.within: CATCH} if piece.organ.within else {}
    queries = piece.normed_at("q", call.ports["q"])
    everyone = range(piece.heads.queries)
    seen = seen.fitted(piece.attention.handed, everyone, len(queries))
    if piece.organ.memory_space:
        seen = _remembering(piece, seen, piece.normed_at("k", call.ports["k"]))
    return _caught(replaced(piece.organ.whole[0].module, parts), queries, seen)


def _remembering(piece: HeadsPiece, seen: Circumstances, memory: Tensor) -> Circumstances:
    """Circumstances in which a cross-attention reads this memory."""
    if not piece.organ.memory_space:
        return seen
    names = [name for name in piece.attention.memory if name in seen.kwargs]
    args = seen.args if names else (*seen.args[:1], memory, *seen.args[2:])
    return replace(seen, args=args, kwargs={**seen.kwargs, **dict.fromkeys(names, memory)})


def _caught(module: nn.Module, hidden: Tensor, seen: Circumstances) -> Tensor:
    """A module's z, [row, length, heads * width of z], caught where it would be projected."""
    try:
        z = seen.call(module, hidden)
    except Caught as caught:
        z = caught.value
    z = z[0] if isinstance(z, tuple) else z
    assert isinstance(z, Tensor)
    return z.reshape(*hidden.shape[:2], -1)


def number_of(component: str) -> int:
    """The number of a head, from its name.

    >>> number_of("a9.h6")
    6
    """
    return int(component.rpartition(".h")[2])
