"""Effects by component and position as a heatmap: the input at the bottom, tokens along the foot.

The scale has 0 in its middle. Cells whose interval holds 0 are hatched, cells that were not
measured are grey, and where names would overlap, those with the largest effects are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from scrub.report import colours
from scrub.report.canvas import GREY, MARGIN, SMALL, Sheet, sheet, styled
from scrub.report.fonts import lines
from scrub.report.grids import Heatmap, Patches
from scrub.report.lattice import GAP, Place, lay_out
from scrub.report.numbers import number
from scrub.report.panel import draw_panel
from scrub.report.patches import HEADING, TITLE, Mosaic, draw_patches, mosaic

DWARFED = 10  # times the next effect: then the scale hardly shows the others
LINE = 0.15  # inches of a note
LEAST = 2.0  # inches of a body, so that the scale has room

Line = tuple[Place, ...]


@styled
def draw(heatmap: Heatmap) -> Figure:
    """The figure; as large as its cells and names need, up to about 17 × 35 inches.

    >>> from scrub.report.grids import Panel
    >>> from scrub.report.measured import Measured
    >>> panel = Panel("attention", ("a0", "a1"), ("The", " cat"), Measured([[0, 0.1], [0.7, 0]]))
    >>> scale, axes = draw(Heatmap("Where it happens", (panel,), unit="indirect effect")).axes
    >>> axes.get_title(loc="left"), scale.get_ylabel()
    ('attention', 'indirect effect')
    """
    grids = lay_out(heatmap)
    maps = [mosaic(panel) for panel in heatmap.panels if isinstance(panel, Patches)]
    widths = [sum(p.across for p in line) + GAP * (len(line) - 1) for line in grids]
    widths += [made.width for made in maps]
    heights = [*(map(_height, grids)), *(made.height for made in maps)]
    across = max(widths[0] + colours.BAR_ROOM, *widths)
    marked = _marks(heatmap)
    notes = [part for note in _notes(heatmap, grids) for part in lines(note, SMALL, across)]
    foot = MARGIN + LINE * len(notes) + (0.25 if marked else 0.0)
    body = max(sum(heights), LEAST) + foot
    page = sheet(heatmap.title, heatmap.said, across + 2 * MARGIN, body)
    norm, top = colours.scale(heatmap.extent), page.body
    _scale(page, heatmap, grids, maps, MARGIN + widths[0])
    for line in grids:
        _line(page, line, top, norm, heatmap)
        top -= _height(line)
    for made in maps:
        draw_patches(page, made, MARGIN, top, norm, heatmap.extent)
        top -= made.height
    colours.marks(page, MARGIN, MARGIN + LINE * len(notes) + 0.1, marked)
    for number_of, note in enumerate(reversed(notes)):
        page.text(MARGIN, MARGIN + LINE * number_of, note, fontsize=SMALL, color=GREY)
    colours.thin_out(page.figure)
    return page.figure


def _scale(
    page: Sheet, heatmap: Heatmap, grids: Sequence[Line], maps: Sequence[Mosaic], left: float
) -> None:
    """Beside the first line of panels or maps, as high as they are if that suffices."""
    if grids:
        above, tall, room = _above(grids[0]), max(p.height for p in grids[0]), _height(grids[0])
    else:
        above, tall, room = HEADING + TITLE, maps[0].side[1], maps[0].height
    alone = len(grids) + len(maps) == 1
    room = (max(room, LEAST) if alone else room) - above - 0.1
    height = min(3.0, max(tall, min(room, 1.5)))
    norm = colours.scale(heatmap.extent)
    colours.bar(page, left, page.body - above, height, norm, heatmap.unit)


def _line(page: Sheet, line: Line, top: float, norm: Normalize, heatmap: Heatmap) -> None:
    """Panels side by side, their lowest rows level."""
    floor, x = top - _above(line) - max(place.height for place in line), MARGIN
    for place in line:
        draw_panel(page, place, x + place.left, floor, norm, heatmap)
        x += place.across + GAP


def _above(line: Line) -> float:
    return max(place.above for place in line)


def _height(line: Line) -> float:
    return _above(line) + max(p.height for p in line) + max(p.below for p in line) + 0.12


def _marks(heatmap: Heatmap) -> list[str]:
    """Those that occur."""
    every = [panel.effects for panel in heatmap.panels]
    found = {
        colours.DOUBTFUL: any(effects.doubtful.any() for effects in every),
        colours.ABSENT: not all(effects.known.all() for effects in every),
        colours.BEYOND: any(effects.size > heatmap.extent for effects in every),
    }
    return [name for name, occurs in found.items() if occurs]


def _notes(heatmap: Heatmap, grids: Sequence[Line]) -> Iterator[str]:
    """What a reader could not see: names left out, and effects that the scale hides."""
    for line in grids:
        for place in line:
            for labels, what in ((place.columns, "columns"), (place.rows, "rows")):
                if labels.thinned:
                    name = f"{place.panel.name}: " if place.panel.name else ""
                    yield (
                        f"{name}{len(labels.at):,} of {labels.of:,} {what} are named, those with "
                        "the largest effects first."
                    )
    sizes = heatmap.sizes
    if not len(sizes):
        yield "Nothing was measured."
    elif not sizes[0]:
        yield "Every effect that was measured is 0."
    elif heatmap.limit is not None and sizes[0] > heatmap.limit:
        beyond = int(np.sum(sizes > heatmap.limit))
        yield (
            f"The scale ends at {number(heatmap.limit)}; {beyond:,} of {len(sizes):,} effects lie "
            f"beyond, up to {number(sizes[0])}."
        )
    elif len(sizes) > 1 and sizes[1] and sizes[0] > DWARFED * sizes[1]:
        yield (
            f"The largest effect is {number(sizes[0] / sizes[1])} times the next, so the scale "
            "hardly shows the others; a limit would."
        )
