"""What of a run's memory can be said without torch: the budget as written, and the chunk."""

from __future__ import annotations

import re

from scrub.errors import InputRefused, Problem

UNITS = {"": 1, "b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "kb": 1e3, "mb": 1e6, "gb": 1e9}
CACHE_ITEMS = 64  # beyond this a CPU gains nothing from longer chunks, and its caches lose


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
