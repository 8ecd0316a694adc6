"""Heatmaps for the tests, and the texts of a figure as they are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from scrub.report.grids import Heatmap, Panel, Patches
from scrub.report.measured import Floats, Measured

WORDS = (" The", " Eiffel", " Tower", " is", " in", " the", " city", " of", " Paris", " ,")
ODD = (
    "$x^2$",
    "a\nb",
    " ",
    "",
    "\t\t",
    "\U0001f600",
    "中文字",
    "שלום עולם",
    "مرحبا",
    "\u202eabc",
    "x" * 3000,
    "\\frac{1}{2}",
    "<b>&amp;</b>",
    "\ud800",
    "\x00",
    "\u0301",
    "$",
    "%s{}",
    "Ġthe",
    "\U0001f9d1\u200d\U0001f680",
)
SAID = ("logit difference; noise on the subject, 3 deviations; n = 64",)


def effects(*shape: int, seed: int = 0) -> Measured:
    """Mostly noise, every tenth cell large; intervals, the half of them about 0."""
    draw = np.random.default_rng(seed)
    values = draw.normal(0, 0.03, shape)
    values += (draw.random(shape) < 0.1) * draw.normal(0.3, 0.3, shape)
    half = np.abs(draw.normal(0.05, 0.02, shape))
    return Measured(values, values - half, values + half)


def panel(rows: int, columns: int, name: str = "residual stream", stem: str = "resid.") -> Panel:
    tokens = tuple(WORDS[i % len(WORDS)] for i in range(columns))
    components = tuple(f"{stem}{i}" for i in range(rows))
    roles = tuple("subject" if 1 <= i <= 2 else "last token" * (i == 8) for i in range(columns))
    return Panel(name, components, tokens, effects(rows, columns), roles)


def heatmap(rows: int, columns: int, **said: Any) -> Heatmap:
    return Heatmap("Indirect effects", (panel(rows, columns),), "share of total", SAID, **said)


def of(values: Any, **said: Any) -> Heatmap:
    """One panel of these values [row, column]."""
    rows, columns = np.shape(values)
    names = tuple(f"a{i}" for i in range(rows))
    return Heatmap("Values", (Panel("", names, WORDS[:columns], Measured(values)),), **said)


def odd() -> Heatmap:
    rows = ("m$0$", "m1\n", "a1.h<2>")
    roles = ("$r$", "$r$", *[""] * (len(ODD) - 2))
    grid = Panel("$panel$", rows, ODD, effects(3, len(ODD)), roles)
    return Heatmap("Costs $5 & <more>, not $6", (grid,), "$\\alpha$", ("at $<query>$\nonly",))


def vision() -> Heatmap:
    image = np.linspace(0, 1, 56 * 56 * 3).reshape(56, 56, 3)
    maps = Patches("image patches", ("v0", "v1", "v2"), effects(3, 7, 7), image)
    return Heatmap("Seen", (panel(4, 9, "question and answer"), maps))


@dataclass(frozen=True)
class Drawn:
    """A text as the renderer places it, in dots."""

    text: str
    box: Bbox


def drawn(figure: Figure) -> list[Drawn]:
    """Every text that is drawn, in the figure's own dots."""
    found: list[Text] = []
    with _recorded(found):
        figure.draw_without_rendering()
    texts = [text for text in found if text.get_visible() and text.get_text().strip()]
    return [Drawn(text.get_text(), text.get_window_extent()) for text in texts]


@contextmanager
def _recorded(found: list[Text]) -> Iterator[None]:
    original = Text.draw

    def draw(self: Text, *args: Any, **kwargs: Any) -> Any:
        found.append(self)
        return original(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", draw)
        yield


def clashes(figure: Figure) -> list[str]:
    """Texts that overlap, or that leave the sheet; a dot is forgiven."""
    sheet, texts = figure.bbox, drawn(figure)
    found = [f"'{one.text}' leaves the sheet" for one in texts if not _inside(one.box, sheet)]
    found += [
        f"'{one.text}' on '{other.text}'"
        for one, other in combinations(texts, 2)
        if _overlap(one.box, other.box)
    ]
    return found


def _inside(box: Bbox, sheet: Any) -> bool:
    return bool(box.x0 >= -1 and box.y0 >= -1 and box.x1 <= sheet.x1 + 1 and box.y1 <= sheet.y1 + 1)


def _overlap(one: Bbox, other: Bbox) -> bool:
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    up = min(one.y1, other.y1) - max(one.y0, other.y0)
    return bool(across > 1 and up > 1)


def colours_of(figure: Figure) -> list[Floats]:
    """The values behind each grid of cells."""
    meshes = [mesh for axes in figure.axes for mesh in axes.collections]
    return [np.asarray(mesh.get_array()) for mesh in meshes if mesh.get_array() is not None]
