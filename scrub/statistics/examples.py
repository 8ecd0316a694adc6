"""Examples resampled jointly: units, their replicates, and intervals for many figures at once.

Every figure here is a mean over examples, or a ratio of two such means. Examples that share a
group (the same prompt, two templates of one fact) are one unit, and units are what a bootstrap
draws with replacement: a cluster bootstrap (Davison and Hinkley 1997, "Bootstrap methods and
their application", section 3.8). All figures see the same draws, so what is computed from several
of them has an interval too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scrub.statistics.bootstrap import Interval, Reading, check_resampling, replicate_sums
from scrub.statistics.influence import Units
from scrub.statistics.sample import Floats, Integers

Groups = npt.NDArray[Any]  # one label for each example: integers, or strings

_CELLS = 512  # replicated at a time; every chunk sees the same draws


@dataclass(frozen=True)
class Resampling:
    """How intervals over examples are made: the method, the level, replicates and the seed.

    Raises ValueError for a level outside (0, 1), fewer than 100 replicates, a negative seed, or a
    method that is no `Interval`.

    >>> Resampling(level=0.9).reading
    Reading(method=<Interval.BCA: 'bca'>, level=0.9)
    """

    method: Interval = Interval.BCA
    level: float = 0.95
    replicates: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        check_resampling(self.method, self.level, self.replicates, self.seed)

    @property
    def reading(self) -> Reading:
        """How intervals are read off the replicates."""
        return Reading(self.method, self.level)


USUAL = Resampling()


@dataclass(frozen=True, eq=False)
class Replicated:
    """Figures [K], each a ratio of sums over U units, and how they deviate in each replicate.

    - `deviations` [B, K]: of the replicated figure from the figure.
    - `influence` [U, K]: how much each unit adds to the first order.
    """

    figures: Floats
    deviations: Floats
    influence: Floats

    def interval(self, cell: int, reading: Reading) -> tuple[float, float]:
        """The interval of one figure."""
        figure = float(self.figures[cell])
        replicates = figure + self.deviations[:, cell]
        units = Units(self.influence[:, cell], len(self.influence))
        return reading.read(replicates, figure, units)


def replicated(numerators: Floats, denominators: Floats, how: Resampling) -> Replicated:
    """Ratios of sums over units, replicated: numerators [U, K] over denominators [U].

    Each replicate is exactly the ratio of the resampled sums. The caller sees to it that the
    denominators do not sum to 0.

    >>> found = replicated(np.array([[1.0], [3.0]]), np.ones(2), USUAL)
    >>> found.figures, sorted(set(found.deviations[:, 0].tolist()))
    (array([2.]), [-1.0, 0.0, 1.0])
    """
    whole = denominators.sum()
    figures: Floats = numerators.sum(axis=0) / whole
    influence = (numerators - figures * denominators[:, None]) / whole
    both = np.concatenate([influence, denominators[:, None] / whole], axis=1)
    moved = replicate_sums(both, how.replicates, how.seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        deviations = moved[:, :-1] / (1 + moved[:, -1:])
    return Replicated(figures, deviations, influence)


def intervals(
    numerators: Floats, denominators: Floats, how: Resampling
) -> tuple[Floats, Floats] | tuple[None, None]:
    """Low and high [K] of ratios of sums over units, [U, K] over [U]; None for a single unit.

    >>> low, high = intervals(np.arange(20.0)[:, None], np.ones(20), USUAL)
    >>> bool(low[0] < 9.5 < high[0])
    True
    """
    units, cells = numerators.shape
    if units == 1:
        return None, None
    ends = np.empty((cells, 2))
    for start in range(0, cells, _CELLS):
        chunk = replicated(numerators[:, start : start + _CELLS], denominators, how)
        for cell in range(chunk.figures.size):
            ends[start + cell] = chunk.interval(cell, how.reading)
    return ends[:, 0], ends[:, 1]


def gathered(values: Floats, groups: Groups | None) -> tuple[Floats, Floats]:
    """Sums over the examples of each unit [U, K] of values [K, example], and their counts [U].

    Units stand in the order of their labels; without groups every example is a unit.

    >>> gathered(np.array([[1.0, 2.0, 4.0]]), np.array(["b", "a", "b"]))
    (array([[2.],
           [5.]]), array([1., 2.]))
    """
    if groups is None:
        return np.ascontiguousarray(values.T), np.ones(values.shape[1])
    unit = unit_of(groups)
    sums = np.zeros((int(unit.max()) + 1, len(values)))
    np.add.at(sums, unit, values.T)
    return sums, np.bincount(unit).astype(np.float64)


def unit_of(groups: Groups) -> Integers:
    """The number [example] of the unit that each example belongs to."""
    found: Integers = np.unique(groups, return_inverse=True)[1]
    return found


def check_values(name: str, values: Floats, axes: tuple[str, ...]) -> None:
    """Raises ValueError unless values are finite float64 with these axes, `example` the last.

    A first axis named `...` stands for any number of axes.

    >>> check_values("effects", np.zeros((2, 3)), ("cell", "example"))
    >>> check_values("effects", np.array([[0.0, np.nan]]), ("cell", "example"))
    Traceback (most recent call last):
    ValueError: effects must be finite everywhere; found nan at cell 0, example 1 (1 of 2 values \
are not finite).
    """
    if not isinstance(values, np.ndarray):
        raise ValueError(f"{name} must be a numpy array; found {type(values).__name__}.")
    if values.dtype != np.float64:
        raise ValueError(f"{name} must be float64; found {values.dtype}.")
    wanted = f"[{', '.join(axes)}]"
    fits = values.ndim >= len(axes) - 1 if axes[0] == "..." else values.ndim == len(axes)
    if not fits:
        raise ValueError(f"{name} must have shape {wanted}; found {values.shape}.")
    if axes[-1] == "example" and values.shape[-1] == 0:
        raise ValueError(f"{name} must have at least one example; found shape {values.shape}.")
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        place = [int(i) for i in bad[0]]
        if axes[0] == "...":
            where = ", ".join([f"cell {tuple(place[:-1])}"] * (len(place) > 1))
            where += ", " * bool(where) + f"example {place[-1]}"
        else:
            where = ", ".join(f"{axis} {i}" for axis, i in zip(axes, place, strict=True))
        raise ValueError(
            f"{name} must be finite everywhere; found {values[tuple(bad[0])]} at {where} "
            f"({len(bad)} of {values.size} values are not finite)."
        )


def check_same_examples(name: str, values: Floats, other: str, examples: int) -> None:
    """Raises ValueError unless the last axis of values has this many examples.

    >>> check_same_examples("wild", np.zeros(3), "values", 2)
    Traceback (most recent call last):
    ValueError: wild must have one value for each of the 2 examples of values; found shape (3,).
    """
    if values.shape[-1] != examples:
        raise ValueError(
            f"{name} must have one value for each of the {examples} examples of {other}; "
            f"found shape {values.shape}."
        )


def check_groups(groups: Groups | None, examples: int) -> None:
    """Raises ValueError unless groups are one label for each example.

    >>> check_groups(np.array([0, 0, 1]), 2)
    Traceback (most recent call last):
    ValueError: groups must be one label for each of the 2 examples; found shape (3,).
    """
    if groups is not None and np.shape(groups) != (examples,):
        raise ValueError(
            f"groups must be one label for each of the {examples} examples; "
            f"found shape {np.shape(groups)}."
        )
