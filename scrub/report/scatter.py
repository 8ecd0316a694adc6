"""Estimates beside exact effects: how far an attribution can be trusted, edge by edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scrub.errors import Problem
from scrub.report.canvas import GREY, MARGIN, RULE, SERIES, open_frame, plain, sheet, styled
from scrub.report.fonts import label, text_width
from scrub.report.measured import Floats, Measured, refuse

SIDE = 4.2  # inches
NAMED = 6  # of those that lie farthest from the line
CLEAR = 0.045  # of the axes, between two names


@dataclass(frozen=True, eq=False)
class Agreement:
    """Estimated and exact effects of the same edges or components [item].

    Raises `InputRefused` if the numbers do not agree.
    """

    title: str
    names: tuple[str, ...]
    estimated: Measured
    exact: Measured
    unit: str = "effect"
    said: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        many, where = len(self.names), f"agreement '{self.title}'"
        problems = self.estimated.misfit(f"{where}, estimated", items=many)
        problems += self.exact.misfit(f"{where}, exact", items=many)
        if not many:
            problems = [Problem(where, "there are no items.", "Give at least one.")]
        refuse(problems)


@styled
def draw(agreement: Agreement) -> Figure:
    """The figure: a point for each item, both axes alike, and the line on which they agree.

    >>> found = Agreement("EAP", ("m0->m1", "m0->logits"), Measured([0.1, 1]), Measured([0.2, 0.9]))
    >>> axes, = draw(found).axes
    >>> axes.get_xlim() == axes.get_ylim()
    True
    """
    left, below = 0.75, 0.5
    page = sheet(
        agreement.title,
        agreement.said,
        2 * MARGIN + left + SIDE + 0.6,
        SIDE + below + MARGIN + 0.15,
    )
    axes = page.axes(MARGIN + left, MARGIN + below, SIDE, SIDE)
    x, y = agreement.exact.array, agreement.estimated.array
    limits = _limits(agreement)
    axes.plot(limits, limits, color=GREY, linewidth=0.9, zorder=1)
    axes.axhline(0, color=RULE, linewidth=0.7, zorder=0.5)
    axes.axvline(0, color=RULE, linewidth=0.7, zorder=0.5)
    look: dict[str, Any] = {"color": SERIES[0], "alpha": 0.4, "linewidth": 0.8, "zorder": 2}
    if agreement.exact.ends:
        axes.hlines(y, *agreement.exact.ends, **look)
    if agreement.estimated.ends:
        axes.vlines(x, *agreement.estimated.ends, **look)
    size = 16 if len(x) <= 200 else 7
    axes.scatter(x, y, s=size, color=SERIES[0], alpha=0.75, linewidths=0, zorder=3)
    axes.set_xlim(limits)
    axes.set_ylim(limits)
    axes.yaxis.set_major_locator(axes.xaxis.get_major_locator())
    plain(axes, f"exact {agreement.unit}", f"estimated {agreement.unit}")
    open_frame(axes)
    _names(axes, agreement.names, x, y, limits)
    return page.figure


def _limits(agreement: Agreement) -> tuple[float, float]:
    """The same for both axes."""
    ends = [agreement.exact.reach(), agreement.estimated.reach()]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    room = 0.05 * (high - low) or 1.0
    return low - room, high + room


def _names(
    axes: Axes, names: tuple[str, ...], x: Floats, y: Floats, limits: tuple[float, float]
) -> None:
    """The points farthest from the line by name, where the names do not touch."""
    span = limits[1] - limits[0]
    taken: list[tuple[float, float, float]] = []
    for item in np.argsort(-np.nan_to_num(np.abs(y - x)), kind="stable")[:NAMED]:
        if np.isnan(x[item] + y[item]) or x[item] == y[item]:
            continue
        across, height = (x[item] - limits[0]) / span, (y[item] - limits[0]) / span
        name = label(names[item], 6.5, SIDE * 0.4)
        width = text_width(name, 6.5) / SIDE
        left = across - width > 0.05 if y[item] > x[item] else across + width > 0.95
        start = across + (-0.02 - width if left else 0.02)  # away from the line, if it has room
        if any(abs(height - h) < CLEAR and start < e and s < start + width for s, e, h in taken):
            continue
        taken.append((start, start + width, height))
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6}
        how: dict[str, Any] = {"fontsize": 6.5, "va": "center_baseline", "bbox": box, "zorder": 4}
        axes.text(start, height, name, transform=axes.transAxes, parse_math=False, **how)
