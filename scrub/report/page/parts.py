"""What the page says as a plain order of headings, sentences and tables, for other formats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scrub.report.page import contrasts, controlled, scores
from scrub.report.page.again import compare_again, run_again
from scrub.report.page.chapters import about, alone, gathered, worst_in_words
from scrub.report.page.sequences import listed
from scrub.report.page.tabular import Table
from scrub.report.page.verdict import verdict
from scrub.results.adversary import WorstAllowed
from scrub.results.comparison import Comparison
from scrub.results.controls import Controls
from scrub.results.result import Result

if TYPE_CHECKING:
    from scrub.mediation.tested import CircuitTests
    from scrub.study.interchanging.interchanged import Interchange


@dataclass(frozen=True)
class Given:
    """All that is reported on."""

    results: Sequence[Result] = ()
    comparisons: Sequence[Comparison] = ()
    controls: Sequence[Controls] = ()
    adversaries: Sequence[WorstAllowed] = ()
    findings: Sequence[CircuitTests | Interchange] = ()


@dataclass(frozen=True)
class Part:
    """A heading (empty for the opening), then sentences, points, a command if any, and tables."""

    heading: str
    said: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    command: str = ""


NOTHING = "There are no results."
TITLE = "scrub report"


def parts(given: Given) -> list[Part]:
    """In the order of the page."""
    found = gathered(given.results, given.comparisons)
    made = [*_overview(found), *map(_versus, given.comparisons)]
    for one in found:
        made.append(_chapter(one, given))
    against: list[Controls | WorstAllowed] = [*given.controls, *given.adversaries]
    left = [a for a in against if not any(about(one, a) for one in found)]
    for other in (alone(one, "") for one in (*left, *given.findings)):
        said = (other.says,) if other.says else ()
        made.append(Part(other.title, said, other.cautions, other.tables))
    return made or [Part("", (NOTHING,))]


def _overview(found: Sequence[Result]) -> Iterator[Part]:
    if len(found) > 1:
        same = tuple(f"{name}: {value}" for name, value in scores.common(found))
        yield Part("", same, tables=(scores.overview(found, [""] * len(found)),))


def _versus(found: Comparison) -> Part:
    verdicts = tuple(f"{pair.first} and {pair.second}: {pair.verdict}." for pair in found.pairs)
    return Part(
        "Comparison", found.notes, verdicts, tuple(contrasts.tables(found)), compare_again(found)
    )


def _chapter(one: Result, given: Given) -> Part:
    controls = next((c for c in given.controls if about(one, c)), None)
    adversary = next((a for a in given.adversaries if about(one, a)), None)
    found = verdict(one)
    said = [one.claim] if one.claim else []
    said += [f"{found.word.value}. {found.number}", f"Because {found.why}."]
    tables = [scores.measured(one), scores.claimed(one), scores.nodes(one.nodes)]
    tables += [table] if (table := scores.stopped(one)) is not None else []
    tables += [] if controls is None else controlled.tables(controls)
    if adversary is not None:
        said.append(worst_in_words(adversary))
        tables.append(controlled.chosen(adversary))
    tables += [listed(one)] if one.worst else []
    tables += [scores.conventions(one), scores.provenance(one)]
    points = [*one.cautions]
    for against in (controls, adversary):
        points += against.cautions if against is not None else ()
    points = [point for point in points if point != one.recovered.refusal]
    return Part(one.name, tuple(said), tuple(points), tuple(tables), run_again(one))
