"""Effects of image patches: the image, and beside it a map of the same grid for each component."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from scrub.report import colours
from scrub.report.canvas import RULE, SMALL, Sheet
from scrub.report.fonts import label
from scrub.report.grids import Image, Patches

WIDE = 14.0  # inches of maps side by side, at the most
MAP = 1.7  # the longer side of one map
LEAST, MOST = 0.02, 0.3  # of one patch
GAP, TITLE, AXIS, HEADING = 0.22, 0.17, 0.32, 0.22
RULED = 0.06  # patches this wide are parted by white lines


@dataclass(frozen=True)
class Mosaic:
    """Where the maps stand, in inches."""

    patches: Patches
    patch: float  # the side of one
    on_a_line: int
    of: int  # maps in all, the image among them

    @property
    def side(self) -> tuple[float, float]:
        """Width and height of one map."""
        rows, columns = self.patches.grid
        return columns * self.patch, rows * self.patch

    @property
    def width(self) -> float:
        return AXIS + self.on_a_line * (self.side[0] + GAP)

    @property
    def height(self) -> float:
        lines = -(-self.of // self.on_a_line)
        return HEADING + lines * (self.side[1] + TITLE + 0.12) + AXIS


def mosaic(patches: Patches) -> Mosaic:
    """As many maps on a line as the width allows."""
    rows, columns = patches.grid
    patch = min(MOST, max(LEAST, MAP / max(rows, columns)))
    of = len(patches.components) + (patches.image is not None)
    fit = max(1, int((WIDE - AXIS) // (columns * patch + GAP)))
    return Mosaic(patches, patch, min(of, fit), of)


def draw_patches(
    page: Sheet, made: Mosaic, left: float, top: float, norm: Normalize, extent: float
) -> None:
    """The maps, the first of each line with its patch rows numbered."""
    patches, (width, height) = made.patches, made.side
    heading = {"fontsize": 9, "fontweight": "bold", "va": "top"}
    page.text(left, top, label(patches.name, 9, made.width), **heading)
    maps: list[int | None] = list(range(len(patches.components)))
    if patches.image is not None:
        maps.insert(0, None)
    for place, shown in enumerate(maps):
        line, at = divmod(place, made.on_a_line)
        floor = top - HEADING - (line + 1) * (height + TITLE + 0.12) + 0.12
        axes = page.axes(left + AXIS + at * (width + GAP), floor, width, height)
        if shown is None:
            _image(axes, patches.image, patches.grid)
        else:
            _map(axes, made, shown, norm, extent)
        name = "image" if shown is None else patches.components[shown]
        axes.set_title(label(name, SMALL, width), fontsize=SMALL, pad=3, parse_math=False)
        last = place + made.on_a_line >= made.of
        _numbers(axes, made, "patch row" if at == 0 else "", "patch column" if last else "")


def _map(axes: Axes, made: Mosaic, component: int, norm: Normalize, extent: float) -> None:
    effects = made.patches.effects
    values = effects.array[component]
    colours.cells(axes, values, norm, gap=0.4 if made.patch > RULED else 0.0)
    colours.hatch(axes, effects.doubtful[component])
    colours.beyond(axes, np.abs(values) > extent)
    axes.invert_yaxis()


def _image(axes: Axes, image: Image | None, grid: tuple[int, int]) -> None:
    """The image with the patches' borders on it."""
    rows, columns = grid
    box = (-0.5, columns - 0.5, rows - 0.5, -0.5)
    axes.imshow(np.asarray(image), extent=box, aspect="auto", cmap="gray")
    axes.hlines(np.arange(1, rows) - 0.5, -0.5, columns - 0.5, "white", linewidth=0.3, alpha=0.6)
    axes.vlines(np.arange(1, columns) - 0.5, -0.5, rows - 0.5, "white", linewidth=0.3, alpha=0.6)


def _numbers(axes: Axes, made: Mosaic, y: str, x: str) -> None:
    rows, columns = made.patches.grid
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 10**9) if step * made.patch >= 0.2)
    axes.tick_params(length=2, width=0.5, pad=1.5, labelsize=6, color=RULE)
    axes.set_xticks(range(0, columns, step))
    axes.set_yticks(range(0, rows, step))
    axes.tick_params(labelleft=bool(y), labelbottom=bool(x))
    axes.set_xlabel(x, fontsize=6, labelpad=1)
    axes.set_ylabel(y, fontsize=6, labelpad=1)
