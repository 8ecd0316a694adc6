"""One plan as two, on halves of its references: one to choose on, one to score on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scrub.compiler import Stats
from scrub.data.dataset import Dataset
from scrub.engine.scrubbing import Bench, Values
from scrub.errors import InputRefused, Problem
from scrub.sampling.chosen import Strategy
from scrub.sampling.donors import Donors, draw_donors
from scrub.study.assemble import Measured
from scrub.study.measuring import draw_each
from scrub.study.prepare import Plan
from scrub.study.running import Runs

FEWEST = 2  # distinct inputs of a half, for there to be an interval


@dataclass(frozen=True, eq=False)
class Half:
    """A plan on some of its references, measured under the usual sampling."""

    plan: Plan
    measured: Measured
    bench: Bench

    def under(self, strategy: Strategy) -> tuple[Donors, Values]:
        """The same scrub with some of its draws chosen."""
        plan, settings = self.plan, self.plan.settings
        tree, references = plan.claim.tree, plan.references.tolist()
        dataset = plan.task.dataset
        donors = draw_donors(tree, references, settings.draws, settings.seed, dataset, strategy)
        return donors, self.bench.measure(plan.claim.schedule, donors)

    def with_scrub(self, donors: Donors, values: Values) -> Measured:
        """What was measured, with other values of the scrub."""
        return replace(
            self.measured,
            values={**self.measured.values, "scrub": values},
            donors={**self.measured.donors, "scrub": donors},
        )


def split(plan: Plan) -> tuple[Plan, Plan]:
    """A seeded halving of the references; those that share an input stay together.

    Raises `InputRefused` where a half would have fewer than two distinct inputs.
    """
    inputs = plan.task.dataset.sequence[plan.references]
    distinct, counts = np.unique(inputs, return_counts=True)
    order = np.random.Generator(np.random.PCG64([plan.settings.seed, 2])).permutation(len(distinct))
    before = np.cumsum(counts[order]) - counts[order]
    first = np.isin(inputs, distinct[order[2 * before < len(inputs)]])
    halves = [plan.references[first], plan.references[~first]]
    if min(len(np.unique(inputs[side])) for side in (first, ~first)) < FEWEST:
        found = f"{len(plan.references)} references of {len(distinct)} distinct inputs"
        raise InputRefused(
            Problem(
                "option 'references'",
                f"a choice is made on one half and scored on the other; found {found}.",
                f"Use references of at least {2 * FEWEST} distinct inputs.",
            )
        )
    chosen_on, scored_on = (replace(plan, references=half, null=None) for half in halves)
    return chosen_on, scored_on


def measured_half(plan: Plan, runs: Runs, cost: Stats) -> Half:
    """A half under the usual sampling: the model, the baseline and the scrub itself."""
    (donors,), _ = draw_each([plan])
    own, values = runs.of(plan, donors)
    assert runs.bench is not None  # it has just been run on
    measured = Measured(own, values, donors, runs.memory, runs.halvings, cost)
    return Half(plan, measured, runs.bench)


def apart(dataset: Dataset, scored: Plan) -> NDArray[np.bool_]:
    """The rows [row] that share no input with a reference that is scored."""
    return ~np.isin(dataset.sequence, dataset.sequence[scored.references])
