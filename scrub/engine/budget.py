"""What of a run's memory can be said without torch: the budget as written, and who gets what."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scrub.errors import InputRefused, Problem

if TYPE_CHECKING:
    from scrub.compiler import Stats  # which would load numpy and networkx for `scrub --help`

UNITS = {"": 1, "b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "kb": 1e3, "mb": 1e6, "gb": 1e9}
CPU_ITEMS = 512  # beyond this a CPU gains nothing from longer chunks, and its caches lose
CPU_BYTES = 2**31  # of live values, which fewer items may take, but no fewer than these
FEWEST_ITEMS = 128
CACHE_BYTES = 2**22  # more items, where so many fit into this: those of a toy are next to nothing
RECORDED_AT_ONCE = 64  # inputs in one pass of the recording, likewise
SHARE = 0.6  # of what is free, when no budget is given


def parse_bytes(text: str | int) -> int:
    """A budget as users write it. Raises `InputRefused`.

    >>> parse_bytes("1.5GiB"), parse_bytes("800MB")
    (1610612736, 800000000)
    """
    match = re.fullmatch(r"\s*([0-9.]+)\s*([a-zA-Z]*)\s*", str(text))
    if match and match[2].lower() in UNITS and match[1].count(".") < 2 and match[1] != ".":
        size = int(float(match[1]) * UNITS[match[2].lower()])
        if size > 0:
            return size
    raise InputRefused(
        Problem("option 'memory'", f"'{text}' is no amount of memory.", "Write 4GiB or 800MB.")
    )


@dataclass(frozen=True)
class Shares:
    """How a budget is shared out.

    `resident`: whether the recording fits beside the rest; `own_bytes`: the model's own outputs,
    kept to compare with (0 where they are computed anew for each chunk); `chunk` items of
    `item_bytes` each run at a time, and `inputs` are recorded at a time.
    """

    resident: bool
    own_bytes: int
    chunk: int
    item_bytes: int
    inputs: int

    @property
    def live_bytes(self) -> int:
        """The most that is alive at a time, besides the recording."""
        return self.own_bytes + self.chunk * self.item_bytes


def free_host_bytes() -> int:
    """Memory that is free on this machine."""
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def items_in_cache(cost: Stats) -> int:
    """How many items a CPU runs at a time where memory is no matter."""
    each = max(cost.peak_bytes, 1)
    most = max(FEWEST_ITEMS, min(CPU_ITEMS, CPU_BYTES // each))
    return max(most, CACHE_BYTES // each)


def share_out(cost: Stats, items: int, references: int, given: int, most: int) -> Shares:
    """Who gets what of `given` bytes; at most `most` items at a time.

    The recording takes at most half, the model's own outputs at most half of what is left.
    Raises `InputRefused` where a single item does not fit.
    """
    resident = cost.recording_bytes <= given // 2
    left = given - (cost.recording_bytes if resident else 0)
    at_once = max(RECORDED_AT_ONCE, CACHE_BYTES // max(cost.pass_bytes, 1))
    inputs = min(at_once, max(1, left // max(cost.pass_bytes, 1)))
    own = references * cost.output_bytes
    own = own if own <= left // 2 else 0
    left -= own
    fits = left // max(cost.peak_bytes, 1)
    if fits < 1:
        raise InputRefused(
            Problem(
                "option 'memory'",
                f"one item needs {cost.peak_bytes / 2**20:,.0f} MiB of live values, and "
                f"{left / 2**20:,.0f} MiB are left of the budget.",
                "Raise the budget, score the output at fewer positions, or claim about fewer "
                "nodes.",
            )
        )
    chunks = math.ceil(items / max(1, min(fits, most, items)))  # as many as it takes, and alike
    return Shares(resident, own, max(1, math.ceil(items / max(1, chunks))), cost.peak_bytes, inputs)
