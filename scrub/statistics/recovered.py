"""The share of the model's performance that a scrub recovers, with its interval."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from scrub.statistics.bootstrap import (
    Interval,
    Reading,
    check_member,
    check_resampling,
    replicate_sums,
)
from scrub.statistics.claims import divergence
from scrub.statistics.influence import DataInfluence, Direction, Influence, PopulationInfluence
from scrub.statistics.sample import Sample

FEW = 10  # with fewer references the tails of an interval lie beyond its replicates


class Estimand(enum.Enum):
    """What the interval is about.

    `POPULATION`: what D was drawn from; every example counts as a reference and as a donor.
    `DATA`: D as it is; random are the draws and, where not all rows are references, their choice.
    """

    POPULATION = "population"
    DATA = "data"


@dataclass(frozen=True)
class Bounds:
    """A figure and its interval; `low` and `high` are None where there is no interval."""

    value: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"{self.value:.4g}"
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"


@dataclass(frozen=True)
class Recovered:
    """(scrubbed − baseline) / (model − baseline), a ratio of means, never clipped.

    `value`, `low`, `high` are None where the ratio is refused; `refusal` then says why. Where a
    single reference leaves no interval, `low` and `high` alone are None. `notes` are sentences
    about how far the interval can be trusted. `gap` is model − baseline, the denominator.
    """

    value: float | None
    low: float | None
    high: float | None
    level: float
    method: Interval
    estimand: Estimand
    replicates: int
    seed: int
    scrubbed: Bounds
    baseline: Bounds
    model: Bounds
    gap: Bounds
    divergence: float
    refusal: str | None = None
    notes: tuple[str, ...] = ()


def recovered(
    sample: Sample,
    *,
    estimand: Estimand = Estimand.POPULATION,
    method: Interval = Interval.BCA,
    level: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
) -> Recovered:
    """The share recovered, its interval, and the three raw means with theirs.

    One bootstrap moves all means and the ratio together: each replicate of the ratio is
    θ + ψ* / (1 + δ*), exactly the ratio of the replicated means, where ψ* and δ* are the
    replicated deviations of (scrubbed − baseline − θ·(model − baseline)) and of
    (model − baseline), both over the estimated denominator. See `influence` for the units.

    Raises ValueError for a level outside (0, 1), fewer than 100 replicates, a negative seed, or
    an option that is no member of its enum.

    >>> rng = np.random.default_rng(0)
    >>> donors = rng.integers(0, 200, (1, 200, 4))
    >>> own = rng.normal(size=200)
    >>> sample = Sample(rows=200, references=np.arange(200), model=own + 2,
    ...     scrubbed=own[:, None] + own[donors[0]] / 2 + 1.5, baseline=own[donors[0]],
    ...     donors=donors, baseline_donors=donors)
    >>> found = recovered(sample)
    >>> found.low < 0.75 < found.high
    True
    """
    _check_options(estimand, method, level, replicates, seed)
    sample = sample.ordered()
    count = len(sample.references)
    notes: tuple[str, ...] = ()
    if count == 1 or sample.rows == 1:
        share, figures = _without_interval(sample)
        notes = (
            f"There is no interval: {count} reference of {sample.rows} rows cannot show how much "
            "another would have differed. Use at least two references.",
        )
    else:
        reading = Reading(method, level)
        influence = influence_of(sample, estimand, seed)
        share, figures = _with_interval(sample, influence, reading, replicates, seed)
        notes = _notes(sample, influence, estimand, share)
    refusal = ratio_refusal(figures.gap, level, "model − baseline", "three means")
    return Recovered(
        value=None if refusal or share is None else share.value,
        low=None if refusal or share is None else share.low,
        high=None if refusal or share is None else share.high,
        level=level,
        method=method,
        estimand=estimand,
        replicates=replicates,
        seed=seed,
        scrubbed=figures.scrubbed,
        baseline=figures.baseline,
        model=figures.model,
        gap=figures.gap,
        divergence=divergence(sample.scrubbed, sample.model),
        refusal=refusal,
        notes=notes,
    )


@dataclass(frozen=True)
class _Figures:
    """The means and the denominator."""

    scrubbed: Bounds
    baseline: Bounds
    model: Bounds
    gap: Bounds


_FIGURES: tuple[Direction, ...] = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (0, -1, 1))  # as in _Figures


def influence_of(sample: Sample, estimand: Estimand, seed: int) -> Influence:
    if estimand is Estimand.POPULATION:
        return PopulationInfluence.of(sample, seed)
    return DataInfluence.of(sample)


def ratio_direction(scrubbed: float, baseline: float, model: float) -> Direction:
    """The ratio's derivative with respect to the three means."""
    gap = model - baseline
    ratio = (scrubbed - baseline) / gap
    return 1 / gap, (ratio - 1) / gap, -ratio / gap


