"""The sensitivity table: the same claim under every convention in turn, one changed at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from scrub.data.features import Columns, Near
from scrub.data.task import METRICS, Task
from scrub.errors import InputRefused
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.hypothesis import Hypothesis
from scrub.hypothesis.options import ENUMS, Unimportant
from scrub.results.controls import Convention
from scrub.results.result import Figure, Recovered
from scrub.study.controls.ground import Base, Ground, Outcome
from scrub.study.prepare import Plan, prepare

TRIED = ("unimportant", "nodes", "replacement", "donors", "baseline")
KEPT = Unimportant.KEPT.value  # leaves every path outside the graph intact: no other answer
PARTNER = "needs a column of row numbers that is meant for it: --unimportant partner:COLUMN."


@dataclass(frozen=True, eq=False)
class ConventionPart:
    """Each convention with each of its values, and a plan where it can be applied."""

    entries: Sequence[Convention]
    changed: Sequence[Plan | None]

    @staticmethod
    def of(ground: Ground) -> ConventionPart:
        found = [_planned(ground, *tried) for tried in _tried(ground)]
        return ConventionPart([entry for entry, _ in found], [plan for _, plan in found])

    def plans(self, ground: Ground) -> Iterator[tuple[str, Plan]]:
        """Metrics last: what is scored alike is run on one bench."""
        for number, plan in enumerate(self.changed):
            if plan is not None:
                yield f"convention.{number}", plan

    def found(self, base: Base, outcomes: Mapping[str, Outcome]) -> tuple[Convention, ...]:
        own = base.outcome.recovered
        told = []
        for number, entry in enumerate(self.entries):
            outcome = base.outcome if entry.own else outcomes.get(f"convention.{number}")
            if outcome is None:
                told.append(entry)
            elif outcome.measured is None:
                told.append(replace(entry, refusal=outcome.refusal))
            else:
                told.append(_read(entry, outcome, own))
        return tuple(told)


def _read(entry: Convention, outcome: Outcome, own: Recovered) -> Convention:
    share = outcome.recovered
    return replace(
        entry,
        recovered=Figure(share.value, share.low, share.high),
        mean=outcome.mean,
        fragile=not entry.own and entry.value != KEPT and _fragile(share, own),
        refusal=share.refusal,
    )


def _fragile(share: Recovered, own: Recovered) -> bool:
    """Whether another convention gives another answer: another sign, or an interval apart."""
    if share.value is None or own.value is None:
        return False
    if (share.value > 0) != (own.value > 0):
        return True
    ends = (share.low, share.high, own.low, own.high)
    low, high, own_low, own_high = ends
    if low is None or high is None or own_low is None or own_high is None:
        return False
    return low > own_high or high < own_low


def _tried(ground: Ground) -> Iterator[tuple[str, str]]:
    """Every convention with each of its values, in the order of `semantics`; metrics last."""
    own = ground.claim.options.as_dict()
    for name in TRIED:
        values = [member.value for member in ENUMS[name]]
        if name == "replacement":
            values += [f"mean_within:{column}" for column in _columns(ground.claim)]
        yield from ((name, value) for value in dict.fromkeys([*values, own[name]]))
        if name == "unimportant" and not own[name].startswith("partner:"):
            yield name, "partner:COLUMN"
    yield from (
        ("metric", name) for name in dict.fromkeys([ground.plan.task.metric_name, *METRICS])
    )


def _columns(claim: Claim) -> Iterator[str]:
    """The columns that the claim's features name."""
    for node in claim.nodes.values():
        feature = node.feature.of if isinstance(node.feature, Near) else node.feature
        if isinstance(feature, Columns):
            yield from feature.names


def _planned(ground: Ground, name: str, value: str) -> tuple[Convention, Plan | None]:
    """The entry, and its plan unless it is the claim's own value or cannot be applied."""
    plan = ground.plan
    current = plan.task.metric_name if name == "metric" else ground.claim.options.as_dict()[name]
    entry = Convention(name, value, own=value == current, recovered=Figure(None))
    if entry.own:
        return entry, None
    if value == "partner:COLUMN":
        return replace(entry, refusal=PARTNER), None
    try:
        task = plan.task.with_metric(value) if name == "metric" else plan.task
        other = _about(plan.hypothesis, task, {} if name == "metric" else {name: value})
        return entry, prepare(other, plan.settings, ground.claim.graph)
    except InputRefused as refused:
        return replace(entry, refusal="; ".join(map(str, refused.problems[:1]))), None


def _about(hypothesis: Hypothesis, task: Task, changed: Mapping[str, str]) -> Hypothesis:
    """The same claim with this task, which has been read already, under other conventions."""
    options = {**vars(hypothesis.options), **changed}
    other = Hypothesis(hypothesis.graph, task=task, model=hypothesis.model, **options)
    return other.placed(
        name=hypothesis.name,
        claim=hypothesis.claim,
        folder=hypothesis.folder,
        source=hypothesis.source,
    )
