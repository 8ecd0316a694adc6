"""Whether a circuit scores as the model does: how often each has the higher score.

P is the chance that the circuit has the higher score on an example, a tie counted as half of one.
Shi et al. 2024 call the two equivalent if |P − ½| < ε ("Hypothesis testing the circuit hypothesis
in LLMs", NeurIPS). The test is of the share of wins, whatever the scores' size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, binom

from scrub.statistics.examples import Groups, check_groups, check_values, gathered
from scrub.statistics.sample import Floats

_RATES = 65  # shares of ties over which a p-value is the largest
_ROUNDING = 1e-13  # of a tail by Fourier transform


@dataclass(frozen=True)
class Wins:
    """How often the first of two scores was the higher, over so many independent units.

    `share` counts a tie as half a win; `low`, `high` are its Clopper–Pearson interval, which is
    wider than it need be where there are ties.
    """

    wins: int
    ties: int
    losses: int
    level: float = 0.95

    @property
    def units(self) -> int:
        return self.wins + self.ties + self.losses

    @property
    def share(self) -> float:
        return (self.wins + self.ties / 2) / self.units

    @property
    def low(self) -> float:
        return self._ends()[0]

    @property
    def high(self) -> float:
        return self._ends()[1]

    def _ends(self) -> tuple[float, float]:
        won, n, alpha = self.wins + self.ties / 2, self.units, 1 - self.level
        low = 0.0 if won == 0 else float(beta.ppf(alpha / 2, won, n - won + 1))
        high = 1.0 if won == n else float(beta.ppf(1 - alpha / 2, won + 1, n - won))
        return low, high


@dataclass(frozen=True)
class Equivalence:
    """The share of wins, and the p of two nulls about its P, the chance of a win.

    - `p_equivalent`: of |P − ½| ≤ `margin`, the null of Shi et al.; small where the two are not
      equivalent. Equal scores give 1.
    - `p_different`: of |P − ½| ≥ `margin`, by two one-sided tests; small where they are.
    """

    counts: Wins
    margin: float
    p_equivalent: float
    p_different: float

    def verdict(self, alpha: float) -> str:
        """`equivalent` or `not equivalent`, where a null is rejected; else `undecided`."""
        if self.p_equivalent <= alpha:
            return "not equivalent"
        return "equivalent" if self.p_different <= alpha else "undecided"


def equivalence(
    differences: Floats,
    *,
    margin: float = 0.1,
    tolerance: float = 0.0,
    level: float = 0.95,
    groups: Groups | None = None,
) -> Equivalence:
    """The test of Shi et al. on differences [example] of two scores, in both directions.

    Differences of at most `tolerance` are ties. Examples of one group are one unit, whose
    difference is the mean of theirs. The p of "equivalent" is P(|share − ½| ≥ observed) where the
    null makes that likeliest, |P − ½| = `margin`; that of "different" is the larger of the two
    one-sided p-values (Schuirmann 1987). Of how often scores tie nothing is assumed: a p is the
    largest over all shares of ties, so that it is never too small.

    Raises ValueError for a margin outside (0, ½), a negative tolerance and values that are not
    finite.

    >>> same = equivalence(np.zeros(200))
    >>> same.counts.share, same.p_equivalent, same.p_different < 0.01
    (0.5, 1.0, True)
    >>> equivalence(np.ones(20)).p_equivalent < 0.001
    True
    """
    check_values("differences", differences, ("example",))
    check_groups(groups, len(differences))
    sums, sizes = gathered(differences[None], groups)
    return equivalence_of(_counted(sums[:, 0] / sizes, tolerance, level), margin)


def equivalence_of(counts: Wins, margin: float = 0.1) -> Equivalence:
    """The same test of counts that are known.

    >>> round(equivalence_of(Wins(9, 0, 1)).p_equivalent, 4)  # of 10 games at ½ + 0.1: ≥ 9 or ≤ 1
    0.048
    """
    if not 0 < margin < 0.5:
        raise ValueError(f"margin must lie between 0 and ½, both excluded; found {margin}.")
    n, doubled = counts.units, 2 * counts.wins + counts.ties
    far = abs(doubled - n)  # how far from an even share, in half wins
    tails = _tails(n, margin)
    either = tails[:, n + far] + (1 - tails[:, n - far + 1])
    p_equivalent = 1.0 if far == 0 else _p(either)
    below = 1 - tails[:, doubled + 1]  # at ½ + margin: so few wins, or fewer
    above = 1 - tails[:, 2 * n - doubled + 1]  # at ½ − margin, by symmetry: so many, or more
    return Equivalence(counts, margin, p_equivalent, max(_p(below), _p(above)))


def _p(chances: Floats) -> float:
    """The largest, and what rounding may have taken off it, so that none is 0."""
    return min(1.0, float(chances.max()) + _ROUNDING)


def _counted(differences: Floats, tolerance: float, level: float) -> Wins:
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be a number from 0; found {tolerance}.")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, both excluded; found {level}.")
    wins = int((differences > tolerance).sum())
    losses = int((differences < -tolerance).sum())
    return Wins(wins, len(differences) - wins - losses, losses, level)


def _tails(n: int, margin: float) -> Floats:
    """P(half wins ≥ k) where P = ½ + margin: [share of ties, k], for k from 0 to 2n + 1.

    A unit gives 0, 1 or 2 half wins; the n-th power of its generating function is taken at the
    roots of unity. Without ties it is binomial, which is exact.
    """
    ties = np.linspace(0, 1 - 2 * margin, _RATES)[1:, None]
    roots = np.exp(-2j * np.pi * np.arange(2 * n + 1) / (2 * n + 1))
    one = (0.5 - margin - ties / 2) + ties * roots + (0.5 + margin - ties / 2) * roots**2
    chances = np.fft.ifft(one**n, axis=1).real  # [share of ties, half wins]
    tails = np.cumsum(chances[:, ::-1], axis=1)[:, ::-1]
    plain = binom.sf(np.ceil(np.arange(2 * n + 1) / 2) - 1, n, 0.5 + margin)
    found = np.concatenate([plain[None], np.clip(tails, 0, 1)])
    return np.concatenate([found, np.zeros((len(found), 1))], axis=1)