def three_means(sample: Sample) -> tuple[float, float, float]:
    return (
        float(sample.scrubbed.mean()),
        float(sample.baseline.mean()),
        float(sample.model.mean()),
    )


def _without_interval(sample: Sample) -> tuple[Bounds | None, _Figures]:
    scrubbed, baseline, model = three_means(sample)
    gap = model - baseline
    share = Bounds((scrubbed - baseline) / gap) if gap else None
    return share, _Figures(Bounds(scrubbed), Bounds(baseline), Bounds(model), Bounds(gap))


def _with_interval(
    sample: Sample, influence: Influence, reading: Reading, replicates: int, seed: int
) -> tuple[Bounds | None, _Figures]:
    scrubbed, baseline, model = three_means(sample)
    gap = model - baseline
    directions = _FIGURES
    if gap:
        directions = (*_FIGURES, ratio_direction(scrubbed, baseline, model))
    units = [influence.along(direction) for direction in directions]
    moved = replicate_sums(np.stack([u.values for u in units], axis=1), replicates, seed)
    bounds = [
        Bounds(value, *reading.read(value + moved[:, k], value, units[k]))
        for k, value in enumerate((scrubbed, baseline, model, gap))
    ]
    share = None
    if gap:
        ratio = (scrubbed - baseline) / gap
        with np.errstate(divide="ignore"):
            ratios = ratio + moved[:, 4] / (1 + moved[:, 3] / gap)
        share = Bounds(ratio, *reading.read(ratios, ratio, units[4]))
    return share, _Figures(*bounds)


def ratio_refusal(gap: Bounds, level: float, denominator: str, rest: str) -> str | None:
    """Why there is no ratio, where its denominator cannot be told from 0; `rest` is what stays."""
    if gap.low is None or gap.high is None:
        if gap.value:
            return None
        return f"The ratio is refused: its denominator, {denominator}, is 0."
    if not gap.low <= 0 <= gap.high:
        return None
    return (
        f"The ratio is refused: its denominator, {denominator}, is {gap.value:.4g}, and the "
        f"{100 * level:g} % interval of that, {gap.low:.4g} to {gap.high:.4g}, holds 0. "
        f"The {rest} stand by themselves."
    )


def _notes(
    sample: Sample, influence: Influence, estimand: Estimand, share: Bounds | None
) -> tuple[str, ...]:
    """What a reader should know of the interval before leaning on it."""
    notes = []
    count = len(sample.references)
    if count < FEW:
        notes.append(f"With {count} references the interval is rough; it may be too narrow.")
    if share is not None and share.low == share.high:
        notes.append("The interval has no width: nothing that was drawn changed the ratio.")
    if estimand is Estimand.DATA and sample.draws == 1:
        notes.append(
            "With one draw per reference the variance of the draws is not known, and an upper "
            "bound stands in for it; with two draws or more the interval is narrower."
        )
    if share is not None and estimand is Estimand.POPULATION:
        units = influence.along(ratio_direction(*three_means(sample)))
        if units.doubt > units.variance:
            notes.append(
                f"How much the choice of donors moves the ratio is hardly known from {count} "
                f"references with {sample.draws} {'draw' if sample.draws == 1 else 'draws'} of "
                f"{len(sample.donors)} donors each; the interval may be much too wide. "
                "More references or draws help."
            )
    return tuple(notes)


def _check_options(
    estimand: Estimand, method: Interval, level: float, replicates: int, seed: int
) -> None:
    check_member("estimand", estimand, Estimand)
    check_resampling(method, level, replicates, seed)
