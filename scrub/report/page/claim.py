"""The claim's graph over the model's layers as places in an inline drawing, in pixels.

The same measures as `drawing.py`, turned upside down: y grows downwards here. Colours are the
page's, by classes, so that the drawing follows its light and dark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from scrub.report.inks import KINDS
from scrub.report.layers import MEANING, Mark, kind_of
from scrub.report.sheet import BOX_HEIGHT, Arrow, Band, Box, Sheet, lay_out
from scrub.results.graph import ClaimGraph

SCALE = 112  # pixels of an inch
THINNEST, THICKEST = 1.2, 6.0  # pixels of an arrow
LABEL = (42, 16)  # pixels that an edge's worth takes
PLACES = (0.25, 0.4, 0.55, 0.7, 0.12, 0.85)  # along a stretch of an arrow

Point = tuple[float, float]


@dataclass(frozen=True)
class Shape:
    """A rectangle with its classes, its text if any, and what it is when pointed at."""

    x: float
    y: float
    width: float
    height: float
    classes: str
    text: str = ""
    says: str = ""


@dataclass(frozen=True)
class Line:
    """A line of text in a box."""

    x: float
    y: float
    classes: str
    text: str


@dataclass(frozen=True)
class Path:
    """An arrow: its curve, the corners of its head, its width, and its edge's worth in a word."""

    curve: str
    head: str
    width: float
    classes: str
    says: str
    label: str
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True)
class Drawing:
    """All that is drawn, the first below the last; `keys` are what the colours mean."""

    width: float
    height: float
    bands: tuple[Shape, ...]
    labels: tuple[Line, ...]
    cells: tuple[Shape, ...]
    arrows: tuple[Path, ...]
    boxes: tuple[Shape, ...]
    lines: tuple[Line, ...]
    stubs: tuple[Shape, ...]
    keys: tuple[tuple[str, str], ...]
    says: str


@dataclass(frozen=True)
class Worth:
    """What an edge is worth, as a number and in words; `idle`: it cannot be told from 0."""

    value: float | None
    said: str
    idle: bool = False


Worths = Mapping[tuple[str, str], Worth]


def picture(graph: ClaimGraph, worth: Worths | None = None) -> Drawing:
    """The drawing of a claim; `worth` is what each edge (parent, child) is worth."""
    sheet = lay_out(graph)
    worth = worth or {}
    most = max((abs(w.value) for w in worth.values() if w.value is not None), default=0.0)
    draw = _Draw(sheet, graph.output)
    return Drawing(
        width=draw.px(sheet.width),
        height=draw.px(sheet.height),
        bands=tuple(draw.band(i, band) for i, band in enumerate(sheet.bands)),
        labels=tuple(line for band in sheet.bands for line in draw.labels(band)),
        cells=tuple(cell for band in sheet.bands for cell in draw.cells(band)),
        arrows=_apart(
            [draw.arrow(one, worth.get((one.parent, one.child)), most) for one in sheet.arrows],
            sheet,
        ),
        boxes=tuple(draw.box(box) for box in sheet.boxes),
        lines=tuple(line for box in sheet.boxes for line in draw.lines(box)),
        stubs=tuple(draw.stub(box) for box in sheet.boxes if box.left_open),
        keys=_keys(sheet),
        says=_says(graph),
    )


def _says(graph: ClaimGraph) -> str:
    """The whole graph in words, for those who do not see it."""
    stands = [f"{n.name} is {', '.join(n.parts)} at {n.positions}" for n in graph.nodes]
    reads = [f"{e.child} reads {e.parent} through {', '.join(e.ports)}" for e in graph.edges]
    return "; ".join([*stands, *reads]) + "."


def _keys(sheet: Sheet) -> tuple[tuple[str, str], ...]:
    kinds = {box.kind for box in sheet.boxes}
    seen = {cell.mark for band in sheet.bands for cell in band.cells}
    seen |= {Mark.OPEN for box in sheet.boxes if box.left_open}
    named = [(f"box {kind}", KINDS[kind]) for kind in KINDS if kind in kinds]
    marks = {Mark.NAMED: "cell named embed", Mark.OPEN: "cell open", Mark.UNNAMED: "cell"}
    return (*named, *((marks[mark], MEANING[mark]) for mark in Mark if mark in seen))


