"""What the scrubs of a suite came to, put together for its page: apart by columns, and compared."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from scrub.results.comparison import Comparison
from scrub.results.result import Recovered, Result
from scrub.results.store.results import as_result
from scrub.results.store.store import Store
from scrub.statistics import Sample
from scrub.study.assemble import estimated, sample_again, share_of
from scrub.study.comparing.alike import CONVENTIONS, drawn
from scrub.study.comparing.compare import comparing, comparison_of
from scrub.study.comparing.contrasting import subgroups
from scrub.study.identity import said_of_task
from scrub.study.measuring import draw_each
from scrub.study.prepare import Plan
from scrub.study.suites.jobs import Job, Kind
from scrub.study.suites.suites import Part, Ran


@dataclass(frozen=True, eq=False)
class Found:
    """One scrub of a suite that is done: its result, its plan, and the sample behind it."""

    part: Part
    result: Result
    plan: Plan
    sample: Sample


@dataclass(frozen=True)
class Subset:
    """What is recovered on the references that have one value of a column.

    `model`, `scrubbed` and `baseline` are means of the metric.
    """

    column: str
    value: str
    references: int
    model: float
    scrubbed: float
    baseline: float
    recovered: Recovered


def found_by(ran: Ran) -> tuple[Found, ...]:
    """Every scrub that is done, in order, called as in the suite. Raises `StoreFailed`."""
    made = []
    with Store.reading(ran.folder) as store:
        for part in ran.parts:
            plan, row = part.plan, part.row
            if part.job.kind is Kind.SCRUB and plan is not None and row is not None and row.is_done:
                result = as_result(store, row, name=part.job.name)
                donors, _ = draw_each([plan])
                sample = sample_again(plan, donors[0], result.per_example)
                made.append(Found(part, result, plan, sample))
    return tuple(made)


def apart(found: Found, column: str) -> Iterator[Subset]:
    """What is recovered for each value of a column; numbers of many values are taken by quarters.

    Values with fewer references than an interval takes are left out.
    """
    settings, dataset = found.plan.settings, found.plan.task.dataset
    for _, value, members in subgroups(dataset, found.sample.references, [column]):
        some = estimated(found.sample.within(members), settings)
        means = (some.model.value, some.scrubbed.value, some.baseline.value)
        yield Subset(column, value, len(members), *means, share_of(some))


def comparisons(found: Sequence[Found]) -> Iterator[tuple[Found, Comparison]]:
    """Scrubs that differ in their hypothesis alone, held against each other as `compare` does;
    each comparison after the first of its scrubs. A page has no place for subgroups of pairs, which
    would cost more than all else."""
    groups: dict[Hashable, list[Found]] = {}
    for one in found:
        groups.setdefault(_ground(one), []).append(one)
    for group in groups.values():
        if len(group) > 1:
            plans = [one.plan for one in group]
            samples, results = [one.sample for one in group], [one.result for one in group]
            how = comparing(plans[0].settings)
            yield group[0], comparison_of(plans, samples, results, how, told=())


def _ground(one: Found) -> Hashable:
    """What scrubs must have in common to be about one behaviour."""
    job: Job = one.part.job
    conventions = one.plan.hypothesis.options.as_dict()
    return (
        one.result.fingerprints.get("model", one.result.model),
        tuple(said_of_task(one.plan.task).items()),
        tuple(str(conventions[name]) for name in CONVENTIONS),
        repr(drawn(one.plan.baseline)),
        repr(job.settings),
    )
