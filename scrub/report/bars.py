"""Effects ranked as bars: interactions of subsets, Shapley values of components."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scrub.errors import Problem
from scrub.report.canvas import GREY, MARGIN, RULE, SMALL, open_frame, plain, sheet, styled
from scrub.report.fonts import label, text_width
from scrub.report.measured import Floats, Measured, refuse
from scrub.report.numbers import number

MOST = 40  # bars
BAR, GROUP = 0.19, 0.3  # inches, of a bar and of the heading of a group
WIDTH, NAME = 4.4, 3.0
POSITIVE, NEGATIVE = "#B2182B", "#2166AC"  # as on the scale of the heatmaps


@dataclass(frozen=True, eq=False)
class Ranking:
    """A number for each subset of components [subset]: its interaction, or its Shapley value.

    Raises `InputRefused` if the numbers do not agree or there is no subset.
    """

    title: str
    subsets: tuple[tuple[str, ...], ...]
    effects: Measured
    unit: str = "interaction"
    said: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        where = f"ranking '{self.title}'"
        problems = self.effects.misfit(where, subsets=len(self.subsets))
        if not self.subsets:
            problems = [Problem(where, "there are no subsets.", "Give at least one.")]
        refuse(problems)

    def groups(self, most: int = MOST) -> dict[int, tuple[int, ...]]:
        """For each size of a subset, the indices of those shown, the largest effect first.

        Of all sizes together the `most` largest effects are shown; what was not measured is not.

        >>> found = Ranking("", (("a",), ("b",), ("a", "b")), Measured([0.1, -0.4, 0.2]))
        >>> found.groups(), found.groups(most=2)
        ({1: (1, 0), 2: (2,)}, {1: (1,), 2: (2,)})
        """
        values = self.effects.array
        order = [i for i in np.argsort(-np.abs(values), kind="stable") if not np.isnan(values[i])]
        sizes = sorted({len(self.subsets[i]) for i in order[:most]})
        return {
            size: tuple(int(i) for i in order[:most] if len(self.subsets[i]) == size)
            for size in sizes
        }


@styled
def draw(ranking: Ranking) -> Figure:
    """The figure: bars from 0, grouped by the subsets' size, hollow where the interval holds 0.

    >>> pair = Ranking("Two heads", (("a1",), ("a1", "a2")), Measured([0.4, -0.4]), unit="logits")
    >>> axes, = draw(pair).axes
    >>> axes.get_xlabel()
    'logits'
    """
    groups = ranking.groups()
    shown = [i for group in groups.values() for i in group]
    headings = {size: _heading(size) for size in groups} if len(groups) > 1 else {}
    names = {i: label(" × ".join(ranking.subsets[i]) or "∅", SMALL, NAME) for i in shown}
    wide = [*(text_width(name, SMALL) for name in names.values())]
    wide += [text_width(heading, SMALL, bold=True) for heading in headings.values()]
    left, notes = max([0.3, *wide]) + 0.3, _notes(ranking, shown)
    tall = max(0.4, BAR * len(shown) + GROUP * len(headings)) + 0.1
    foot = 0.5 + 0.15 * len(notes) + MARGIN
    page = sheet(ranking.title, ranking.said, 2 * MARGIN + left + WIDTH + 0.2, tall + foot + 0.1)
    axes = page.axes(MARGIN + left, foot, WIDTH, tall)
    low, high = ranking.effects.reach()
    room = 0.04 * (high - low) or 1.0
    axes.set_xlim(low - room, high + room)
    axes.set_ylim(tall, 0)  # inches from the top
    y, places = 0.05, {}
    for size, group in groups.items():
        if headings:
            _head(axes, headings[size], y + GROUP / 2)
            y += GROUP
        for i in group:
            places[i] = y + BAR / 2
            y += BAR
    _bars(axes, ranking.effects, places)
    axes.set_yticks(list(places.values()), labels=list(names.values()), parse_math=False)
    single = all(len(ranking.subsets[i]) == 1 for i in shown)
    plain(axes, ranking.unit, "" if not shown else "component" if single else "components")
    axes.yaxis.set_label_coords((0.1 - left) / WIDTH, 0.5)
    open_frame(axes)
    axes.grid(axis="x", color=RULE, linewidth=0.4, alpha=0.6)
    axes.tick_params(axis="y", length=0)
    for line, note in enumerate(reversed(notes)):
        page.text(MARGIN, MARGIN + 0.15 * line, note, fontsize=SMALL, color=GREY)
    return page.figure


def _heading(size: int) -> str:
    return {0: "none", 1: "single components"}.get(size, f"sets of {size}")


def _head(axes: Axes, heading: str, y: float) -> None:
    """Among the names, to the left of the bars."""
    place: dict[str, Any] = {
        "transform": axes.get_yaxis_transform(),
        "ha": "right",
        "va": "center_baseline",
    }
    axes.text(-0.012, y, heading, fontsize=SMALL, fontweight="bold", **place)


def _bars(axes: Axes, effects: Measured, places: dict[int, float]) -> None:
    axes.axvline(0, color=GREY, linewidth=0.9, zorder=1)
    for i, y in places.items():
        value = effects.array[i]
        ink = POSITIVE if value >= 0 else NEGATIVE
        face = "white" if effects.doubtful[i] else ink
        axes.barh(y, value, height=BAR * 0.62, facecolor=face, edgecolor=ink, linewidth=0.9)
        if effects.ends:
            low, high = (end[i] for end in effects.ends)
            axes.hlines(y, low, high, color="black", linewidth=1.0, zorder=4)


def _notes(ranking: Ranking, shown: Sequence[int]) -> list[str]:
    """What is not shown, and what hollow bars are."""
    values: Floats = np.abs(ranking.effects.array)
    rest = np.delete(values, shown)
    known = rest[~np.isnan(rest)]
    notes = []
    if not shown:
        return ["Nothing was measured."]
    if len(known):
        notes.append(f"{len(known):,} more, none above {number(known.max())} in size.")
    if len(rest) > len(known):
        notes.append(f"{len(rest) - len(known):,} not measured.")
    if ranking.effects.doubtful[list(shown)].any():
        notes.append("Hollow: the interval holds 0.")
    return notes
