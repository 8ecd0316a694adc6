"""In words: why no more was added, and what would make an interval narrower still."""

from __future__ import annotations

import math

from scrub.statistics import Estimand
from scrub.statistics.sequential import SURE, Look, Rule, Stop
from scrub.statistics.variance import Split

HELPS = 0.95  # of the width: what leaves more than that behind is not worth advising


def said_of_stop(rule: Rule, looks: tuple[Look, ...], why: Stop, refusal: str | None) -> str:
    """Why a run stopped, for the person who asked for an interval of some width.

    >>> from scrub.statistics.sequential import Sizes
    >>> rule = Rule(0.01, 400, Sizes(400, 64))
    >>> seen = Look(Sizes(300, 4), 0.9, 0.0093, 0.0099, 0.004)
    >>> print(said_of_stop(rule, (seen,), Stop.NARROW, None))
    The interval is ±0.0093 (at most ±0.0099, 75 % sure) after 1 look; ±0.01 was asked for.
    """
    seen = looks[-1]
    if why is Stop.NO_RATIO or seen.half is None:
        why_not = refusal or "There is no interval."
        return f"There is no interval to make narrower than ±{rule.target:g}. {why_not}"
    sizes, width = seen.sizes, f"±{seen.half:.2g}"
    match why:
        case Stop.NARROW:
            return (
                f"The interval is {width} (at most ±{seen.upper:.2g}, {100 * SURE:g} % sure) after "
                f"{_looks(looks)}; ±{rule.target:g} was asked for."
            )
        case Stop.DATA:
            return (
                f"Only more data would help: all {rule.rows:,} rows are references, and endless "
                f"draws would still leave about ±{seen.floor:.2g} of {width}, where "
                f"±{rule.target:g} was asked for. It takes roughly {rows_needed(rule, seen):,} "
                f"rows of the same kind, with {sizes.draws} draws each."
            )
        case _:
            return (
                f"±{rule.target:g} was not reached: the interval is {width} with "
                f"{sizes.references:,} references of {sizes.draws} draws. {_raise(rule, seen)}"
            )


def rows_needed(rule: Rule, seen: Look) -> int:
    """About how many rows would do, all of them references, to two digits.

    >>> from scrub.statistics.sequential import Sizes
    >>> rows_needed(Rule(0.01, 400, Sizes(400, 64)), Look(Sizes(400, 4), 0.9, 0.02, 0.021, 0.02))
    1800
    """
    assert seen.upper is not None  # there is an interval
    wanted = rule.rows * (seen.upper / rule.target) ** 2
    step = int(10 ** max(0, math.floor(math.log10(wanted)) - 1))
    return math.ceil(wanted / step) * step


def _raise(rule: Rule, seen: Look) -> str:
    """Which limit stood in the way."""
    references = (
        f"Allow more than {rule.most.references:,} references: the data have {rule.rows:,} rows."
    )
    if seen.floor is not None and seen.floor > rule.target:
        return f"{references} More draws would not do."
    draws = f"Allow more than {rule.most.draws} draws."
    return draws if rule.most.references == rule.rows else f"{references} {draws}"


def _looks(looks: tuple[Look, ...]) -> str:
    return f"{len(looks)} look{'' if len(looks) == 1 else 's'}"


def advice(split: Split, half: float) -> str:
    """What would make an interval of this half-width narrower, by the parts of its variance.

    At equal cost, more references are held against more draws; where all rows are references,
    more draws against more data.

    >>> from scrub.statistics.variance import Part
    >>> parts = Part(8e-4, 6e-4, 9e-4), Part(5e-5, 0, 1e-4), Part(5e-5, 0, 1e-4)
    >>> print(advice(Split(*parts, 1e-4, 200, 4, 200, Estimand.POPULATION), 0.06))
    Only more data would help much: twice the rows would bring ±0.06 to about ±0.042, twice the \
draws to ±0.058.
    """
    if split.total <= 0 or half == 0:
        return "Nothing that was drawn changes the figure: there is nothing to make narrower."
    r, t, n = split.count, split.draws, split.rows
    more = min(2 * r, n)
    references = _width(split, half, more, t, n)
    draws = _width(split, half, r, 2 * t, n)
    rows = _width(split, half, 2 * r, t, 2 * n)
    to_draws, to_rows = f"twice the draws to ±{draws:.2g}", f", twice the rows to ±{rows:.2g}"
    if references < HELPS * half:
        added = "twice as many" if more == 2 * r else f"all {n:,} rows"
        return (
            f"To make it narrower, add references: {added} would bring ±{half:.2g} to about "
            f"±{references:.2g}, {to_draws}."
        )
    if split.estimand is Estimand.DATA:
        to_rows = ""  # these data are all there is
    elif draws >= HELPS * half or (r == n and split.of_draws < split.total / 2):
        return (
            f"Only more data would help much: twice the rows would bring ±{half:.2g} to about "
            f"±{rows:.2g}, {to_draws}."
        )
    return (
        f"To make it narrower, add draws: twice as many would bring ±{half:.2g} to about "
        f"±{draws:.2g}{to_rows}."
    )


def _width(split: Split, half: float, references: int, draws: int, rows: int) -> float:
    return half * math.sqrt(split.forecast(references, draws, rows) / split.total)
