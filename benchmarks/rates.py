"""What this machine can do: its matrix rate and its memory rate, the best of a few."""

from __future__ import annotations

from collections.abc import Callable

import torch

from benchmarks.measuring import seconds

TIMES = 3  # of each, after one that fills the caches
BYTES = 2**28  # of a tensor that no cache holds


def matrix_rate(device: torch.device, dtype: torch.dtype, rows: int, width: int) -> float:
    """FLOPs a second in matrix products of a transformer's shapes, and in one large square.

    `rows` are the examples' positions, `width` the model's.
    """
    shapes = [(rows, width, 3 * width), (rows, width, 4 * width), (rows, 4 * width, width)]
    found = []
    for n, inner, m in (*shapes, (2048, 2048, 2048)):
        left = torch.rand(n, inner, device=device, dtype=dtype)
        right = torch.rand(inner, m, device=device, dtype=dtype)
        found.append(2 * n * inner * m / best(device, lambda: left @ right))  # noqa: B023
    return max(found)


def memory_rate(device: torch.device, width: int, size: int = BYTES) -> float:
    """Bytes a second, read and written alike: in a copy, and in a gather of rows of `width`."""
    table = torch.rand(size // (4 * width), width, device=device)
    picked = torch.randperm(len(table), device=device)
    target = torch.empty_like(table)
    moves: list[Callable[[], object]] = [
        lambda: target.copy_(table),
        lambda: torch.index_select(table, 0, picked, out=target),
    ]
    return max(2 * table.nbytes / best(device, move) for move in moves)


@torch.no_grad()
def best(device: torch.device, work: Callable[[], object]) -> float:
    """The shortest time of some runs, in seconds."""
    work()
    return min(seconds(device, work) for _ in range(TIMES))
