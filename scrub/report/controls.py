"""Controls as a person reads them: the claim among its nulls, what each part of it is worth."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from scrub.report.numbers import DASH, count, level, number, ratio
from scrub.report.tables import Listing, grid, heading
from scrub.results.comparison import Apart
from scrub.results.controls import Controls, Nulls
from scrub.results.result import Figure

MOST_GROUPS = 8


def report(found: Controls) -> RenderableType:
    """The whole report, for a screen of 100 columns or more."""
    return Group(
        _header(found),
        *_nulls(found),
        *_left_out(found),
        *_swaps(found),
        *_anchors(found),
        *_groups(found),
        *_sensitivity(found),
        *_refusals(found),
        *_cautions(found),
    )


def _header(found: Controls) -> RenderableType:
    said, facts = found.conventions, grid()
    facts.add_row("model", Text(found.model))
    facts.add_row("task", Text(f"{found.task}, {said['rows']:,} rows"))
    facts.add_row("metric", Text(f"{found.metric} at {said['scored_at']}"))
    scored = f"{count(said['references'], 'reference')} × {count(said['draws'], 'draw')}"
    facts.add_row("scored", Text(f"{scored}, seed {said['seed']}; the same for all"))
    share = found.recovered
    shown = f"{ratio(share.value)} ({_ends(share.low, share.high)}, {level(share.level)})"
    facts.add_row("recovered", Text(share.refusal or shown, style="bold"))
    seconds = sum(found.seconds.values())
    facts.add_row("took", Text(f"{seconds:.0f} s"))
    return Group(Text(f"{found.name} held against its controls", style="bold"), Text(), facts)


def _nulls(found: Controls) -> Iterator[RenderableType]:
    if not found.nulls:
        return
    yield heading("Nulls", "as good: others that recover as much; below: share that recovers less")
    table = Listing(
        (
            "kind",
            ">drawn",
            ">distinct",
            ">itself",
            ">as good",
            ">lowest",
            ">median",
            ">highest",
            ">below",
            ">interval",
            ">p",
        )
    )
    for one in found.nulls:
        table.add(one.kind, *_null_cells(one))
    yield table
    lines = grid()
    for one in found.nulls:
        lines.add_row(Text(one.kind), Text(one.says))
    yield lines


def _null_cells(one: Nulls) -> tuple[str, ...]:
    values, place = sorted(one.recovered), one.percentile
    counts = (str(len(one.means)), str(one.distinct), str(one.coincide))
    if place is None:
        return (*counts, *[DASH] * 7)
    middle = values[len(values) // 2]
    return (
        *counts,
        str(one.matched),
        *map(ratio, (values[0], middle, values[-1])),
        f"{place.below:.0%}",
        f"{place.low:.0%} to {place.high:.0%}",
        number(place.p),
    )


def _left_out(found: Controls) -> Iterator[RenderableType]:
    told = [one for one in found.left_out if one.refusal is None]
    if not told:
        return
    yield heading("Claims left out", "worth: recovered with − without; Holm over all of them")
    table = Listing(["without", "", ">worth", ">interval", ">Holm", ">recovered", "note"])
    for one in told:
        note = "idle" if one.idle else ""
        if one.forgotten:
            note = f"{note}{', ' if note else ''}stays as a leaf that carries nothing"
        table.add(
            one.what, Text(one.name), *_cells(one.worth), ratio(one.recovered), Text(note, "yellow")
        )
    yield table


def _swaps(found: Controls) -> Iterator[RenderableType]:
    told = [one for one in found.swaps if one.refusal is None]
    if not told:
        return
    yield heading("Swaps", "donors that differ on the feature: hurt = recovered − under the swap")
    table = Listing(["node", "feature", ">hurt", ">interval", ">Holm", ">recovered", "note"])
    for one in told:
        note = Text("" if one.breaks else "does not hurt", "yellow")
        cells = (*_cells(one.hurt), ratio(one.recovered))
        table.add(Text(one.node), Text(one.feature), *cells, note)
    yield table


def _anchors(found: Controls) -> Iterator[RenderableType]:
    if not found.anchors:
        return
    yield heading("Anchors", "known beforehand, and measured")
    table = Listing(["", ">expected", ">recovered", "what it is"])
    for one in found.anchors:
        expected = DASH if one.expected is None else f"{one.expected:g}"
        measured = DASH if one.recovered is None else f"{one.recovered:.6f}"
        table.add(one.name, expected, measured, Text(one.says))
    yield table


def _groups(found: Controls) -> Iterator[RenderableType]:
    if not found.subgroups:
        return
    looked = count(len(found.subgroups), "group")
    yield heading("Subgroups", f"the worst of {looked}; apart: less all; Holm over all groups")
    titles = ["where", ">references", ">recovered", ">interval", ">apart", ">interval", ">Holm"]
    table = Listing(titles)
    for one in found.subgroups[:MOST_GROUPS]:
        share = (ratio(one.recovered.value), _figure_ends(one.recovered))
        where = Text(f"{one.column} {one.value}")
        table.add(where, str(one.references), *share, *_cells(one.apart))
    yield table


def _sensitivity(found: Controls) -> Iterator[RenderableType]:
    if not found.sensitivity:
        return
    yield heading("Conventions", "one changed at a time; fragile: another sign, or intervals apart")
    table = Listing(["convention", "value", ">recovered", ">interval", "note"])
    for one in found.sensitivity:
        if one.recovered.value is not None:
            note = Text("its own", "dim") if one.own else Text("fragile" * one.fragile, "yellow")
            cells = (ratio(one.recovered.value), _figure_ends(one.recovered))
            table.add(one.name, Text(one.value), *cells, note)
    yield table


def _refusals(found: Controls) -> Iterator[RenderableType]:
    """What could not be done, and why."""
    lines = grid()
    told = [(f"nulls {one.kind}", one.refusal) for one in found.nulls]
    told += [(f"{one.what} {one.name}", one.refusal) for one in found.left_out]
    told += [(f"swap {one.node}", one.refusal) for one in found.swaps]
    told += [(one.name, one.refusal) for one in found.anchors]
    told += [(f"{one.column} {one.value}", one.refusal) for one in found.subgroups]
    told += [(f"{one.name} {one.value}", one.refusal) for one in found.sensitivity]
    refused = [(name, why) for name, why in told if why]
    for name, why in refused:
        lines.add_row(Text(name), Text(why))
    if refused:
        yield heading("Not applied")
        yield lines


def _cautions(found: Controls) -> Iterator[RenderableType]:
    if not found.cautions:
        yield Panel(Text("Nothing in these controls speaks against it."), border_style="green")
        return
    table = Table.grid(padding=(0, 1))
    for sentence in found.cautions:
        table.add_row(Text("!", style="bold yellow"), Text(sentence))
    yield Panel(table, title="Before you believe it", title_align="left", border_style="yellow")


def _cells(one: Apart | None) -> tuple[str, str, str]:
    if one is None:
        return DASH, "", ""
    return f"{one.value + 0.0:+.3f}", _ends(one.low, one.high), number(one.holm)


def _figure_ends(one: Figure) -> str:
    return _ends(one.low, one.high)


def _ends(low: float | None, high: float | None) -> str:
    return "none" if low is None or high is None else f"{ratio(low)} to {ratio(high)}"
