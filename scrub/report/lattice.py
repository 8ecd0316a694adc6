"""The measures of a heatmap, in inches: cells, the labels that have room, lines of panels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from scrub.report.fonts import label, text_width
from scrub.report.grids import Heatmap, Panel
from scrub.report.lettering import thinned
from scrub.report.measured import Floats

WIDE, TALL = 14.0, 20.0  # of all cells side by side and above one another, at the most
CELL, CELL_HEIGHT = 0.32, 0.26  # of one cell, at the most
USUAL_TALL, LEGIBLE = 8.0, 0.15  # rows become this low before the whole becomes higher than usual
LONGEST_ROW, LONGEST_COLUMN = 1.6, 1.2  # of a name or token; what is longer is cut
LARGEST, SMALLEST = 8.0, 6.0  # points
LEADING = 1.32  # from one line of text to the next, in sizes of the text
FLAT = 12  # columns, if there are no more of them, may be as wide as their names
GAP = 0.3  # between panels
ROLE_LINE, ROLE_SIZE, LONGEST_ROLE = 0.16, 7.0, 1.6


@dataclass(frozen=True)
class Labels:
    """Names along an axis: which cells have one, as they are written, their size in points."""

    at: tuple[int, ...]
    texts: tuple[str, ...]
    size: float
    width: float  # of the widest
    of: int

    @property
    def thinned(self) -> bool:
        return len(self.at) < self.of


@dataclass(frozen=True)
class Span:
    """Neighbouring columns of one role, and where below them its name stands.

    `middle` and `half` are inches: of the name from the first column's edge, and half its width.
    """

    role: str
    first: int
    last: int
    line: int
    middle: float
    half: float


@dataclass(frozen=True)
class Place:
    """A panel's size and what stands around it."""

    panel: Panel
    width: float
    height: float
    rows: Labels
    columns: Labels
    upright: bool  # whether the columns' names stand upright
    numbers: Labels | None  # positions, above the cells
    spans: tuple[Span, ...]
    left: float  # of the cells, in the panel

    @property
    def above(self) -> float:
        return 0.27 + (0.16 if self.numbers else 0.0)

    @property
    def names(self) -> float:
        """From the cells to the lower end of the columns' names."""
        return 0.08 + (self.columns.width if self.upright else 0.14)

    @property
    def below(self) -> float:
        lines = 1 + max((span.line for span in self.spans), default=-1)
        return self.names + (0.08 + ROLE_LINE * lines if lines else 0.0) + 0.22

    @property
    def across(self) -> float:
        """The whole width; a narrow panel leaves room for its title."""
        title = min(2.4, text_width(label(self.panel.name, 9, 2.4), 9, bold=True) * 1.05)
        roles = max((span.middle + span.half for span in self.spans), default=0.0)
        return self.left + max(self.width, title, roles)


def lay_out(heatmap: Heatmap) -> tuple[tuple[Place, ...], ...]:
    """Lines of panels: as many side by side as leave each column its name, else one a line."""
    panels = [panel for panel in heatmap.panels if isinstance(panel, Panel)]
    most = _widest_cell(panels)
    legible = SMALLEST * LEADING / 72
    for together in range(len(panels), 0, -1):
        lines = [panels[i : i + together] for i in range(0, len(panels), together)]
        width = min([most, *(_cell_width(line) for line in lines)])
        if width >= legible or together == 1:
            break
    else:
        return ()
    rows = sum(max(len(panel.rows) for panel in line) for line in lines)
    height = min(CELL_HEIGHT, max(LEGIBLE, USUAL_TALL / rows), TALL / rows)
    return _aligned([[_place(panel, width, height) for panel in line] for line in lines])


def _aligned(lines: Sequence[Sequence[Place]]) -> tuple[tuple[Place, ...], ...]:
    """Panels above one another begin at the same place, so that their columns can be compared."""
    left = [max(line[i].left for line in lines if i < len(line)) for i in range(len(lines[0]))]
    return tuple(
        tuple(replace(place, left=x) for place, x in zip(line, left, strict=False))
        for line in lines
    )


def _cell_width(line: Sequence[Panel]) -> float:
    room = WIDE - sum(_longest(panel.rows, LARGEST, LONGEST_ROW) + 0.6 for panel in line[1:])
    return room / sum(len(panel.columns) for panel in line)


def _widest_cell(panels: Sequence[Panel]) -> float:
    """Few columns may be as wide as their names, which then lie flat."""
    if sum(len(panel.columns) for panel in panels) > FLAT:
        return CELL
    names = max((_longest(panel.columns, LARGEST, 9.0) for panel in panels), default=0.0)
    return max(CELL, names + 0.12) if names <= 0.8 else CELL


def _longest(names: Iterable[str], size: float, most: float) -> float:
    return max(text_width(label(name, size, most), size) for name in names)


def _place(panel: Panel, width: float, height: float) -> Place:
    size = np.abs(np.nan_to_num(panel.effects.array))
    rows = labels(panel.rows, height, size.max(axis=1), LONGEST_ROW)
    columns = labels(panel.columns, width, size.max(axis=0), LONGEST_COLUMN)
    upright = columns.width > width - 0.06
    return Place(
        panel,
        width * len(panel.columns),
        height * len(panel.rows),
        rows,
        columns,
        upright,
        _numbers(panel, width),
        _spans(panel.roles, width, rows.width + 0.33),
        rows.width + 0.33,
    )


def labels(names: Sequence[str], cell: float, weight: Floats, longest: float) -> Labels:
    """As large as cells of so many inches allow; where they are narrower than the smallest text,
    the names of the heaviest.
    """
    size = min(LARGEST, max(SMALLEST, cell * 72 / LEADING))
    gap = math.ceil(size * LEADING / 72 / cell - 1e-9)
    at = thinned(weight, gap)
    texts = tuple(label(names[i], size, longest) for i in at)
    return Labels(at, texts, size, max(text_width(text, size) for text in texts), len(names))


def _numbers(panel: Panel, cell: float) -> Labels | None:
    """Positions at even steps, where counting the columns by eye would be tedious."""
    if not panel.positions and len(panel.columns) <= FLAT:
        return None
    names = [label(panel.at(i)[0], SMALLEST, 0.6) for i in range(len(panel.columns))]
    wide = max(text_width(name, SMALLEST) for name in names) + 0.08
    steps = (step * 10**power for power in range(9) for step in (1, 2, 5))
    step = next(step for step in steps if step * cell >= wide)
    at = tuple(range(0, len(names), step))
    return Labels(at, tuple(names[i] for i in at), SMALLEST, wide, len(names))


def _spans(roles: Sequence[str], cell: float, left: float) -> tuple[Span, ...]:
    """Each name on the first line on which it does not touch the one before it."""
    found, ends, column, width = [], list[float](), 0, cell * len(roles)
    for role, members in groupby(roles):
        first, column = column, column + len(list(members))
        if not role:
            continue
        half = text_width(label(role, ROLE_SIZE, LONGEST_ROLE), ROLE_SIZE) / 2 + 0.04
        middle = min((first + column) / 2 * cell, width - half)  # inside the panel, if it fits
        middle = max(middle, half - left)
        line = next((i for i, end in enumerate(ends) if end <= middle - half), len(ends))
        ends[line : line + 1] = [middle + half]
        found.append(Span(role, first, column - 1, line, middle, half))
    return tuple(found)
