"""What all controls of a hypothesis stand on: its own plan, and what was measured of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from scrub.compiler import compile_tree
from scrub.data.dataset import Ints
from scrub.engine.progress import Progress
from scrub.errors import InputRefused
from scrub.hypothesis.changed import Sameness
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.unfold import unfold
from scrub.models.base import Model
from scrub.results.comparison import Apart
from scrub.results.result import Recovered
from scrub.statistics import Sample
from scrub.statistics.comparison import Comparing, ShareDifference, share_difference
from scrub.statistics.contrast import paired
from scrub.study.assemble import Measured, estimate_of, sample_of, share_of
from scrub.study.measuring import Clock, draw_each, recorded
from scrub.study.prepare import Plan, Prepared


@dataclass(frozen=True, eq=False)
class Ground:
    """The plan of the hypothesis, how differences are told, and which claims are one."""

    plan: Plan
    how: Comparing
    same: Sameness

    @property
    def claim(self) -> Claim:
        return self.plan.claim.tree.claim

    @property
    def alpha(self) -> float:
        return 1 - self.how.level

    @property
    def clusters(self) -> Ints | None:
        """Rows that share an input, by number; None where none do."""
        inputs = self.plan.task.dataset.sequence
        return inputs if len(np.unique(inputs)) < len(inputs) else None

    def under(self, claim: Claim) -> Plan:
        """The plan of another claim, with the same model and baseline values."""
        tree = unfold(claim)
        return replace(self.plan, claim=Prepared(tree, compile_tree(tree)), null=None)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a plan: `measured` is None where the run was refused, for that reason."""

    plan: Plan
    measured: Measured | None = None
    refusal: str | None = None

    @property
    def mean(self) -> float | None:
        return None if self.measured is None else float(self.measured.values["scrub"].metric.mean())

    @cached_property
    def sample(self) -> Sample:
        assert self.measured is not None  # whoever asks has looked for a refusal
        return sample_of(self.plan, self.measured)

    @cached_property
    def recovered(self) -> Recovered:
        assert self.measured is not None
        return share_of(estimate_of(self.plan, self.measured))


@dataclass(frozen=True, eq=False)
class Base:
    """The hypothesis itself, which all controls are held against."""

    ground: Ground
    outcome: Outcome

    @property
    def value(self) -> float | None:
        return self.outcome.recovered.value

    def share(self, mean: float | None) -> float | None:
        """What a mean of the metric recovers; None where the ratio is refused."""
        if mean is None or self.value is None:
            return None
        sample = self.outcome.sample
        baseline = float(sample.baseline.mean())
        found = (mean - baseline) / (float(sample.model.mean()) - baseline)
        return found + 0.0  # no -0.0

    def ahead(self, other: Outcome) -> ShareDifference | None:
        """By how much more it recovers than a control, draw by draw."""
        if self.value is None or other.measured is None:
            return None
        own, theirs = self.outcome.sample, other.sample
        contrast = paired(own, theirs, own.scrubbed - theirs.scrubbed)
        return share_difference(contrast, self.ground.how, self.ground.clusters)


def apart(found: ShareDifference, adjusted: float) -> Apart:
    return Apart(found.value, found.low, found.high, found.p, adjusted)


def measure_all(
    plans: Mapping[str, Plan], model: Model, progress: Progress, clock: Clock
) -> dict[str, Outcome]:
    """Every plan by its name, on one recording; a metric may refuse its own plan alone."""
    with clock("draw"):
        donors, dataset = draw_each(list(plans.values()))
    found = {}
    with recorded(list(plans.values()), dataset, model, _Counted(progress), clock) as (runs, costs):
        progress.start("running controls", len(plans))
        for (name, plan), mine, cost in zip(plans.items(), donors, costs, strict=True):
            try:
                with clock("run"):
                    own, values = runs.of(plan, mine)
            except InputRefused as refused:
                if name == "claim":
                    raise
                found[name] = Outcome(plan, refusal=str(refused))
            else:
                measured = Measured(own, values, mine, runs.memory, runs.halvings, cost)
                found[name] = Outcome(plan, measured)
            progress.advance(1)
    return found


class _Counted:
    """Tells of the recording; of the runs, whoever counts them tells."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._tells = progress, False

    def start(self, stage: str, total: int) -> None:
        self._tells = stage == "recording"
        if self._tells:
            self._progress.start(stage, total)

    def advance(self, amount: int) -> None:
        if self._tells:
            self._progress.advance(amount)
