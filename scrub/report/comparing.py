"""A comparison as a person reads it: who recovers and claims what, and what sets them apart."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from scrub.report.numbers import DASH, count, interval, level, number, ratio, share
from scrub.report.tables import Listing, grid, heading
from scrub.results.comparison import Apart, Comparison, Pair, Refines, Standing

SHOWN = 3  # examples and subgroups of each pair


def report(found: Comparison) -> RenderableType:
    """The whole report, for a screen of 100 columns or more."""
    return Group(
        _header(found),
        *_notes(found),
        heading("Hypotheses", "unimportant: share of the model's edges; front: none beats both"),
        _standings(found),
        *_ranks(found),
        *_refinements(found),
        heading("Pairs", "first − second; p by random signs, Holm over all pairs"),
        *(_pair(pair, found.metric) for pair in found.pairs),
        heading("Differences", f"in {found.metric}, KL (nats) and divergence, with intervals"),
        _differences(found),
        *_examples(found),
        *_subgroups(found),
    )


def _header(found: Comparison) -> RenderableType:
    said, facts = found.conventions, grid()
    facts.add_row("model", Text(found.model))
    facts.add_row("task", Text(f"{found.task}, {said['rows']:,} rows"))
    facts.add_row("metric", Text(f"{found.metric} at {said['scored_at']}"))
    scored = f"{count(said['references'], 'reference')} × {count(said['draws'], 'draw')}"
    facts.add_row("scored", Text(f"{scored}, seed {said['seed']}; the same for all"))
    title = f"{count(len(found.results), 'hypothesis', 'hypotheses')} compared"
    return Group(Text(title, style="bold"), Text(), facts)


def _notes(found: Comparison) -> Iterator[RenderableType]:
    for note in found.notes:
        yield Panel(Text(note), border_style="red", padding=(0, 2))


TITLES = (
    ">rank",
    "hypothesis",
    ">recovered",
    ">interval",
    ">nodes",
    ">edges",
    ">unimportant",
    ">bits",
    "front",
)


def _standings(found: Comparison) -> RenderableType:
    """Best first; where there are no ranks, as they were given."""
    table = Listing(TITLES)
    for standing in sorted(found.standings, key=lambda one: one.rank or 0):
        result = found.result(standing.name)
        claims, share_of = result.claims, result.recovered
        table.add(
            DASH if standing.rank is None else str(standing.rank),
            Text(standing.name, style="bold"),
            ratio(share_of.value),
            _ends(share_of.low, share_of.high),
            str(claims.nodes),
            str(claims.edges),
            share(claims.unimportant),
            f"{claims.bits:.1f} of {claims.most_bits:.1f}",
            {True: "yes", False: "no", None: DASH}[standing.front],
        )
    return table


def _ends(low: float | None, high: float | None) -> str:
    return "none" if low is None or high is None else f"{ratio(low)} to {ratio(high)}"


def _ranks(found: Comparison) -> Iterator[RenderableType]:
    placed = [one for one in found.standings if one.rank_shares is not None]
    if not placed:
        return
    confidence = level(found.conventions["level"])
    yield heading("Ranks", f"open: at {confidence} for all at once; then how often each came up")
    numbers = range(1, len(placed) + 1)
    table = Listing(["hypothesis", ">open", *(f">{n}" for n in numbers)])
    for one in sorted(placed, key=lambda one: one.rank or 0):
        table.add(Text(one.name, style="bold"), _open(one), *map(share, one.rank_shares or ()))
    yield table


def _open(one: Standing) -> str:
    if one.ranks is None:
        return DASH
    first, last = one.ranks
    return str(first) if first == last else f"{first}–{last}"


def _refinements(found: Comparison) -> Iterator[RenderableType]:
    if found.refinements:
        yield heading("Refinements", "by graphs and features alone")
        yield Text("\n".join(refinements_in_words(found)))


def refinements_in_words(found: Comparison) -> tuple[str, ...]:
    """Which hypothesis refines which, a sentence each; two that are one claim are said once."""
    said: dict[str, None] = {}
    both = {(one.finer, one.coarser) for one in found.refinements}
    for one in found.refinements:
        same = (one.coarser, one.finer) in both
        if same and f"{one.coarser} and {one.finer} are one claim" in said:
            continue
        text = f"{one.finer} and {one.coarser} are one claim" if same else _refines(one)
        said[text] = None
    return tuple(said)


def _refines(one: Refines) -> str:
    more = []
    if one.nodes or one.edges:
        more.append(f"names {count(one.nodes, 'node')} and {count(one.edges, 'edge')} more")
    if one.opened:
        more.append(f"says what feeds {', '.join(one.opened)}")
    if one.sharper:
        more.append(f"has smaller classes at {', '.join(one.sharper)}")
    return f"{one.finer} refines {one.coarser}: {', '.join(more)}"


def _pair(pair: Pair, metric: str) -> RenderableType:
    text = Text(f"{pair.first} − {pair.second}: ", style="bold")
    found, equal = pair.recovered, pair.equivalence
    if found is None or equal is None:
        found = pair.metric
        text.append(f"{metric} {number(found.value)} ({interval(found.low, found.high)})")
    else:
        text.append(f"recovered {found.value:+.3f} ({_ends(found.low, found.high)})")
    said = f"\n  {pair.verdict}; p = {number(found.p)}, Holm {number(found.holm)}"
    if equal is not None:
        said += f"; apart by {equal.margin:g} or more: p = {number(equal.p)}"
        said += f", Holm {number(equal.holm)}"
    text.append(said, style="not bold")
    return text


def _differences(found: Comparison) -> RenderableType:
    table = Listing(["first", "second", f">{found.metric}", ">", ">KL", ">", ">divergence", ">"])
    for pair in found.pairs:
        cells = [cell for one in (pair.metric, pair.kl, pair.divergence) for cell in _cells(one)]
        table.add(Text(pair.first), Text(pair.second), *cells)
    return table


def _cells(one: Apart | None) -> tuple[str, str]:
    if one is None:
        return DASH, ""
    ends = "" if one.low is None else f"{one.low:.3g} to {one.high:.3g}"
    return f"{one.value:.3g}", ends


def _examples(found: Comparison) -> Iterator[RenderableType]:
    if not any(pair.examples for pair in found.pairs):
        return
    yield heading("Examples", f"where two differ most, in {found.metric}")
    table = Listing(["first", "second", ">row", ">model", ">first's", ">second's", "example"])
    for pair in found.pairs:
        for one in pair.examples[:SHOWN]:
            figures = map(number, (one.model, one.first, one.second))
            table.add(Text(pair.first), Text(pair.second), str(one.row), *figures, Text(one.shown))
    yield table


def _subgroups(found: Comparison) -> Iterator[RenderableType]:
    if not any(pair.subgroups for pair in found.pairs):
        return
    yield heading("Subgroups", "where two differ most; Holm over all subgroups of the pair")
    table = Listing(
        ["first", "second", "where", ">references", f">{found.metric}", ">interval", ">Holm"]
    )
    for pair in found.pairs:
        for one in pair.subgroups[:SHOWN]:
            apart = one.difference
            value, ends = _cells(apart)
            where = Text(f"{one.column} {one.value}")
            many = str(one.references)
            first, second = Text(pair.first), Text(pair.second)
            table.add(first, second, where, many, value, ends, number(apart.holm))
    yield table
