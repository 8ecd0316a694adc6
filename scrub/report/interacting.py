"""What components do together, as a person reads it: words for pairs, then the figures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from scrub.mediation.interacting import Interactions
from scrub.report.numbers import count, interval, level, number, share
from scrub.report.tables import Listing, heading
from scrub.report.wired import conventions, header, noted
from scrub.statistics.effects import Effects
from scrub.statistics.recovered import Bounds

MOST = 40  # subsets and pairs that are listed


def report(found: Interactions) -> RenderableType:
    """The whole report, for a screen of 100 columns or more."""
    done = "replaced in the wild run" if found.direction == "knock_out" else "given back their own"
    ran = count(found.evaluated, "set")
    if found.orders is not None:
        ran += f", along {count(found.orders, 'order')} of joining"
    facts = (("members", f"{len(found.members)}, {done}"), ("ran", ran))
    return Group(
        header("Interactions", found, *facts),
        *_shapley(found),
        *_interactions(found),
        *_pairs(found),
        *_unchanged(found),
        *noted(found.notes),
        heading("Conventions"),
        conventions(found),
    )


def _shapley(found: Interactions) -> Iterator[RenderableType]:
    """What each adds, averaged over all orders of joining."""
    ends = f"nobody {number(found.nobody.value)}, everybody {number(found.everybody.value)}"
    metric, sure = found.conventions["metric"], level(found.conventions["level"])
    yield heading("Shapley values", f"of {metric}: {ends}")
    table = Listing(["member", ">Shapley value", f">{sure} interval"])
    for i in _largest(found.shapley):
        table.add(Text(found.members[i], style="bold"), *_cells(found.shapley.bounds(i)))
    yield table


def _interactions(found: Interactions) -> Iterator[RenderableType]:
    """The largest first; that of one member is its effect alone."""
    if found.interactions is None or found.values is None:
        return
    order = [i for i in _largest(found.interactions) if found.subsets[i]]
    yield heading("Interactions", "what a set does beyond all that its smaller sets account for")
    sure = level(found.conventions["level"])
    table = Listing(["members", f">{found.conventions['metric']}", ">interaction", f">{sure}"])
    for i in order[:MOST]:
        names = " × ".join(found.members[member] for member in found.subsets[i])
        value = number(found.values.bounds(i).value)
        table.add(Text(names), value, *_cells(found.interactions.bounds(i)))
    yield table
    yield from _left(len(order), "subset")


def _pairs(found: Interactions) -> Iterator[RenderableType]:
    if not found.pairs:
        return
    said = f"effects of keeping; below {number(found.pairs[0].tolerance)} counts as nothing"
    yield heading("Pairs", said)
    table = Listing(["", "", "are", ">first", ">second", ">both", ">interaction", ">interval"])
    for pair in found.pairs[:MOST]:
        kept = (pair.first_alone, pair.second_alone, pair.together)
        table.add(
            Text(found.members[pair.first]),
            Text(found.members[pair.second]),
            Text(pair.relation.value, style="bold"),
            *(number(one.value) for one in kept),
            *_cells(pair.interaction),
        )
    yield table
    yield from _left(len(found.pairs), "pair")


def _unchanged(found: Interactions) -> Iterator[RenderableType]:
    if found.unchanged is not None:
        said = f"\n{share(found.unchanged)} of the draws put in what was there"
        yield Text(said, style="dim")


def _left(many: int, what: str) -> Iterator[RenderableType]:
    if many > MOST:
        yield Text(f"{count(many - MOST, f'more {what}')} in the JSON", style="dim")


def _largest(found: Effects) -> list[int]:
    order: list[int] = np.argsort(-np.abs(found.mean), kind="stable").tolist()
    return order


def _cells(found: Bounds) -> tuple[str, str]:
    return number(found.value), "" if found.low is None else interval(found.low, found.high)
