"""Attributions as a person reads them: the largest estimates beside the exact effects, and how far
the one can stand for the other."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from scrub.mediation.attributed import Attribution, PlaceAttribution
from scrub.report.numbers import DASH, count, interval, level, number, share
from scrub.report.tables import Listing, grid, heading
from scrub.report.wired import conventions, header, noted
from scrub.statistics.agreement import Agreement
from scrub.statistics.recovered import Bounds

GOOD, FAIR = 0.9, 0.5  # rank correlations


def report(found: Attribution, top: int = 20) -> RenderableType:
    """The whole report, with the `top` largest estimates, for a screen of 100 columns or more."""
    return Group(*_parts(found, top), heading("Conventions"), conventions(found))


def _parts(found: Attribution, top: int) -> Iterator[RenderableType]:
    of = found.of if isinstance(found, PlaceAttribution) else "edges"
    kind = of.partition(":")[0]
    yield header(f"What corrupting each {kind.removesuffix('s')} changes", found)
    sure = level(found.conventions["level"])
    yield heading("Runs", f"{found.conventions['metric']}, {sure} intervals")
    runs = Listing(["", ">mean", ">interval"])
    for name, figure in (
        ("wild", found.wild),
        ("corrupted", found.corrupted),
        ("effect", found.total),
    ):
        runs.add(name, *_figure(figure))
    yield runs
    shown = found.order[:top]
    yield heading(
        f"The largest of {count(len(found.order), kind[:-1])}",
        "effect of corrupting this one alone; exact: measured",
    )
    table = Listing([kind[:-1], ">estimate", ">interval", ">exact", f">{sure} interval"])
    for i in shown:
        estimate = _figure(found.estimates.bounds(i))
        table.add(Text(_name(found, i), style="bold"), *estimate, *_figure(found.exact_of(i)))
    yield table
    rest = len(found.order) - len(shown)
    if rest > 0:
        yield Text(f"{rest:,} more, none with a larger estimate", style="dim")
    yield from _agreement(found)
    if found.unchanged is not None:
        said = f"{share(found.unchanged)} of the draws of the corruption put in what was there"
        yield Text(f"\n{said}", style="dim")
    yield from noted(found.estimates.notes)


def _name(found: Attribution, i: int) -> str:
    name = found.names[i]
    if isinstance(found, PlaceAttribution):
        spot = found.spots[i]
        beside = [repr(spot.token)] * bool(spot.token) + [spot.role] * bool(spot.role)
        return name + (f" ({', '.join(beside)})" if beside else "")
    return name


def _agreement(found: Attribution) -> Iterator[RenderableType]:
    """How far the estimates can be trusted, in words and in figures."""
    agreed = found.agreement
    if agreed is None:
        few = "fewer than two exact effects were measured" if found.measured else "none is measured"
        yield heading("Estimate and exact", f"{few}, so nothing shows how good the estimates are")
        return
    yield heading("Estimate and exact", f"over the {agreed.n} largest estimates")
    table = grid()
    table.add_row("in words", Text(verdict(found), style="bold"))
    table.add_row(
        "rank", Text(f"Spearman {_ends(agreed.spearman)}; Kendall {_ends(agreed.kendall)}")
    )
    if agreed.same_sign is not None:
        zeros = f"; {agreed.zeros} with an effect of 0 left out" if agreed.zeros else ""
        table.add_row("same sign", Text(f"{_ends(agreed.same_sign)}{zeros}"))
    largest = f"{share(agreed.in_common)} of the {agreed.top} largest; {share(agreed.by_chance)}"
    table.add_row("in common", Text(f"{largest} by chance"))
    size = _size(found)
    if size is not None:
        table.add_row("size", Text(size))
    yield table
    yield from noted(agreed.notes)


def verdict(found: Attribution) -> str:
    """How the ranks agree, and how the sizes do, as a sentence."""
    agreed = found.agreement
    assert agreed is not None  # who asks has looked
    return f"{_ranks(agreed)}{_sizes(found)}."


def _ranks(agreed: Agreement) -> str:
    if agreed.spearman is None:
        return "There is no order to compare"
    value = round(agreed.spearman.value, 2)
    if value >= GOOD:
        return "The estimates put these in nearly the order of their exact effects"
    if value >= FAIR:
        return "The estimates put these only roughly in the order of their exact effects"
    return "The estimates do not put these in the order of their exact effects"


def _sizes(found: Attribution) -> str:
    slope = _slope(found)
    if slope is None:
        return ""
    if abs(slope - 1) <= 0.2:
        return ", and have about their size"
    if slope <= 0:
        return ", and point the other way"
    return f", and are too {'large' if slope > 1 else 'small'}"


def _size(found: Attribution) -> str | None:
    slope = _slope(found)
    if slope is None:
        return None
    return f"an estimate is {number(slope)} times the exact effect (least squares through 0)"


def _slope(found: Attribution) -> float | None:
    """How large the estimates are against the exact effects; None where all of these are 0."""
    if found.exact is None:
        return None
    estimates, exact = found.estimates.mean[list(found.measured)], found.exact.mean
    square = float(exact @ exact)
    return float(estimates @ exact) / square if square > 0 else None


def _figure(found: Bounds | None) -> tuple[str, str]:
    if found is None:
        return DASH, ""
    return number(found.value), "" if found.low is None else interval(found.low, found.high)


def _ends(found: Bounds | None) -> str:
    if found is None:
        return "none"
    ends = "" if found.low is None else f" ({found.low:.2f} to {found.high:.2f})"
    return f"{found.value:.2f}{ends}"
