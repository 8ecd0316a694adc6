"""The tests of a circuit, and interchange interventions, as sections of the page."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scrub.mediation.findings import Finding
from scrub.mediation.tested import CircuitTests
from scrub.report.interchanging import KEY, READ
from scrub.report.numbers import DASH, count, level, share
from scrub.report.page.tabular import (
    Cell,
    Column,
    Table,
    between,
    columns,
    figure,
    minus,
    named,
    words,
)
from scrub.report.testing import against_random, runs, verdict_in_words
from scrub.report.wired import written
from scrub.statistics.recovered import Bounds
from scrub.study.interchanging.interchanged import Interchange


def title(found: CircuitTests | Interchange) -> str:
    """What the section is called."""
    said = found.conventions
    what = "Tests of a circuit" if isinstance(found, CircuitTests) else "Interchange interventions"
    return f"{what}: {said['model']} on {said['task']}"


def says(found: CircuitTests | Interchange) -> str:
    """What was measured, in a paragraph."""
    said = found.conventions
    size = f"{count(said['examples'], 'example')} of {said['rows']:,} rows"
    drawn = f"{size} × {count(said['draws'], 'draw')}, seed {said['seed']}."
    if isinstance(found, CircuitTests):
        kept = f"{count(len(found.edges), 'edge')}, {share(found.share)} of the model's"
        where = f"{said['metric']} at {said['scored_at']}, corrupted by {said['corruption']}"
        return minus(f"{kept}: {where}. {drawn}")
    read = f"The answer is {READ.get(said['answers'], said['answers'])}, at {said['scored_at']}."
    plain = f"With nothing put in, the model answers as the claim on {share(found.plain.value)}."
    if found.labelled is not None:
        plain += f" The claim answers as the data on {share(found.labelled.value)}."
    return minus(f"{read} {drawn} {plain} {KEY[0].upper()}{KEY[1:]}.")


def tables(found: CircuitTests | Interchange) -> tuple[Table, ...]:
    """Verdicts and what they rest on, or accuracies; then the conventions."""
    made = _tests(found) if isinstance(found, CircuitTests) else iter([_accuracies(found)])
    return (*made, _conventions(found))


def _tests(found: CircuitTests) -> Iterator[Table]:
    verdicts = [
        (words(name), words(outcome.value), words(verdict_in_words(found, name)))
        for name, outcome in found.outcomes.items()
    ]
    yield Table("Verdicts", columns("test", "outcome", "what it says"), tuple(verdicts))
    metric, sure = found.conventions["metric"], level(found.conventions["level"])
    rows = [(words(name), *_bounds(one), words(what)) for name, one, what in runs(found)]
    titles = columns("run", f">mean {metric}", f">{sure} interval", "what it is")
    yield Table("Runs", titles, tuple(rows))
    yield _equivalence(found)
    if found.minimality is not None:
        yield _minimality(found)
    yield _random(found)


def _equivalence(found: CircuitTests) -> Table:
    counts, test, hsic = found.equivalence.counts, found.equivalence, found.independence
    rows = [
        ("wins of the circuit", figure(counts.wins)),
        ("ties", figure(counts.ties)),
        ("losses", figure(counts.losses)),
        ("share of wins", figure(counts.share)),
        (f"its {level(counts.level)} interval", between(counts.low, counts.high, decimals=False)),
        ("p of 'equivalent', the null of Shi et al.", figure(test.p_equivalent)),
        ("p of 'not equivalent', two one-sided tests", figure(test.p_different)),
        ("HSIC of the complement's score and the model's", figure(hsic.hsic)),
        ("HSIC, of its largest", figure(hsic.correlation)),
        (f"p of 'independent', {count(hsic.permutations, 'permutation')}", figure(hsic.p)),
    ]
    return named(rows, "Equivalence and independence", "figure", "value")


def _minimality(found: CircuitTests) -> Table:
    told = found.minimality
    assert told is not None  # whoever asks has looked
    test, idle = told.test, told.test.idle(found.alpha)
    below = f"Of {test.rivals} random edges"
    reach = f"p of 'matters more than {100 * test.quantile:g} % of random edges'"
    titles = columns(
        "edge",
        Column("worth", True, "Distance of the score without it from the score with it"),
        Column("random edges below", True, below),
        Column("p", True, reach),
        Column(test.correction.value, True, "The same, over all edges"),
        "idle",
    )
    rows = [
        (
            words(told.edges[i]),
            figure(float(told.worth[i])),
            figure(float(test.share[i]), share(float(test.share[i]))),
            figure(float(test.p[i])),
            figure(float(test.adjusted[i])),
            words("idle" if idle[i] else ""),
        )
        for i in map(int, np.argsort(told.worth, kind="stable"))
    ]
    return Table("Minimality: each edge against random ones", titles, tuple(rows))


def _random(found: CircuitTests) -> Table:
    rows = [
        (
            words(name),
            figure(rank.wins),
            figure(rank.ties),
            figure(rank.rivals),
            figure(rank.p),
            figure(rank.p_quantile),
            words(what),
        )
        for name, rank, what in against_random(found)
    ]
    at_most = f">p, at most {100 * found.sufficiency.quantile:g} %"
    titles = columns("test", ">wins", ">ties", ">of", ">p, rank", at_most, "wins are")
    return Table("Against random circuits", titles, tuple(rows))


def _accuracies(found: Interchange) -> Table:
    titles = columns(
        "nodes put in",
        ">accuracy",
        ">interval",
        Column("same", True, "Pairs on which neither answer nor prediction changes"),
        Column("else accuracy", True, "On all other pairs"),
        ">interval",
        Column("idle", True, "What a claim that the nodes carry nothing would have"),
    )
    rows = []
    for i, name in enumerate(found.names):
        changed = found.changed[i]
        rows.append(
            (
                words(name),
                *_bounds(found.accuracy[i]),
                figure(found.same[i], share(found.same[i])),
                *((Cell(DASH), Cell(DASH)) if changed is None else _bounds(changed)),
                figure(found.idle[i].value, share(found.idle[i].value)),
            )
        )
    sure = level(found.conventions["level"])
    return Table(f"Accuracy, {sure} intervals about the population", titles, tuple(rows))


def _conventions(found: Finding) -> Table:
    rows = [(name, words(written(value))) for name, value in found.conventions.items()]
    return named(rows, "Conventions", "convention", "value")


def _bounds(found: Bounds) -> tuple[Cell, Cell]:
    return figure(found.value), between(found.low, found.high, decimals=False)
