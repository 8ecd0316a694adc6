"""Replicates of sums of independent units, and intervals read off them."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from scrub.statistics.influence import Units
from scrub.statistics.sample import Floats

MOST_UNITS = 4_000  # more are first added up in random blocks, which changes no moment
_CHUNK = 2_000_000  # weights drawn at a time


class Interval(enum.Enum):
    """How an interval is read off the replicates.

    `PERCENTILE`: their quantiles. `BCA`: the quantiles corrected for bias and acceleration
    (Efron 1987, "Better bootstrap confidence intervals", JASA 82:171-185). Both are expanded for
    small samples: t quantiles in place of normal ones, and n/(n−1) (Hesterberg 2015, "What
    teachers should know about the bootstrap", The American Statistician 69:371-386).
    """

    PERCENTILE = "percentile"
    BCA = "bca"


def check_member(name: str, value: object, kind: type[enum.Enum]) -> None:
    """Raises ValueError for an option that is no member of its enum."""
    if not isinstance(value, kind):
        known = " or ".join(str(member) for member in kind)
        raise ValueError(f"{name} must be {known}; found {value!r}.")


def check_resampling(method: Interval, level: float, replicates: int, seed: int) -> None:
    """Raises ValueError for options that no bootstrap can follow."""
    check_member("method", method, Interval)
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, both excluded; found {level}.")
    if replicates < 100:
        raise ValueError(f"replicates must be at least 100; found {replicates}.")
    if seed < 0:
        raise ValueError(f"seed must be an integer from 0; found {seed}.")


@dataclass(frozen=True)
class Reading:
    """How to read intervals off replicates: the method and the level."""

    method: Interval
    level: float

    def reach(self, count: int, freedom: float) -> float:
        """How many standard errors an interval reaches to each side.

        >>> round(Reading(Interval.BCA, 0.95).reach(1000, 999), 2)
        1.96
        >>> round(Reading(Interval.BCA, 0.95).reach(10, 9), 2)
        2.38
        """
        t = float(stdtrit(freedom, (1 + self.level) / 2))
        return t * math.sqrt(count / (count - 1))

    def read(self, replicates: Floats, estimate: float, units: Units) -> tuple[float, float]:
        """The interval around `estimate` from replicates [B] and the units behind them."""
        reach = self.reach(units.count, units.freedom)
        z = np.array([-reach, reach])
        if self.method is Interval.BCA:
            z = _corrected(z, replicates, estimate, units.values)
        low, high = np.quantile(replicates, ndtr(z))
        return float(low), float(high)


def replicate_sums(units: Floats, replicates: int, seed: int) -> Floats:
    """Sums [B, K] of units [U, K] resampled with replacement, less their sum: joint over K.

    Rows of `units` must be in an order of their own (not that of the references), for the
    weights go by it.

    >>> sums = replicate_sums(np.array([[-1.0], [1.0]]), replicates=1000, seed=0)
    >>> sums.shape, sorted(set(sums[:, 0].tolist()))
    ((1000, 1), [-2.0, 0.0, 2.0])
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    units = _in_blocks(units, generator)
    count = len(units)
    sums = np.empty((replicates, units.shape[1]))
    step = max(1, _CHUNK // count)
    for start in range(0, replicates, step):
        size = min(step, replicates - start)
        picks = generator.integers(0, count, (size, count))
        picks += count * np.arange(size)[:, None]
        weights = np.bincount(picks.ravel(), minlength=size * count).reshape(size, count)
        sums[start : start + size] = (weights - 1.0) @ units
    return sums


def _in_blocks(units: Floats, generator: np.random.Generator) -> Floats:
    """At most `MOST_UNITS` units [U', K]: sums of randomly chosen ones where there are more."""
    count = len(units)
    if count <= MOST_UNITS:
        return units
    block = generator.permutation(np.arange(count) % MOST_UNITS)
    return np.stack([np.bincount(block, column) for column in units.T], axis=1)


def _corrected(z: Floats, replicates: Floats, estimate: float, units: Floats) -> Floats:
    """Normal quantiles corrected for the replicates' bias and the units' skewness."""
    below = np.mean(replicates < estimate) + np.mean(replicates == estimate) / 2
    bias = float(ndtri(np.clip(below, 1 / len(replicates), 1 - 1 / len(replicates))))
    square = float(units @ units)
    acceleration = float((units**3).sum()) / (6 * square**1.5) if square > 0 else 0.0
    slowed = 1 - acceleration * (bias + z)
    with np.errstate(divide="ignore"):
        corrected = bias + (bias + z) / slowed
    return np.where(slowed > 0, corrected, np.sign(z) * np.inf)  # past the last replicate
