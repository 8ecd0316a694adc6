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
    return list(block.view(rows, -1, *block.shape[1:]).unbind(2))


def block_of(slices: Sequence[Tensor]) -> tuple[Tensor, list[int]] | None:
    """The block that these are slices of, and which of its slices each is; None if there is none.

    >>> first, second = slices_of(torch.zeros(6, 2, 5), rows=3)
    >>> block, numbers = block_of([second, first, second])
    >>> block.shape, numbers
    (torch.Size([6, 2, 5]), [1, 0, 1])
    >>> block_of([first, second.clone()]) is None
    True
    """
    rows, length, width = slices[0].shape
    base, step = slices[0]._base, slices[0].stride(1)
    n, strides = rows * length, (length * step, step, 1)
    if base is None or not base.is_contiguous() or step % width or n * step > base.numel():
        return None
    start, numbers = int(base.storage_offset()), []
    for one in slices:
        number, rest = divmod(int(one.storage_offset()) - start, width)
        alike = one.shape == slices[0].shape and one.stride() == strides
        if one._base is not base or not alike or rest or number * width >= step:
            return None
        numbers.append(number)
    return base.flatten()[: n * step].view(n, -1, width), numbers


def stacked(values: Sequence[Tensor]) -> Tensor:
    """Values [row, n, width] one behind the other, [value · row, n, width]: a view where they lie
    so in memory, and no gradient is to flow to each of them apart.

    >>> both = torch.zeros(4, 2, 5)
    >>> stacked([both[:2], both[2:]]).data_ptr() == both.data_ptr()
    True
    """
    first = values[0]
    size, start = first.numel(), int(first.storage_offset())
    neighbours = len(values) > 1 and all(
        one.is_contiguous()
        and one.untyped_storage().data_ptr() == first.untyped_storage().data_ptr()
        and one.storage_offset() == start + i * size
        and one.shape == first.shape
        and not one.requires_grad
        for i, one in enumerate(values)
    )
    if not neighbours:
        return torch.cat(list(values)) if len(values) > 1 else first
    rows, length, width = first.shape
    return first.as_strided((len(values) * rows, length, width), (length * width, width, 1))


def abreast(values: Sequence[Tensor]) -> Tensor:
    """Values [row, position, width] as a block; a copy where they are not the slices of one."""
    found = block_of(values)
    if found is not None and found[1] == list(range(found[0].shape[1])):
        return found[0]
    return torch.stack(list(values), dim=2).flatten(0, 1)
