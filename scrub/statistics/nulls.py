"""Where a figure stands among those of hypotheses drawn at random: arrays in, numbers out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from scrub.statistics.sample import Floats

TIED = 1e-9  # figures that differ by less, as a share of their size, are one that rounded twice


@dataclass(frozen=True)
class Standing:
    """A figure among those of `drawn` null hypotheses.

    `below` is the share of them that it exceeds, ties not counted; `low` and `high` are the exact
    interval (Clopper and Pearson 1934, "The use of confidence or fiducial limits illustrated in
    the case of the binomial", Biometrika 26:404-413) for that share among all null hypotheses that
    could be drawn, the figure taken as given. `p` is (1 + how many reach it) / (1 + how many there
    are): the chance that one of them, exchangeable with the rest, ranks as high.
    """

    below: float
    low: float
    high: float
    p: float
    drawn: int
    reached: int


def standing(value: float, nulls: Floats, level: float = 0.95) -> Standing:
    """Where `value` stands among the values [K] of null hypotheses drawn independently.

    The observed figure is counted among the nulls, so that p is never 0 (Phipson and Smyth 2010,
    "Permutation p-values should never be zero", Statistical Applications in Genetics and Molecular
    Biology 9:39). Where a null hypothesis is the claim itself it ties: p can only grow by it.

    Raises ValueError for no nulls, values that are not finite, or a level outside (0, 1).

    >>> found = standing(0.9, np.array([0.1, 0.3, 0.2, 0.9]))
    >>> found.below, found.p, round(found.low, 3), round(found.high, 3)
    (0.75, 0.4, 0.194, 0.994)
    """
    nulls = np.asarray(nulls, dtype=np.float64)
    if nulls.ndim != 1 or not len(nulls) or not np.isfinite([value, *nulls]).all():
        raise ValueError("a figure stands among at least one other, and all are finite numbers.")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, both excluded; found {level}.")
    near = TIED * max(1.0, abs(value))
    reached = int((nulls >= value - near).sum())
    count = len(nulls)
    low, high = exact_interval(count - reached, count, level)
    return Standing(1 - reached / count, low, high, (1 + reached) / (1 + count), count, reached)


def exact_interval(successes: int, trials: int, level: float) -> tuple[float, float]:
    """The interval of Clopper and Pearson for a share: it covers at least as often as it says.

    >>> exact_interval(0, 20, 0.95)[0], round(exact_interval(0, 20, 0.95)[1], 3)
    (0.0, 0.168)
    """
    tail, failures = (1 - level) / 2, trials - successes
    low = float(betaincinv(successes, failures + 1, tail)) if successes else 0.0
    high = float(betaincinv(successes + 1, failures, 1 - tail)) if failures else 1.0
    return low, high
