"""Memory, planned against a budget: where the recording lives, and how many items run at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch

from scrub.compiler import Stats
from scrub.engine.budget import CACHE_ITEMS
from scrub.errors import InputRefused, Problem
from scrub.models.recording import Place

SHARE = 0.6  # of what is free, when no budget is given

T = TypeVar("T")


@dataclass(frozen=True)
class MemoryPlan:
    """Where the recording lives and how many items a chunk holds."""

    place: Place
    chunk: int
    budget: int


def free_bytes(device: torch.device) -> int:
    """Memory that is free on a device, or on the host for the CPU."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def plan_memory(
    stats: Stats, items: int, device: torch.device, budget: int | None, batch: int | None
) -> MemoryPlan:
    """The recording on the device if it takes at most half the budget, else on the host, else disk.

    Raises `InputRefused` where a single item does not fit.
    """
    given = int(free_bytes(device) * SHARE) if budget is None else budget
    place = Place.DEVICE
    if stats.recording_bytes > given // 2:
        host = free_bytes(torch.device("cpu")) * SHARE
        on_gpu = device.type == "cuda"
        place = Place.HOST if on_gpu and stats.recording_bytes < host else Place.DISK
    left = given - (stats.recording_bytes if place is Place.DEVICE else 0)
    fits = left // max(stats.peak_bytes, 1)
    if fits < 1:
        raise InputRefused(
            Problem(
                "option 'memory'",
                f"one item needs {stats.peak_bytes / 2**20:,.0f} MiB of live values, and "
                f"{left / 2**20:,.0f} MiB are left of the budget.",
                "Raise the budget, or claim about fewer nodes.",
            )
        )
    wanted = batch or (CACHE_ITEMS if device.type == "cpu" else items)
    return MemoryPlan(place, max(1, min(fits, wanted, items)), given)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocator gave up, on a GPU or on the CPU."""
    if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and "not enough memory" in str(error)


def in_chunks(
    items: int, chunk: int, run: Callable[[int, int], T], halved: Callable[[int], None]
) -> list[T]:
    """Run [first, last) ranges over all items; where one runs out of memory the chunk halves.

    `halved` is told the new size. What is finished is kept. Raises what `run` raises otherwise.

    >>> in_chunks(5, 2, lambda first, last: last - first, print)
    [2, 2, 1]
    """
    done: list[T] = []
    first = 0
    while first < items:
        last = min(first + chunk, items)
        try:
            done.append(run(first, last))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or chunk == 1:
                raise
            chunk = (chunk + 1) // 2
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            halved(chunk)
            continue
        first = last
    return done
