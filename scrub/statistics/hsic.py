"""Whether two scores vary independently over examples: HSIC with a permutation test."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scrub.statistics.examples import (
    Groups,
    check_groups,
    check_same_examples,
    check_values,
    gathered,
)
from scrub.statistics.sample import Floats

_LEFT = 1e-12  # of a kernel's trace that its low-rank form may leave out
_TIED = 1e-8  # statistics nearer than this, relatively, are one that rounded twice
_PAIRS = 2_000  # values whose pairwise distances give the bandwidth


@dataclass(frozen=True)
class Independence:
    """HSIC of two scores, and the p of their independence.

    - `hsic`: trace(KHLH) / (n − 1)², as in Gretton et al. 2007; `correlation`: HSIC over the root
      of the two scores' HSIC with themselves, 0 to 1. Both 0 where a score does not vary.
    - `p`: (1 + permutations with an HSIC as large) / (permutations + 1); 1 where one does not vary.
    - `constant`: whether a score does not vary, so that there was nothing to test.
    """

    hsic: float
    correlation: float
    p: float
    permutations: int
    units: int
    constant: bool


def independence(
    first: Floats,
    second: Floats,
    *,
    permutations: int = 1000,
    seed: int = 0,
    tolerance: float = 0.0,
    groups: Groups | None = None,
) -> Independence:
    """Test two scores [example] for independence.

    Gaussian kernels, each with the median distance of its own score's values as bandwidth. The
    observed order counts as one of the permutations, so that p is never 0 (Phipson and Smyth
    2010), and it is exact: under independence P(p ≤ α) ≤ α at every α, ties included. A score
    whose values lie within `tolerance` of one another does not vary. Examples of one group are one
    unit, with the mean of their scores.

    Source: Gretton et al. 2007, "A kernel statistical test of independence", NeurIPS. Raises
    ValueError for fewer than 99 permutations, a negative seed, and scores that are not finite or
    not of the same examples.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=60)
    >>> independence(x, x**2).p, independence(x, rng.normal(size=60)).p > 0.05
    (0.000999000999000999, True)
    >>> independence(x, np.ones(60)).p
    1.0
    """
    if permutations < 99:
        raise ValueError(f"permutations must be at least 99; found {permutations}.")
    if seed < 0:
        raise ValueError(f"seed must be an integer from 0; found {seed}.")
    check_values("first", first, ("example",))
    check_values("second", second, ("example",))
    check_same_examples("second", second, "first", len(first))
    check_groups(groups, len(first))
    sums, sizes = gathered(np.stack([first, second]), groups)
    x, y = (sums / sizes[:, None]).T
    n = len(x)
    if n < 2 or np.ptp(x) <= tolerance or np.ptp(y) <= tolerance:
        return Independence(0.0, 0.0, 1.0, permutations, n, constant=True)
    a, b = _centred(x), _centred(y)
    observed = _product(a, b)
    generator = np.random.default_rng([seed, 5])
    beyond = sum(
        _product(a, b[generator.permutation(n)]) >= observed * (1 - _TIED)
        for _ in range(permutations)
    )
    correlation = observed / math.sqrt(_product(a, a) * _product(b, b))
    p = (1 + beyond) / (permutations + 1)
    return Independence(observed / (n - 1) ** 2, correlation, p, permutations, n, constant=False)


def _product(a: Floats, b: Floats) -> float:
    """trace(KHLH) of two kernels in their low-rank, centred forms [n, rank]."""
    return float(((a.T @ b) ** 2).sum())


def _centred(values: Floats) -> Floats:
    """G [n, rank] with G Gᵀ = HKH, the centred Gaussian kernel of values [n].

    By incomplete Cholesky decomposition (Bach and Jordan 2002, "Kernel independent component
    analysis", JMLR 3:1-48): of a smooth kernel a few columns hold all.
    """
    bandwidth = _median_distance(values)
    n = len(values)
    left = np.ones(n)
    columns: list[Floats] = []
    while len(columns) < n and left.sum() > _LEFT * n:
        pivot = int(np.argmax(left))
        column = np.exp(-((values - values[pivot]) ** 2) / (2 * bandwidth**2))
        for done in columns:
            column = column - done * done[pivot]
        column = column / math.sqrt(left[pivot])
        columns.append(column)
        left = np.maximum(left - column**2, 0)
    rank = np.stack(columns, axis=1)
    centred: Floats = rank - rank.mean(axis=0)
    return centred


def _median_distance(values: Floats) -> float:
    """The median distance of two different values."""
    some = values if len(values) <= _PAIRS else values[:: -(-len(values) // _PAIRS)]
    apart = np.abs(some[:, None] - some[None, :])
    if not apart.any():  # those that differ are few, and none of them was looked at
        return float(np.ptp(values))
    return float(np.median(apart[apart > 0]))
