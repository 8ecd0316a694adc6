"""p-values by random signs, and p-values of many tests at once: arrays in, numbers out."""

from __future__ import annotations

import numpy as np

from scrub.statistics.sample import Floats

TIED = 1e-9  # sums that differ by less, as a share of their sizes, are one sum that rounded twice
_CELLS = 250_000  # signs drawn at a time: few enough to stay in the cache


def sign_flip_p(units: Floats, flips: int, seed: int) -> float:
    """The two-sided p-value of independent units [U] whose sum is 0 on average, by random signs.

    (1 + how many of `flips` random signings give a sum at least as far from 0) / (flips + 1): the
    observed signing counts as one of them, so that p is never 0 (Phipson and Smyth 2010,
    "Permutation p-values should never be zero", Statistical Applications in Genetics and Molecular
    Biology 9:39). Exact where a unit is as likely as its negative, ties included, which only raise
    p. Where units are skewed it holds for many of them: signs keep the sum of squares, so the sum
    is studentised as it stands (Janssen 1997, "Studentized permutation tests for non-i.i.d.
    hypotheses", Statistics and Probability Letters 36:9-21).

    Raises ValueError for fewer than 99 flips or a negative seed.

    >>> sign_flip_p(np.zeros(20), flips=999, seed=0)
    1.0
    >>> sign_flip_p(np.ones(20), flips=999, seed=0)
    0.001
    """
    if flips < 99:
        raise ValueError(f"flips must be at least 99; found {flips}.")
    if seed < 0:
        raise ValueError(f"seed must be an integer from 0; found {seed}.")
    units = units[units != 0]
    if not len(units):
        return 1.0
    reached = abs(float(units.sum())) - TIED * float(np.abs(units).sum())
    generator = np.random.Generator(np.random.PCG64([seed, 3]))
    beyond = 0
    step = max(1, _CELLS // len(units))
    for start in range(0, flips, step):
        size = min(step, flips - start)
        bits = np.frombuffer(generator.bytes(size * len(units) // 8 + 1), dtype=np.uint8)
        minus = np.unpackbits(bits, count=size * len(units)).reshape(size, len(units))
        sums = units.sum() - 2 * (minus.astype(np.float64) @ units)
        beyond += int((np.abs(sums) >= reached).sum())
    return (1 + beyond) / (flips + 1)


def holm(p: Floats) -> Floats:
    """p-values [K] adjusted so that the chance of any false rejection stays below the level.

    Holm 1979, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6:65-70. It holds whatever the tests have in common. Raises ValueError for values
    that are no p-values.

    >>> holm(np.array([0.01, 0.04, 0.03])).round(4).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, dtype=np.float64)
    if p.ndim != 1 or not np.all((p >= 0) & (p <= 1)):
        raise ValueError(f"p must be a row of numbers from 0 to 1; found {p.tolist()}.")
    order = np.argsort(p, kind="stable")
    factors = np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * factors))
    return adjusted
