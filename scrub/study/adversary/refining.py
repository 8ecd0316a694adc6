"""Refinements of one lever that are worth trying: what the draws made so far say of them.

Under the usual sampling every donor is one of many, so one table of draws says of every attribute
what those donors do that have it: that costs no run. What looks worst is then tried for real. Of
single rows the usual draws say nothing; as many as are asked for are tried for each class at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scrub.data.dataset import Dataset, Ints
from scrub.data.features import class_numbers
from scrub.engine.metrics import Floats
from scrub.hypothesis.unfold import DrawKind
from scrub.results.adversary import Taken
from scrub.sampling.chosen import ANYTHING, Rule
from scrub.study.adversary.levers import Attribute, Lever, fixes
from scrub.study.worst import shown


@dataclass(frozen=True, eq=False)
class Refined:
    """A rule for one lever, in words too; `single` where it names rows, not an attribute."""

    lever: Lever
    rule: Rule
    said: str
    lines: tuple[Taken, ...]
    single: bool


@dataclass(frozen=True, eq=False)
class Table:
    """Draws of all variables [variable, reference, draw], and how they hurt [reference, draw].

    `harm` is in the metric, larger is worse, with what the reference foretold taken off.
    """

    rows: Ints
    harm: Floats


def by_attribute(
    lever: Lever, told: Sequence[Attribute], table: Table
) -> list[tuple[float, Refined]]:
    """Rules that ask for an attribute, of all references or by what is known; the worst first.

    The score is the harm expected, less its standard error; rules without any are left out.
    """
    found = []
    for asked in _open(lever, told):
        for known in (None, *lever.known):
            score, wanted = _screened(lever, asked, known, table)
            if score > 0:
                found.append((score, _rule_of(lever, asked, known, wanted)))
    return sorted(found, key=lambda pair: -pair[0])


def _open(lever: Lever, told: Sequence[Attribute]) -> list[Attribute]:
    """Attributes in which donors of one class differ."""
    return [one for one in told if not fixes(lever.home, one.marks)]


def _screened(
    lever: Lever, asked: Attribute, known: Attribute | None, table: Table
) -> tuple[float, Ints]:
    """The mark that hurts most in each cell, and what that would add up to."""
    marks = len(asked.labels)
    cells = 1 if known is None else 1 + len(known.labels)  # the first for rows without a mark
    count, mean = np.zeros((cells, marks)), np.zeros((cells, marks))
    square = np.zeros((cells, marks))
    for variable, handed in zip(lever.variables, lever.handed, strict=True):
        given = 0 if known is None else 1 + known.marks[table.rows[handed]]
        mark = asked.marks[table.rows[variable]]
        there = mark != ANYTHING
        place = (given * marks + mark)[there]
        for total, weight in ((count, None), (mean, table.harm), (square, table.harm**2)):
            some = None if weight is None else weight[there]
            total += np.bincount(place, some, cells * marks).reshape(cells, marks)
    least = _least(count, mean, square)
    wanted = np.where(least.max(axis=1) > 0, least.argmax(axis=1), ANYTHING)
    if known is not None:
        wanted[0] = ANYTHING
    share = count.sum(axis=1) / max(count.sum(), 1)
    score = float(np.sum(share * np.where(wanted == ANYTHING, 0, least.max(axis=1))))
    return score, wanted


def _least(count: Floats, total: Floats, square: Floats) -> Floats:
    """How far the mean of each mark lies above that of its cell, less a standard error."""
    everywhere = total.sum(axis=1, keepdims=True) / np.maximum(count.sum(axis=1, keepdims=True), 1)
    spread = square.sum() / max(count.sum(), 1) - (total.sum() / max(count.sum(), 1)) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        least: Floats = total / count - everywhere - np.sqrt(max(spread, 0.0) / count)
    return np.where(count > 1, least, -np.inf)


def _rule_of(lever: Lever, asked: Attribute, known: Attribute | None, wanted: Ints) -> Refined:
    rows = len(asked.marks)
    given = np.zeros(rows, dtype=np.int64) if known is None else 1 + known.marks
    rule = Rule(given, wanted, asked.marks)
    if known is None:
        said = asked.says(int(wanted[0]))
        return Refined(lever, rule, said, (Taken("", said),), single=False)
    lines = tuple(
        Taken(known.says(cell - 1), asked.says(mark))
        for cell, mark in enumerate(wanted.tolist())
        if mark != ANYTHING
    )
    return Refined(lever, rule, f"{asked.name} by {known.name}", lines, single=False)


def together(
    first: Lever, second: Lever, told: Sequence[Attribute], table: Table
) -> Iterator[tuple[float, tuple[Refined, Refined]]]:
    """Rules for two levers at once: an attribute in which their donors shall agree, or differ.

    What hurts in this way only need not hurt at either of them alone.
    """
    one, other = first.variables[0], second.variables[0]
    for asked in _open(first, _open(second, told)):
        pairs = asked.marks[table.rows[one]], asked.marks[table.rows[other]]
        there = (pairs[0] != ANYTHING) & (pairs[1] != ANYTHING)
        marks = len(asked.labels)
        place = (pairs[0] * marks + pairs[1])[there]
        sums = [
            np.bincount(place, weight, marks**2)[None]
            for weight in (None, table.harm[there], table.harm[there] ** 2)
        ]
        least = _least(*(np.asarray(one, dtype=np.float64) for one in sums))[0]
        best = int(least.argmax())
        if least[best] > 0:
            rules = [
                _rule_of(lever, asked, None, np.array([mark]))
                for lever, mark in zip((first, second), divmod(best, marks), strict=True)
            ]
            yield float(least[best]), (rules[0], rules[1])


def rows_to_try(
    lever: Lever, allowed: NDArray[np.bool_], count: int, rng: np.random.Generator
) -> list[Ints]:
    """Rows [home] in turn, a different one of each class each time; `ANYTHING` when none is left.

    `allowed` [row]: rows that may be named at all.
    """
    picks = np.full((count, int(lever.home.max()) + 1), ANYTHING, dtype=np.int64)
    for home in range(picks.shape[1]):
        rows = rng.permutation(lever.rows_of(home))
        rows = rows[allowed[rows]][:count]
        picks[: len(rows), home] = rows
    return [pick for pick in picks if (pick != ANYTHING).any()]


def naming(lever: Lever, pick: Ints) -> Rule:
    """The rule that takes one row for each class."""
    return Rule(lever.home, pick, np.arange(len(lever.home), dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Named:
    """Which of the rows tried is taken in each cell, and what that gains on other references.

    `gain` [reference] is by how much it hurts, each half of the references with the choice made
    on the other half.
    """

    refined: Refined
    gain: Floats


def by_row(
    lever: Lever, picks: Sequence[Ints], gains: Sequence[Floats], table: Table, dataset: Dataset
) -> Iterator[Named]:
    """The worst row of those tried for each class; for unimportant inputs, by all that is known.

    `gains` [reference, draw] says for each pick how much more it hurts than the usual draw.
    """
    tellings: list[Attribute | None] = [None]
    if lever.kind is not DrawKind.DONOR:
        tellings += lever.known
    for known in tellings:
        told = lever.home if known is None else known.marks
        cells = class_numbers(list(zip(lever.home.tolist(), told.tolist(), strict=True)))
        handed = cells[table.rows[list(lever.handed)]]  # [variable, reference, draw]
        size = int(cells.max()) + 1
        folds = np.arange(handed.shape[1]) % 2
        gain = np.empty(len(folds))
        for fold in (0, 1):
            taken = _taken(handed[:, folds != fold], [g[folds != fold] for g in gains], size)
            gain[folds == fold] = _gained(
                handed[:, folds == fold], [g[folds == fold] for g in gains], taken
            )
        whole = _taken(handed, gains, size)
        if (whole != ANYTHING).any():
            yield Named(_naming(lever, known, cells, whole, np.stack(picks), dataset), gain)


def _taken(handed: Ints, gains: Sequence[Floats], size: int) -> Ints:
    """The pick that gains most in each cell [cell]; `ANYTHING` where none gains."""
    weights = [np.broadcast_to(gain, handed.shape).ravel() for gain in gains]
    sums = np.stack([np.bincount(handed.ravel(), weight, size) for weight in weights])
    best: Ints = np.where(sums.max(axis=0) > 0, sums.argmax(axis=0), ANYTHING)
    return best


def _gained(handed: Ints, gains: Sequence[Floats], taken: Ints) -> Floats:
    """The gain of each reference [reference], where each cell has its pick."""
    pick = taken[handed]
    found = sum(np.where(pick == j, gain, 0.0) for j, gain in enumerate(gains))
    gained: Floats = np.asarray(found).mean(axis=(0, 2))
    return gained


def _naming(
    lever: Lever, known: Attribute | None, cells: Ints, taken: Ints, picks: Ints, dataset: Dataset
) -> Refined:
    firsts = np.unique(cells, return_index=True)[1]  # [cell] -> a row of it
    wanted = np.where(taken == ANYTHING, ANYTHING, picks[taken, lever.home[firsts]])
    telling = known
    if known is None and len(firsts) > 1 and lever.known:
        telling = lever.known[-1]
    lines = []
    for cell, row in enumerate(wanted.tolist()):
        if row == ANYTHING:
            continue
        mark = ANYTHING if telling is None else int(telling.marks[firsts[cell]])
        given = "" if telling is None or mark == ANYTHING else telling.says(mark)
        lines.append(Taken(given, f"row {row}: {shown(dataset, row)}"))
    said = "one row" if len(lines) == 1 else f"one row for each of {len(lines)} classes"
    if telling is not None and len(lines) > 1:
        said = f"one row for each of {len(lines)} values of {telling.name}"
    rule = Rule(cells, wanted, np.arange(len(cells), dtype=np.int64))
    return Refined(lever, rule, said, tuple(lines), single=True)
