"""One grid of cells on its sheet: names along its sides, roles below, positions above."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D

from scrub.report import colours
from scrub.report.canvas import GREY, Sheet, plain
from scrub.report.fonts import label
from scrub.report.grids import Heatmap
from scrub.report.lattice import LONGEST_ROLE, ROLE_LINE, ROLE_SIZE, Labels, Place

RULED = 0.15  # cells this wide are parted by white lines


def draw_panel(
    page: Sheet, place: Place, left: float, floor: float, norm: Normalize, heatmap: Heatmap
) -> Axes:
    """Cells from `left`, `floor` on; everything else around them, where `place` has room for it."""
    axes = page.axes(left, floor, place.width, place.height)
    effects = place.panel.effects
    gap = 0.5 if place.width / len(place.panel.columns) > RULED else 0.0
    colours.cells(axes, effects.array, norm, gap)
    colours.hatch(axes, effects.doubtful)
    colours.beyond(axes, np.abs(effects.array) > heatmap.extent)
    axes.tick_params(length=2.5, width=0.6, pad=2)
    write_names(axes.set_yticks, place.rows)
    turn = {"rotation": 90, "ha": "center", "va": "top"} if place.upright else {}
    write_names(axes.set_xticks, place.columns, **turn)
    if place.numbers:
        above = axes.secondary_xaxis("top")
        above.tick_params(length=2, width=0.5, pad=1)
        write_names(above.set_xticks, place.numbers, color=GREY)
    plain(axes, heatmap.columns_are, heatmap.rows_are)
    axes.xaxis.set_label_coords(0.5, (0.02 - place.below) / place.height)
    axes.xaxis.label.set_verticalalignment("bottom")
    axes.yaxis.set_label_coords((0.12 - place.left) / place.width, 0.5)
    _title(axes, place)
    _roles(page, place, left, floor)
    return axes


def _title(axes: Axes, place: Place) -> None:
    title = label(place.panel.name, 9, place.across - place.left) if place.panel.name else ""
    pad = 17 if place.numbers else 5
    how: dict[str, Any] = {"fontsize": 9, "fontweight": "bold", "loc": "left", "parse_math": False}
    axes.set_title(title, pad=pad, **how)


def write_names(ticks: Callable[..., Any], labels: Labels, **how: Any) -> None:
    """Along an axis, by its `set_xticks` or `set_yticks`."""
    ticks(list(labels.at), labels=list(labels.texts), fontsize=labels.size, parse_math=False, **how)


def _roles(page: Sheet, place: Place, left: float, floor: float) -> None:
    """A bracket below each run of columns that share a role, and the role's name below it."""
    cell = place.width / len(place.panel.columns)
    y = floor - place.names - 0.06
    for span in place.spans:
        start, end = left + span.first * cell, left + (span.last + 1) * cell
        xs = [x / page.width for x in (start + 0.02, start + 0.02, end - 0.02, end - 0.02)]
        ys = [height / page.height for height in (y + 0.03, y, y, y + 0.03)]
        line = Line2D(xs, ys, color=GREY, linewidth=0.8, transform=page.figure.transFigure)
        page.figure.add_artist(line)
        low = y - 0.03 - ROLE_LINE * span.line
        name = label(span.role, ROLE_SIZE, LONGEST_ROLE)
        page.text(
            left + span.middle, low, name, fontsize=ROLE_SIZE, ha="center", va="top", color=GREY
        )
