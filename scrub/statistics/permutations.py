"""Shapley values of many members, sampled over the orders in which they join."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scrub.statistics.bootstrap import replicate_sums
from scrub.statistics.effects import mean_effects
from scrub.statistics.examples import (
    USUAL,
    Groups,
    Resampling,
    check_groups,
    check_values,
    gathered,
)
from scrub.statistics.influence import Units
from scrub.statistics.recovered import FEW, Bounds
from scrub.statistics.sample import Floats, Integers

Memberships = npt.NDArray[np.bool_]  # [subset, member]


@dataclass(frozen=True, eq=False)
class SampledShapley:
    """Shapley values [n] estimated from sampled orders, with intervals.

    - `value`, `low`, `high` [n]. The intervals hold the choice of orders and, where values came
      by example, the choice of examples.
    - `nobody`, `everybody`: v of the empty and of the full set.
    - `orders`: how many were walked, each with its reverse; `evaluated`: how many distinct
      subsets; `examples`: how many, 0 where values came without.
    """

    value: Floats
    low: Floats
    high: Floats
    nobody: Bounds
    everybody: Bounds
    orders: int
    evaluated: int
    examples: int
    how: Resampling = USUAL

    @property
    def efficiency_gap(self) -> float:
        """Σ of the values less v(everybody) − v(nobody): rounding alone, in every sample.

        Along each order what members add telescopes, so anything larger is a fault.
        """
        return float(self.value.sum()) - (self.everybody.value - self.nobody.value)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of the intervals before leaning on them."""
        notes = []
        if self.orders < 2 * FEW:
            notes.append(
                f"With {self.orders // 2} pairs of orders the intervals are rough; they may be "
                "too narrow."
            )
        if self.examples == 1:
            notes.append("One example: the intervals hold the choice of orders alone.")
        return tuple(notes)


def sampled_shapley(
    value: Callable[[Memberships], Floats],
    count: int,
    pairs_of_orders: int = 100,
    groups: Groups | None = None,
    how: Resampling = USUAL,
) -> SampledShapley:
    """Shapley values of `count` members from random orders, each walked forwards and backwards.

    `value` is called once, with every distinct subset that is needed, bool [subset, member], and
    returns [subset] or [subset, example], float64. It may run them in what batches it likes.
    What a member adds when it joins is averaged over orders (Castro, Gómez and Tejada 2009,
    "Polynomial calculation of the Shapley value based on sampling", Computers & Operations
    Research 36:1726-1730). An order and its reverse are one draw: what they say errs in opposite
    directions (Mitchell, Cooper, Frank and Holmes 2022, "Sampling permutations for Shapley value
    estimation", JMLR 23).

    Orders and examples are resampled as independent samples, crossed: the variance is that of
    the means by order plus that of the means by example, which counts the small variance of
    single (order, example) cells twice, on the wide side.

    Raises ValueError for a count below 1, fewer than 2 pairs of orders, values of another shape,
    and as `mean_effects`.

    >>> def either_of_the_first_two(members):
    ...     return members[:, :2].any(axis=1).astype(float)
    >>> found = sampled_shapley(either_of_the_first_two, count=20)
    >>> print(found.value[:3], found.efficiency_gap)
    [0.5 0.5 0. ] 0.0
    """
    if count < 1:
        raise ValueError(f"count must be at least 1 member; found {count}.")
    if pairs_of_orders < 2:
        raise ValueError(
            "pairs_of_orders must be at least 2, for one cannot show how much another would have "
            f"differed; found {pairs_of_orders}."
        )
    orders = _orders(count, pairs_of_orders, how.seed)
    subsets, place = _prefixes(orders)
    values = value(subsets)
    by_example = np.ndim(values) == 2
    check_values("values", values, ("subset", "example") if by_example else ("subset",))
    if len(values) != len(subsets):
        raise ValueError(
            f"value must return one entry for each of the {len(subsets)} subsets; "
            f"found shape {values.shape}."
        )
    table = values.reshape(len(values), -1)  # [subset, example]
    check_groups(groups, table.shape[1])
    by_order, by_each = _added(table, orders, place)
    low, high = _intervals(by_order, by_each, groups, how)
    ends = mean_effects(table[[place[0, 0], place[0, -1]]], groups, how)
    return SampledShapley(
        value=by_order.mean(axis=0),
        low=low,
        high=high,
        nobody=ends.bounds(0),
        everybody=ends.bounds(1),
        orders=len(orders),
        evaluated=len(subsets),
        examples=table.shape[1] if by_example else 0,
        how=how,
    )


