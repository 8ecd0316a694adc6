"""Sums: what was recorded of a stream, with explained inputs put in for the frame's own.

Sums of one form are made at once, one behind the other in one tensor. What a head or some neurons
are put in for is taken off before the linear map that ends them, so that the map is applied once,
to the difference, and straight into the sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from scrub.compiler import Recorded, Sums, Term
from scrub.engine.chunk import Chunk, accumulator
from scrub.graph import Positions


def make(chunk: Chunk, sums: Sums) -> None:
    """What was recorded of a stream, plus each explained input's difference at its positions."""
    form, items = sums.each[0], chunk.items
    own = [one.own for one in sums.each]
    value = chunk.summed(form.stream, own, form.at)  # [sum · item, n, width]
    for terms in zip(*(one.terms for one in sums.each), strict=True):
        _add(chunk, _At(value, form.at, [one.frame for one in own]), terms)
    for number, one in enumerate(sums.each):
        chunk.slots[one.out] = value[number * items : (number + 1) * items]


@dataclass(frozen=True, eq=False)
class _At:
    """Sums [row, n, width] at positions of frames, each the rows of one."""

    value: torch.Tensor
    at: Positions
    frames: Sequence[int]


def _add(chunk: Chunk, total: _At, terms: Sequence[Term]) -> None:
    """One explained input of each sum, put in for the component's own, in place."""
    part, where, model = terms[0].part, terms[0].at, chunk.executor.model
    plus, minus = _plus(chunk, terms), [term.minus for term in terms if term.minus is not None]
    own = chunk.kept(part, minus, where) if minus else None
    if not model.graph.is_linear(part):
        delta = plus if own is None else plus - chunk.output(part, own)
    else:
        wide = accumulator(model.dtype)
        apart = plus if own is None else (plus.to(wide) - own).to(plus.dtype)
        if where == total.at and part.subspace is None:
            model.add(part, apart, total.value)
            return
        delta = chunk.output(part, apart)
    _put(chunk, total, delta, where)


def _plus(chunk: Chunk, terms: Sequence[Term]) -> torch.Tensor:
    """What is put in: of a run, or of a leaf what was recorded of it; an output, unless a linear
    map makes that of both."""
    found = [term.plus for term in terms if isinstance(term.plus, Recorded)]
    if not found:
        slots = [chunk.slots[term.plus] for term in terms if isinstance(term.plus, int)]
        return torch.cat(slots) if len(slots) > 1 else slots[0]
    part = terms[0].part
    kept = chunk.kept(part, found, terms[0].at)
    return kept if chunk.executor.model.graph.is_linear(part) else chunk.output(part, kept)


def _put(chunk: Chunk, total: _At, delta: torch.Tensor, there: Positions) -> None:
    """Add `delta`, which lies at other positions of the same frames or at the same, in place."""
    value = total.value
    rows, _, width = value.shape
    at, where = (chunk.positions(spots, *total.frames) for spots in (total.at, there))
    if there == total.at:
        value += delta
    elif at is None:
        assert where is not None  # the case above
        first = torch.arange(rows, device=value.device)[:, None] * value.shape[1]
        value.view(-1, width).index_add_(0, (first + where).flatten(), delta.reshape(-1, width))
    elif where is None:
        value += delta.gather(1, at[:, :, None].expand(-1, -1, width))
    else:
        same = (at[:, :, None] == where[:, None, :]).to(value.dtype)  # [row, n, m]
        value += same @ delta
