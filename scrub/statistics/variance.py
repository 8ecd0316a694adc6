"""Where the variance of a share recovered comes from, and what would make it smaller.

A value z is what one draw of one reference adds to the share, to the first order: scrubbed,
baseline and model of that draw along the ratio's derivative. With r the reference, d the donors of
explained nodes and f the unimportant inputs, the law of total variance splits it twice:

    Var z = Var E[z | r]  +  E Var(E[z | r, d] | r)  +  E Var(z | r, d)
            references       donors                     unimportant inputs

What donors and unimportant inputs do only jointly counts with the latter. The two halves of the
draws are told apart by *half-shared* draws: the same reference, the same donors, other unimportant
inputs. Half the mean square of how far such a pair differs is E Var(z | r, d) without bias; the
variance between independent draws of one reference, less that, is the donors' (Searle, Casella and
McCulloch 1992, "Variance components", ch. 3, on estimates from nested squares; Sobol 1993,
"Sensitivity estimates for nonlinear mathematical models", on pairs that share some inputs).

No part is clipped: one that is near 0 may come out below it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scrub.statistics.bootstrap import Interval, Reading, check_resampling, replicate_sums
from scrub.statistics.influence import Direction, Units
from scrub.statistics.recovered import (
    Estimand,
    influence_of,
    ratio_direction,
    three_means,
)
from scrub.statistics.sample import Floats, Integers, Sample


@dataclass(frozen=True, eq=False)
class Again:
    """Half-shared draws: those of some references with other unimportant inputs, donors kept.

    - `which` [S]: the references, as indices into the sample's.
    - `scrubbed`, `baseline` [S, K]: the values that pair with the sample's first K draws.

    Raises ValueError, in a sentence, where shapes do not agree.

    >>> Again(np.array([0, 2]), np.zeros((2, 1)), np.zeros((2, 1))).scrubbed.shape
    (2, 1)
    """

    which: Integers
    scrubbed: Floats
    baseline: Floats

    def __post_init__(self) -> None:
        shape = self.scrubbed.shape
        if len(shape) != 2 or self.baseline.shape != shape or len(self.which) != shape[0]:
            raise ValueError(
                "half-shared draws must be [reference, draw], one row for each of "
                f"{len(self.which)} references; found scrubbed {shape}, baseline "
                f"{self.baseline.shape}."
            )


@dataclass(frozen=True)
class Part:
    """One part of the variance of the share, and its interval; below 0 where it is noise."""

    variance: float
    low: float
    high: float


@dataclass(frozen=True)
class Split:
    """The variance of the share recovered, in parts that add up to `total`.

    - `references`: which examples are scored. For the data as they are, none is left once all
      rows are.
    - `donors`, `unimportant`: the luck of the draws of explained nodes' donors, and of
      unimportant inputs.
    - `data`: that rows of the data are donors, too, and another sample would hold others. For the
      population alone; what the interval adds out of caution is in it.

    `count`, `draws` and `rows` are R, T and N.
    """

    references: Part
    donors: Part
    unimportant: Part
    data: float
    count: int
    draws: int
    rows: int
    estimand: Estimand

    @property
    def total(self) -> float:
        """The variance of the share."""
        return self.references.variance + self.of_draws + self.data

    @property
    def of_draws(self) -> float:
        """What more draws alone would shrink."""
        return self.donors.variance + self.unimportant.variance

    def forecast(self, references: int, draws: int, rows: int) -> float:
        """The variance that other sizes would leave, by these estimates; at least 0.

        Rather too much than too little: what was added out of caution shrinks faster than this.

        >>> none = Part(0.0, 0.0, 0.0)
        >>> split = Split(Part(0.03, 0, 1), none, Part(0.01, 0, 1), 0.0, 100, 4, 100,
        ...     Estimand.POPULATION)
        >>> round(split.forecast(100, 8, 100), 4), round(split.forecast(200, 4, 200), 4)
        (0.035, 0.02)
        """
        left = self.references.variance * _not_chosen(self.estimand, references, rows) / references
        now = _not_chosen(self.estimand, self.count, self.rows) / self.count
        own = left / now if now else 0.0
        drawn = self.of_draws * self.count * self.draws / (references * draws)
        return max(0.0, own + drawn + self.data * self.rows / rows)


def split(
    sample: Sample,
    again: Again | None = None,
    *,
    held: bool = False,
    estimand: Estimand = Estimand.POPULATION,
    level: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
) -> Split | None:
    """The variance of the share recovered, split; None where model and baseline do not differ.

    Without half-shared draws (`again`) all that is drawn counts as unimportant inputs, or, if
    `held`, as donors: for a claim that draws only one of the two. Intervals resample references.

    Raises ValueError for fewer than two references or two draws, for half-shared draws that the
    sample has no draws for, and as `recovered` for the options.

    >>> rng = np.random.default_rng(0)
    >>> own, d, f, g = rng.normal(size=(4, 400, 2))
    >>> none = np.zeros((0, 400, 2), int)
    >>> sample = Sample(rows=400, references=np.arange(400), model=np.ones(400),
    ...     scrubbed=own[:, :1] + 2 * d + f, baseline=np.zeros((400, 2)),
    ...     donors=none, baseline_donors=none)
    >>> found = split(sample, Again(np.arange(400), own[:, :1] + 2 * d + g, np.zeros((400, 2))))
    >>> [round(800 * part.variance) for part in (found.donors, found.unimportant)]
    [4, 1]
    """
    check_resampling(Interval.BCA, level, replicates, seed)
    _check(sample, again)
    units = share_units(sample, estimand, seed)
    if units is None:
        return None
    count, draws = sample.scrubbed.shape
    left = _not_chosen(estimand, count, sample.rows)
    squares = _squares(sample, again, held)
    variances, moved = (
        np.stack(
            [
                left * (between - within / draws) / count,
                (within - shared) / (count * draws),
                shared / (count * draws),
            ],
            axis=-1,
        )
        for between, within, shared in (squares.means, squares.influence.T)
    )
    replicated = variances + replicate_sums(moved, replicates, seed)
    reading = Reading(Interval.BCA, level)
    references, donors, unimportant = (
        Part(value, *reading.read(replicated[:, k], value, Units(moved[:, k], count)))
        for k, value in enumerate(variances.tolist())
    )
    data = 0.0
    if estimand is Estimand.POPULATION:  # what is beyond the references and their draws
        data = units.variance - (count - 1) / count * float(squares.means[0]) / count
    return Split(references, donors, unimportant, data, count, draws, sample.rows, estimand)


def share_units(sample: Sample, estimand: Estimand, seed: int) -> Units | None:
    """The independent units of the share recovered; None where model and baseline do not differ."""
    scrubbed, baseline, model = three_means(sample)
    if model == baseline:
        return None
    return influence_of(sample, estimand, seed).along(ratio_direction(scrubbed, baseline, model))


def luck_of_draws(sample: Sample) -> float:
    """The variance of the share that more draws alone would shrink; at least two draws.

    Without bias, whatever the references and their donors are. Model and baseline must differ.
    """
    values = _values(sample, sample.scrubbed, sample.baseline, sample.model[:, None])
    return float(values.var(axis=1, ddof=1).mean()) / values.size


@dataclass(frozen=True, eq=False)
class _Squares:
    """Mean squares [3]: between references, between draws, between half-shared draws.

    `influence` [R, 3] is what each reference adds to them, to the first order.
    """

    means: Floats
    influence: Floats


def _squares(sample: Sample, again: Again | None, held: bool) -> _Squares:
    count = len(sample.references)
    z = _values(sample, sample.scrubbed, sample.baseline, sample.model[:, None])  # [R, T]
    centred = z.mean(axis=1) - z.mean()
    between = centred**2 * count / (count - 1)
    within = z.var(axis=1, ddof=1)
    shares = np.stack([between, within, np.zeros(count)], axis=1)
    means = shares.mean(axis=0)
    influence = (shares - means) / count
    if again is not None:
        own = sample.model[again.which, None]
        other = _values(sample, again.scrubbed, again.baseline, own)
        pairs = (z[again.which, : other.shape[1]] - other) ** 2 / 2
        of_each = pairs.mean(axis=1)
        means[2] = of_each.mean()
        influence[again.which, 2] = (of_each - means[2]) / len(of_each)
    elif not held:
        means[2], influence[:, 2] = means[1], influence[:, 1]
    return _Squares(means, influence)


def _values(sample: Sample, scrubbed: Floats, baseline: Floats, model: Floats) -> Floats:
    """What these values [reference, draw] add to the share, along the sample's own derivative."""
    c: Direction = ratio_direction(*three_means(sample))
    found: Floats = c[0] * scrubbed + c[1] * baseline + c[2] * model
    return found


def _not_chosen(estimand: Estimand, references: int, rows: int) -> float:
    """The finite-population correction: for the data as they are, no luck is in taking all."""
    return 1.0 if estimand is Estimand.POPULATION else 1 - references / rows


def _check(sample: Sample, again: Again | None) -> None:
    count, draws = sample.scrubbed.shape
    if count < 2 or draws < 2:
        raise ValueError(
            "a split of the variance needs at least two references of two draws each; "
            f"found {count} of {draws}."
        )
    if again is not None and not 1 <= again.scrubbed.shape[1] <= draws:
        raise ValueError(
            f"half-shared draws pair with the first of the sample's {draws} draws; found "
            f"{again.scrubbed.shape[1]} of them."
        )
