"""What a suite came to, as tables for its Markdown page: the same bytes for the same results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from scrub.report.markdown import escaped, table
from scrub.report.numbers import DASH, count, level, share
from scrub.report.page import contrasts
from scrub.report.page.tabular import (
    Cell,
    Table,
    between,
    columns,
    figure,
    recovery,
    without_empty,
    words,
)
from scrub.report.suites import Tell, differing
from scrub.results.comparison import Comparison
from scrub.results.result import Result
from scrub.statistics.recovered import FEW
from scrub.study.suites.findings import Found, Subset, apart, comparisons
from scrub.study.suites.page import Page
from scrub.study.suites.suite import Suite

ABOUT = ("model", "task", "metric")
SPELLED = ("unimportant", "nodes", "replacement", "donors", "baseline")
LIBRARIES = ("causal-scrub", "torch", "transformers")
TOO_FEW = f"no value has the {FEW} references that an interval takes."
Tells = Mapping[str, Tell]  # what tells scrubs apart: the title of a column, and what is said there
MEANING = (
    "Null: the same graph with its features forgotten. Model, scrubbed and baseline are means of "
    "the metric, divergence the mean distance of scrubbed from model. Self: the share of donors "
    "that were the reference itself, and changed nothing."
)


def in_full(found: Sequence[Found], page: Page, command: str) -> str:
    """All tables of a suite, with what its results have in common and the command."""
    if not found:
        return "No scrub is done."
    tells = differing([one.part for one in found])
    blocks = [escaped(_common(found, tells)), table(_results(found, tells, page.published))]
    for column in page.apart:
        parts = _subsets(found, tells, column)
        blocks.append(table(parts) if parts.rows else f"{escaped(parts.caption)}: {TOO_FEW}")
    if page.compare:
        blocks += [table(_pairs(first, one, tells)) for first, one in comparisons(found)]
    return "\n\n".join([*blocks, MEANING, _made(found, command)])


def in_brief(found: Sequence[Found], _: Page, command: str) -> str:
    """A line for each scrub: what it is about, and what it recovers."""
    if not found:
        return "No scrub is done."
    tells = differing([one.part for one in found])
    others = {name: tell for name, tell in tells.items() if name not in ABOUT}
    titles = columns("claim", *ABOUT, *others, ">recovered", ">interval")
    rows = []
    for one in found:
        result = one.result
        about = (result.name, result.model, result.task, result.metric)
        rows.append((*map(words, about), *_told(one, others), *_recovered(result)))
    return f"{table(Table('', titles, tuple(rows)))}\n\n`{command}`"


def _common(found: Sequence[Found], tells: Tells) -> str:
    """What all have in common, in a line."""
    apart_in = {name.removeprefix(">") for name in tells}
    first, said = found[0].result, found[0].result.conventions
    told = {
        "model": f"model {first.model}",
        "data": f"task {first.task}, {count(int(said['rows']), 'row')}",
        "metric": f"metric {first.metric}",
        "references": count(int(said["references"]), "reference"),
        "draws": count(int(said["draws"]), "draw"),
        "seed": f"seed {said['seed']}",
        **{name: f"{name} {said[name]}" for name in SPELLED},
    }
    same = [text for name, text in told.items() if name not in apart_in and _same(found, name)]
    return f"All: {'; '.join(same)}."


def _same(found: Sequence[Found], name: str) -> bool:
    """Whether hypotheses that say it themselves say the same."""
    where = {"data": "task", "model": "model", "metric": "metric"}
    values = [
        getattr(one.result, where[name]) if name in where else one.result.conventions[name]
        for one in found
    ]
    return len({str(value) for value in values}) == 1


def _told(one: Found, tells: Tells) -> tuple[Cell, ...]:
    return tuple(words(tell(one.part)) for tell in tells.values())


def _recovered(result: Result) -> tuple[Cell, Cell]:
    return recovery(result.recovered.value), between(result.recovered.low, result.recovered.high)


def _results(found: Sequence[Found], tells: Tells, published: Mapping[str, str]) -> Table:
    """One line a scrub, with the raw means and what was published."""
    interval = f">{level(found[0].result.recovered.level)} interval"
    measured = (">null", ">model", ">scrubbed", ">baseline", ">divergence", ">self", "published")
    titles = columns("claim", *tells, ">recovered", interval, *measured)
    rows = []
    for one in found:
        result, means = one.result, one.result.means
        null = None if result.null is None else result.null.recovered
        rows.append(
            (
                words(result.name),
                *_told(one, tells),
                *_recovered(result),
                Cell(DASH) if null is None else recovery(null),
                *(figure(mean.value) for mean in (means.model, means.scrubbed, means.baseline)),
                figure(result.divergence),
                Cell(_self_share(result)),
                words(published.get(result.name, "")),
            )
        )
    return without_empty(Table("Results", titles, tuple(rows)))


def _self_share(result: Result) -> str:
    """Of all donors drawn, those that were the reference itself."""
    drawn = sum(node.draws for node in result.nodes)
    return share(sum(n.self_share * n.draws for n in result.nodes) / drawn) if drawn else DASH


def _subsets(found: Sequence[Found], tells: Tells, column: str) -> Table:
    measured = (">recovered", ">interval", ">model", ">scrubbed", ">baseline")
    titles = columns("claim", *tells, column, ">references", *measured)
    rows = [
        (words(one.result.name), *_told(one, tells), *_subset(part))
        for one in found
        for part in apart(one, column)
    ]
    return Table(f"Apart by {column}", titles, tuple(rows))


def _subset(part: Subset) -> Iterator[Cell]:
    yield words(part.value)
    yield figure(part.references, f"{part.references:,}")
    yield recovery(part.recovered.value)
    yield between(part.recovered.low, part.recovered.high)
    yield from map(figure, (part.model, part.scrubbed, part.baseline))


def _pairs(first: Found, compared: Comparison, tells: Tells) -> Table:
    """Every pair of hypotheses, under what they have in common and other comparisons have not."""
    where = [f"{name.removeprefix('>')} {tell(first.part)}" for name, tell in tells.items()]
    return replace(contrasts.pairs(compared), caption=", ".join(["Pairs", *where]))


def _made(found: Sequence[Found], command: str) -> str:
    """How to make the tables again, and with what they were made."""
    versions = found[0].result.versions
    libraries = ", ".join(f"{one} {versions[one]}" for one in LIBRARIES if one in versions)
    return f"Made by this command, with {libraries}:\n\n```\n{command}\n```"


def command_of(suite: Suite) -> str:
    """The command that runs a suite, as typed in the folder above its own.

    >>> command_of(Suite("induction", name="parens", folder="/home/ada/hypotheses"))
    'scrub suite hypotheses/parens.toml'
    """
    return f"scrub suite {suite.folder.name}/{suite.name}.toml"
