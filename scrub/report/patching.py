"""What interventions at one site did, as a person reads it: the figures, then what they rest on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from scrub.mediation.ablation import Sensitivity
from scrub.mediation.contrasts import Permutation
from scrub.mediation.doses import Curve, Response
from scrub.mediation.findings import Finding
from scrub.mediation.knocking import Knock
from scrub.report.numbers import DASH, count, interval, level, number, share
from scrub.report.tables import Listing, grid, heading
from scrub.statistics.recovered import Bounds

MOST = 40  # contrasts that are listed
WIDEST = 10  # values of a matrix that is written out
SAID = ("model", "task", "metric", "scored_at", "examples", "rows", "draws", "seed", "at")


def report(found: Finding) -> RenderableType:
    """The whole report, for a screen of 100 columns or more. Raises TypeError for other findings.

    >>> report(Finding({}, {}))
    Traceback (most recent call last):
    TypeError: there is no report of a Finding.
    """
    match found:
        case Sensitivity():
            parts = _sensitivity(found)
        case Permutation():
            parts = _permutation(found)
        case Response():
            parts = _response(found)
        case Knock():
            parts = _knock(found)
        case _:
            raise TypeError(f"there is no report of a {type(found).__name__}.")
    return Group(*parts, heading("Conventions"), _conventions(found))


def _noted(notes: Iterable[str]) -> Iterator[RenderableType]:
    """Sentences that qualify the figures above them."""
    for note in notes:
        yield Text(note, style="yellow")


def _header(title: str, found: Finding) -> RenderableType:
    said, facts = found.conventions, grid()
    facts.add_row("model", Text(str(said["model"])))
    facts.add_row("task", Text(f"{said['task']}, {count(said['rows'], 'row')}"))
    facts.add_row("metric", Text(f"{said['metric']} at {said['scored_at']}"))
    scored = f"{count(said['examples'], 'example')} × {count(said['draws'], 'draw')}"
    facts.add_row("scored", Text(f"{scored}, seed {said['seed']}"))
    facts.add_row("site", Text(str(said["at"])))
    return Group(Text(title, style="bold"), Text(), facts)


def _conventions(found: Finding) -> RenderableType:
    said = [f"{k} {_written(v)}" for k, v in found.conventions.items() if k not in SAID]
    table = grid()
    table.add_row("intervals", Text("over examples; those that share an input are one unit"))
    table.add_row("by name", Text(", ".join(said)))
    return table


def _written(value: object) -> str:
    return " ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def _sensitivity(found: Sensitivity) -> Iterator[RenderableType]:
    yield _header("One site under every replacement", found)
    yield heading("Replacements", f"effect: {found.metric} less that of the wild run")
    sure = f">{level(found.conventions['level'])} interval"
    titles = ["replaced by", f">{found.metric}", ">effect", sure, ">|change|", ">unchanged"]
    table = Listing(titles)
    table.add("nothing (wild)", number(found.wild[found.metric].value), "", "", "", "")
    for row in found.rows:
        kept = DASH if row.unchanged is None else share(row.unchanged)
        apart = DASH if row.divergence is None else number(row.divergence)
        name = Text(row.replacement, style="bold")
        table.add(name, _value(row.mean), *_figure(row.effect), apart, kept)
    yield table
    for row in found.rows:
        if row.refusal:
            yield from _noted([f"{row.replacement} was not measured: {row.refusal}"])
    yield from _noted(found.notes)
    if len(found.wild) > 1:
        yield heading("Side effects", "of each replacement on metrics that are no target")
        yield _beside(found, sure)


def _beside(found: Sensitivity, sure: str) -> RenderableType:
    table = Listing(["replaced by", "metric", ">wild", ">effect", sure, ""])
    for row in found.rows:
        for name, effect in (row.off_target or {}).items():
            wild = number(found.wild[name].value)
            table.add(row.replacement, name, wild, *_figure(effect), _verdict(effect))
    return table


def _permutation(found: Permutation) -> Iterator[RenderableType]:
    yield _header(f"Every value of {found.column} replaced by every other", found)
    k = len(found.values)
    if k <= WIDEST:
        yield heading("Effects", f"{found.metric} less that of the wild run; own value ↓, given →")
        matrix = Listing(["own", ">examples", ">wild", *(f">{value}" for value in found.values)])
        for i, own in enumerate(found.values):
            cells = [DASH if np.isnan(x) else number(x) for x in found.effects[i].tolist()]
            cells[i] = ""
            scored = str(found.examples[i].max())
            matrix.add(Text(own, style="bold"), scored, _value(found.wild[i]), *cells)
        yield matrix
    yield heading("Contrasts", "unchanged: draws that put in what was there")
    sure = level(found.conventions["level"])
    listed = Listing(["own", "given", ">effect", f">{sure} interval", ">examples", ">unchanged"])
    pairs = [(i, j) for i in range(k) for j in range(k) if i != j]
    for i, j in pairs[:MOST]:
        effect = found.effect(found.values[i], found.values[j])
        kept = DASH if effect is None else share(float(found.unchanged[i, j]))
        names = found.values[i], found.values[j]
        listed.add(*names, *_figure(effect), str(found.examples[i, j]), kept)
    yield listed
    if len(pairs) > MOST:
        yield Text(f"{count(len(pairs) - MOST, 'more contrast')} in the JSON", style="dim")
    yield from _noted([*found.absent, *found.notes])


def _response(found: Response) -> Iterator[RenderableType]:
    yield _header(f"Doses of {found.replacement}", found)
    sure = level(found.conventions["level"])
    for one in found.curves:
        yield heading(one.metric, f"{one.aim.value}; effect: less that of the wild run")
        table = Listing([">dose", f">{one.metric}", ">effect", f">{sure} interval"])
        for i, dose in enumerate(one.doses.tolist()):
            effect = one.response.effects.bounds(i)
            table.add(f"{dose:g}", _value(one.means.bounds(i)), *_figure(effect))
        yield table
        yield from _shape(one)
    if found.unchanged is not None:
        yield Text(f"\n{share(found.unchanged)} of the draws put in what was there", style="dim")
    yield from _noted(found.target.notes)


def _shape(one: Curve) -> Iterator[RenderableType]:
    """The slope, the dose of half the effect, and what qualifies them."""
    found, table = one.response, grid()
    table.add_row("slope", Text(f"{_bounds(found.slope)} per dose"))
    half = found.refusal if found.half is None else f"half the effect at dose {_bounds(found.half)}"
    if len(one.doses) > 2:  # of two, it is halfway between them whatever was found
        table.add_row("half-dose", Text(str(half)))
    for step in found.against:
        ends = f"{one.doses[step]:g} to {one.doses[step + 1]:g}"
        table.add_row("", Text(f"From dose {ends} the effect goes the other way."))
    for note in found.notes:
        table.add_row("", Text(note))
    yield table


def _knock(found: Knock) -> Iterator[RenderableType]:
    yield _header("Knock-out and knock-in", found)
    yield _headline(found)
    out, into = found.out[0], found.into[0]
    sure = level(found.conventions["level"])
    means = f"wild {_value(out.start)}, corrupted {_value(into.start)}"
    yield heading(f"{out.metric}: {means}", f"shares of that way, {sure} intervals")
    table = Listing(
        [">dose", ">knocked out", ">broken", ">interval", ">knocked in", ">repaired", ">interval"]
    )
    for i, dose in enumerate(out.doses.tolist()):
        cells = [f"{dose:g}"]
        for one in (out, into):
            part = None if one.shares is None else one.shares.bounds(i)
            cells += [_value(one.means.bounds(i)), *_figure(part)]
        table.add(*cells)
    yield table
    for name, one in (("Knock-out", out), ("Knock-in", into)):
        yield heading(f"{name} by dose", "effect on the metric itself")
        yield from _shape(one)
    yield from _sides(found, sure)
    for what, same in (("corruption", found.unchanged), ("replacement", found.kept)):
        if same is not None:
            said = f"{share(same)} of the draws of the {what} put in what was there"
            yield Text(said, style="dim")
    yield from _noted(out.notes)


def _headline(found: Knock) -> RenderableType:
    refused = found.into[0].shares.refusal if found.into[0].shares else None
    if found.broken is None or found.repaired is None:
        text = Text("shares: refused\n", style="bold red")
        return Panel(
            text.append(str(refused), style="not bold"), border_style="red", padding=(0, 2)
        )
    text = Text(f"breaks {_share(found.broken)}", style="bold")
    text.append("  of the damage when it is knocked out: how necessary it is\n", style="not bold")
    text.append(f"repairs {_share(found.repaired)}")
    text.append("  of the damage when it is knocked in: how sufficient it is", style="not bold")
    return Panel(text, border_style="blue", padding=(0, 2))


def _sides(found: Knock, sure: str) -> Iterator[RenderableType]:
    """The full dose's effect on everything that is no target."""
    beside = [("out", one) for one in found.out[1:]] + [("in", one) for one in found.into[1:]]
    if not beside:
        return
    yield heading("Side effects of the full dose", "out: against the wild run; in: the corrupted")
    table = Listing(["metric", "knock", ">before", ">after", ">effect", f">{sure} interval", ""])
    for way, one in beside:
        ends = _value(one.start), _value(one.means.bounds(-1))
        table.add(one.metric, way, *ends, *_figure(one.effect), _verdict(one.effect))
    yield table


def _verdict(effect: Bounds) -> str:
    if effect.low is None or effect.high is None:
        return "no interval"
    return "none seen" if effect.low <= 0 <= effect.high else "seen"


def _value(found: Bounds | None) -> str:
    return DASH if found is None else number(found.value)


def _figure(found: Bounds | None) -> Sequence[str]:
    """A figure and its interval as two cells."""
    if found is None:
        return DASH, ""
    return number(found.value), "" if found.low is None else interval(found.low, found.high)


def _bounds(found: Bounds) -> str:
    ends = interval(found.low, found.high)
    return number(found.value) + (f" ({ends})" if found.low is not None else "")


def _share(found: Bounds) -> str:
    ends = "" if found.low is None else f" ({found.low:.3f} to {found.high:.3f})"
    return f"{found.value:.3f}{ends}"
