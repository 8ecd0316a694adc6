"""How what a module is handed for all heads of one row is made to fit some heads and many rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Fit = Callable[[Any, Sequence[int], int], Any]
"""What an attention is handed beside what it reads, made to fit some heads and so many rows.

It was seen in a pass over one row with all heads; most of it fits any number of either.
"""


def each_row(table: Any, heads: Sequence[int], rows: int) -> Any:
    """[row, …], where the module insists on its rows."""
    return table.expand(rows, *table.shape[1:])


def row_and_head(table: Any, heads: Sequence[int], rows: int) -> Any:
    """[row, head, …], or the same for all heads."""
    some = table[:, list(heads)] if table.shape[1] > 1 else table
    return each_row(some, heads, rows)


def head_alone(table: Any, heads: Sequence[int], rows: int) -> Any:
    """[head, …]"""
    return table[list(heads)]


def row_by_head(table: Any, heads: Sequence[int], rows: int) -> Any:
    """[row * head, …]"""
    return table[list(heads)].repeat(rows, *(1 for _ in table.shape[1:]))
