"""The Pareto plot of several results: what each recovers against what it claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from scrub.report.numbers import ratio, share
from scrub.report.page.axis import Axis, Mark, lay_out
from scrub.report.page.tabular import minus
from scrub.results.comparison import Comparison

LETTER = 0.85  # percent of the width that a letter of a name takes
LINE = 5.0  # percent of the height that a line of names takes
TOP, BOTTOM = 4.0, 96.0


@dataclass(frozen=True)
class Point:
    """One hypothesis: x, y and its interval's ends in percent from the left and the top."""

    name: str
    x: float
    y: float
    ends: tuple[float, float] | None
    front: bool
    says: str
    name_y: float
    before: bool  # its name stands to the left of it


@dataclass(frozen=True)
class Front:
    """The plot: points, the front's corners, and the ticks of both axes."""

    points: tuple[Point, ...]
    steps: tuple[tuple[float, float, float, float], ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    says: str


def front(found: Comparison) -> Front | None:
    """The plot of a comparison; None where the ratio is refused."""
    if any(one.recovered.value is None for one in found.results):
        return None
    marks = [
        Mark(r.name, "", "claim", r.recovered.value, r.recovered.low, r.recovered.high)
        for r in found.results
    ]
    axis = lay_out(marks)
    on = {one.name: bool(one.front) for one in found.standings}
    claims = {r.name: r.claims.unimportant for r in found.results}
    points = _named([_point(mark, claims[mark.name], on, axis) for mark in marks])
    return Front(
        points=tuple(points),
        steps=tuple(_steps([p for p in points if p.front])),
        x_ticks=tuple(
            (_across(x), f"{x:.0%}".replace("%", "\u00a0%")) for x in (0.0, 0.25, 0.5, 0.75, 1.0)
        ),
        y_ticks=tuple((_down(axis, tick), minus(f"{tick:g}")) for tick in axis.ticks),
        says="; ".join(point.says for point in points) + ".",
    )


def _across(share_of: float) -> float:
    return round(2 + 96 * share_of, 2)


def _down(axis: Axis, value: float) -> float:
    return round(100 - axis.at(value), 2)


def _point(mark: Mark, claimed: float, on: Mapping[str, bool], axis: Axis) -> Point:
    assert mark.value is not None  # a refused ratio is not drawn
    ends = None
    if mark.low is not None and mark.high is not None:
        ends = (_down(axis, mark.low), _down(axis, mark.high))
    x, y = _across(claimed), _down(axis, mark.value)
    says = f"{mark.name} recovers {minus(ratio(mark.value))} and declares {share(claimed)} of the "
    says += "model's edges unimportant" + (", on the front" if on.get(mark.name) else "")
    return Point(mark.name, x, y, ends, on.get(mark.name, False), says, y, x > 60)


def _named(points: Sequence[Point]) -> list[Point]:
    """Names beside their points; those that would touch are moved down, or up at the bottom."""
    placed: list[tuple[float, float, float]] = []  # from, to, at
    found = []
    for point in sorted(points, key=lambda one: one.y):
        wide = LETTER * (len(point.name) + 2)
        start = point.x - wide if point.before else point.x
        y = max(point.y - 2.5, TOP)
        while any(s < start + wide and start < e and abs(h - y) < LINE for s, e, h in placed):
            y += LINE
        placed.append((start, start + wide, y))
        found.append(replace(point, name_y=round(min(y, BOTTOM), 2)))
    return found


def _steps(points: Sequence[Point]) -> list[tuple[float, float, float, float]]:
    """Lines through the points of the front: down at each x, across at each height."""
    ordered = sorted(points, key=lambda one: one.x)
    lines = []
    for one, other in pairwise(ordered):
        lines += [(one.x, one.y, one.x, other.y), (one.x, other.y, other.x, other.y)]
    return lines