def _orders(count: int, pairs_of_orders: int, seed: int) -> Integers:
    """Random orders of the members, each followed by its reverse: [2 · pairs, member]."""
    generator = np.random.Generator(np.random.PCG64([seed, 2]))
    forwards = generator.permuted(np.tile(np.arange(count), (pairs_of_orders, 1)), axis=1)
    return np.stack([forwards, forwards[:, ::-1]], axis=1).reshape(-1, count)


def _prefixes(orders: Integers) -> tuple[Memberships, npt.NDArray[np.intp]]:
    """The distinct sets met along the orders [subset, member], and where each stands: [order, n+1].

    Packed to bytes first, since orders share many of their short and their long prefixes.
    """
    walked, count = orders.shape
    rank = np.argsort(orders, axis=1)  # [order, member]: when each joins
    met = rank[:, None, :] < np.arange(count + 1)[None, :, None]  # [order, n+1, member]
    packed = np.packbits(met.reshape(-1, count), axis=1)
    distinct, place = np.unique(packed, axis=0, return_inverse=True)
    subsets = np.unpackbits(distinct, axis=1, count=count).astype(np.bool_)
    return subsets, place.reshape(walked, count + 1)


def _added(table: Floats, orders: Integers, place: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
    """What each member adds: means by pair of orders [pair, n], and by example [example, n]."""
    walked, count = orders.shape
    means = table.mean(axis=1)
    by_order = np.empty((walked, count))
    steps = np.diff(means[place], axis=1)  # [order, n]: in the order of joining
    np.put_along_axis(by_order, orders, steps, axis=1)
    weights = np.zeros((count, len(table)))  # how often each subset is reached by, or left by, it
    np.add.at(weights, (orders, place[:, 1:]), 1 / walked)
    np.subtract.at(weights, (orders, place[:, :-1]), 1 / walked)
    return by_order.reshape(-1, 2, count).mean(axis=1), (weights @ table).T


def _intervals(
    by_order: Floats, by_each: Floats, groups: Groups | None, how: Resampling
) -> tuple[Floats, Floats]:
    """Low and high [n]: units are pairs of orders and, where there are several, examples."""
    figures = by_order.mean(axis=0)
    parts = [_centred(by_order, np.ones(len(by_order)))]
    sums, sizes = gathered(by_each.T, groups)
    if len(sizes) > 1:
        parts.append(_centred(sums, sizes))
    units = np.concatenate(parts)
    moved = replicate_sums(units, how.replicates, how.seed)
    ends = [
        how.reading.read(figure + moved[:, k], figure, Units(units[:, k], len(units)))
        for k, figure in enumerate(figures.tolist())
    ]
    low, high = np.array(ends).T
    return low, high


def _centred(sums: Floats, sizes: Floats) -> Floats:
    """Deviations [U, K] of one sample's units from its mean, whose squares sum to its variance.

    Each sample brings its own n/(n−1), since together they count as one larger one.
    """
    mean = sums.sum(axis=0) / sizes.sum()
    own_freedom = math.sqrt(len(sizes) / (len(sizes) - 1))
    deviations: Floats = own_freedom * (sums - sizes[:, None] * mean) / sizes.sum()
    return deviations
