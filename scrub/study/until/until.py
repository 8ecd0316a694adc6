"""A run that goes on until its interval is as narrow as was asked for.

look → is it narrow enough? → more references or draws → … → the variance split → why it stopped
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from scrub.engine.progress import Progress
from scrub.hypothesis.unfold import DrawKind
from scrub.models.base import Model
from scrub.results.stopping import SeenWidth, Stopping, Variance, VariancePart
from scrub.sampling.donors import UNIMPORTANT
from scrub.statistics import Estimand, Recovered
from scrub.statistics.sequential import Look, Rule, Sizes, Stop, look, pursue
from scrub.statistics.variance import Split, split
from scrub.study.assemble import Measured, estimate_of, sample_of
from scrub.study.measuring import Clock
from scrub.study.prepare import Plan
from scrub.study.until.advising import advice, rows_needed, said_of_stop
from scrub.study.until.growing import Growing, draws_any

MOST_DRAWS = 64  # of each reference, unless more are allowed


@dataclass(frozen=True, eq=False)
class Pursued:
    """What a run until some width gives: the plan at its final sizes, and how it came to them."""

    plan: Plan
    measured: Measured
    stopping: Stopping
    variance: Variance | None


def measure_until(plan: Plan, model: Model, progress: Progress, clock: Clock) -> Pursued:
    """Add references and draws until the interval of recovered is as narrow as the settings say.

    What is measured is what a plain run with the final numbers of references and draws measures.
    Stops, too, where the data or the limits allow no more.
    """
    rule = rule_of(plan)
    seen: list[Recovered] = []
    with Growing(plan, model, progress, clock) as growing:

        def look_at(sizes: Sizes) -> Look:
            stage = f"look {len(seen) + 1}: {sizes.references:,} × {sizes.draws}"
            larger, measured = growing.to(sizes, stage)
            with clock("statistics"):
                seen.append(estimate_of(larger, measured))
                return look(sample_of(larger, measured), seen[-1], larger.settings.seed)

        given = Sizes(plan.settings.references, plan.settings.draws)
        looks, why = pursue(rule, given, look_at)
        variance = _variance(growing, looks[-1])
    assert growing.measured is not None  # there was a look
    refusal = next((note for note in (seen[-1].refusal, *seen[-1].notes) if note), None)
    stopping = Stopping(
        target=rule.target,
        reason=why.value,
        looks=tuple(_seen(one) for one in looks),
        most_references=rule.most.references,
        most_draws=rule.most.draws,
        rows_needed=rows_needed(rule, looks[-1]) if why is Stop.DATA else None,
        said=said_of_stop(rule, looks, why, refusal),
    )
    return Pursued(growing.plan, growing.measured, stopping, variance)


def rule_of(plan: Plan) -> Rule:
    """The rule that the settings of a plan ask for."""
    settings, rows = plan.settings, len(plan.task.dataset)
    assert settings.until is not None  # else nothing is pursued
    most = Sizes(
        min(settings.most_references or rows, rows),
        settings.most_draws or max(MOST_DRAWS, settings.draws),
    )
    return Rule(settings.until, rows, most)


def _variance(growing: Growing, last: Look) -> Variance | None:
    """The variance by where it comes from; None where there is no interval."""
    if last.half is None:
        return None
    assert growing.measured is not None  # there was a look
    plan, settings = growing.plan, growing.plan.settings
    again = growing.again()
    found = split(
        sample_of(plan, growing.measured),
        again,
        held=not draws_any(plan, *UNIMPORTANT) and draws_any(plan, DrawKind.DONOR),
        estimand=Estimand(settings.estimand),
        level=settings.level,
        replicates=settings.replicates,
        seed=settings.seed,
    )
    assert found is not None  # there is a ratio
    return _as_result(found, 0 if again is None else again.scrubbed.size, last.half)


def _as_result(found: Split, pairs: int, half: float) -> Variance:
    return Variance(
        total=found.total,
        references=VariancePart(**asdict(found.references)),
        donors=VariancePart(**asdict(found.donors)),
        unimportant=VariancePart(**asdict(found.unimportant)),
        data=found.data,
        pairs=pairs,
        advice=advice(found, half),
    )


def _seen(one: Look) -> SeenWidth:
    return SeenWidth(one.sizes.references, one.sizes.draws, one.value, one.half, one.upper)
