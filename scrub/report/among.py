"""Recovered among what it is held against, as a figure for a paper: the page's axis once more."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scrub.errors import InputRefused, Problem
from scrub.report.canvas import GREY, MARGIN, RULE, SERIES, open_frame, plain, sheet, styled
from scrub.report.fonts import label, text_width
from scrub.report.page.axis import Axis, Mark

SIDE, ROW = 4.4, 0.3  # inches
NAME, LONGEST = 8.0, 2.2  # points, inches
TONES = {"claim": SERIES[0], "null": GREY, "anchor": SERIES[3]}


@styled
def draw(found: Axis | None, title: str, said: tuple[str, ...] = ()) -> Figure:
    """A row for each mark: a point with its interval, or a cloud of points.

    Raises `InputRefused` where there is no share recovered to draw.
    """
    if found is None:
        raise InputRefused(Problem("plot", "there is no share recovered to draw."))
    names = [label(mark.name, NAME, LONGEST) for mark in found.marks]
    left = max(text_width(name, NAME) for name in names) + 0.2
    height, below = ROW * len(names) + 0.15, 0.5
    page = sheet(title, said, 2 * MARGIN + left + SIDE + 0.1, height + below + MARGIN + 0.1)
    axes = page.axes(MARGIN + left, MARGIN + below, SIDE, height)
    for goal in (0.0, 1.0):
        axes.axvline(goal, color=GREY, linewidth=0.8, linestyle=(0, (3, 2)), zorder=0.5)
    for row, mark in enumerate(reversed(found.marks)):
        axes.axhline(row, color=RULE, linewidth=0.5, zorder=0.4)
        _mark(axes, row, mark)
    axes.set_xlim(found.low, found.high)
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.set_yticks(
        range(len(names)), labels=list(reversed(names)), fontsize=NAME, parse_math=False
    )
    axes.set_xticks(list(found.ticks))
    plain(axes, "recovered")
    open_frame(axes)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return page.figure


def _mark(axes: Axes, row: int, mark: Mark) -> None:
    how: dict[str, Any] = {"color": TONES[mark.tone], "zorder": 3}
    if mark.cloud:
        axes.scatter(mark.cloud, [row] * len(mark.cloud), s=18, alpha=0.4, linewidths=0, **how)
    if mark.low is not None and mark.high is not None:
        axes.hlines(row, mark.low, mark.high, linewidth=2.2, **how)
    if mark.value is not None:
        axes.scatter([mark.value], [row], s=30, **how)
