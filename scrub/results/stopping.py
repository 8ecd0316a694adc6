"""How a run that went on until its interval was narrow ended, and what is left to gain."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SeenWidth:
    """One look: the sizes, the figure, and half the width of its interval.

    `at_most` is the upper confidence limit of `half_width`, which is held against the target.
    All three are None where there was no interval.
    """

    references: int
    draws: int
    recovered: float | None
    half_width: float | None
    at_most: float | None


@dataclass(frozen=True)
class Stopping:
    """Why a run stopped: "narrow" (as narrow as asked for), "data", "cap" or "no ratio".

    `target` is the half-width of the interval of recovered that was asked for; `rows_needed`, where
    only more data would help, about how many rows would do. `said` is all that in words.
    """

    target: float
    reason: str
    looks: tuple[SeenWidth, ...]
    most_references: int
    most_draws: int
    rows_needed: int | None
    said: str


@dataclass(frozen=True)
class VariancePart:
    """A part of the variance of recovered, with its interval; below 0 where it is but noise."""

    variance: float
    low: float
    high: float


@dataclass(frozen=True)
class Variance:
    """The variance of recovered by where it comes from; the parts add up to `total`.

    `references`: which examples are scored; `donors` and `unimportant`: the draws of explained
    nodes' donors, and of unimportant inputs; `data`: that another sample would hold other donors
    (for the population alone). `pairs` half-shared draws told donors and unimportant inputs apart.
    `advice` says what would make the interval narrower.
    """

    total: float
    references: VariancePart
    donors: VariancePart
    unimportant: VariancePart
    data: float
    pairs: int
    advice: str
