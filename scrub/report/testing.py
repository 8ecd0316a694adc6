"""The tests of a circuit as a person reads them: five verdicts, and what each rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from scrub.mediation.tested import CircuitTests, Outcome
from scrub.report.numbers import count, interval, level, number, share
from scrub.report.tables import Listing, heading
from scrub.report.wired import conventions, header, noted
from scrub.statistics.recovered import Bounds
from scrub.statistics.rivals import Rank

MOST = 40  # edges that are listed
STYLES = {Outcome.PASSED: "green", Outcome.FAILED: "red", Outcome.OPEN: "yellow"}


def report(found: CircuitTests) -> RenderableType:
    """The whole report, for a screen of 100 columns or more."""
    metric, sure = found.conventions["metric"], level(found.conventions["level"])
    kept = f"{count(len(found.edges), 'edge')}, {share(found.share)} of the model's"
    parts: list[RenderableType] = [
        header("Tests of a circuit", found, ("circuit", kept)),
        _verdicts(found),
        heading("Runs", f"{metric}, {sure} intervals"),
        _runs(found),
        *_equivalence(found),
        *_independence(found),
        *_minimality(found),
        *_random(found),
        *([Text()] if found.notes else []),
        *noted(found.notes),
        heading("Conventions"),
        conventions(found),
    ]
    return Group(*parts)


def _verdicts(found: CircuitTests) -> RenderableType:
    lines = Text()
    for i, (name, outcome) in enumerate(found.outcomes.items()):
        lines.append("\n" * bool(i) + f"{name:<13}")
        lines.append(f"{outcome.value:<8}", style=f"bold {STYLES[outcome]}")
        lines.append(verdict_in_words(found, name))
    return Panel(lines, border_style="blue", padding=(0, 2))


def verdict_in_words(found: CircuitTests, name: str) -> str:
    """What a verdict says, in one line."""
    outcome, asked = found.outcomes[name], found.conventions
    match name:
        case "equivalence":
            margin = f"{asked['margin']:g}"
            return {
                Outcome.PASSED: f"its share of wins is within {margin} of one half",
                Outcome.FAILED: f"its share of wins is more than {margin} from one half",
                Outcome.OPEN: f"within {margin} of one half or not: more examples would say",
            }[outcome]
        case "independence":
            if found.independence.constant:
                return "one of the two scores does not vary"
            passed = outcome is Outcome.PASSED
            return f"dependence of the complement's score: {'not seen' if passed else 'seen'}"
        case "minimality":
            if found.minimality is None:
                return "there is no edge outside of the circuit"
            idle = int(found.minimality.test.idle(found.alpha).sum())
            tested = count(len(found.minimality.edges), "edge")
            return f"{idle} of {tested} matter no more than random ones"
        case "sufficiency":
            better = f"nearer to the model than {share(found.sufficiency.share)}"
        case _:
            better = f"missed more than {share(found.necessity.share)}"
    return f"{better} of random circuits"


def runs(found: CircuitTests) -> Sequence[tuple[str, Bounds, str]]:
    """The four runs: what each is called, its mean score, and what it is."""
    return (
        ("model", found.model, "every edge as it is"),
        ("circuit", found.circuit, "every other edge as in the corrupted run"),
        ("complement", found.complement, "the circuit's edges as in the corrupted run"),
        ("empty", found.empty, "every edge as in the corrupted run"),
    )


def _runs(found: CircuitTests) -> RenderableType:
    table = Listing(["", ">mean", ">interval", "what it is"])
    for name, figure, what in runs(found):
        ends = "" if figure.low is None else interval(figure.low, figure.high)
        table.add(name, number(figure.value), ends, what)
    return table


def _equivalence(found: CircuitTests) -> Iterator[RenderableType]:
    test, metric = found.equivalence, found.conventions["metric"]
    counts = test.counts
    yield heading("Equivalence", f"how often the circuit has the higher {metric}")
    table = Listing([">wins", ">ties", ">losses", ">share of wins", f">{level(counts.level)}"])
    ends = interval(counts.low, counts.high)
    cells = (counts.wins, counts.ties, counts.losses)
    table.add(*map(str, cells), number(counts.share), ends)
    yield table
    yield Text(
        f"p of 'equivalent', the null of Shi et al.: {number(test.p_equivalent)}; "
        f"p of 'not equivalent', two one-sided tests: {number(test.p_different)}"
    )


def _independence(found: CircuitTests) -> Iterator[RenderableType]:
    test = found.independence
    yield heading("Independence", "of the complement's score and the model's")
    yield Text(
        f"HSIC {number(test.hsic)}, {number(test.correlation)} of its largest; p of 'independent' "
        f"{number(test.p)}, {count(test.permutations, 'permutation')}"
    )


def _minimality(found: CircuitTests) -> Iterator[RenderableType]:
    edges = found.minimality
    if edges is None:
        return
    quantile = f"{100 * edges.test.quantile:g} %"
    aside = f"p of 'matters more than {quantile} of {edges.test.rivals} random edges'"
    yield heading("Minimality", aside)
    adjusted = f">{edges.test.correction.value}"
    table = Listing(["edge", ">worth", ">random edges below", ">p", adjusted, ""])
    order = np.argsort(edges.worth, kind="stable")[:MOST]
    idle = edges.test.idle(found.alpha)
    for i in map(int, order):
        table.add(
            Text(str(edges.edges[i])),
            number(float(edges.worth[i])),
            share(float(edges.test.share[i])),
            number(float(edges.test.p[i])),
            number(float(edges.test.adjusted[i])),
            "idle" if idle[i] else "",
        )
    yield table
    if len(edges.edges) > len(order):
        yield Text(f"{len(edges.edges) - len(order)} more, none worth less", style="dim")


def against_random(found: CircuitTests) -> Sequence[tuple[str, Rank, str]]:
    """The two tests among random circuits: name, rank, and what it is to win."""
    return (
        ("sufficiency", found.sufficiency, "where its scores are nearer to the model's"),
        ("necessity", found.necessity, "where without it they are farther"),
    )


def _random(found: CircuitTests) -> Iterator[RenderableType]:
    low, high = found.random_sizes
    sizes = count(low, "edge") if low == high else f"{low} to {count(high, 'edge')}"
    yield heading("Against random circuits", f"of {sizes}, made of random paths")
    quantile = f"{100 * found.sufficiency.quantile:g} %"
    table = Listing(["", ">wins", ">ties", ">of", ">p, rank", f">p, at most {quantile}", "wins"])
    for name, rank, what in against_random(found):
        table.add(name, *_rank(rank), what)
    yield table


def _rank(rank: Rank) -> tuple[str, ...]:
    counts = map(str, (rank.wins, rank.ties, rank.rivals))
    return (*counts, number(rank.p), number(rank.p_quantile))
