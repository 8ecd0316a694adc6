"""Mean effects of many cells at once, and their shares of the whole, with intervals.

A cell is whatever was intervened on: a component, a component at a position, an edge, a subset.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scrub.statistics.examples import (
    USUAL,
    Groups,
    Resampling,
    check_groups,
    check_same_examples,
    check_values,
    gathered,
    intervals,
)
from scrub.statistics.recovered import FEW, Bounds, ratio_refusal
from scrub.statistics.sample import Floats


@dataclass(frozen=True, eq=False)
class Effects:
    """Means over examples, in the shape of the cells, with pointwise intervals.

    - `mean` [*cells]; `low`, `high` [*cells], or None where a single unit leaves no interval.
    - `n`: the number of examples; `units`: of independent ones, fewer where some share a group.
    - `how`: the method, level, replicates and seed of the intervals.

    An interval is about its own cell: of many intervals at 95 %, one in twenty misses.
    """

    mean: Floats
    low: Floats | None
    high: Floats | None
    n: int
    units: int
    how: Resampling = USUAL

    def bounds(self, *cell: int) -> Bounds:
        """One cell as a figure with its interval.

        >>> print(mean_effects(np.array([[1.0, 2.0, 3.0, 2.0, 1.0]])).bounds(0))
        1.8 [1, 2.898]
        """
        return _bounds(self.mean, self.low, self.high, cell)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of the intervals before leaning on them."""
        unit = "group" if self.units < self.n else "example"
        if self.units == 1:
            return (
                f"There are no intervals: one {unit} cannot show how much another would have "
                f"differed. Use at least two {unit}s.",
            )
        if self.units < FEW:
            return (f"With {self.units} {unit}s the intervals are rough; they may be too narrow.",)
        return ()


def mean_effects(values: Floats, groups: Groups | None = None, how: Resampling = USUAL) -> Effects:
    """The mean effect of every cell over examples, with intervals: values [*cells, example].

    Examples are resampled jointly, all cells with the same draws. With `groups` [example], whole
    groups are resampled, and the mean stays the mean over examples.

    Raises ValueError, in a sentence, for values that are not finite float64 and for groups that
    are not one label per example. Source: Efron 1987 for the intervals (see `Interval`); Davison
    and Hinkley 1997, section 3.8, for groups.

    >>> rng = np.random.default_rng(0)
    >>> found = mean_effects(rng.normal([[0.0], [3.0]], 1, (2, 100)))
    >>> found.low > 0
    array([False,  True])
    """
    check_values("values", values, ("...", "example"))
    examples = values.shape[-1]
    check_groups(groups, examples)
    flat = values.reshape(-1, examples)
    sums, sizes = gathered(flat, groups)
    low, high = intervals(sums, sizes, how)
    shape = values.shape[:-1]
    return Effects(
        mean=values.mean(axis=-1),
        low=None if low is None else low.reshape(shape),
        high=None if high is None else high.reshape(shape),
        n=examples,
        units=len(sizes),
        how=how,
    )


@dataclass(frozen=True, eq=False)
class Shares:
    """(values − corrupted) / (wild − corrupted) for every cell, as a ratio of means.

    - `share`, `low`, `high` [*cells]: never clipped. All None where the ratio is refused, and
      `refusal` then says why; `low` and `high` alone are None where there is a single unit.
    - `effects`: values − corrupted, which stand in any case.
    - `gap`: wild − corrupted, the denominator.
    """

    share: Floats | None
    low: Floats | None
    high: Floats | None
    effects: Effects
    gap: Bounds
    refusal: str | None = None

    def bounds(self, *cell: int) -> Bounds | None:
        """One cell as a figure with its interval; None where the ratio is refused."""
        return None if self.share is None else _bounds(self.share, self.low, self.high, cell)


def shares(
    values: Floats,
    wild: Floats,
    corrupted: Floats,
    groups: Groups | None = None,
    how: Resampling = USUAL,
) -> Shares:
    """The share of the whole effect that every cell has: values [*cells, example] against two runs.

    `wild` and `corrupted` [example] are the metric of the untouched and of the corrupted run. The
    share is a ratio of means, never a mean of ratios: single examples whose denominator is near 0
    would rule the latter. Each replicate is exactly the ratio of the resampled means, and its
    interval covers the ratio of the population's means. Where the interval of the denominator
    holds 0, the ratio is refused in words and the effects stand.

    Raises ValueError as `mean_effects`, and for runs with another number of examples.

    >>> rng = np.random.default_rng(0)
    >>> corrupted = rng.normal(size=50)
    >>> wild = corrupted + rng.normal(2, 0.1, 50)
    >>> restored = np.stack([corrupted, (corrupted + wild) / 2, wild])
    >>> print(shares(restored, wild, corrupted).share.round(6))
    [0.  0.5 1. ]
    """
    check_values("values", values, ("...", "example"))
    examples = values.shape[-1]
    for name, run in (("wild", wild), ("corrupted", corrupted)):
        check_values(name, run, ("example",))
        check_same_examples(name, run, "values", examples)
    effects = mean_effects(values - corrupted, groups, how)
    gap = mean_effects(wild - corrupted, groups, how).bounds()
    refusal = ratio_refusal(gap, how.level, "wild − corrupted", "raw effects")
    if refusal is not None:
        return Shares(None, None, None, effects, gap, refusal)
    flat = np.concatenate([values.reshape(-1, examples), wild[None]]) - corrupted
    sums, _ = gathered(flat, groups)
    low, high = intervals(sums[:, :-1], sums[:, -1], how)
    shape = effects.mean.shape
    return Shares(
        share=effects.mean / gap.value,
        low=None if low is None else low.reshape(shape),
        high=None if high is None else high.reshape(shape),
        effects=effects,
        gap=gap,
    )


def _bounds(
    value: Floats, low: Floats | None, high: Floats | None, cell: tuple[int, ...]
) -> Bounds:
    if low is None or high is None:
        return Bounds(float(value[cell]))
    return Bounds(float(value[cell]), float(low[cell]), float(high[cell]))
