"""A hypothesis drawn beside the model's layers, as SVG or PNG.

On the left every component of the model as a faint cell, layer above layer; on the right each node
as a box at its layer, with what it stands for and carries, and arrows into the ports that read it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path as FilePath
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.path import Path

from scrub.errors import InputRefused, Problem
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.hypothesis import Hypothesis
from scrub.report.fonts import drawable
from scrub.report.inks import EDGE, FAINT, GREY, INK, KINDS, PAPER, PORTS, Ink, ink_of
from scrub.report.layers import MEANING, Mark, kind_of
from scrub.report.lettering import prose
from scrub.report.numbers import count, share
from scrub.report.sheet import BOX_HEIGHT, Band, Box, Sheet, lay_out, text_width
from scrub.results.graph import ClaimGraph, graph_of
from scrub.results.result import Result

DOTS = 150  # per inch, of a PNG
STUB = 0.18  # of the dashed line into a leaf, in inches


def draw(hypothesis: Hypothesis, claim: Claim, paths: Iterable[FilePath]) -> None:
    """Write the drawing to each path, in the format of its suffix (.svg or .png)."""
    figure = drawing(hypothesis, claim)
    for path in paths:
        save(figure, path)


def save(figure: Figure, path: FilePath) -> None:
    """Text stays text in an SVG, and nothing in the file depends on when it was made."""
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "scrub"}):
        metadata: dict[str, Any] = {"Date": None} if path.suffix.lower() == ".svg" else {}
        figure.savefig(path, dpi=DOTS, metadata=metadata)


def drawing(hypothesis: Hypothesis, claim: Claim) -> Figure:
    """The drawing as a matplotlib figure, in inches, without pyplot's global state."""
    said = (
        f"{claim.graph.name}: {count(len(claim.nodes), 'node')}, "
        f"{count(len(claim.edges), 'edge')}, {share(claim.unimportant)} of the model's "
        f"{claim.graph.n_edges:,} edges claimed not to matter"
    )
    return _drawn(graph_of(claim), hypothesis.name, hypothesis.claim, said)


def drawing_of(result: Result) -> Figure:
    """The claim of a result, drawn again. Raises `InputRefused` where the result lacks its graph.

    Files of earlier versions hold none.
    """
    if result.graph is None:
        found = f"the result of '{result.name}' does not hold its claim's graph."
        raise InputRefused(Problem("drawing", found, "Run it again, or use scrub show."))
    claims = result.claims
    said = (
        f"{result.model}: {count(claims.nodes, 'node')}, {count(claims.edges, 'edge')}, "
        f"{share(claims.unimportant)} of the model's {claims.model_edges:,} edges claimed not to "
        "matter"
    )
    return _drawn(result.graph, result.name, result.claim, said)


def _drawn(graph: ClaimGraph, name: str, claim: str, said: str) -> Figure:
    sheet = lay_out(graph)
    claim_lines = textwrap.wrap(claim, max(40, int(sheet.width * 12)))
    head, foot = 0.62 + 0.19 * len(claim_lines), 0.86
    height = sheet.height + head + foot
    figure = Figure(figsize=(sheet.width, height), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0, sheet.width)
    axes.set_ylim(-foot, sheet.height + head)
    axes.set_axis_off()
    _title(axes, name, claim_lines, said, sheet.height + head)
    _layers(axes, sheet)
    for arrow in sheet.arrows:
        _arrow(axes, arrow.points, arrow.ports)
    for box in sheet.boxes:
        _box(axes, box)
    _key(axes, sheet, -0.26)
    return figure


def _title(axes: Axes, name: str, lines: Sequence[str], said: str, top: float) -> None:
    _text(axes, 0.2, top - 0.28, name, fontsize=13, fontweight="bold", va="center")
    for number, line in enumerate([*lines, said]):
        last = number == len(lines)
        _text(
            axes,
            0.2,
            top - 0.5 - 0.19 * number,
            line,
            fontsize=8.5,
            va="center",
            color=GREY if last else "black",
            style="normal" if last else "italic",
        )


def _text(axes: Axes, x: float, y: float, said: str, **how: Any) -> None:
    """As it is: nothing in it is read as mathematics, and what no font has is spelled."""
    axes.text(x, y, drawable(prose(said)), parse_math=False, **how)


def _layers(axes: Axes, sheet: Sheet) -> None:
    """A band for each layer, and in it a cell for each component of the model."""
    for number, band in enumerate(sheet.bands):
        shade = FAINT if number % 2 == 0 else "white"
        axes.add_patch(
            Rectangle(
                (0.1, band.bottom),
                sheet.width - 0.2,
                band.top - band.bottom,
                facecolor=shade,
                edgecolor="none",
                zorder=0,
            )
        )
        if band.begins:
            _beginning(axes, band, sheet.width)
        middle = (band.bottom + band.top) / 2
        _text(axes, 0.2, middle, band.label, fontsize=7, va="center", color=GREY)
        for cell in band.cells:
            ink = ink_of(kind_of([cell.component], sheet.output), cell.mark)
            axes.add_patch(
                Rectangle(
                    (cell.x, middle - cell.height / 2),
                    cell.width,
                    cell.height,
                    linewidth=0.6,
                    facecolor=ink.face,
                    edgecolor=ink.edge,
                    linestyle=ink.line,
                    zorder=1,
                )
            )
            if cell.text:
                _text(
                    axes,
                    cell.x + cell.width / 2,
                    middle,
                    cell.text,
                    fontsize=5.5,
                    ha="center",
                    va="center_baseline",
                    color=ink.text,
                    zorder=2,
                )


