"""Why no more was added, and what would help, in words that are held here in full."""

from __future__ import annotations

import pytest

from scrub.statistics import Estimand
from scrub.statistics.sequential import Look, Rule, Sizes, Stop
from scrub.statistics.variance import Part, Split
from scrub.study.until.advising import advice, said_of_stop

RULE = Rule(target=0.01, rows=1000, most=Sizes(500, 64))
ALL = Rule(target=0.01, rows=1000, most=Sizes(1000, 64))


def look(references: int, draws: int, floor: float) -> Look:
    return Look(Sizes(references, draws), 0.9, 0.02, 0.021, floor)


@pytest.mark.parametrize(
    ("rule", "seen", "why", "said"),
    [
        (
            ALL,
            Look(Sizes(400, 4), 0.9, 0.00912, 0.00987, 0.005),
            Stop.NARROW,
            "The interval is ±0.0091 (at most ±0.0099, 75 % sure) after 2 looks; ±0.01 was asked "
            "for.",
        ),
        (
            ALL,
            look(1000, 4, 0.019),
            Stop.DATA,
            "Only more data would help: all 1,000 rows are references, and endless draws would "
            "still leave about ±0.019 of ±0.02, where ±0.01 was asked for. It takes roughly 4,500 "
            "rows of the same kind, with 4 draws each.",
        ),
        (
            RULE,
            look(500, 4, 0.019),
            Stop.CAP,
            "±0.01 was not reached: the interval is ±0.02 with 500 references of 4 draws. Allow "
            "more than 500 references: the data have 1,000 rows. More draws would not do.",
        ),
        (
            RULE,
            look(500, 64, 0.009),
            Stop.CAP,
            "±0.01 was not reached: the interval is ±0.02 with 500 references of 64 draws. Allow "
            "more than 500 references: the data have 1,000 rows. Allow more than 64 draws.",
        ),
        (
            ALL,
            look(1000, 64, 0.009),
            Stop.CAP,
            "±0.01 was not reached: the interval is ±0.02 with 1,000 references of 64 draws. Allow "
            "more than 64 draws.",
        ),
        (
            ALL,
            Look(Sizes(1000, 4)),
            Stop.NO_RATIO,
            "There is no interval to make narrower than ±0.01. The ratio is refused: so.",
        ),
    ],
)
def test_why_it_stopped(rule: Rule, seen: Look, why: Stop, said: str) -> None:
    refusal = "The ratio is refused: so." if why is Stop.NO_RATIO else None
    assert said_of_stop(rule, (look(100, 4, 0.02), seen), why, refusal) == said


def split(
    references: float,
    draws: float,
    data: float,
    count: int = 400,
    estimand: Estimand = Estimand.POPULATION,
) -> Split:
    """Parts of a variance of 1, from 4 draws of so many of 1,000 rows."""
    none = Part(0, 0, 0)
    return Split(Part(references, 0, 1), none, Part(draws, 0, 1), data, count, 4, 1000, estimand)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (
            split(0.6, 0.3, 0.1),
            "To make it narrower, add references: twice as many would bring ±0.02 to about "
            "±0.015, twice the draws to ±0.018.",
        ),
        (
            split(0.6, 0.3, 0.1, count=800),
            "To make it narrower, add references: all 1,000 rows would bring ±0.02 to about "
            "±0.018, twice the draws to ±0.018.",
        ),
        (
            split(0.0, 0.7, 0.3, count=950),
            "To make it narrower, add draws: twice as many would bring ±0.02 to about ±0.016, "
            "twice the rows to ±0.014.",
        ),
        (
            split(0.3, 0.6, 0.1, count=1000),
            "To make it narrower, add draws: twice as many would bring ±0.02 to about ±0.017, "
            "twice the rows to ±0.014.",
        ),
        (
            split(0.6, 0.3, 0.1, count=1000),
            "Only more data would help much: twice the rows would bring ±0.02 to about ±0.014, "
            "twice the draws to ±0.018.",
        ),
        (
            split(0.0, 0.05, 0.95),
            "Only more data would help much: twice the rows would bring ±0.02 to about ±0.014, "
            "twice the draws to ±0.02.",
        ),
        (
            split(0.0, 1.0, 0.0, count=1000, estimand=Estimand.DATA),
            "To make it narrower, add draws: twice as many would bring ±0.02 to about ±0.014.",
        ),
        (
            split(0.0, 0.0, 0.0),
            "Nothing that was drawn changes the figure: there is nothing to make narrower.",
        ),
    ],
)
def test_what_would_help(parts: Split, said: str) -> None:
    assert advice(parts, 0.02) == said
