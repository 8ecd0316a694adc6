"""A circuit, or each of its edges, held against randomly drawn ones: ranks and quantiles.

Shi et al. 2024 ask whether a circuit does better than the share q* of random circuits, and whether
each of its edges matters more than the share q* of random ones.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

from scrub.statistics.bootstrap import check_member
from scrub.statistics.multiplicity import holm
from scrub.statistics.sample import Floats

Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]


class Correction(enum.Enum):
    """How p-values of many edges are adjusted: Holm's, or Bonferroni's as in Shi et al."""

    HOLM = "holm"
    BONFERRONI = "bonferroni"


@dataclass(frozen=True)
class Rank:
    """How many of `rivals` random ones something beats, and two p-values of how few it could.

    - `share`: of rivals that it beats, a tie counted half; `wins`, `ties` in numbers.
    - `p`: (1 + rivals that are as good) / (rivals + 1), of "it is one more random one".
    - `p_quantile`: of "it beats at most the share `quantile`", the null of Shi et al.: the chance
      of so many wins or more, ties not among them.
    """

    wins: int
    ties: int
    rivals: int
    quantile: float
    p: float
    p_quantile: float

    @property
    def share(self) -> float:
        return (self.wins + self.ties / 2) / self.rivals


def rank(value: float, rivals: Floats, *, quantile: float = 0.9, tolerance: float = 0.0) -> Rank:
    """How a value stands among those of random rivals [rival]; the higher beats the lower.

    Values within `tolerance` of one another tie. Exact: where the value is drawn as its rivals
    are, P(p ≤ α) ≤ α; where it beats them with chance `quantile` at most, P(p_quantile ≤ α) ≤ α.

    Raises ValueError for a quantile outside (0, 1), no rivals, or values that are not finite.

    >>> found = rank(1.0, np.linspace(0, 0.99, 100))
    >>> found.share, round(found.p, 4), round(found.p_quantile, 7)
    (1.0, 0.0099, 2.66e-05)
    >>> rank(0.0, np.zeros(100)).p
    1.0
    """
    _check(np.array([value]), rivals, quantile, tolerance)
    wins = int((value > rivals + tolerance).sum())
    ties = int((np.abs(value - rivals) <= tolerance).sum())
    p = (1 + len(rivals) - wins) / (len(rivals) + 1)
    beyond = float(binom.sf(wins - 1, len(rivals), quantile))
    return Rank(wins, ties, len(rivals), quantile, p, beyond)


@dataclass(frozen=True, eq=False)
class Worth:
    """Each of some edges held against random ones: does it matter more than most of these?

    - `wins`, `ties` [edge]: random edges that matter less, and as much.
    - `p` [edge]: of "it matters more than at least the share `quantile` of random edges": small
      for an edge that does not. `adjusted` [edge]: for all edges tested at once.
    """

    wins: Counts
    ties: Counts
    rivals: int
    quantile: float
    p: Floats
    adjusted: Floats
    correction: Correction

    @property
    def share(self) -> Floats:
        """Of random edges that each edge matters more than, ties counted half [edge]."""
        found: Floats = (self.wins + self.ties / 2) / self.rivals
        return found

    def idle(self, alpha: float) -> Flags:
        """Edges that matter no more than random ones do, at a family-wise level [edge]."""
        found: Flags = self.adjusted <= alpha
        return found


def worth(
    values: Floats,
    rivals: Floats,
    *,
    quantile: float = 0.9,
    correction: Correction = Correction.HOLM,
    tolerance: float = 0.0,
) -> Worth:
    """The minimality test of Shi et al.: edges [edge] against random edges [rival], by what each
    changes when it is knocked out.

    The p of an edge is P(B(rivals, quantile) ≤ wins): exact where its chance of mattering more
    than a random edge is `quantile`, and never too small where that is higher. All edges meet the
    same random ones, which neither correction minds. Raises as `rank`, and for a correction that
    is no member of its enum.

    >>> found = worth(np.array([5.0, 0.2]), np.linspace(0, 1, 100))
    >>> found.share, found.idle(0.05)
    (array([1. , 0.2]), array([False,  True]))
    """
    _check(values, rivals, quantile, tolerance)
    check_member("correction", correction, Correction)
    wins = (values[:, None] > rivals + tolerance).sum(axis=1)
    ties = (np.abs(values[:, None] - rivals) <= tolerance).sum(axis=1)
    p: Floats = np.asarray(binom.cdf(wins, len(rivals), quantile))
    adjusted = holm(p) if correction is Correction.HOLM else np.minimum(1, len(p) * p)
    return Worth(wins, ties, len(rivals), quantile, p, adjusted, correction)


def _check(values: Floats, rivals: Floats, quantile: float, tolerance: float) -> None:
    if not 0 < quantile < 1:
        raise ValueError(f"quantile must lie between 0 and 1, both excluded; found {quantile}.")
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be a number from 0; found {tolerance}.")
    if rivals.ndim != 1 or len(rivals) == 0:
        raise ValueError(f"rivals must be a row of at least one number; found {rivals.shape}.")
    if not (np.isfinite(values).all() and np.isfinite(rivals).all()):
        raise ValueError("values and rivals must be finite everywhere.")