@dataclass(frozen=True)
class _Draw:
    """Turns inches from the bottom into pixels from the top."""

    sheet: Sheet
    output: str

    def px(self, inches: float) -> float:
        return round(inches * SCALE, 1)

    def top(self, y: float) -> float:
        return self.px(self.sheet.height - y)

    def band(self, number: int, band: Band) -> Shape:
        height = self.px(band.top - band.bottom)
        shade = "band even" if number % 2 == 0 else "band"
        begins = f"{shade} begins" if band.begins else shade
        return Shape(0.0, self.top(band.top), self.px(self.sheet.width), height, begins)

    def labels(self, band: Band) -> Sequence[Line]:
        middle = self.top((band.bottom + band.top) / 2)
        found = [Line(self.px(0.1), middle, "layer", band.label)]
        if band.begins:
            right, y = self.px(self.sheet.width - 0.1), self.top(band.bottom + 0.09)
            found.append(Line(right, y, "space", band.begins))
        return found

    def cells(self, band: Band) -> Sequence[Shape]:
        middle = (band.bottom + band.top) / 2
        marks = {Mark.NAMED: "cell named", Mark.OPEN: "cell open", Mark.UNNAMED: "cell"}
        return [
            Shape(
                self.px(cell.x),
                self.top(middle + cell.height / 2),
                self.px(cell.width),
                self.px(cell.height),
                f"{marks[cell.mark]} {kind_of([cell.component], self.output)}",
                cell.text,
                f"{cell.component}: {MEANING[cell.mark]}",
            )
            for cell in band.cells
        ]

    def box(self, box: Box) -> Shape:
        left = self.px(box.x - box.width / 2)
        says = ", ".join(line.text for line in box.lines)
        height = self.px(BOX_HEIGHT)
        classes = f"box {box.kind}"
        return Shape(
            left, self.top(box.y + BOX_HEIGHT), self.px(box.width), height, classes, says=says
        )

    def lines(self, box: Box) -> Sequence[Line]:
        lower = 0.0 if box.ports else 0.05  # nothing is written on a leaf's lower edge
        x, top = self.px(box.x), box.y + BOX_HEIGHT - lower
        kinds = ("name", "place", "carries")
        found = [
            Line(x, self.top(top - dy), kind, line.text)
            for line, dy, kind in zip(box.lines, (0.15, 0.31, 0.45), kinds, strict=True)
        ]
        ports = [
            Line(self.px(at), self.top(box.y + 0.07), f"port {_port(name)}", name)
            for name, at in box.ports.items()
        ]
        return [*found, *ports]

    def stub(self, box: Box) -> Shape:
        return Shape(self.px(box.x), self.top(box.y), 0.0, self.px(0.18), box.kind)

    def arrow(self, arrow: Arrow, worth: Worth | None, most: float) -> Path:
        points = [(self.px(x), self.top(y)) for x, y in arrow.points]
        x, y = points[-1]
        worth = worth or Worth(None, "")
        value, said = worth.value, worth.said
        thick = THINNEST
        if value is not None and most > 0:
            thick += (THICKEST - THINNEST) * abs(value) / most
        half = 3.0 + thick / 2
        points[-1] = (x, y + 2 * half - 1)  # the curve ends inside the head
        says = f"{arrow.parent} → {arrow.child} ({arrow.ports})"
        return Path(
            curve=_curve(points),
            head=f"{x:g},{y:g} {x - half:g},{y + 2 * half:g} {x + half:g},{y + 2 * half:g}",
            width=round(thick, 2),
            classes=f"{_port(arrow.ports)} idle" if worth.idle else _port(arrow.ports),
            says=f"{says}: {said}" if said else says,
            label="" if value is None else f"{value:+.2f}".replace("-", "−"),
        )


def _port(name: str) -> str:
    return f"port-{name}" if name in ("q", "k", "v") else "port-other"


def _apart(arrows: Sequence[Path], sheet: Sheet) -> tuple[Path, ...]:
    """Each label on its own arrow, the first place along it at which no other label stands.

    Arrows part from one another near the box that they leave, but for those of one trunk.
    """
    taken: list[Point] = []
    found = []
    for path, arrow in zip(arrows, sheet.arrows, strict=True):
        if not path.label:
            found.append(path)
            continue
        places = list(_along([(x * SCALE, (sheet.height - y) * SCALE) for x, y in arrow.points]))
        free = (p for p in places if not any(_touch(p, other) for other in taken))
        x, y = next(free, places[0])
        taken.append((x, y))
        found.append(replace(path, x=round(x, 1), y=round(y, 1)))
    return tuple(found)


def _touch(one: Point, other: Point) -> bool:
    return abs(one[0] - other[0]) < LABEL[0] and abs(one[1] - other[1]) < LABEL[1]


def _along(points: Sequence[Point]) -> Iterator[Point]:
    """Places on the curve, from its beginning on."""
    for (x0, y0), (x1, y1) in pairwise(points):
        for t in PLACES:
            yield x0 + (x1 - x0) * t * t * (3 - 2 * t), y0 + (y1 - y0) * t


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """A smooth line that leaves and arrives upright."""
    parts = [f"M{points[0][0]:g},{points[0][1]:g}"]
    for (x0, y0), (x1, y1) in pairwise(points):
        bend = (y1 - y0) * (0.5 if abs(x1 - x0) > 1e-6 else 0.33)
        parts.append(f"C{x0:g},{y0 + bend:g} {x1:g},{y1 - bend:g} {x1:g},{y1:g}")
    return " ".join(parts)
