"""The tables of a comparison: who stands where, what sets pairs apart, and where."""

from __future__ import annotations

from collections.abc import Iterator

from scrub.report.numbers import DASH, share
from scrub.report.page.tabular import (
    Cell,
    Column,
    Table,
    between,
    columns,
    figure,
    minus,
    recovery,
    words,
)
from scrub.results.comparison import Apart, Comparison, Pair, Standing

STANDINGS = columns(
    "hypothesis",
    Column("rank", True, "1 recovers most"),
    ">recovered",
    ">interval",
    ">divergence",
    ">KL",
    ">nodes",
    ">edges",
    Column("unimportant", True, "Share of the model's edges declared not to matter"),
    ">bits",
    Column("front", False, "No other recovers more and declares more unimportant"),
    Column("open ranks", True, "Those that the tests of all pairs leave open"),
)


def standings(found: Comparison) -> Table:
    """Side by side, best first; where there are no ranks, as they were given."""
    ordered = sorted(found.standings, key=lambda one: one.rank or 0)
    rows = tuple(_standing(found, one) for one in ordered)
    return Table("Side by side", STANDINGS, rows)


def _standing(found: Comparison, one: Standing) -> tuple[Cell, ...]:
    result = found.result(one.name)
    claims, share_of = result.claims, result.recovered
    low, high = one.ranks or (None, None)
    opened = DASH if low is None else str(low) if low == high else f"{low} – {high}"
    return (
        words(one.name),
        Cell(DASH) if one.rank is None else figure(one.rank, str(one.rank)),
        recovery(share_of.value),
        between(share_of.low, share_of.high),
        figure(result.divergence),
        figure(result.kl),
        figure(claims.nodes, str(claims.nodes)),
        figure(claims.edges, str(claims.edges)),
        figure(claims.unimportant, share(claims.unimportant)),
        figure(claims.bits, f"{claims.bits:.1f}"),
        words({True: "yes", False: "no", None: DASH}[one.front]),
        Cell(opened, low),
    )


def pairs(found: Comparison) -> Table:
    """Every pair: first − second, with what the tests say."""
    ratio = all(pair.recovered is not None for pair in found.pairs)
    what = "recovered" if ratio else found.metric
    titles = columns(
        "first",
        "second",
        Column(what, True, "first − second"),
        ">interval",
        Column("p", True, "Of no difference, by random signs"),
        Column("Holm", True, "The same for all pairs at once"),
        Column("equivalence", True, "p of a difference of the margin or more, for all pairs"),
        "verdict",
    )
    return Table("Pairs", titles, tuple(_pair(pair, ratio) for pair in found.pairs))


def _pair(pair: Pair, ratio: bool) -> tuple[Cell, ...]:
    apart = pair.recovered if ratio and pair.recovered is not None else pair.metric
    value = minus(f"{apart.value:+.3f}") if ratio else None
    return (
        words(pair.first),
        words(pair.second),
        figure(apart.value, value),
        between(apart.low, apart.high, decimals=ratio),
        figure(apart.p),
        figure(apart.holm),
        Cell(DASH) if pair.equivalence is None else figure(pair.equivalence.holm),
        words(pair.verdict),
    )


def differences(found: Comparison) -> Table:
    """Of metric, KL and divergence, each with its interval."""
    titles = columns(
        "first", "second", f">{found.metric}", ">interval", ">KL", ">interval", ">divergence",
        ">interval",
    )  # fmt: skip
    rows = [
        (
            words(pair.first),
            words(pair.second),
            *_apart(pair.metric),
            *_apart(pair.kl),
            *_apart(pair.divergence),
        )
        for pair in found.pairs
    ]
    return Table("Differences in the metric, in KL and in divergence", titles, tuple(rows))


def _apart(one: Apart | None) -> tuple[Cell, Cell]:
    if one is None:
        return Cell(DASH), Cell(DASH)
    return figure(one.value), between(one.low, one.high, decimals=False)


def examples(found: Comparison) -> Table:
    """The references on which two differ most."""
    titles = columns(
        "first", "second", ">row", ">model", ">first's", ">second's", ">difference", "example"
    )
    rows = [
        (
            words(pair.first),
            words(pair.second),
            figure(one.row, str(one.row)),
            *map(figure, (one.model, one.first, one.second, one.difference)),
            words(one.shown),
        )
        for pair in found.pairs
        for one in pair.examples
    ]
    return Table(f"Where two differ most, in {found.metric}", titles, tuple(rows))


def subgroups(found: Comparison) -> Table:
    """Values of columns at which two differ most."""
    titles = columns(
        "first", "second", "where", ">references", ">difference", ">interval",
        Column("Holm", True, "Over all subgroups of the pair"),
    )  # fmt: skip
    rows = [
        (
            words(pair.first),
            words(pair.second),
            words(f"{one.column} {one.value}"),
            figure(one.references, str(one.references)),
            *_apart(one.difference),
            figure(one.difference.holm),
        )
        for pair in found.pairs
        for one in pair.subgroups
    ]
    return Table(f"Subgroups, in {found.metric}", titles, tuple(rows))


def tables(found: Comparison) -> Iterator[Table]:
    """All that have rows."""
    for make in (standings, pairs, differences, subgroups, examples):
        if (table := make(found)).rows:
            yield table
