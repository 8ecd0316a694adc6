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


def gather_each(
    module: nn.Module, x: torch.Tensor, starts: Sequence[int]
) -> Sequence[torch.Tensor]:
    """What the module makes of a slice of its input, without its bias, for each of several slices:
    [n, slice, width] to [n, out] each.

    One batched product for all of them where they are evenly spaced; no weight is copied.
    """
    weight, width = weight_of(module), x.shape[2]
    if len({after - before for before, after in pairwise(starts)}) > 1:
        return [
            nn.functional.linear(x[:, i], weight[:, s : s + width]) for i, s in enumerate(starts)
        ]
    kernels = _windows(weight.T, starts, width).transpose(1, 2)  # [slice, width, out]
    return torch.bmm(x.transpose(0, 1), kernels).unbind()


def _windows(of: torch.Tensor, starts: Sequence[int], width: int) -> torch.Tensor:
    """So many entries from each start: of [out, ...], [start, ..., width]. A view where the starts
    are evenly spaced."""
    steps = {after - before for before, after in pairwise(starts)} or {width}
    if len(steps) == 1 and min(steps) > 0:
        return of[starts[0] :].unfold(0, width, min(steps))[: len(starts)]
    return torch.stack([of[start : start + width] for start in starts]).movedim(1, -1)
