"""From a tree of occurrences to a schedule: lower, share, batch, order.

Each pass is one file whose docstring says what it takes, gives and preserves. `README.md` beside
this file states the laws and works one hypothesis through by hand.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from scrub.compiler.batch import batch
from scrub.compiler.instructions import (
    Free,
    Gather,
    Instruction,
    Mean,
    MeanOver,
    Plain,
    Projected,
    Recorded,
    Run,
    Source,
    Step,
    Sum,
    Sums,
    Term,
    Zero,
    site_of,
)
from scrub.compiler.lower import lower
from scrub.compiler.order import order
from scrub.compiler.schedule import Schedule
from scrub.compiler.share import share
from scrub.compiler.sizes import Shape
from scrub.compiler.stats import Stats, site_bytes, stats
from scrub.compiler.verify import verify
from scrub.hypothesis.unfold import Tree

DEFAULT_WIDTH = 16  # steps in one run: enough to fill matrix products, few enough to stay small

__all__ = [
    "DEFAULT_WIDTH",
    "Free",
    "Gather",
    "Instruction",
    "Mean",
    "MeanOver",
    "Plain",
    "Projected",
    "Recorded",
    "Run",
    "Schedule",
    "Shape",
    "Source",
    "Stats",
    "Step",
    "Sum",
    "Sums",
    "Term",
    "Zero",
    "compile_tree",
    "site_bytes",
    "site_of",
    "stats",
    "verify",
]


def compile_tree(tree: Tree, width: int = DEFAULT_WIDTH) -> Schedule:
    """The schedule of a tree. Donors are not looked at: they are the schedule's inputs."""
    with _uncollected():
        lowered, output = lower(tree)
        shared, output = share(lowered, output)
        batched = batch(shared, tree.claim.graph, width)
        ordered, output = order(batched, output)
        schedule = Schedule(tree.claim.graph, tuple(ordered), output, tree.claim.bases)
        verify(schedule)
    return schedule


@contextmanager
def _uncollected() -> Iterator[None]:
    """Instructions hold no cycles: the garbage collector would look at all of them again and again,
    and find nothing (40 % of the time, at 10,000 nodes)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
