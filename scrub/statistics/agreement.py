"""How well an estimate of many effects agrees with the exact effects, cell by cell."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit
from scipy.stats import rankdata

from scrub.statistics.examples import check_values
from scrub.statistics.influence import Units
from scrub.statistics.recovered import FEW, Bounds
from scrub.statistics.sample import Floats

_BLOCK = 4_000_000  # pairs of cells compared at a time


@dataclass(frozen=True)
class Agreement:
    """Estimated against exact effects over `n` cells.

    - `spearman`: of midranks; `kendall`: tau-b. None where one side is constant; without an
      interval where the order is the same throughout, or the reverse.
    - `same_sign`: the share of cells whose two effects have one sign, of those where neither is
      exactly 0; None if there is none. `zeros`: how many cells were left out for that.
    - `top`: n of the top-n; `in_common`: the share of the n largest exact effects, by size, that
      are among the n largest estimated ones; `by_chance`: what it would be for a random estimate.
    - `tied_estimated`, `tied_exact`: cells that share their value with another.
    - `notes`: what ties, few cells and constants did.
    """

    n: int
    spearman: Bounds | None
    kendall: Bounds | None
    same_sign: Bounds | None
    zeros: int
    top: int
    in_common: float
    by_chance: float
    tied_estimated: int
    tied_exact: int
    level: float
    notes: tuple[str, ...] = ()


def agreement(
    estimated: Floats, exact: Floats, top: int | None = None, level: float = 0.95
) -> Agreement:
    """Rank correlations, signs and top-n in common of two sets of effects, [cell] each.

    Intervals are about cells of the same kind as these, drawn independently; of cells chosen for
    a large estimate they say nothing about the rest. Correlations get theirs on Fisher's scale,
    with the variance of their own influence function, ranks and ties included, so no shape of the
    joint distribution is assumed (Kendall and Gibbons 1990, "Rank correlation methods", for tau-b
    and midranks; Efron 1982 for the infinitesimal jackknife). The share of signs has Wilson's
    (1927). Where ties run across the n-th place, each of the tied has its fair chance of a place,
    and `in_common` is the mean over those chances. `top` is a tenth of the cells if not given, at
    least one. In time O(cells²).

    Raises ValueError for fewer than 2 cells, values that are not finite float64, shapes that
    differ, a top outside 1 to the number of cells, or a level outside (0, 1).

    >>> exact = np.array([4.0, -3.0, 2.0, 1.0, 0.0])
    >>> found = agreement(np.array([5.0, -1.0, 2.0, 2.0, 0.1]), exact, top=2)
    >>> round(found.spearman.value, 3), found.same_sign.value, found.in_common
    (0.975, 1.0, 0.5)
    """
    _check(estimated, exact, top, level)
    n = len(exact)
    top = max(1, n // 10) if top is None else top
    spearman, kendall = _correlations(estimated, exact, level)
    neither = (estimated != 0) & (exact != 0)
    same = int((np.sign(estimated) == np.sign(exact))[neither].sum())
    among = int(neither.sum())
    ties = _tied(estimated), _tied(exact)
    chances = _places(estimated, top), _places(exact, top)
    return Agreement(
        n=n,
        spearman=spearman,
        kendall=kendall,
        same_sign=_wilson(same, among, level) if among else None,
        zeros=n - among,
        top=top,
        in_common=float(chances[0] @ chances[1]) / top,
        by_chance=top / n,
        tied_estimated=ties[0],
        tied_exact=ties[1],
        level=level,
        notes=_notes(estimated, exact, kendall, ties, chances),
    )


def _correlations(x: Floats, y: Floats, level: float) -> tuple[Bounds | None, Bounds | None]:
    """Spearman's and Kendall's coefficient with intervals; None where one side is constant."""
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return None, None
    n = len(x)
    a, b = ((rankdata(v) - 0.5) / n - 0.5 for v in (x, y))  # grades, less their mean
    above_x, above_y = np.empty(n), np.empty(n)  # ½ mean over j of sign(x_j − x_i) · b_j
    own_x, own_y = np.empty(n), np.empty(n)
    concordant, untied_x, untied_y = np.empty(n), np.empty(n), np.empty(n)
    step = max(1, _BLOCK // n)
    for start in range(0, n, step):
        rows = slice(start, start + step)
        sx, sy = np.sign(x - x[rows, None]), np.sign(y - y[rows, None])  # [row, cell]
        above_x[rows], above_y[rows] = sx @ b / (2 * n), sy @ a / (2 * n)
        own_x[rows], own_y[rows] = sx @ a / (2 * n), sy @ b / (2 * n)
        concordant[rows] = (sx * sy).mean(axis=1)
        untied_x[rows], untied_y[rows] = (sx**2).mean(axis=1), (sy**2).mean(axis=1)
    spearman = _Coefficient.of(a * b + above_x + above_y, a**2 + 2 * own_x, b**2 + 2 * own_y, 3)
    kendall = _Coefficient.of(concordant, untied_x, untied_y, 2)
    # Among n cells Spearman's is on average (3τ + (n − 2)ρ) / (n + 1): Kendall and Gibbons, 9.
    unbiased = ((n + 1) * spearman.value - 3 * kendall.value) / (n - 2) if n > 2 else 0.0
    return spearman.bounds(unbiased, level), kendall.bounds(kendall.value, level)


@dataclass(frozen=True, eq=False)
class _Coefficient:
    """A coefficient and what each cell adds to it."""

    value: float
    units: Units

    @classmethod
    def of(cls, joint: Floats, left: Floats, right: Floats, degree: int) -> _Coefficient:
        """joint / √(left · right), of three means over cells.

        What each cell adds to a mean over all tuples of `degree` cells is so many times its own
        part less the mean (Hoeffding 1948, "A class of statistics with asymptotically normal
        distribution", Annals of Mathematical Statistics 19:293-325).
        """
        c, u, v = joint.mean(), left.mean(), right.mean()
        value = float(np.clip(c / math.sqrt(u * v), -1, 1))
        parts = joint / math.sqrt(u * v) - value * (left / u + right / v) / 2
        added = degree * (parts - parts.mean()) / len(parts)
        return cls(value, Units(added, len(added)))

    def bounds(self, centre: float, level: float) -> Bounds:
        """The coefficient with the interval around `centre`, made on Fisher's scale."""
        room = 1 - centre**2
        if room < 1e-12 or self.units.variance < 1e-24:
            return Bounds(self.value)  # no cell disagrees: nothing shows how much others would
        count = self.units.count
        reach = float(stdtrit(self.units.freedom, (1 + level) / 2))
        error = math.sqrt(self.units.variance * count / (count - 1)) / room
        low, high = (math.tanh(math.atanh(centre) + sign * reach * error) for sign in (-1, 1))
        return Bounds(self.value, min(self.value, low), max(self.value, high))


def _wilson(hits: int, of: int, level: float) -> Bounds:
    """A share and Wilson's interval (1927, JASA 22:209-212)."""
    z2 = float(stdtrit(math.inf, (1 + level) / 2)) ** 2
    share = hits / of
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = math.sqrt(share * (1 - share) * z2 / of + z2**2 / (4 * of**2)) / (1 + z2 / of)
    return Bounds(share, max(0.0, middle - half), min(1.0, middle + half))


def _places(values: Floats, top: int) -> Floats:
    """The chance [cell] of each cell to be among the largest by size; those tied share."""
    sizes = np.abs(values)
    last = np.partition(sizes, -top)[-top]
    above, at = sizes > last, sizes == last
    chances: Floats = above + at * ((top - above.sum()) / at.sum())
    return chances


def _tied(values: Floats) -> int:
    """How many values occur more than once."""
    counts = np.unique(values, return_counts=True)[1]
    return int(counts[counts > 1].sum())


def _notes(
    estimated: Floats,
    exact: Floats,
    kendall: Bounds | None,
    ties: tuple[int, int],
    chances: tuple[Floats, Floats],
) -> tuple[str, ...]:
    """What a reader should know of the figures before leaning on them."""
    notes = []
    n = len(exact)
    for name, values in (("estimated", estimated), ("exact", exact)):
        if np.ptp(values) == 0:
            notes.append(f"All {name} effects are equal, so there is no rank correlation.")
    if kendall is not None and kendall.low is None:
        order = "same" if kendall.value > 0 else "reverse"
        notes.append(
            f"The {n} cells stand in exactly the {order} order: no cell shows how far others would "
            "stray, so the correlations have no interval."
        )
    if n < FEW:
        notes.append(f"With {n} cells the intervals are rough; they may be too narrow.")
    if any(ties):
        notes.append(
            f"Tied with another cell: {ties[0]} estimated and {ties[1]} exact effects of {n}. "
            "Spearman takes midranks, Kendall is tau-b."
        )
    for name, chance in zip(("estimated", "exact"), chances, strict=True):
        split = int(((chance > 0) & (chance < 1)).sum())
        if split:
            notes.append(
                f"{split} {name} effects tie for the last of the top places; each counts by its "
                "chance of one."
            )
    return tuple(notes)


def _check(estimated: Floats, exact: Floats, top: int | None, level: float) -> None:
    for name, values in (("estimated", estimated), ("exact", exact)):
        check_values(name, values, ("cell",))
    if estimated.shape != exact.shape or len(exact) < 2:
        raise ValueError(
            "estimated and exact must be one effect each for at least 2 cells, the same ones; "
            f"found shapes {estimated.shape} and {exact.shape}."
        )
    if top is not None and not 1 <= top <= len(exact):
        raise ValueError(f"top must lie between 1 and the {len(exact)} cells; found {top}.")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, both excluded; found {level}.")
