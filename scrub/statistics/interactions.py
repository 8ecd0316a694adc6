"""Inclusion–exclusion over the subsets of up to 12 members, exactly.

A set function v is an array over bit masks: entry 0b101 is v of members 0 and 2, entry 0 of
nobody. What "in the set" means (kept intact, or replaced) is the caller's; further axes, as one
for examples, go through untouched. All of it is linear in v, so intervals come from examples:
`mean_effects(moebius(values))` for values [2^n, example], and the same with `shapley`.
"""

from __future__ import annotations

import numpy as np

from scrub.statistics.examples import check_values
from scrub.statistics.sample import Floats

MOST_MEMBERS = 12  # 4,096 subsets, each of which somebody has to run


def moebius(values: Floats) -> Floats:
    """The interaction of every subset: its value less what its proper subsets account for.

    values [2^n, ...] to m [2^n, ...] with v(S) = Σ of m(T) over all T within S; m is also called
    Harsanyi's dividends (Harsanyi 1963, "A simplified bargaining model for the n-person
    cooperative game", International Economic Review 4:194-220; Rota 1964 for the inversion). In
    O(n·2^n), one member after the other (Yates 1937).

    Raises ValueError for values that are not finite float64 or whose number is no power of 2 from
    1 to 4,096 (beyond 12 members, see `sampled_shapley`).

    >>> either_suffices = np.array([0.0, 1.0, 1.0, 1.0])  # nobody, 0, 1, both
    >>> moebius(either_suffices)
    array([ 0.,  1.,  1., -1.])
    """
    interactions = values.copy()
    for without, having in _halves(interactions, members_of(values)):
        having -= without
    return interactions


def zeta(interactions: Floats) -> Floats:
    """Every subset's value from the interactions within it: what undoes `moebius`.

    interactions [2^n, ...] to values [2^n, ...]. Raises ValueError as `moebius`.

    >>> zeta(np.array([0.0, 1.0, 1.0, -1.0]))
    array([0., 1., 1., 1.])
    """
    values = interactions.copy()
    for without, having in _halves(values, members_of(interactions)):
        having += without
    return values


def shapley(values: Floats) -> Floats:
    """What each member adds, averaged over all orders in which they can join: [n, ...].

    values [2^n, ...]; the sum over members is v(all) − v(nobody). Each interaction is shared
    alike among its members (Shapley 1953, "A value for n-person games"; in terms of dividends,
    Harsanyi 1963). Raises ValueError as `moebius`.

    >>> shapley(np.array([0.0, 1.0, 1.0, 1.0]))
    array([0.5, 0.5])
    """
    count = members_of(values)
    sizes = member_matrix(count).sum(axis=1)
    shared = _scaled(moebius(values), 1 / np.maximum(sizes, 1))
    having = member_matrix(count).astype(np.float64)
    return np.tensordot(having, shared, axes=(0, 0))


def pair_interactions(values: Floats) -> Floats:
    """How much more a pair adds together than apart, averaged over who else is there: [n, n, ...].

    values [2^n, ...]. The Shapley interaction index (Grabisch and Roubens 1999, "An axiomatic
    approach to the concept of interaction among players in cooperative games"): the average of
    v(S∪ij) − v(S∪i) − v(S∪j) + v(S), over the orders in which the pair joins as one. The
    diagonal holds `shapley`. Raises ValueError as `moebius`.

    >>> pair_interactions(np.array([0.0, 1.0, 1.0, 1.0]))
    array([[ 0.5, -1. ],
           [-1. ,  0.5]])
    """
    count = members_of(values)
    having = member_matrix(count)
    sizes = having.sum(axis=1)
    shared = _scaled(moebius(values), 1 / np.maximum(sizes - 1, 1))
    found = np.empty((count, count, *values.shape[1:]))
    for i in range(count):
        for j in range(i):
            found[i, j] = found[j, i] = shared[having[:, i] & having[:, j]].sum(axis=0)
    found[np.arange(count), np.arange(count)] = shapley(values)
    return found


def members_of(values: Floats) -> int:
    """n, for values [2^n, ...] over all subsets; raises ValueError where that cannot be.

    >>> members_of(np.zeros(6))
    Traceback (most recent call last):
    ValueError: values must have one entry for each of the 2^n subsets, n at most 12; found 6 \
entries. Entry 0b101 is the value of members 0 and 2.
    """
    axes = ("subset", "example", *(f"axis {k}" for k in range(2, np.ndim(values))))
    check_values("values", values, axes[: max(1, np.ndim(values))])
    entries = len(values)
    count = entries.bit_length() - 1
    if entries == 0 or entries != 1 << count or count > MOST_MEMBERS:
        beyond = " Beyond 12 members, sample: see sampled_shapley." if entries > 4096 else ""
        raise ValueError(
            f"values must have one entry for each of the 2^n subsets, n at most {MOST_MEMBERS}; "
            f"found {entries} entries. Entry 0b101 is the value of members 0 and 2.{beyond}"
        )
    return count


def member_matrix(count: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Who is in which subset: bool [2^n, n], row 0b101 holding members 0 and 2.

    It is also the list of what to run: one row, one value.

    >>> member_matrix(2).astype(int).tolist()
    [[0, 0], [1, 0], [0, 1], [1, 1]]
    """
    masks = np.arange(1 << count)[:, None]
    found: np.ndarray[tuple[int, int], np.dtype[np.bool_]]
    found = (masks >> np.arange(count)) & 1 == 1
    return found


def _halves(values: Floats, count: int) -> list[tuple[Floats, Floats]]:
    """For each member, views of the entries without it and with it, in the same order."""
    views = []
    for member in range(count):
        halves = values.reshape(-1, 2, 1 << member, *values.shape[1:])
        views.append((halves[:, 0], halves[:, 1]))
    return views


def _scaled(interactions: Floats, factors: Floats) -> Floats:
    """Interactions [2^n, ...] times one factor [2^n] a subset."""
    scaled: Floats = interactions * factors.reshape(-1, *[1] * (interactions.ndim - 1))
    return scaled
