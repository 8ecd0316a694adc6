"""Colours of effects: one scale with 0 in its middle, and marks for what a colour cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import QuadMesh
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator

from scrub.report.canvas import BODY, GREY, RULE, SMALL, Sheet
from scrub.report.fonts import drawable, text_width
from scrub.report.lettering import prose
from scrub.report.measured import Flags, Floats

UNMEASURED = "#BDBDBD"
HATCH, HATCH_INK = "////", "#ABABAB"
DOUBTFUL = "interval holds 0"
ABSENT = "not measured"
BEYOND = "beyond the scale"
FINE = 5000  # cells


def scale(extent: float) -> Normalize:
    """From -extent to extent, so that 0 has the middle colour."""
    return Normalize(-extent, extent)


def palette() -> Colormap:
    """Blue below 0, red above, white at 0; told apart by the colour-blind and in grey print."""
    return colormaps["RdBu_r"].with_extremes(bad=UNMEASURED)


def cells(axes: Axes, values: Floats, norm: Normalize, gap: float) -> None:
    """A coloured cell for each value [row, column], its centre at (column, row)."""
    rows, columns = values.shape
    axes.pcolormesh(
        np.arange(columns + 1) - 0.5,
        np.arange(rows + 1) - 0.5,
        np.ma.masked_invalid(values),
        cmap=palette(),
        norm=norm,
        edgecolors="white" if gap else "none",
        linewidth=gap,
        antialiased=bool(gap),
    )
    _paint_absent(axes, np.isnan(values))
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(-0.5, rows - 0.5)


def thin_out(figure: Figure) -> None:
    """Put very many cells into an SVG as an image, where as shapes they would take megabytes."""
    every = [mesh for axes in figure.axes for mesh in axes.collections]
    meshes = [mesh for mesh in every if isinstance(mesh, QuadMesh)]
    sizes = [np.asarray(mesh.get_array()).size for mesh in meshes]
    if sum(sizes) > FINE:
        for mesh in meshes:
            mesh.set_rasterized(True)


def _paint_absent(axes: Axes, absent: Flags) -> None:
    if absent.any():
        axes.add_patch(PathPatch(_outline(absent), facecolor=UNMEASURED, linewidth=0, zorder=1.5))


def hatch(axes: Axes, where: Flags) -> None:
    """Lines over the cells that are marked, running on from one cell to the next."""
    if where.any():
        axes.add_patch(
            PathPatch(
                _outline(where),
                facecolor="none",
                edgecolor=HATCH_INK,
                hatch=HATCH,
                linewidth=0,
                zorder=2,
            )
        )


def beyond(axes: Axes, where: Flags) -> None:
    """A dot in each cell whose value lies beyond the scale."""
    rows, columns = np.nonzero(where)
    if len(rows):
        axes.plot(columns, rows, "D", ms=3, mfc="white", mec="black", mew=0.6, zorder=3)


def _outline(where: Flags) -> Path:
    """Rectangles around runs of marked cells, row by row, as one shape."""
    corners: list[tuple[float, float]] = []
    for row, marked in enumerate(where):
        steps = np.diff(np.concatenate([[0], marked.astype(int), [0]]))
        runs = zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True)
        for start, stop in runs:
            left, right, low, high = start - 0.5, stop - 0.5, row - 0.5, row + 0.5
            corners += [(left, low), (right, low), (right, high), (left, high), (left, low)]
    codes = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY] * (len(corners) // 5)
    return Path(corners, codes)


BAR = 0.14  # inches
BAR_ROOM = 1.1  # with the numbers and the unit beside it


def bar(sheet: Sheet, left: float, top: float, height: float, norm: Normalize, unit: str) -> Axes:
    """The scale, upright, with its unit beside it; an arrow head where values lie beyond it."""
    axes = sheet.axes(left + 0.25, top - height, BAR, height)
    made = sheet.figure.colorbar(ScalarMappable(norm, palette()), cax=axes)
    made.outline.set_linewidth(0.5)
    made.locator = MaxNLocator(5 if height < 1.5 else 7, symmetric=True)
    made.update_ticks()
    axes.tick_params(labelsize=SMALL, length=2.5, width=0.6, color=RULE)
    made.set_label(_fitting(unit, height), fontsize=BODY, parse_math=False)
    return axes


def _fitting(unit: str, height: float) -> str:
    text = drawable(prose(unit))
    if text_width(text, BODY) <= height:
        return text
    words = text.split()
    cuts = [(" ".join(words[:i]), " ".join(words[i:])) for i in range(1, len(words) + 1)]
    evenest = min(cuts, key=lambda cut: abs(len(cut[0]) - len(cut[1])))
    return "\n".join(evenest).strip()


def marks(sheet: Sheet, x: float, y: float, shown: Sequence[str]) -> None:
    """What the marks on cells mean, on one line."""
    for name in shown:
        swatch: dict[str, Any] = {
            DOUBTFUL: {"facecolor": "white", "hatch": HATCH, "edgecolor": HATCH_INK},
            ABSENT: {"facecolor": UNMEASURED, "edgecolor": UNMEASURED},
            BEYOND: {"facecolor": "white", "edgecolor": RULE},
        }[name]
        box = (x / sheet.width, (y - 0.06) / sheet.height)
        size = (0.2 / sheet.width, 0.12 / sheet.height)
        transform = sheet.figure.transFigure
        sheet.figure.add_artist(Rectangle(box, *size, linewidth=0.5, transform=transform, **swatch))
        if name == BEYOND:
            sheet.text(x + 0.1, y, "◇", fontsize=BODY, ha="center", va="center_baseline")
        sheet.text(x + 0.27, y, name, fontsize=BODY, color=GREY, va="center_baseline")
        x += 0.27 + text_width(name, BODY) + 0.3
