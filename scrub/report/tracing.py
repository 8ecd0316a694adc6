"""A trace as a person reads it: the strongest cells, and all of them as a heatmap."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from rich.console import Group, RenderableType
from rich.panel import Panel as Box
from rich.text import Text

from scrub.errors import InputRefused, Problem, nearest
from scrub.mediation.carrying import Direction
from scrub.mediation.pictures import Grid
from scrub.mediation.traced import EFFECTS, Trace, Traced
from scrub.report.grids import Heatmap, Panel, Patches
from scrub.report.lettering import visible
from scrub.report.measured import Floats, Measured
from scrub.report.numbers import DASH, count, interval, level, number, share
from scrub.report.tables import Listing, grid, heading
from scrub.statistics.recovered import Bounds

MOST = 20  # cells that are listed
TITLES = {
    Direction.RESTORE.value: "What restoring a cell repairs",
    Direction.KNOCK_OUT.value: "What knocking a cell out breaks",
}
DONE = {
    Direction.RESTORE.value: "wild value into the corrupted run",
    Direction.KNOCK_OUT.value: "corrupted value into the wild run",
}
KINDS = {
    "resid": "residual state",
    "attn": "attention",
    "mlp": "MLP",
    "heads": "heads",
    "components": "components",
    "named": "named",
}
SPACES = {"image": "image patches", "tokens": "tokens", "decoder_tokens": "decoder tokens"}
LAID = (  # what lies in a grid, and beside it: among tokens, and in a space of an image's own
    ("tokens of the image", "text tokens"),
    ("image patches", "image, beside the patches"),
)
SAID = ("model", "task", "metric", "scored_at", "examples", "rows", "draws", "seed", "direction")
APART = ("corruption", "cells", "level")  # said in the report's own words


def report(found: Trace) -> RenderableType:
    """The whole report, for a screen of 100 columns or more."""
    sure = level(found.conventions["level"])
    return Group(
        _header(found),
        heading("Runs", f"{found.metric}, {sure} intervals"),
        _runs(found),
        *_doubts(found),
        heading("Cells", f"the largest total effects; {DONE[found.direction]}, {sure} intervals"),
        _cells(found),
        *_rest(found),
        heading("Cost and conventions"),
        _cost(found),
    )


def _header(found: Trace) -> RenderableType:
    said, facts = found.conventions, grid()
    facts.add_row("model", Text(str(said["model"])))
    facts.add_row("task", Text(f"{said['task']}, {count(said['rows'], 'row')}"))
    facts.add_row("metric", Text(f"{found.metric} at {said['scored_at']}"))
    scored = f"{count(said['examples'], 'example')} × {count(said['draws'], 'draw')}"
    facts.add_row("traced", Text(f"{scored}, seed {said['seed']}"))
    for written in found.corruption:
        facts.add_row("corrupted", Text(written))
    return Group(Text(TITLES[found.direction], style="bold"), Text(), facts)


def _runs(found: Trace) -> RenderableType:
    table = Listing(["", ">mean", ">interval", "what it is"])
    for name, figure, what in (
        ("wild", found.wild, "the model as it is"),
        ("corrupted", found.corrupted, "under the corruption"),
        ("effect", found.whole, "wild − corrupted: what there is to repair"),
    ):
        table.add(name, number(figure.value), _ends(figure), Text(what))
    return table


def _doubts(found: Trace) -> Iterator[RenderableType]:
    """What qualifies the figures, right under the runs."""
    said = [*([found.refusal] if found.refusal else []), *found.notes]
    if found.unchanged:
        said.append(f"{share(found.unchanged)} of the draws put in what was there.")
    if said:
        yield Box("\n".join(said), title="Before you believe it", title_align="left")


def _cells(found: Trace) -> RenderableType:
    top = found.top(MOST)
    shown = {
        "component": [Text(cell.component, style="bold") for cell in top],
        "of": [Text(cell.space) for cell in top],
        "at": [Text(cell.position + (f" ({cell.role})" if cell.role else "")) for cell in top],
        "token": [Text(visible(cell.token) if cell.token else DASH) for cell in top],
    }
    if len({cell.space for cell in found.cells}) == 1:
        del shown["of"]
    if not any(cell.token for cell in found.cells):
        del shown["token"]
    table = Listing([*shown, ">total", ">interval", ">direct", ">indirect", ">share"])
    decimals = _decimals(max(abs(cell.total.value) for cell in top))
    for i, cell in enumerate(top):
        figures = [_fixed(getattr(cell, effect).value, decimals) for effect in EFFECTS]
        ends = [_fixed(end, decimals) for end in (cell.total.low, cell.total.high)]
        sure = DASH if cell.total.low is None else " to ".join(ends)
        part = DASH if cell.share is None else _fixed(cell.share.value, 3)
        names = [column[i] for column in shown.values()]
        table.add(*names, figures[0], sure, *figures[1:], part)
    return table


def _decimals(largest: float) -> int:
    """As many as write the largest effect with four digits."""
    return 3 if not largest else min(9, max(0, 3 - math.floor(math.log10(largest))))


def _fixed(value: float | None, decimals: int) -> str:
    """
    >>> _fixed(-0.00001, 3), _fixed(1.5, 2), _fixed(None, 2)
    ('0', '1.50', '–')
    """
    if value is None:
        return DASH
    text = f"{value:,.{decimals}f}"
    return text if text.strip("-0.") else "0"


def _rest(found: Trace) -> Iterator[RenderableType]:
    more = len(found.cells) - MOST
    if more > 0:
        yield Text(f"{count(more, 'more cell')}, none with a larger effect", style="dim")


def _cost(found: Trace) -> RenderableType:
    cost, table = found.cost, grid()
    passes = f"at most {number(cost['forward_passes'])} forward passes over the examples"
    table.add_row("cost", Text(f"{passes}, {cost['seconds']:.1f} s"))
    known = f", {int(cost['known']):,} known from the journal" if cost["known"] else ""
    ran = f"{int(cost['evaluated']):,} run, {int(cost['same']):,} equal in both runs{known}"
    table.add_row("cells", Text(f"{len(found.cells):,}; over all batches of examples {ran}"))
    table.add_row("intervals", Text("over examples; those that share an input are one unit"))
    told = {k: v for k, v in found.conventions.items() if k not in (*SAID, *APART)}
    table.add_row("by name", Text(", ".join(f"{k} {v}" for k, v in told.items())))
    return table


def _ends(figure: Bounds) -> str:
    return DASH if figure.low is None else interval(figure.low, figure.high)


def heatmap(found: Trace, effect: str = "total") -> Heatmap:
    """Every cell's total, direct or indirect effect, or its share, in a panel for each kind of row
    and each position space; of images, over the patches.

    Raises `InputRefused` for another effect, and for shares that were refused.
    """
    require_effect(effect)
    if effect == "share" and found.refusal:
        raise InputRefused(Problem("effect 'share'", found.refusal))
    said = found.conventions
    scored = f"{count(said['examples'], 'example')} × {count(said['draws'], 'draw')}"
    sign = 1 if found.direction == Direction.RESTORE.value else -1
    return Heatmap(
        title=TITLES[found.direction],
        panels=tuple(_panels(found, effect)),
        unit="share of the whole effect" if effect == "share" else f"{effect} effect",
        said=(
            f"{said['model']} on {said['task']}: {found.metric} at {said['scored_at']}; wild "
            f"{number(found.wild.value)}, corrupted {number(found.corrupted.value)}",
            f"corrupted: {'; '.join(found.corruption)}",
            f"{scored}, seed {said['seed']}{_sure(found)}",
        ),
        whole=None if effect == "share" else sign * found.whole.value,
    )


def _sure(found: Trace) -> str:
    if found.wild.low is None:
        return "; no intervals"
    return f"; {level(found.conventions['level'])} intervals over examples"


def require_effect(effect: str) -> None:
    """Refuse what is no effect, before a trace is made for a picture of it.

    Raises `InputRefused`.
    """
    if effect not in (*EFFECTS, "share"):
        fix = nearest(effect, (*EFFECTS, "share"))
        raise InputRefused(Problem(f"effect '{effect}'", "is not one.", fix))


def _panels(found: Trace, effect: str) -> Iterator[Panel | Patches]:
    several = len({cell.space for cell in found.cells}) > 1
    grids = {one.space: one for one in found.grids}
    for kind, space in dict.fromkeys((cell.kind, cell.space) for cell in found.cells):
        cells = [cell for cell in found.cells if (cell.kind, cell.space) == (kind, space)]
        name = _kind(kind) + (f", {SPACES.get(space, space)}" if several else "")
        rows = list(dict.fromkeys(cell.component for cell in cells))
        columns = {cell.position: cell for cell in cells}
        table = _table(cells, rows, list(columns), effect)
        laid = grids.get(space)
        if laid and {str(i) for i in laid.positions} <= set(columns):
            places = [list(columns).index(str(i)) for i in laid.positions]
            seen, beside = (f"{_kind(kind)}, {part}" for part in LAID[space == "image"])
            yield _patches(seen, rows, table[:, :, places], laid, found)
            others = [i for i in range(len(columns)) if i not in places]
            if others:
                left = [list(columns.values())[i] for i in others]
                yield _panel(beside, rows, left, table[:, :, others])
        else:
            yield _panel(name, rows, list(columns.values()), table)


def _kind(kind: str) -> str:
    if kind.startswith("window:"):
        _, size, of = kind.split(":")
        return f"{KINDS[of]}, windows of {size}"
    return KINDS.get(kind, kind)


def _table(
    cells: Sequence[Traced], rows: Sequence[str], columns: Sequence[str], effect: str
) -> Floats:
    """Values and the ends of their intervals, [value or low or high, row, column]."""
    table = np.full((3, len(rows), len(columns)), np.nan)
    row_of = {name: i for i, name in enumerate(rows)}
    column_of = {name: i for i, name in enumerate(columns)}
    for cell in cells:
        figure = getattr(cell, effect)
        ends = [figure.value, figure.low, figure.high]
        at = row_of[cell.component], column_of[cell.position]
        table[:, *at] = [np.nan if end is None else end for end in ends]
    return table


def _measured(table: Floats) -> Measured:
    if np.isnan(table[1]).all():
        return Measured(table[0])
    return Measured(table[0], table[1], table[2])


def _panel(name: str, rows: Sequence[str], columns: Sequence[Traced], table: Floats) -> Panel:
    named = any(one.token for one in columns)
    return Panel(
        name=name,
        rows=tuple(rows),
        columns=tuple(_column(one) for one in columns),
        effects=_measured(table),
        roles=tuple(one.role for one in columns) if any(one.role for one in columns) else (),
        positions=tuple(one.position for one in columns) if named else (),
    )


def _column(one: Traced) -> str:
    """An index by the token that stands there, if it is one token; a role by its name."""
    return one.token if one.token and one.position.isdigit() else one.position


def _patches(name: str, rows: Sequence[str], table: Floats, laid: Grid, found: Trace) -> Patches:
    shaped = table.reshape(3, len(rows), laid.rows, laid.columns)
    return Patches(name, tuple(rows), _measured(shaped), found.per_example.get("image"))
