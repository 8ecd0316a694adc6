"""What hypotheses recover against what they claim: the Pareto plot of a comparison."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scrub.errors import InputRefused, Problem
from scrub.report.canvas import GREY, MARGIN, RULE, SERIES, open_frame, plain, sheet, styled
from scrub.report.fonts import label, text_width
from scrub.report.numbers import count, level
from scrub.results.comparison import Comparison
from scrub.results.result import Result

SIDE, HEIGHT = 4.8, 3.6  # inches
NAME = 7.0  # points


@styled
def draw(found: Comparison) -> Figure:
    """A point for each hypothesis with its interval, and the front that none of them lies beyond.

    To the right: a larger share of the model declared unimportant. Up: more recovered. Raises
    `InputRefused` where the ratio is refused, for then there is nothing to hold against it.
    """
    if found.notes:
        raise InputRefused(Problem("plot", "there is no share recovered to draw.", found.notes[0]))
    said = found.conventions
    scored = f"{count(said['references'], 'reference')} × {count(said['draws'], 'draw')}"
    left, below = 0.75, 0.5
    page = sheet(
        "What is recovered against what is claimed",
        (
            f"{found.model} on {found.task}: {found.metric} at {said['scored_at']}",
            f"{scored}, seed {said['seed']}; {level(said['level'])} intervals",
        ),
        2 * MARGIN + left + SIDE + 0.3,
        HEIGHT + below + MARGIN + 0.15,
    )
    axes = page.axes(MARGIN + left, MARGIN + below, SIDE, HEIGHT)
    for y in (0.0, 1.0):
        axes.axhline(y, color=RULE, linewidth=0.7, zorder=0.5)
    _front(axes, found)
    fronts = {one.name: bool(one.front) for one in found.standings}
    for result in found.results:
        _point(axes, result, fronts[result.name])
    axes.set_xlim(-0.02, 1.02)
    low, high = _reach(found)
    axes.set_ylim(low, high)
    plain(axes, "share of the model's edges declared unimportant", "recovered")
    open_frame(axes)
    _names(axes, found, high - low)
    return page.figure


def _reach(found: Comparison) -> tuple[float, float]:
    ends = [0.0, 1.0]
    for one in found.results:
        ends += [v for v in (one.recovered.value, one.recovered.low, one.recovered.high) if v]
    room = 0.08 * (max(ends) - min(ends))
    return min(ends) - room, max(ends) + room


def _place(result: Result) -> tuple[float, float]:
    assert result.recovered.value is not None  # a refused ratio is not drawn
    return result.claims.unimportant, result.recovered.value


def _front(axes: Axes, found: Comparison) -> None:
    """Steps through the hypotheses that no other one beats in both."""
    on = {one.name for one in found.standings if one.front}
    places = sorted({_place(one) for one in found.results if one.name in on})
    x, y = [place[0] for place in places], [place[1] for place in places]
    axes.step(x, y, where="pre", color=GREY, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)


def _point(axes: Axes, result: Result, front: bool) -> None:
    x, y = _place(result)
    colour = SERIES[0] if front else GREY
    low, high = result.recovered.low, result.recovered.high
    if low is not None and high is not None:
        axes.vlines(x, low, high, color=colour, linewidth=1.2, alpha=0.7, zorder=2)
    face = colour if front else "white"
    axes.scatter([x], [y], s=26, facecolor=face, edgecolor=colour, linewidths=1.1, zorder=3)


def _names(axes: Axes, found: Comparison, span: float) -> None:
    """Each name beside its point, on the side that has room; those that would touch are moved."""
    taken: list[tuple[float, float, float]] = []  # start, end, height, in shares of the axes
    low = axes.get_ylim()[0]
    for result in sorted(found.results, key=lambda one: -_place(one)[1]):
        x, y = _place(result)
        name = label(result.name, NAME, SIDE * 0.6)
        width = text_width(name, NAME) / SIDE
        across, height = (x + 0.02) / 1.04, (y - low) / span + 0.04  # above what is drawn there
        start = across + 0.01 if across + 0.01 + width < 1 else across - 0.01 - width
        while any(s < start + width and start < e and abs(h - height) < 0.045 for s, e, h in taken):
            height -= 0.045
        taken.append((start, start + width, height))
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6}
        how: dict[str, Any] = {"fontsize": NAME, "va": "center_baseline", "bbox": box, "zorder": 4}
        axes.text(start, height, name, transform=axes.transAxes, parse_math=False, **how)
