"""Circuits and paths as a person reads them: one circuit in the model's place, circuits of every
size, and what paths carry."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from scrub.mediation.faithfulness import CircuitCurve, Faithfulness
from scrub.mediation.findings import Finding
from scrub.mediation.pathpatching import Carried, PathPatch
from scrub.report.numbers import DASH, count, interval, level, number, share
from scrub.report.tables import Listing, grid, heading
from scrub.report.wired import conventions, header, noted
from scrub.statistics.circuits import Gaps
from scrub.statistics.recovered import Bounds

MOST = 40  # components, or subsets, that are listed
WORDS = {  # what is done, the other run, and what a share is of
    "noise": ("Noise", "the sources' corrupted values carried into the wild run", "broken"),
    "denoise": ("Denoise", "the sources' wild values carried into the corrupted run", "repaired"),
}


def report(found: Finding) -> RenderableType:
    """The whole report, for a screen of 100 columns or more. Raises TypeError for other findings.

    >>> report(Finding({}, {}))
    Traceback (most recent call last):
    TypeError: there is no report of a Finding.
    """
    match found:
        case Faithfulness():
            parts = _faithfulness(found)
        case CircuitCurve():
            parts = _curve(found)
        case PathPatch():
            parts = _paths(found)
        case _:
            raise TypeError(f"there is no report of a {type(found).__name__}.")
    return Group(*parts, heading("Conventions"), conventions(found))


def _faithfulness(found: Faithfulness) -> Iterator[RenderableType]:
    metric, sure = found.conventions["metric"], level(found.conventions["level"])
    kept = f"{count(len(found.edges), 'edge')}, {share(found.share)} of the model's"
    yield header("One circuit in the model's place", found, ("circuit", kept))
    yield _headline("faithfulness", found.faithfulness.bounds(0), found.faithfulness.refusal)
    yield heading("Runs", f"{metric}, {sure} intervals")
    table = Listing(["", ">mean", ">interval", "what it is"])
    for name, figure, what in (
        ("model", found.model, "every edge as it is"),
        ("circuit", found.circuit, "every other edge as in the corrupted run"),
        ("empty", found.empty, "every edge as in the corrupted run"),
    ):
        table.add(name, *_figure(figure), what)
    yield table
    yield from _completeness(found, sure)
    yield from _minimality(found, sure)
    yield from _kept_draws(found.unchanged)
    yield from noted(found.faithfulness.effects.notes)


def _completeness(found: Faithfulness, sure: str) -> Iterator[RenderableType]:
    gaps = found.completeness
    yield heading("Completeness", "circuit less model, the same components taken out of both")
    table = Listing(["taken out", ">difference", f">{sure} interval"])
    order = _by_size(gaps)[:MOST]
    for i in order:
        taken = ", ".join(found.subsets[i]) or "nothing"
        table.add(Text(taken), *_figure(gaps.signed.bounds(int(i))))
    yield table
    if len(gaps.size) > len(order):
        yield Text(f"{len(gaps.size) - len(order)} more, none larger", style="dim")
    largest = number(float(gaps.size[gaps.largest]))
    yield Text(f"incomplete by {largest} at the most, over {count(len(gaps.size), 'set')}")


def _minimality(found: Faithfulness, sure: str) -> Iterator[RenderableType]:
    gaps = found.minimality
    if gaps is None:
        return
    yield heading("Minimality", "the circuit less the circuit without this component")
    table = Listing(["component", ">worth", f">{sure} interval", ""])
    order = _by_size(gaps)[:MOST]
    for i in order:
        worth = gaps.signed.bounds(int(i))
        table.add(Text(found.members[i], style="bold"), *_figure(worth), _verdict(worth))
    yield table
    if len(gaps.size) > len(order):
        yield Text(f"{len(gaps.size) - len(order)} more, none larger", style="dim")
    name, least = found.members[gaps.smallest], number(float(gaps.size[gaps.smallest]))
    yield Text(f"least is {name}: {least}")


def _by_size(gaps: Gaps) -> list[int]:
    return [int(i) for i in np.argsort(-gaps.size, kind="stable")]


def _curve(found: CircuitCurve) -> Iterator[RenderableType]:
    metric, sure = found.conventions["metric"], level(found.conventions["level"])
    yield header("Circuits of every size", found)
    areas = found.areas
    if areas.cpr is None or areas.cmd is None:
        yield _headline("faithfulness", None, areas.refusal)
    else:
        text = Text(f"CPR {_ends(areas.cpr)}", style="bold")
        text.append("  area under faithfulness: the higher the better\n", style="not bold")
        text.append(f"CMD {_ends(areas.cmd)}")
        text.append("  area of its distance from 1: 0 is as the model does", style="not bold")
        yield Panel(text, border_style="blue", padding=(0, 2))
    ends = f"model {number(found.model.value)}, empty {number(found.empty.value)}"
    yield heading(f"{metric}: {ends}", "(circuit − empty) / (model − empty) at each knot")
    table = Listing([">share kept", ">edges", ">faithfulness", f">{sure} interval"])
    for i, (knot, size) in enumerate(zip(areas.knots, found.sizes, strict=True)):
        table.add(f"{100 * knot:g} %", str(size), *_figure(areas.faithfulness.bounds(i)))
    yield table
    if found.sizes[0] == 0:
        said = (
            "Knots that keep no edge are the empty circuit: the model has too few edges for MIB's."
        )
        yield from noted([said])
    yield from _kept_draws(found.unchanged)
    yield from noted(areas.faithfulness.effects.notes)


def _paths(found: PathPatch) -> Iterator[RenderableType]:
    metric, sure = found.conventions["metric"], level(found.conventions["level"])
    yield header("What paths carry", found)
    yield heading("Runs", f"{metric}, {sure} intervals")
    table = Listing(["", ">mean", ">interval"])
    table.add("wild", *_figure(found.wild))
    table.add("corrupted", *_figure(found.corrupted))
    table.add("effect", *_figure(found.total))
    yield table
    yield heading("Paths")
    names = grid()
    for i, name in enumerate(found.paths):
        names.add_row(str(i + 1), Text(name, style="bold"))
    yield names
    for one in found.carried:
        yield from _carried(found, one, sure)
    yield from _kept_draws(found.unchanged)
    yield from noted(found.carried[0].effects.notes)


def _carried(found: PathPatch, one: Carried, sure: str) -> Iterator[RenderableType]:
    title, what, part = WORDS[one.direction]
    yield heading(title, f"{what}; {sure} intervals")
    table = Listing(["path", ">effect", ">interval", f">{part}", ">interval"])
    for i, name in enumerate(found.names):
        cells = [*_figure(one.effects.bounds(i)), *_figure(one.shares.bounds(i))]
        table.add(str(i + 1) if i < len(found.paths) else name, *cells)
    yield table
    if one.shares.refusal:
        yield from noted([one.shares.refusal])


def _headline(name: str, found: Bounds | None, refusal: str | None) -> RenderableType:
    if found is None:
        text = Text(f"{name}: refused\n", style="bold red")
        text.append(str(refusal), style="not bold")
        return Panel(text, border_style="red", padding=(0, 2))
    text = Text(f"{name} {_ends(found)}", style="bold")
    text.append("  0: as the corrupted run; 1: as the model", style="not bold")
    return Panel(text, border_style="blue", padding=(0, 2))


def _kept_draws(unchanged: float | None) -> Iterator[RenderableType]:
    if unchanged is not None:
        said = f"{share(unchanged)} of the draws of the corruption put in what was there"
        yield Text(f"\n{said}", style="dim")


def _verdict(worth: Bounds) -> str:
    if worth.low is None or worth.high is None:
        return "no interval"
    return "none seen" if worth.low <= 0 <= worth.high else "seen"


def _figure(found: Bounds | None) -> tuple[str, str]:
    """A figure and its interval as two cells."""
    if found is None:
        return DASH, ""
    return number(found.value), "" if found.low is None else interval(found.low, found.high)


def _ends(found: Bounds) -> str:
    ends = "" if found.low is None else f" ({found.low:.3f} to {found.high:.3f})"
    return f"{found.value:.3f}{ends}"
