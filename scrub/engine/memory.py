"""Memory, planned against a budget: where the recording lives, and how many items run at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch

from scrub.compiler import Stats
from scrub.engine.budget import SHARE, free_host_bytes, items_in_cache, share_out
from scrub.models.exhaustion import is_out_of_memory
from scrub.models.recording import Place

T = TypeVar("T")


@dataclass(frozen=True)
class MemoryPlan:
    """Where the recording lives, how many items a chunk holds, and what they take.

    `inputs` are recorded at a time; `keeps_own` says whether the model's own outputs are kept to
    compare with, or computed anew for each chunk; `live_bytes` is all but the recording;
    `recorded_once` the positions that all inputs begin with, where one row stands for all.
    """

    place: Place
    chunk: int
    budget: int
    inputs: int
    keeps_own: bool
    live_bytes: int
    recorded_once: int = 0


def free_bytes(device: torch.device) -> int:
    """Memory that is free on a device, or on the host for the CPU."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else free_host_bytes()


def plan_memory(
    stats: Stats,
    items: int,
    device: torch.device,
    budget: int | None,
    batch: int | None,
    references: int = 0,
) -> MemoryPlan:
    """The recording on the device if it takes at most half the budget, else on the host, else disk.

    `references`: how many outputs of the model itself there are to keep. Raises `InputRefused`
    where a single item does not fit.
    """
    given = int(free_bytes(device) * SHARE) if budget is None else budget
    most = batch or (items_in_cache(stats) if device.type == "cpu" else items)
    shares = share_out(stats, items, references, given, most)
    place = Place.DEVICE
    if not shares.resident:
        host = free_bytes(torch.device("cpu")) * SHARE
        on_gpu = device.type == "cuda"
        place = Place.HOST if on_gpu and stats.recording_bytes < host else Place.DISK
    return MemoryPlan(
        place=place,
        chunk=shares.chunk,
        budget=given,
        inputs=shares.inputs,
        keeps_own=references == 0 or shares.own_bytes > 0,
        live_bytes=shares.live_bytes,
    )


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
