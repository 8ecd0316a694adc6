"""Two scrubs of the same references held against each other: differences, tests, equivalence.

Both scrubs have their references, the model's values and the baseline in common, and by law the
draws on paths that they have in common. So what is compared is the difference of each draw with
its counterpart, which is a value like any other: its mean has an influence of every row as a
reference and as a donor, over the draws of both (see `influence`), and one set of bootstrap
weights moves it and the denominator together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtr

from scrub.statistics.bootstrap import (
    Interval,
    Reading,
    check_member,
    check_resampling,
    replicate_sums,
)
from scrub.statistics.contrast import Contrast
from scrub.statistics.examples import unit_of
from scrub.statistics.influence import (
    DataInfluence,
    Direction,
    Influence,
    PopulationInfluence,
    Units,
)
from scrub.statistics.multiplicity import sign_flip_p
from scrub.statistics.recovered import Bounds, Estimand
from scrub.statistics.sample import Floats, Integers, Sample

FLAT: Direction = (1, 0, 0)
GAP: Direction = (0, -1, 1)


@dataclass(frozen=True)
class Comparing:
    """How scrubs are compared: the interval's options, and those of the two tests.

    `margin`: differences in recovered below it count as none. `flips`: random signings of a test.

    Raises ValueError for a level or a margin outside (0, 1), fewer than 100 replicates or 99
    flips, a negative seed, or an option that is no member of its enum.
    """

    estimand: Estimand = Estimand.POPULATION
    method: Interval = Interval.BCA
    level: float = 0.95
    replicates: int = 2000
    seed: int = 0
    margin: float = 0.05
    flips: int = 9999

    def __post_init__(self) -> None:
        check_member("estimand", self.estimand, Estimand)
        check_resampling(self.method, self.level, self.replicates, self.seed)
        if not 0 < self.margin < 1:
            raise ValueError(
                f"margin must lie between 0 and 1, both excluded; found {self.margin}."
            )
        if self.flips < 99:
            raise ValueError(f"flips must be at least 99; found {self.flips}.")


USUALLY = Comparing()


@dataclass(frozen=True)
class Difference:
    """A difference of means (or of two shares recovered) with its interval, and the p of none.

    `p` is two-sided, by random signs; 1 where there is a single reference.
    """

    value: float
    low: float | None
    high: float | None
    p: float

    def __str__(self) -> str:
        return f"{Bounds(self.value, self.low, self.high)}, p = {self.p:.4g}"


@dataclass(frozen=True)
class ShareDifference:
    """The difference of two shares recovered, and whether it is none for all that matters.

    `equivalence` is the p of "they differ by the margin or more": small where they do not.
    """

    value: float
    low: float | None
    high: float | None
    p: float
    equivalence: float


def difference(
    contrast: Contrast, how: Comparing = USUALLY, clusters: Integers | None = None
) -> Difference:
    """The mean of a contrast with its interval and its p.

    `clusters` [N]: rows with the same number are resampled, and signed, as one.
    """
    parts = Parts.of(contrast, how, clusters)
    value = float(contrast.sample.scrubbed.mean())
    if parts is None:
        return Difference(value, None, None, 1.0)
    units = parts.along(FLAT)
    moved = replicate_sums(units.values[:, None], how.replicates, how.seed)
    low, high = parts.reading.read(value + moved[:, 0], value, units)
    return Difference(value, low, high, parts.p(value, how))


def share_difference(
    contrast: Contrast, how: Comparing = USUALLY, clusters: Integers | None = None
) -> ShareDifference | None:
    """The same over model − baseline: by how much more the first recovers; None where that is 0.

    Each replicate is exactly the ratio of the replicated means. The p is that of the plain
    difference, for both are 0 together. Equivalence is tested by two one-sided tests (Schuirmann
    1987, "A comparison of the two one-sided tests procedure and the power approach", Journal of
    Pharmacokinetics and Biopharmaceutics 15:657-680), with the variance that the difference would
    have at the margin: see `_equivalence`.

    >>> from scrub.statistics.contrast import paired
    >>> rng = np.random.default_rng(0)
    >>> donors = rng.integers(0, 200, (1, 200, 4))
    >>> own = rng.normal(size=200)
    >>> one = Sample(rows=200, references=np.arange(200), model=own + 2,
    ...     scrubbed=own[:, None] + own[donors[0]] / 2 + 1.5, baseline=own[donors[0]],
    ...     donors=donors, baseline_donors=donors)
    >>> found = share_difference(paired(one, one, one.scrubbed - one.scrubbed))
    >>> found.value, found.low, found.high, found.p, found.equivalence < 0.05
    (0.0, 0.0, 0.0, 1.0, True)
    """
    sample = contrast.sample
    gap = float(sample.model.mean() - sample.baseline.mean())
    if gap == 0:
        return None
    flat = float(sample.scrubbed.mean())
    value = flat / gap
    parts = Parts.of(contrast, how, clusters)
    if parts is None:
        return ShareDifference(value, None, None, 1.0, 1.0)
    units = parts.along((1 / gap, value / gap, -value / gap))
    columns = np.stack([units.values, parts.along(GAP).values / gap], axis=1)
    moved = replicate_sums(columns, how.replicates, how.seed)
    with np.errstate(divide="ignore"):
        replicates = value + moved[:, 0] / (1 + moved[:, 1])
    low, high = parts.reading.read(replicates, value, units)
    equal = _equivalence(value, units, _largest(sample) / abs(gap), how.margin)
    return ShareDifference(value, low, high, parts.p(flat, how), equal)


@dataclass(frozen=True, eq=False)
class Parts:
    """Influence, gathered by cluster; `even` [U] is where a mean stands in the units."""

    influence: Influence
    unit: Integers | None
    even: Floats
    count: int
    reading: Reading

    @classmethod
    def of(cls, contrast: Contrast, how: Comparing, clusters: Integers | None) -> Parts | None:
        """None where there are not two units, and so no telling how others would differ."""
        sample = contrast.sample.ordered()
        own = sample.references if clusters is None else clusters[sample.references]
        count = len(np.unique(own))
        if count < 2:
            return None
        reading = Reading(how.method, how.level)
        references = len(sample.references)
        if how.estimand is Estimand.POPULATION:
            even = np.zeros(sample.rows)
            even[sample.references] = 1 / references
            unit = None if clusters is None else unit_of(clusters)
            found = PopulationInfluence.of(sample, how.seed, contrast.pools)
            return cls(found, unit, even, count, reading)
        influence = replace(DataInfluence.of(sample), share=contrast.share)
        chosen = np.full(references, (1 - influence.share) / references)
        drawn = np.full(sample.scrubbed.size, influence.share / sample.scrubbed.size)
        unit = None
        if clusters is not None:
            unit = np.concatenate([unit_of(own), count + np.arange(len(drawn))])
        return cls(influence, unit, np.concatenate([chosen, drawn]), count, reading)

    def along(self, direction: Direction) -> Units:
        units = self.influence.along(direction)
        return Units(self._gathered(units.values), self.count, units.doubt)

    def p(self, mean: float, how: Comparing) -> float:
        """Of no difference: each unit with its share of the mean, its sign left to chance."""
        own = self.along(FLAT).values + mean * self._gathered(self.even)
        return sign_flip_p(own, how.flips, how.seed)

    def _gathered(self, values: Floats) -> Floats:
        if self.unit is None:
            return values
        return np.bincount(self.unit, values).astype(np.float64)


def _largest(sample: Sample) -> float:
    """How much one reference can lose: as much as one was seen to, here or to random inputs."""
    apart = np.abs(sample.scrubbed.mean(axis=1))
    lost = np.abs(sample.model - sample.baseline.mean(axis=1))
    return float(max(apart.max(), lost.max()))


def _equivalence(value: float, units: Units, single: float, margin: float) -> float:
    """The larger p of the two one-sided tests that the difference reaches the margin.

    What is estimated from the data is the variance of the difference that was seen. A difference
    of the margin may rest on few examples that each lose much and of which none was drawn; equal
    values would then pass for certain. So the way from what was seen to the margin is taken to be
    made of examples that lose `single` each: it adds (margin − |difference|) · single / n to the
    variance, and the chance that n examples show none of them bounds p from below.
    """
    room = margin - abs(value)
    rare = max(0.0, room) * single / units.count
    variance = units.variance * units.count / (units.count - 1) + rare
    if variance == 0:  # nothing was lost by any example, in the scrub or at random
        return 1.0
    p = float(stdtr(units.freedom, -room / math.sqrt(variance)))
    unseen = (1 - margin / single) ** units.count if single > margin else 0.0
    return max(p, unseen)
