"""What one check of the probe found, and how a difference is measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch

Pairs = dict[str, tuple[torch.Tensor, torch.Tensor]]  # by where: ours, and what it should be


def rounding(dtype: torch.dtype) -> float:
    """What a deep model makes of rounding, relative to the largest value: 2.4e-5 in float32, 4e-2
    in bfloat16. Far below what a wrong slice does."""
    return float(torch.finfo(dtype).eps ** (2 / 3))


@dataclass(frozen=True)
class Check:
    """One thing that was measured: it holds where `error` does not exceed `tolerance`."""

    name: str
    error: float
    tolerance: float
    where: str
    final: bool = False  # where it fails, nothing after it can be measured
    fix: str = ""  # what to do where it fails

    @property
    def passed(self) -> bool:
        return self.error <= self.tolerance  # a NaN does not pass


def finite(name: str, tensors: Iterable[tuple[str, torch.Tensor]]) -> Check:
    """The error is the number of values that are NaN or infinite; one tensor is held at a time."""
    for where, tensor in tensors:
        if not tensor.is_floating_point() or tensor.numel() == 0:
            continue
        ends = torch.stack(
            torch.aminmax(tensor)
        )  # a NaN is an end; twenty times faster than isfinite
        if not bool(torch.isfinite(ends).all()):
            return Check(name, float((~torch.isfinite(tensor)).sum()), 0.0, where, final=True)
    return Check(name, 0.0, 0.0, "every one", final=True)


def difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """The largest difference, relative to the largest value at its position.

    Positions are held apart, for trained models keep values at the first token that dwarf all
    others; a position with next to nothing in it counts as a hundredth of the largest.
    """
    wide = torch.promote_types(theirs.dtype, torch.float32)
    ours, theirs = ours.to(wide), theirs.to(wide)
    size = theirs.abs().amax(-1)
    size = size.clamp(min=max(0.01 * float(size.max()), torch.finfo(torch.float32).tiny))
    return float(((ours - theirs).abs().amax(-1) / size).max())


def worst(
    name: str, pairs: Mapping[str, tuple[torch.Tensor, torch.Tensor]], tolerance: float
) -> Check:
    """The pair that differs most; a NaN before all others."""
    errors = {where: difference(*pair) for where, pair in pairs.items()}
    worst = max(errors, key=lambda where: (errors[where] != errors[where], errors[where]))
    return Check(name, errors[worst], tolerance, worst)
