"""The measures of a drawing, in inches: bands of layers, cells, boxes, and the arrows' points."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from scrub.report.fonts import drawable
from scrub.report.layers import (
    Mark,
    component_text,
    kind_of,
    marks,
    ports_read,
)
from scrub.report.lettering import prose
from scrub.report.placing import Placed, place
from scrub.results.graph import ClaimGraph, GraphEdge, GraphLayer, GraphNode

BOX_HEIGHT = 0.68
ROW_GAP = 0.42  # between rows of boxes, for the arrows to turn in; more where many arrive
THIN = 0.17  # a layer without nodes
LEAST_WIDTH = 7.0
MOST_WIDTH = 13.0  # of one row of boxes; more boxes of a layer go into another row
LABEL = 14  # characters of a layer's label
COLUMN = 2.4  # how wide the widest layer's cells may become
LONGEST = 30  # characters of a line in a box


@dataclass(frozen=True)
class Cell:
    """A component of the model, and what the claim says of it."""

    component: str
    text: str
    x: float
    width: float
    height: float
    mark: Mark


@dataclass(frozen=True)
class Band:
    """A layer: from where to where, its cells, and the position space that begins with it."""

    label: str
    bottom: float
    top: float
    cells: tuple[Cell, ...]
    begins: str = ""


@dataclass(frozen=True)
class Line:
    text: str
    size: float
    bold: bool = False
    italic: bool = False


@dataclass(frozen=True)
class Box:
    """A node: its centre and lower edge, its text, and where along that edge its ports lie.

    `left_open` is a leaf that reads other components, of which the claim says nothing.
    """

    name: str
    x: float
    y: float
    width: float
    kind: str
    lines: tuple[Line, ...]
    ports: Mapping[str, float]
    left_open: bool


@dataclass(frozen=True)
class Arrow:
    """From the top of a parent through the rows between to a port of the child."""

    points: tuple[tuple[float, float], ...]
    ports: str
    parent: str
    child: str


@dataclass(frozen=True)
class Sheet:
    """Everything that is drawn, and how large the sheet is."""

    output: str
    width: float
    height: float
    bands: tuple[Band, ...]
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def lay_out(claim: ClaimGraph) -> Sheet:
    """Measure a claim: bands as high as their boxes need, boxes beside the model's cells."""
    lines = {node.name: _lines(node) for node in claim.nodes}
    arriving = {node.name: ports_read(claim, node.name) for node in claim.nodes}
    ports = {name: tuple(found) for name, found in arriving.items()}
    widths = {name: _box_width(lines[name], ports[name]) for name in ports}
    rows, row_layer = _rows(claim, widths)
    placed = place(rows, widths, {(e.parent, e.child): _arrives(e, ports) for e in claim.edges})
    into = [sum(placed.row[e.child] == i for e in claim.edges) for i in range(len(rows))]
    bottoms, tops, row_y = _heights(len(claim.layers), row_layer, into)
    said = marks(claim)
    labels = [_short(layer.label, LABEL) for layer in claim.layers]
    left = 0.35 + max(text_width(label, 7) for label in labels)
    bands = tuple(
        Band(labels[i], bottoms[i], tops[i], _cells(layer, said, left), layer.begins)
        for i, layer in enumerate(claim.layers)
    )
    start = max(cell.x + cell.width for band in bands for cell in band.cells) + 0.45
    width = max(start + placed.width + 0.3, LEAST_WIDTH)
    start += (width - 0.3 - start - placed.width) / 2
    boxes = {
        node.name: Box(
            node.name,
            start + placed.x[node.name],
            row_y[placed.row[node.name]],
            widths[node.name],
            kind_of(node.components, claim.output),
            lines[node.name],
            _ports(arriving[node.name], node.name, placed, start, widths[node.name]),
            node.left_open,
        )
        for node in claim.nodes
    }
    arrows = _arrows(claim, placed, boxes, row_y, start)
    return Sheet(claim.output, width, tops[-1], bands, tuple(boxes.values()), arrows)


def _arrives(edge: GraphEdge, ports: Mapping[str, Sequence[str]]) -> float:
    """Where along its child's lower edge an arrow is wanted: first port left, last right."""
    known = ports[edge.child]
    return (known.index(", ".join(edge.ports)) + 0.5) / len(known) - 0.5


