"""Slices of a linear map, whichever class transformers wrote it with.

`nn.Linear` stores its weight as [out, in], GPT-2's `Conv1D` as [in, out]. Slices are views of
the model's own weights wherever the storage allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from scrub.models.substitute import fetched

# Exactly these: a quantised or adapted subclass is more than W x + b.
PLAIN = ("Linear", "Conv1D", "NonDynamicallyQuantizableLinear", "FalconLinear")
HOMES = ("torch.", "transformers.")


def is_linear(module: nn.Module) -> bool:
    """Whether a module computes W x + b and nothing else."""
    kind = type(module)
    return kind.__name__ in PLAIN and kind.__module__.startswith(HOMES)


def weight_of(module: nn.Module) -> torch.Tensor:
    """The weight as [out, in]."""
    held = fetched(module, "weight").detach()
    return held.T if isinstance(module, Conv1D) else held


def bias_of(module: nn.Module) -> torch.Tensor | None:
    return None if module.bias is None else fetched(module, "bias").detach()


def columns(module: nn.Module, start: int, stop: int) -> torch.Tensor:
    """The weights that read some of the inputs, [out, stop - start]."""
    return weight_of(module)[:, start:stop]


def project(
    module: nn.Module, x: torch.Tensor, starts: Sequence[int], width: int
) -> Sequence[torch.Tensor]:
    """Slices of the module's output, each [..., width], in one matrix product for all of them."""
    first, n = starts[0], len(starts)
    weight, bias = weight_of(module), bias_of(module)
    if all(start == first + i * width for i, start in enumerate(starts)):
        weight = weight[first : first + n * width]
        bias = None if bias is None else bias[first : first + n * width]
    else:
        weight = torch.cat([weight[start : start + width] for start in starts])
        bias = None if bias is None else torch.cat([bias[s : s + width] for s in starts])
    return nn.functional.linear(x, weight, bias).chunk(n, dim=-1)


def project_each(
    module: nn.Module, x: torch.Tensor, starts: Sequence[int], width: int
) -> torch.Tensor:
    """A slice of the module's output of each input of its own: [n, slice, in] to [slice, n, width].

    One batched product for all of them.
    """
    kernels, bias = _windows(weight_of(module), starts, width), bias_of(module)
    if bias is None:
        return torch.bmm(x.transpose(0, 1), kernels)
    offsets = _windows(bias, starts, width)[:, None]
    return torch.baddbmm(offsets, x.transpose(0, 1), kernels)


def gather_each(module: nn.Module, x: torch.Tensor, starts: Sequence[int]) -> torch.Tensor:
    """What the module makes of a slice of its input, without its bias, for each of several slices:
    [n, slice, width] to [slice, n, out].

    One batched product for all of them.
    """
    kernels = _windows(weight_of(module).T, starts, x.shape[2])  # [slice, out, width]
    return torch.bmm(x.transpose(0, 1), kernels.transpose(1, 2))


def add_mapped(mapped: Sequence[tuple[torch.Tensor, torch.Tensor]], to: torch.Tensor) -> None:
    """Add values [row, n, in] times matrices [in, out] to sums [row, n, out], in place and in one
    product for all of them.

    >>> sums = torch.ones(1, 2, 1)
    >>> values = torch.tensor([[[1.0], [2.0]]])
    >>> add_mapped([(values, torch.tensor([[10.0]])), (values, torch.tensor([[100.0]]))], sums)
    >>> sums.flatten()
    tensor([111., 221.])
    """
    values, maps = (list(some) for some in zip(*mapped, strict=True))
    left = torch.cat(values, dim=2) if len(values) > 1 else values[0]  # [row, n, in of all]
    right = torch.cat(maps) if len(maps) > 1 else maps[0]
    to.view(-1, to.shape[2]).addmm_(left.flatten(0, 1), right)


def woven(slices: Sequence[tuple[Sequence[int], torch.Tensor]]) -> torch.Tensor:
    """Evenly spaced slices in one tensor, [n, width of all]: of each kind where they start, and
    what they hold [slice, n, width]. Zeros where there is none.

    >>> ones, twos = torch.ones(2, 1, 1), torch.full((2, 1, 2), 2.0)
    >>> woven([((0, 3), ones), ((1, 4), twos)])
    tensor([[1., 2., 2., 1., 2., 2.]])
    """
    wide = max(starts[-1] + values.shape[2] for starts, values in slices)
    count = sum(values.shape[0] * values.shape[2] for _, values in slices)
    like = slices[0][1]
    whole = like.new_empty if count == wide else like.new_zeros
    found = whole(like.shape[1], wide)
    for starts, values in slices:
        step = starts[1] - starts[0] if len(starts) > 1 else values.shape[2]
        windows = found[:, starts[0] :].unfold(1, values.shape[2], step)  # [n, slice, width]
        windows[:, : len(starts)].copy_(values.transpose(0, 1))
    return found


def _windows(of: torch.Tensor, starts: Sequence[int], width: int) -> torch.Tensor:
    """So many entries from each start: of [out, ...], [start, ..., width]. A view where the starts
    are evenly spaced."""
    steps = {after - before for before, after in pairwise(starts)} or {width}
    if len(steps) == 1 and min(steps) > 0:
        return of[starts[0] :].unfold(0, width, min(steps))[: len(starts)]
    return torch.stack([of[start : start + width] for start in starts]).movedim(1, -1)
