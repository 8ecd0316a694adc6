"""The sampling that hurts a hypothesis most, within what it claims.

check → load and probe once → record once → choose on one half of the references → score the choice
on the other half, beside the usual sampling
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from scrub.engine.progress import Progress, Silent
from scrub.engine.scrubbing import Values
from scrub.engine.threads import threaded
from scrub.errors import InputRefused, Problem
from scrub.hypothesis.hypothesis import Hypothesis
from scrub.hypothesis.loading import load_hypothesis
from scrub.hypothesis.options import Donors as DonorSource
from scrub.results.adversary import WorstAllowed
from scrub.sampling.chosen import Strategy
from scrub.sampling.donors import Donors
from scrub.study.adversary.allowed import worst_allowed
from scrub.study.adversary.ascent import Ascent, Ground, Tried
from scrub.study.adversary.halves import Half, apart, measured_half, split
from scrub.study.adversary.levers import attributes, levers
from scrub.study.adversary.scoring import Scored
from scrub.study.experiment import open_model, precision_of, probe_model, provenance_of
from scrub.study.measuring import Clock, draw_each, recorded
from scrub.study.prepare import Plan, prepare
from scrub.study.settings import Settings, changed_settings, require_fixed_sizes

CANDIDATES = 4
ROUNDS = 2
NOTHING = 1e-6  # of recovered: harm that is no more than rounding


def adversary(
    hypothesis: Hypothesis | str | Path,
    settings: Settings | None = None,
    *,
    progress: Progress | None = None,
    candidates: int = CANDIDATES,
    rounds: int = ROUNDS,
    **changed: Any,
) -> WorstAllowed:
    """Choose donors against a hypothesis (or the file that holds one), within its classes.

    `candidates` attributes, and as many single rows of each class, are tried for every node, in
    at most `rounds` rounds. The choice is made on one half of the references and scored on the
    other. Further keywords are those of `Settings`. Raises `InputRefused` for generated donors,
    for fewer than four references, and as `run`.

    >>> found = adversary("induction", references=16, draws=1, candidates=1, rounds=1)
    >>> found.searched.worst <= found.searched.usual  # on the other half it may be either way
    True
    """
    settings = changed_settings(settings or Settings(), changed)
    require_fixed_sizes(settings, "an adversary's search")
    _require_counts(candidates=candidates, rounds=rounds)
    if not isinstance(hypothesis, Hypothesis):
        hypothesis = load_hypothesis(hypothesis)
    progress, clock = progress or Silent(), Clock()
    with threaded(settings.threads):
        with clock("check"):
            plan = prepare(hypothesis, settings)
            _require_rows_to_choose(plan)
            halves = split(plan)
        with clock("load"):
            model = open_model(hypothesis, settings)
        with clock("probe"):
            fingerprint = model.fingerprint()
            probe_model(model, fingerprint)
        with clock("draw"):
            _, dataset = draw_each(halves)
        with recorded(halves, dataset, model, progress, clock) as (runs, costs):
            with clock("search"):
                first = measured_half(halves[0], runs, costs[0])
                found = _search(first, halves[1], candidates, rounds, progress)
            with clock("score"):
                second = measured_half(halves[1], runs, costs[1])
                scored = _score(second, found, progress)
        with clock("precision"):
            precision = precision_of(second.plan, model, second.measured, settings)
    said = provenance_of(plan, model, fingerprint)
    return worst_allowed(plan, first, found, scored, precision, said, clock.seconds)


def _require_counts(**counts: int) -> None:
    problems = [
        Problem(f"option '{name}'", f"must be a whole number of at least 1, found {value!r}.")
        for name, value in counts.items()
        if not isinstance(value, int) or isinstance(value, bool) or value < 1
    ]
    if problems:
        raise InputRefused(problems)


def _require_rows_to_choose(plan: Plan) -> None:
    if plan.claim.tree.claim.options.donors is DonorSource.GENERATED:
        raise InputRefused(
            Problem(
                "option 'donors'",
                "the adversary chooses among rows of the data, and these donors are generated.",
                "Choose with donors='data', on as many rows as the classes need.",
            )
        )


def _search(half: Half, scored: Plan, candidates: int, rounds: int, progress: Progress) -> Ascent:
    """The rules that hurt most on the first half."""
    plan, dataset = half.plan, half.plan.task.dataset
    gap = half.measured.model.mean() - half.measured.values["baseline"].metric.mean()
    if gap == 0:
        raise InputRefused(
            Problem(
                f"task '{plan.task.name}'",
                f"the model's {plan.task.metric_name} is that of the baseline, so nothing is "
                "better or worse than anything else.",
                "Use another metric, or another baseline.",
            )
        )

    def evaluate(strategy: Strategy) -> Tried:
        donors, values = half.under(strategy)
        return Tried(donors.rows, values.metric)

    told = attributes(dataset)
    ground = Ground(
        dataset=dataset,
        told=told,
        evaluate=evaluate,
        worse=-1 if gap > 0 else 1,
        nothing=NOTHING * abs(gap),
        model=half.measured.model,
        allowed=apart(dataset, scored),
        candidates=candidates,
        rng=np.random.Generator(np.random.PCG64([plan.settings.seed, 3])),
    )
    ascent = Ascent(ground, levers(plan.claim.tree, told))
    ascent.climb(rounds, progress)
    return ascent


def _score(half: Half, found: Ascent, progress: Progress) -> Scored:
    """The strategy on references that it was not made on; each rule alone, and all but it."""
    rules = {key: one.rule for key, one in found.chosen.items()}
    progress.start("scoring", 1 + 2 * len(rules))

    def under(strategy: Strategy) -> tuple[Donors, Values]:
        drawn = half.under(strategy)
        progress.advance(1)
        return drawn

    return Scored(
        half=half,
        worst=under(rules),
        alone={key: under({key: rule}) for key, rule in rules.items()},
        without={
            key: under({other: rule for other, rule in rules.items() if other != key})
            for key in rules
        },
    )