def _rows(claim: ClaimGraph, widths: Mapping[str, float]) -> tuple[list[list[str]], list[int]]:
    """Node names row by row from below, and each row's layer."""
    by_layer: dict[int, list[str]] = {}
    for node in claim.nodes:
        by_layer.setdefault(node.layer, []).append(node.name)
    rows: list[list[str]] = []
    of: list[int] = []
    for layer in sorted(by_layer):
        used = MOST_WIDTH + 1
        for name in by_layer[layer]:
            used += widths[name] + 0.25
            if used > MOST_WIDTH:
                rows.append([])
                of.append(layer)
                used = widths[name]
            rows[-1].append(name)
    return rows, of


def _heights(
    n_layers: int, of: Sequence[int], arriving: Sequence[int]
) -> tuple[list[float], list[float], list[float]]:
    """Each band's bottom and top, and the lower edge of each row of boxes."""
    bottoms, tops, row_y, y = [], [], [], 0.0
    for layer in range(n_layers):
        bottoms.append(y)
        for row in [row for row, at in enumerate(of) if at == layer]:
            y += ROW_GAP / 2 + min(0.4, 0.012 * arriving[row])
            row_y.append(y)
            y += BOX_HEIGHT + ROW_GAP / 2
        y += THIN if layer not in of else 0.0
        tops.append(y)
    return bottoms, tops, row_y


def _cells(layer: GraphLayer, said: Mapping[str, Mark], x: float) -> tuple[Cell, ...]:
    """Heads as numbered squares, in rows that fit the column; anything else by its name."""
    heads = [re.search(r"\.h(\d+)$", name) for name in layer.components]
    texts = [m[1] if m else name for m, name in zip(heads, layer.components, strict=True)]
    widths = [
        0.17 if m else max(0.34, text_width(t, 5.5) + 0.1)
        for m, t in zip(heads, texts, strict=True)
    ]
    squeeze = min(1.0, COLUMN / (sum(widths) or 1))
    cells = []
    for name, text, width in zip(layer.components, texts, widths, strict=True):
        width *= squeeze
        fits = width >= text_width(text, 5.5) + 0.02
        cells.append(Cell(name, text if fits else "", x, width * 0.9, 0.13, said[name]))
        x += width
    return tuple(cells)


def _lines(node: GraphNode) -> tuple[Line, ...]:
    place = f"{component_text(node, 3)} @ {node.positions}"
    return (
        Line(_short(node.name), 8.5, bold=True),
        Line(_short(place), 7.0),
        Line(_short(f"carries {node.feature}"), 7.0, italic=True),
    )


def _short(text: str, most: int = LONGEST) -> str:
    """On one line, what has no shape spelled out, and cut."""
    text = prose(text)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _box_width(lines: Sequence[Line], ports: Sequence[str]) -> float:
    text = max(text_width(line.text, line.size, line.bold) for line in lines)
    return max(0.9, text + 0.24, sum(text_width(port, 6.5) + 0.18 for port in ports))


@cache
def text_width(text: str, size: float, bold: bool = False) -> float:
    """How wide a text is in inches."""
    if not text.strip():
        return 0.0
    font = FontProperties(weight="bold" if bold else "normal")
    path = TextPath((0, 0), drawable(text).replace("$", r"\$"), size=size, prop=font)
    return float(path.get_extents().width) / 72


def _ports(
    arriving: Mapping[str, Sequence[str]], name: str, placed: Placed, start: float, width: float
) -> dict[str, float]:
    """Ports along the lower edge of a box, in the order in which their arrows come in."""
    coming: dict[str, list[float]] = {}
    for ports, parents in arriving.items():
        for parent in parents:
            route = placed.routes[parent, name]
            coming.setdefault(ports, []).append(route[-1][1] if route else placed.x[parent])
    order = sorted(coming, key=lambda ports: sum(coming[ports]) / len(coming[ports]))
    left, step = start + placed.x[name] - width / 2, width / max(len(order), 1)
    return {ports: left + step * (i + 0.5) for i, ports in enumerate(order)}


def _arrows(
    claim: ClaimGraph,
    placed: Placed,
    boxes: Mapping[str, Box],
    row_y: Sequence[float],
    start: float,
) -> tuple[Arrow, ...]:
    found = []
    for edge in claim.edges:
        parent, child, ports = boxes[edge.parent], boxes[edge.child], ", ".join(edge.ports)
        points = [(parent.x, parent.y + BOX_HEIGHT)]
        for row, x in placed.routes[edge.parent, edge.child]:
            points += [(start + x, row_y[row]), (start + x, row_y[row] + BOX_HEIGHT)]
        points.append((child.ports[ports], child.y))
        found.append(Arrow(tuple(points), ports, edge.parent, edge.child))
    return tuple(found)
