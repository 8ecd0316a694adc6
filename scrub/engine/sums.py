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
from scrub.graph import ALL, Part, Positions


def make(chunk: Chunk, sums: Sums) -> None:
    """What was recorded of a stream, plus each explained input's difference at its positions."""
    form, items, model = sums.each[0], chunk.items, chunk.executor.model
    own = [one.own for one in sums.each]
    total = chunk.summed(form.stream, own, form.at)  # [sum · item, n, width]
    at = _Spots(chunk, [one.frame for one in own])
    mapped: list[tuple[Part, torch.Tensor]] = []  # what linear maps are applied to, all at once
    for terms in zip(*(one.terms for one in sums.each), strict=True):
        part, where = terms[0].part, terms[0].at
        linear, apart = model.graph.is_linear(part), _apart(chunk, terms)
        if where != form.at and form.at == ALL:
            _add_at(total, at(where), chunk.output(part, apart) if linear else apart)
            continue
        apart = apart if where == form.at else _moved(apart, at(where), at(form.at))
        if linear and part.subspace is None:
            mapped.append((part, apart))
        else:
            total += chunk.output(part, apart) if linear else apart
    model.add(mapped, total)
    for number, one in enumerate(sums.each):
        chunk.slots[one.out] = total[number * items : (number + 1) * items]


@dataclass(frozen=True, eq=False)
class _Spots:
    """Positions [row, n] in the frames of sums, None for all."""

    chunk: Chunk
    frames: Sequence[int]

    def __call__(self, at: Positions) -> torch.Tensor | None:
        return self.chunk.positions(at, *self.frames)


def _apart(chunk: Chunk, terms: Sequence[Term]) -> torch.Tensor:
    """What is put in, less what it is put in for: of a linear map what it is applied to, else
    outputs."""
    part, where, model = terms[0].part, terms[0].at, chunk.executor.model
    plus, minus = _plus(chunk, terms), [term.minus for term in terms if term.minus is not None]
    if not minus:
        return plus
    own = chunk.kept(part, minus, where)
    if not model.graph.is_linear(part):
        return plus - chunk.output(part, own)
    return (plus.to(accumulator(model.dtype)) - own).to(plus.dtype)


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


def _moved(
    value: torch.Tensor, where: torch.Tensor | None, at: torch.Tensor | None
) -> torch.Tensor:
    """A value that lies at positions `where`, at others of the same rows: zero where it is not."""
    assert at is not None  # what is summed at all positions is added to there
    if where is None:
        return value.gather(1, at[:, :, None].expand(-1, -1, value.shape[2]))
    same = (at[:, :, None] == where[:, None, :]).to(value.dtype)  # [row, n, m]
    return same @ value


def _add_at(total: torch.Tensor, where: torch.Tensor | None, delta: torch.Tensor) -> None:
    """Add what lies at some positions [row, n] to sums at all, in place."""
    assert where is not None  # positions that are not all
    rows, length, width = total.shape
    first = torch.arange(rows, device=total.device)[:, None] * length
    total.view(-1, width).index_add_(0, (first + where).flatten(), delta.reshape(-1, width))