def _beginning(axes: Axes, band: Band, width: float) -> None:
    """Where another position space begins: a line, and what the positions above it are."""
    ends = (0.1, width - 0.1)
    axes.plot(ends, (band.bottom, band.bottom), color=GREY, linewidth=0.7, zorder=1)
    at = (width - 0.2, band.bottom + 0.09)
    _text(axes, *at, band.begins, fontsize=7, ha="right", va="center", color=GREY, style="italic")


def _box(axes: Axes, box: Box) -> None:
    """A node: its name, where it stands, what it carries; its ports along the lower edge."""
    left, bottom = box.x - box.width / 2, box.y
    axes.add_patch(
        FancyBboxPatch(
            (left, bottom),
            box.width,
            BOX_HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.07",
            facecolor=PAPER[box.kind],
            edgecolor=INK[box.kind],
            linewidth=1.3,
            zorder=4,
        )
    )
    lower = 0.0 if box.ports else 0.05  # nothing is written on a leaf's lower edge
    for line, dy in zip(box.lines, (0.15, 0.31, 0.45), strict=True):
        _text(
            axes,
            box.x,
            bottom + BOX_HEIGHT - dy - lower,
            line.text,
            fontsize=line.size,
            ha="center",
            va="center",
            zorder=5,
            fontweight="bold" if line.bold else "normal",
            color="black" if line.bold else "#303030",
            style="italic" if line.italic else "normal",
        )
    if box.left_open:  # a dashed line from below
        stub = ((box.x, box.x), (bottom - STUB, bottom))
        axes.plot(*stub, color=INK[box.kind], linewidth=1.0, linestyle=(0, (2, 1.5)), zorder=3)
    for name, x in box.ports.items():
        _text(
            axes,
            x,
            bottom + 0.07,
            name,
            fontsize=6.5,
            ha="center",
            va="center",
            zorder=6,
            color=_colour(name),
            fontweight="bold",
        )


def _colour(ports: str) -> str:
    return PORTS.get(ports, EDGE)


def _arrow(axes: Axes, points: Sequence[tuple[float, float]], ports: str) -> None:
    """A smooth line that leaves and arrives upright, straight where it passes a row of boxes."""
    vertices, codes = [points[0]], [Path.MOVETO]
    for (x0, y0), (x1, y1) in pairwise(points):
        bend = (y1 - y0) * (0.5 if abs(x1 - x0) > 1e-6 else 0.33)
        vertices += [(x0, y0 + bend), (x1, y1 - bend), (x1, y1)]
        codes += [Path.CURVE4] * 3
    axes.add_patch(
        FancyArrowPatch(
            path=Path(vertices, codes),
            arrowstyle="-|>,head_length=3.2,head_width=1.6",
            linewidth=1.0,
            color=_colour(ports),
            alpha=0.85,
            shrinkA=0,
            shrinkB=0,
            zorder=3,
            joinstyle="round",
        )
    )


def _key(axes: Axes, sheet: Sheet, y: float) -> None:
    """What the colours, the cells and the lines in a box mean."""
    kinds = [kind for kind in KINDS if any(box.kind == kind for box in sheet.boxes)]
    _swatches(axes, y, {KINDS[kind]: Ink(PAPER[kind], INK[kind], GREY) for kind in kinds})
    seen = {cell.mark for band in sheet.bands for cell in band.cells}
    seen |= {Mark.OPEN for box in sheet.boxes if box.left_open}
    _swatches(axes, y - 0.2, {MEANING[m]: ink_of("embed", m) for m in Mark if m in seen})
    said = (
        "A box says: name; component @ positions; what it carries; on its lower edge the "
        "ports that are read."
    )
    _text(axes, 0.2, y - 0.4, said, fontsize=7, va="center", color=GREY)


def _swatches(axes: Axes, y: float, inks: Mapping[str, Ink]) -> None:
    """A row of small squares, each with what it stands for."""
    x = 0.2
    for text, ink in inks.items():
        axes.add_patch(
            Rectangle(
                (x, y - 0.06),
                0.12,
                0.12,
                facecolor=ink.face,
                edgecolor=ink.edge,
                linestyle=ink.line,
                linewidth=1.0,
            )
        )
        _text(axes, x + 0.18, y, text, fontsize=7, va="center", color=GREY)
        x += 0.4 + 1.05 * text_width(text, 7)  # as drawn it is a little wider than its outline
