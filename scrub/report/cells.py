"""The cells of a heatmap as a table: on the screen, in Markdown, as CSV.

Every table holds the cells with the largest effects first; what was not measured is in none.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from scrub.report.grids import Heatmap, Panel, Patches
from scrub.report.lettering import prose, visible
from scrub.report.numbers import DASH, count, number, share
from scrub.report.tables import Listing

MOST = 20
NAMES = ("panel", "component", "position", "token", "effect", "low", "high", "share")
FIGURES = NAMES[4:]


@dataclass(frozen=True)
class Cell:
    """One effect: where it was measured, its interval, and its share of the whole effect.

    `low` and `high` are None without intervals; `share` is None without a whole, or of 0.
    """

    panel: str
    component: str
    position: str
    token: str
    effect: float
    low: float | None
    high: float | None
    share: float | None


def strongest(heatmap: Heatmap, most: int | None = None) -> tuple[Cell, ...]:
    """The measured cells, the largest effect of either sign first; all, or so many.

    >>> from scrub.report.measured import Measured
    >>> panel = Panel("MLP", ("m0",), (" a", " b"), Measured([[0.1, -0.4]]))
    >>> for cell in strongest(Heatmap("Where", (panel,), whole=0.8), most=1):
    ...     print(cell.component, cell.position, cell.token, cell.effect, cell.share)
    m0 1  b -0.4 -0.5
    """
    found = [
        (abs(float(panel.effects.array[at])), panel, at)
        for panel in heatmap.panels
        for at in map(tuple, np.argwhere(panel.effects.known).tolist())
    ]
    found.sort(key=lambda one: -one[0])
    return tuple(_cell(panel, at, heatmap.whole) for _, panel, at in found[:most])


def _cell(panel: Panel | Patches, at: tuple[int, ...], whole: float | None) -> Cell:
    effect = float(panel.effects.array[at])
    ends = panel.effects.ends
    low, high = (None, None) if ends is None else (float(end[at]) for end in ends)
    part = effect / whole if whole else None
    return Cell(panel.name, *_place(panel, at), effect, low, high, part)


def _place(panel: Panel | Patches, at: tuple[int, ...]) -> tuple[str, str, str]:
    """What the component, the position and the token are called."""
    if isinstance(panel, Patches):
        component, row, column = at
        return panel.components[component], f"patch row {row}, column {column}", ""
    row, column = at
    return panel.rows[row], *panel.at(column)


def table(heatmap: Heatmap, most: int = MOST) -> RenderableType:
    """The strongest cells for the screen, below the heatmap's title and conventions."""
    cells, names = strongest(heatmap, most), _names(heatmap)
    listing = Listing([f">{name}" if name in FIGURES else name for name in names])
    for cell in cells:
        listing.add(*(Text(_shown(cell, name)) for name in names))
    said = [Text(prose(line), style="dim") for line in (*heatmap.said, f"effect: {heatmap.unit}")]
    rest = [Text(note, style="dim") for note in _rest(heatmap, len(cells))]
    return Group(Text(prose(heatmap.title), style="bold"), *said, Text(), listing, *rest)


def markdown(heatmap: Heatmap, most: int = MOST) -> str:
    """The strongest cells as a Markdown table; nothing in it is read as markup.

    >>> from scrub.report.measured import Measured
    >>> panel = Panel("", ("m0",), ("a|b",), Measured([[0.25]]))
    >>> print(markdown(Heatmap("Where", (panel,), unit="logits")))
    ### Where
    <BLANKLINE>
    effect: logits
    <BLANKLINE>
    | component | position | token | effect |
    | --- | --- | --- | ---: |
    | m0 | 0 | a\\|b | 0.25 |
    <BLANKLINE>
    """
    cells, names = strongest(heatmap, most), _names(heatmap)
    said = (*heatmap.said, f"effect: {heatmap.unit}")
    lines = [f"### {_plain(prose(heatmap.title))}", ""]
    lines += [part for line in said for part in (_plain(prose(line)), "")]
    lines.append(_row(names))
    lines.append(_row(["---:" if name in FIGURES else "---" for name in names]))
    lines += [_row([_plain(_shown(cell, name)) for name in names]) for cell in cells]
    lines += [part for note in _rest(heatmap, len(cells)) for part in ("", note)]
    return "\n".join(lines) + "\n"


def csv_text(heatmap: Heatmap) -> str:
    """Every measured cell as CSV: tokens as they are, numbers in full, nothing where none is.

    Only what UTF-8 cannot hold, half of a surrogate pair, is spelled as Python spells it.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(NAMES)
    for cell in strongest(heatmap):
        values = [getattr(cell, name) for name in NAMES]
        writer.writerow(["" if value is None else _encodable(value) for value in values])
    return out.getvalue()


def _names(heatmap: Heatmap) -> list[str]:
    """The columns that say something."""
    absent = set()
    if all(not panel.name for panel in heatmap.panels) or len(heatmap.panels) == 1:
        absent.add("panel")
    if all(isinstance(panel, Patches) for panel in heatmap.panels):
        absent.add("token")
    if all(panel.effects.ends is None for panel in heatmap.panels):
        absent |= {"low", "high"}
    if not heatmap.whole:
        absent.add("share")
    return [name for name in NAMES if name not in absent]


def _shown(cell: Cell, name: str) -> str:
    value = getattr(cell, name)
    if name == "share":
        return share(value)
    if name in FIGURES:
        return DASH if value is None or np.isnan(value) else number(value)
    if name == "token" and cell.position.startswith("patch row"):
        return DASH
    return visible(value)


def _rest(heatmap: Heatmap, shown: int) -> Iterator[str]:
    """What the table leaves out."""
    measured = sum(int(panel.effects.known.sum()) for panel in heatmap.panels)
    cells = sum(panel.effects.array.size for panel in heatmap.panels)
    if measured > shown:
        yield f"{count(measured - shown, 'more cell')}, none with a larger effect."
    if cells > measured:
        yield f"{count(cells - measured, 'cell')} not measured."


MARKUP = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]<>()#+!|~$&"})


def _plain(text: str) -> str:
    """Characters that Markdown would read as markup are escaped."""
    return text.translate(MARKUP)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _encodable(value: object) -> str:
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")
