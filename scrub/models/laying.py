"""What takes a projection's place: slices side by side, in whole sequences.

Some are computed, some looked up, and some are laid over others at a few positions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter, itemgetter

import torch

from scrub.models.pieces import Tensor
from scrub.models.recording import Entries, abreast, among


def spread(value: Tensor, at: Tensor, length: int) -> Tensor:
    """Values at some positions of a whole sequence; what no one reads stays zero."""
    whole = value.new_zeros(len(value), length, value.shape[2])
    whole[torch.arange(len(at), device=at.device)[:, None], at] = value
    return whole


@dataclass(frozen=True, eq=False)
class Put:
    """What goes over columns from `start` on: a value [row, n, width] at positions [row, n]."""

    start: int
    at: Tensor
    value: Tensor


def lay(whole: Tensor, put: Sequence[Put]) -> None:
    """Lays values over [row, length, width of all]: at once where the columns are evenly spaced."""
    alike: dict[object, list[Put]] = {}
    times: Counter[int] = Counter()
    for one in sorted(put, key=attrgetter("start")):
        alike.setdefault((one.value.shape, times[one.start]), []).append(one)
        times[one.start] += 1  # over the same columns one after the other
    for some in alike.values():
        steps = {after.start - before.start for before, after in pairwise(some)}
        for each in [some] if len(steps) < 2 else [[one] for one in some]:
            _lay_evenly(whole, each, *steps if len(steps) == 1 else [1])


def _lay_evenly(whole: Tensor, put: Sequence[Put], step: int) -> None:
    value = torch.stack([one.value for one in put], dim=2)  # [row, n, put, width]
    at = torch.stack([one.at for one in put], dim=2)
    windows = whole[:, :, put[0].start :].unfold(2, value.shape[3], step)[:, :, : len(put)]
    windows.scatter_(1, at[..., None].expand_as(value), value)


def queries(asked: Mapping[int, tuple[Entries, Tensor]], length: int) -> dict[int, Tensor]:
    """Queries looked up where they are read, in whole sequences, by where each goes; neighbours
    as one."""
    starts = sorted(asked)
    at = torch.stack([asked[start][1] for start in starts], dim=2)  # [row, n, query]
    found = among([asked[start][0] for start in starts], at.transpose(1, 2)).transpose(1, 2)
    rows, _, heads, width = found.shape
    whole = found.new_zeros(rows, length, heads, width)
    whole.scatter_(1, at[..., None].expand_as(found), found)
    if starts == list(range(starts[0], starts[0] + heads * width, width)):
        return {starts[0]: whole.flatten(2)}
    return {start: whole[:, :, i] for i, start in enumerate(starts)}


def joined(laid: Mapping[int, Tensor | Entries]) -> Tensor:
    """Slices side by side, each where it belongs; zeros where none does. Neighbours that are looked
    up are looked up together."""
    found: list[Tensor] = []
    waiting: list[Entries] = []
    end = 0
    for start, value in sorted(laid.items(), key=itemgetter(0)):
        if waiting and (start > end or isinstance(value, Tensor)):
            found.append(abreast(waiting))
            waiting = []
        rows, length, width = value.shape
        if start > end:
            of = value if isinstance(value, Tensor) else found[-1]
            found.append(of.new_zeros(rows, length, start - end))
        if isinstance(value, Tensor):
            found.append(value)
        else:
            waiting.append(value)
        end = start + width
    if waiting:
        found.append(abreast(waiting))
    return torch.cat(found, dim=2) if len(found) > 1 else found[0]
