"""How what a module is handed for all heads of one row is made to fit some heads and many rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

Fit = Callable[[Any, Sequence[int], int], Any]
"""What an attention is handed beside what it reads, made to fit some heads and so many rows.

It was seen in a pass over one row with all heads; most of it fits any number of either.
"""


def each_row(table: Any, heads: Sequence[int], rows: int) -> Any:
    """[row, …], where the module insists on its rows."""
    return table.expand(rows, *table.shape[1:])


def row_and_head(table: Any, heads: Sequence[int], rows: int) -> Any:
    """[row, head, …], or the same for all heads."""
    some = table.index_select(1, _entries(heads, table)) if table.shape[1] > 1 else table
    return each_row(some, heads, rows)


def head_alone(table: Any, heads: Sequence[int], rows: int) -> Any:
    """[head, …]"""
    return table.index_select(0, _entries(heads, table))


def row_by_head(table: Any, heads: Sequence[int], rows: int) -> Any:
    """[row * head, …]"""
    return table.index_select(0, _entries(heads, table)).repeat(rows, *(1 for _ in table.shape[1:]))


def _entries(heads: Sequence[int], table: torch.Tensor) -> torch.Tensor:
    from scrub.models.sending import sent  # brings torch, which a config is read without

    return sent(np.array(heads, dtype=np.int64), table.device)
