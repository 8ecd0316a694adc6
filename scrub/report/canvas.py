"""The sheet under every plot: its title and conventions, axes placed in inches, files of it.

A figure is made without pyplot's global state, and looks the same whatever the user's own
matplotlib settings say.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from scrub.errors import InputRefused, Problem
from scrub.report.fonts import drawable, families, label, lines, text_width
from scrub.report.lettering import prose
from scrub.results.files import write_whole

PICTURES = (".png", ".svg")
DOTS = {".png": 150, ".svg": 300}  # per inch; in an SVG, of what is too fine to be drawn as shapes
MARGIN = 0.2
LEAST_WIDTH = 5.0  # of a sheet, so that its title has room
INK, GREY, RULE = "#1A1A1A", "#595959", "#B8B8B8"
SERIES = ("#0072B2", "#D55E00", "#00704F", "#CC79A7", "#B8860B", "#5E4FA2", "#4D4D4D", "#3E9BCB")
TITLE, SUBTITLE, BODY, SMALL = 12.0, 8.5, 8.0, 7.0  # points

P = ParamSpec("P")


@contextmanager
def style() -> Iterator[None]:
    """matplotlib's own settings and these, while a figure is made or written."""
    ours: dict[str, Any] = {
        "font.family": [*families(), "sans-serif"],
        "font.sans-serif": list(families()),
        "font.size": BODY,
        "text.color": INK,
        "axes.edgecolor": RULE,
        "axes.labelcolor": INK,
        "axes.linewidth": 0.7,
        "axes.unicode_minus": True,
        "xtick.color": GREY,
        "ytick.color": GREY,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": SMALL,
        "ytick.labelsize": SMALL,
        "hatch.linewidth": 0.5,
        "svg.fonttype": "none",  # text stays text
        "svg.hashsalt": "scrub",  # the same figure gives the same file
    }
    with matplotlib.style.context(["default", ours]):
        yield


def styled(make: Callable[P, Figure]) -> Callable[P, Figure]:
    """A function that makes a figure, under `style`."""

    @wraps(make)
    def inside(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with style():
            return make(*args, **kwargs)

    return inside


@dataclass(frozen=True)
class Sheet:
    """A figure with its title on it; the plots' places are inches from the left and the bottom."""

    figure: Figure
    width: float
    height: float
    body: float  # the height that is left below the title

    def axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        box = (
            left / self.width,
            bottom / self.height,
            width / self.width,
            height / self.height,
        )
        return self.figure.add_axes(box)

    def text(self, x: float, y: float, said: str, **how: Any) -> Text:
        """As it is: nothing in it is read as mathematics."""
        place = (x / self.width, y / self.height)
        return self.figure.text(*place, said, parse_math=False, **how)


def sheet(title: str, said: Sequence[str], width: float, body: float) -> Sheet:
    """A white sheet: the title, what was measured and how, and below them `body` inches."""
    width = max(width, LEAST_WIDTH)
    room = width - 2 * MARGIN
    titles = lines(title, TITLE, room, bold=True)
    notes = [line for one in said for line in lines(one, SUBTITLE, room)]
    head = MARGIN + 0.22 * len(titles) + 0.165 * len(notes) + 0.08
    height = body + head
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    made = Sheet(figure, width, height, body)
    y = height - MARGIN
    for line in titles:
        made.text(MARGIN, y, line, fontsize=TITLE, fontweight="bold", va="top")
        y -= 0.22
    for line in notes:
        made.text(MARGIN, y, line, fontsize=SUBTITLE, color=GREY, va="top")
        y -= 0.165
    return made


def plain(axes: Axes, x: str = "", y: str = "", title: str = "") -> None:
    """What the axes show, in words."""
    if x:
        axes.set_xlabel(drawable(prose(x)), fontsize=BODY, parse_math=False)
    if y:
        axes.set_ylabel(drawable(prose(y)), fontsize=BODY, parse_math=False)
    if title:
        named = drawable(prose(title))
        axes.set_title(named, fontsize=9, fontweight="bold", loc="left", parse_math=False)


def open_frame(axes: Axes) -> None:
    """Only the left and the lower edge, and faint lines to read values along."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    axes.tick_params(length=3, width=0.7)


KEY_WIDTH = 2.3  # inches of a key's names, at the most


def key_width(names: Sequence[str]) -> float:
    """How much room a key beside the axes takes."""
    wide = max(text_width(label(name, BODY, KEY_WIDTH), BODY) for name in names)
    return wide + 0.55


def key(axes: Axes, handles: Sequence[Any], names: Sequence[str]) -> None:
    """Names of the series, to the right of the axes, where they cover nothing."""
    shown = [label(name, BODY, KEY_WIDTH) for name in names]
    legend = axes.legend(
        handles,
        shown,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        borderaxespad=0.4,
        frameon=False,
        fontsize=BODY,
        handlelength=2.4,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG or SVG, complete or not at all.

    Raises `InputRefused` for another suffix or a place where nothing can be written.
    """
    suffix = path.suffix.lower()
    if suffix not in PICTURES:
        raise InputRefused(Problem("plot", f"'{path}' must end in {' or '.join(PICTURES)}."))
    content = io.BytesIO()
    metadata = {"Date": None} if suffix == ".svg" else {}  # nothing depends on when it was made
    with style():
        figure.savefig(content, format=suffix[1:], dpi=DOTS[suffix], metadata=metadata)
    write_whole(path, content.getvalue())
    return path
