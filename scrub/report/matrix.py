"""The permutation table of a categorical feature: the effect of every ordered contrast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from scrub.report import colours
from scrub.report.canvas import MARGIN, RULE, plain, sheet, styled
from scrub.report.lattice import labels
from scrub.report.measured import Measured, refuse
from scrub.report.panel import RULED, write_names

WRITTEN = 12  # values; with more, the cells have no room for numbers
WIDE, NARROW = (0.95, 0.42), 0.28  # inches of a cell with numbers, and without
LARGEST = 14.0  # of all cells
NAME = 1.6
DARK = 0.6  # of the scale: text on such a cell is white


@dataclass(frozen=True, eq=False)
class Contrasts:
    """Effects [own value, value put in its place] of replacing one value of a feature by another.

    The diagonal is no contrast: it is left empty, whatever it holds.
    Raises `InputRefused` if the numbers do not agree.
    """

    title: str
    values: tuple[str, ...]
    effects: Measured
    unit: str = "effect"
    said: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.values)
        where = f"contrasts '{self.title}'"
        refuse(self.effects.misfit(where, values=n, replacements=n))

    @property
    def off_diagonal(self) -> Measured:
        """The effects with NaN on the diagonal."""
        own = np.eye(len(self.values), dtype=bool)
        ends = self.effects.ends or (None, None)
        return Measured(np.where(own, np.nan, self.effects.array), *ends)


@styled
def draw(contrasts: Contrasts) -> Figure:
    """The figure: rows are an example's own value, columns what is put in its place.

    >>> table = Contrasts("Mood", ("sad", "glad"), Measured([[0, 0.4], [-0.3, 0]]), unit="logits")
    >>> scale, axes = draw(table).axes
    >>> axes.get_xlabel(), axes.get_ylabel()
    ('replaced by', 'own value')
    """
    n, effects = len(contrasts.values), contrasts.off_diagonal
    written = n <= WRITTEN
    width, height = WIDE if written else [min(NARROW, LARGEST / n)] * 2
    size = np.abs(np.nan_to_num(effects.array))
    rows = labels(contrasts.values, height, size.max(axis=1), NAME)
    columns = labels(contrasts.values, width, size.max(axis=0), NAME)
    upright = columns.width > width - 0.08
    left, below = rows.width + 0.4, (columns.width if upright else 0.15) + 0.36
    marked = _marks(effects)
    foot = MARGIN + (0.25 if marked else 0.0)
    tall = max(n * height, 1.5 - below)
    across = 2 * MARGIN + left + n * width + colours.BAR_ROOM
    page = sheet(contrasts.title, contrasts.said, across, 0.12 + tall + below + foot)
    top, norm = page.body - 0.12, colours.scale(effects.size or 1.0)
    bar = (MARGIN + left + n * width, top, min(3.0, max(1.4, n * height)))
    colours.bar(page, *bar, norm, contrasts.unit)
    axes = page.axes(MARGIN + left, top - n * height, n * width, n * height)
    _cells(axes, effects, norm, gap=0.8 if width > RULED else 0.0)
    if written:
        _numbers(axes, effects, norm)
    plain(axes, "replaced by", "own value")
    axes.tick_params(length=2.5, width=0.6, pad=2)
    write_names(axes.set_xticks, columns, **({"rotation": 90} if upright else {}))
    write_names(axes.set_yticks, rows)
    colours.marks(page, MARGIN, MARGIN + 0.1, marked)
    return page.figure


def _marks(effects: Measured) -> list[str]:
    n = len(effects.array)
    absent = effects.known.sum() < n * (n - 1)
    found = {colours.DOUBTFUL: effects.doubtful.any(), colours.ABSENT: absent}
    return [name for name, occurs in found.items() if occurs]


def _cells(axes: Axes, effects: Measured, norm: Normalize, gap: float) -> None:
    """Coloured cells, and a thin stroke through the empty ones of the diagonal."""
    n = len(effects.array)
    colours.cells(axes, effects.array, norm, gap)
    colours.hatch(axes, effects.doubtful)
    axes.invert_yaxis()
    for i in range(n):
        axes.add_patch(Rectangle((i - 0.5, i - 0.5), 1, 1, facecolor="white", zorder=1.6))
        axes.plot((i - 0.5, i + 0.5), (i - 0.5, i + 0.5), color=RULE, linewidth=0.6, zorder=1.7)


def _numbers(axes: Axes, effects: Measured, norm: Normalize) -> None:
    """Each effect, and below it its interval, dark on light and light on dark."""
    for row, column in np.argwhere(effects.known):
        value = effects.array[row, column]
        ink = "white" if abs(float(norm(value)) - 0.5) > DARK / 2 else "black"
        box = None
        if effects.doubtful[row, column]:  # the hatching would cross the digits
            face = colours.palette()(norm(value))
            box = {"facecolor": face, "edgecolor": "none", "pad": 1.0}
        how: dict[str, Any] = {"ha": "center", "color": ink, "bbox": box, "parse_math": False}
        up = 0.17 if effects.ends else 0.0
        axes.text(column, row - up, rounded(value, 3), va="center", fontsize=8, **how)
        if effects.ends:
            low, high = (rounded(end[row, column], 2) for end in effects.ends)
            axes.text(column, row + 0.2, f"{low} to {high}", va="center", fontsize=5.5, **how)


def rounded(value: float, digits: int) -> str:
    """
    >>> rounded(-0.50617, 2), rounded(12345.6, 3), rounded(0.0, 2)
    ('−0.51', '12,346', '0')
    """
    text = f"{value:,.0f}" if 1e3 <= abs(value) < 1e7 else f"{value:.{digits}g}"
    return text.replace("-", "−")
