"""Many inputs side by side in one tensor, so that one product serves them all.

A block is [row · position, slice, width]; its slices are views [row, position, width]. What is
handed slices alone can find the block again, and gradients flow to it as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

Tensor = torch.Tensor


def slices_of(block: Tensor, rows: int) -> list[Tensor]:
    """Each slice of a block [row · position, slice, width], as [row, position, width].

    >>> [one.shape for one in slices_of(torch.zeros(6, 2, 5), rows=3)]
    [torch.Size([3, 2, 5]), torch.Size([3, 2, 5])]
    """
    return [one.view(rows, -1, one.shape[1]) for one in block.unbind(1)]


def block_of(slices: Sequence[Tensor]) -> tuple[Tensor, list[int]] | None:
    """The block that these are slices of, and which of its slices each is; None if there is none.

    >>> first, second = slices_of(torch.zeros(6, 2, 5), rows=3)
    >>> block, numbers = block_of([second, first, second])
    >>> block.shape, numbers
    (torch.Size([6, 2, 5]), [1, 0, 1])
    >>> block_of([first, second.clone()]) is None
    True
    """
    block = slices[0]._base
    if block is None or block.ndim != 3 or not block.is_contiguous():
        return None
    n, _, width = block.shape
    step, numbers = block.stride(0), []
    for one in slices:
        rows, length, own = one.shape
        alike = (rows * length, own) == (n, width) and one.stride() == (length * step, step, 1)
        if one._base is not block or not alike:
            return None
        numbers.append((one.storage_offset() - block.storage_offset()) // width)
    return block, numbers


def abreast(values: Sequence[Tensor]) -> Tensor:
    """Values [row, position, width] as a block; a copy where they are not the slices of one."""
    found = block_of(values)
    if found is not None and found[1] == list(range(found[0].shape[1])):
        return found[0]
    return torch.stack(list(values), dim=2).flatten(0, 1)
