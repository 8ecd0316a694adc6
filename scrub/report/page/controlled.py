"""The tables of what a hypothesis was held against: its controls, and the worst allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from scrub.report.numbers import DASH, number, share
from scrub.report.page.axis import KINDS
from scrub.report.page.claim import Worth, Worths
from scrub.report.page.tabular import (
    Cell,
    Column,
    Table,
    between,
    columns,
    figure,
    minus,
    recovery,
    without_empty,
    words,
)
from scrub.results.adversary import Harm, WorstAllowed
from scrub.results.comparison import Apart
from scrub.results.controls import Controls, LeftOut
from scrub.results.graph import ClaimGraph


def tables(found: Controls) -> Iterator[Table]:
    """All that have rows, in the order in which a sceptic would ask."""
    for make in (nulls, anchors, left_out, swaps, subgroups, sensitivity):
        if (table := make(found)).rows:
            yield without_empty(table)


def worth(found: Controls | None, graph: ClaimGraph) -> Worths:
    """What each edge is worth, by (parent, child), for the drawing.

    The one edge out of a node is worth what the node is: leaving out either is the same.
    """
    told = {(one.what, one.name): one for one in found.left_out} if found is not None else {}
    out = Counter(edge.parent for edge in graph.edges)
    made: dict[tuple[str, str], Worth] = {}
    for edge in graph.edges:
        one = told.get(("edge", f"{edge.parent} → {edge.child}"))
        if one is None and out[edge.parent] == 1:
            one = told.get(("node", edge.parent))
        if one is not None:
            made[edge.parent, edge.child] = _worth(one)
    return made


def _worth(one: LeftOut) -> Worth:
    if one.worth is None:
        return Worth(None, one.refusal or "not measured")
    idle = ", not told from 0" if one.idle else ""
    return Worth(one.worth.value, f"worth {_signed(one.worth.value)}{idle}", one.idle)


def _signed(value: float) -> str:
    return minus(f"{value:+.3f}")


def _apart(one: Apart | None) -> tuple[Cell, Cell, Cell]:
    """A difference in recovered, its interval, and its p over all like it."""
    if one is None:
        return Cell(DASH), Cell(DASH), Cell(DASH)
    return figure(one.value, _signed(one.value)), between(one.low, one.high), figure(one.holm)


def nulls(found: Controls) -> Table:
    """Random hypotheses of each kind, and the claim's percentile among them."""
    titles = columns(
        "null",
        "how they are drawn",
        ">drawn",
        Column("median", True, "Of what they recover"),
        Column("most", True, "Of what they recover"),
        Column("below", True, "Share of them that recovers less than the claim"),
        ">interval",
        Column("p", True, "Of a null that recovers as much; never 0"),
    )
    rows = []
    for one in found.nulls:
        ordered = sorted(one.recovered)
        median = ordered[len(ordered) // 2] if ordered else None
        at = one.percentile
        says = one.says if one.refusal is None else f"{one.says} {one.refusal}"
        drawn = len(one.means)
        rows.append(
            (
                words(KINDS.get(one.kind, one.kind)),
                words(says),
                figure(drawn, str(drawn) if drawn == one.asked else f"{drawn} of {one.asked}"),
                Cell(DASH) if median is None else recovery(median),
                Cell(DASH) if not ordered else recovery(ordered[-1]),
                Cell(DASH) if at is None else figure(at.below, share(at.below)),
                Cell(DASH) if at is None else Cell(f"{share(at.low)} to {share(at.high)}", at.low),
                Cell(DASH) if at is None else figure(at.p),
            )
        )
    return Table("Among hypotheses drawn at random", titles, tuple(rows))


def anchors(found: Controls) -> Table:
    """What is known beforehand."""
    rows = [
        (
            words(one.name),
            words(one.says if one.refusal is None else f"{one.says} {one.refusal}"),
            Cell(DASH) if one.expected is None else recovery(one.expected),
            Cell(DASH) if one.recovered is None else recovery(one.recovered),
        )
        for one in found.anchors
    ]
    titles = columns("anchor", "what it is", ">expected", ">recovered")
    return Table("Anchors", titles, tuple(rows))


def left_out(found: Controls) -> Table:
    """What each node and edge is worth."""
    titles = columns(
        "left out",
        "what",
        ">recovered without",
        Column("worth", True, "recovered with it − recovered without it"),
        ">interval",
        Column("Holm", True, "p of no difference, over all that were left out"),
        "idle",
        "note",
    )
    rows = []
    for one in found.left_out:
        note = [f"also gone: {', '.join(one.gone)}"] if one.gone else []
        note += ["its last parent stays, carrying nothing"] if one.forgotten else []
        note += [one.refusal] if one.refusal else []
        rows.append(
            (
                words(one.name),
                words(one.what),
                Cell(DASH) if one.recovered is None else recovery(one.recovered),
                *_apart(one.worth),
                words("idle" if one.idle else ""),
                words("; ".join(note)),
            )
        )
    return Table("What each claim is worth", titles, tuple(rows))


def swaps(found: Controls) -> Table:
    """Donors that differ on the feature: this should hurt."""
    titles = columns(
        "node", "feature", ">recovered swapped",
        Column("hurt", True, "recovered − recovered swapped"), ">interval", ">Holm",
        "breaks", "note",
    )  # fmt: skip
    rows = [
        (
            words(one.node),
            words(one.feature),
            Cell(DASH) if one.recovered is None else recovery(one.recovered),
            *_apart(one.hurt),
            words(DASH if one.refusal else "yes" if one.breaks else "no"),
            words(one.refusal or ""),
        )
        for one in found.swaps
    ]
    return Table("Donors that differ on the feature, which should hurt", titles, tuple(rows))


def subgroups(found: Controls) -> Table:
    """The worst first."""
    titles = columns(
        "where", ">references", ">recovered", ">interval",
        Column("apart", True, "recovered there − recovered in all"), ">interval", ">Holm",
        "note",
    )  # fmt: skip
    rows = [
        (
            words(f"{one.column} {one.value}"),
            figure(one.references, str(one.references)),
            recovery(one.recovered.value),
            between(one.recovered.low, one.recovered.high),
            *_apart(one.apart),
            words(one.refusal or ""),
        )
        for one in found.subgroups
    ]
    return Table("Subgroups, the worst first", titles, tuple(rows))


def sensitivity(found: Controls) -> Table:
    """The claim under one convention changed at a time."""
    rows = [
        (
            words(one.name),
            words(f"{one.value} (its own)" if one.own else one.value),
            recovery(one.recovered.value) if one.refusal is None else Cell(DASH),
            between(one.recovered.low, one.recovered.high),
            figure(one.mean),
            words("fragile" if one.fragile else ""),
            words(one.refusal or ""),
        )
        for one in found.sensitivity
    ]
    titles = columns(
        "convention", "value", ">recovered", ">interval", f">mean {found.metric}",
        Column("fragile", False, "Another sign, or an interval apart from its own convention's"),
        "note",
    )  # fmt: skip
    return Table("Under every convention in turn", titles, tuple(rows))


def chosen(found: WorstAllowed) -> Table:
    """What was chosen against the claim, node by node."""
    titles = columns(
        "node",
        "of",
        "what is chosen",
        Column("rows left", True, "Rows that the rule leaves to the draw, of those claimed"),
        Column("harm alone", True, "recovered − recovered with this choice alone"),
        ">interval",
        Column("added", True, "What it adds to the harm of all other choices"),
        ">interval",
        Column("tried", True, "Refinements tried"),
    )
    rows = [
        (
            words(one.node),
            words(one.of),
            words(one.said or "nothing that hurts more than the usual draw"),
            figure(one.rows, f"{number(one.rows)} of {number(one.rows_claimed)}"),
            *_harm(one.alone),
            *_harm(one.added),
            figure(one.tried, str(one.tried)),
        )
        for one in found.choices
    ]
    return Table("Worst allowed: what is drawn against the claim", titles, tuple(rows))


def _harm(one: Harm | None) -> tuple[Cell, Cell]:
    """In recovered, with its interval."""
    if one is None or one.recovered.value is None:
        return Cell(DASH), Cell(DASH)
    found = one.recovered
    return figure(found.value, _signed(one.recovered.value)), between(found.low, found.high)
