"""Every figure of a report as files: claims, recovered among its nulls, Pareto plots."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from scrub.report import among, pareto
from scrub.report.canvas import save
from scrub.report.drawing import drawing_of
from scrub.report.page.axis import axis, forest
from scrub.report.page.chapters import about, gathered
from scrub.report.page.parts import Given


def write(given: Given, folder: Path, suffix: str) -> list[Path]:
    """Write all figures into a folder, which is made; gives their paths.

    A result whose ratio is refused has no axis, one of an earlier version no drawn claim.
    """
    folder.mkdir(exist_ok=True)
    written: list[Path] = []
    for name, make in _figures(given):
        path = folder / f"{name}{suffix}"
        number = 2
        while path in written:  # two results may have one name
            path = folder / f"{name}-{number}{suffix}"
            number += 1
        written.append(save(make(), path))
    return written


def _figures(given: Given) -> Iterator[tuple[str, Callable[[], Figure]]]:
    found = gathered(given.results, given.comparisons)
    for one in found:
        if one.graph is not None:
            yield f"{file_name(one.name)}-claim", partial(drawing_of, one)
        controls = next((c for c in given.controls if about(one, c)), None)
        adversary = next((a for a in given.adversaries if about(one, a)), None)
        place = axis(one, controls, adversary)
        if place is not None:
            where = (f"{one.model} on {one.task}: {one.metric}",)
            yield f"{file_name(one.name)}-recovered", partial(among.draw, place, one.name, where)
    place = forest(found)
    if place is not None:
        yield "results", partial(among.draw, place, "All results")
    for comparison in given.comparisons:
        if not comparison.notes:
            yield "pareto", partial(pareto.draw, comparison)


def file_name(name: str) -> str:
    """A name that every file system takes.

    >>> file_name("a/b <c>"), file_name("..")
    ('a_b_c', 'result')
    """
    return re.sub(r"[^\w-]+", "_", name).strip("_")[:80] or "result"
