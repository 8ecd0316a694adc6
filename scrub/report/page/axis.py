"""Recovered on its axis among what it is held against: places as shares of the width."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from scrub.report.numbers import ratio
from scrub.report.page.called import called
from scrub.report.page.tabular import minus
from scrub.results.adversary import WorstAllowed
from scrub.results.controls import Controls, Nulls
from scrub.results.result import Result

MOST_TICKS = 6
ROOM = 0.04  # of the span, at either end
MOST_ROWS = 24  # of a figure of many results


@dataclass(frozen=True)
class Mark:
    """One row of the figure: a point with its interval, or many points; values of recovered.

    `tone` is "claim", "null" or "anchor". `said` is the row in words, for readers of the text.
    """

    name: str
    said: str
    tone: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    cloud: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """What is not finite has no place on an axis."""
        for name in ("value", "low", "high"):
            found = getattr(self, name)
            if found is not None and not math.isfinite(found):
                object.__setattr__(self, name, None)
        object.__setattr__(self, "cloud", tuple(v for v in self.cloud if math.isfinite(v)))

    @property
    def values(self) -> tuple[float, ...]:
        alone = (self.value, self.low, self.high)
        return (*(one for one in alone if one is not None), *self.cloud)


@dataclass(frozen=True)
class Axis:
    """Where the rows' values lie, in percent of the width; 0 and 1 are always on it."""

    marks: tuple[Mark, ...]
    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """In percent, to two decimals."""
        return round(100 * (value - self.low) / (self.high - self.low), 2)

    @property
    def said(self) -> str:
        """The figure in a sentence, for those who do not see it."""
        return "Recovered on one axis. " + " ".join(f"{m.name}: {m.said}." for m in self.marks)


def axis(
    result: Result, controls: Controls | None = None, adversary: WorstAllowed | None = None
) -> Axis | None:
    """The figure of one result; None where the ratio is refused."""
    if result.recovered.value is None:
        return None
    return lay_out(list(_marks(result, controls, adversary)))


def forest(results: Sequence[Result]) -> Axis | None:
    """All results on one axis, in their order; None where there are too many, or no shares."""
    named = zip(called(results), results, strict=True)
    shown = [(name, one) for name, one in named if one.recovered.value is not None]
    if not 1 < len(shown) <= MOST_ROWS:
        return None
    marks = []
    for name, one in shown:
        found = one.recovered
        said = _told(found.value, found.low, found.high)
        marks.append(Mark(name, said, "claim", found.value, found.low, found.high))
    return lay_out(marks)


def lay_out(marks: Sequence[Mark]) -> Axis:
    """An axis long enough for every value, 0 and 1."""
    values = [0.0, 1.0, *(value for mark in marks for value in mark.values)]
    room = ROOM * (max(values) - min(values))
    low, high = min(values) - room, max(values) + room
    return Axis(tuple(marks), low, high, _ticks(low, high))


def _ticks(low: float, high: float) -> tuple[float, ...]:
    """Round numbers, 0 among them.

    >>> _ticks(-0.1, 1.04)
    (0.0, 0.25, 0.5, 0.75, 1.0)
    """
    steps = (base * 10.0**power for power in range(-2, 300) for base in (1, 2.5, 5))
    step = next(s for s in steps if (high - low) / s <= MOST_TICKS)
    numbers = np.arange(np.ceil(low / step), np.floor(high / step) + 1)
    return tuple(round(float(number) * step, 6) + 0.0 for number in numbers)


def _marks(
    result: Result, controls: Controls | None, adversary: WorstAllowed | None
) -> Iterator[Mark]:
    found = result.recovered
    yield Mark(
        "this claim",
        _told(found.value, found.low, found.high),
        "claim",
        found.value,
        found.low,
        found.high,
    )
    if adversary is not None and (worst := adversary.worst.recovered).value is not None:
        said = _told(worst.value, worst.low, worst.high)
        yield Mark("worst allowed", said, "claim", worst.value, worst.low, worst.high)
    if result.null is not None and result.null.recovered is not None:
        said = _told(result.null.recovered)
        yield Mark(result.null.kind, said, "null", result.null.recovered)
    for nulls in controls.nulls if controls is not None else ():
        yield _nulls(nulls)
    for anchor in controls.anchors if controls is not None else ():
        if anchor.recovered is not None:
            yield Mark(anchor.name, _told(anchor.recovered), "anchor", anchor.recovered)


KINDS = {
    "random": "random claims",
    "profile": "same layers",
    "permuted": "nodes permuted",
    "labels": "labels permuted",
}


def _nulls(nulls: Nulls) -> Mark:
    name, cloud = KINDS.get(nulls.kind, nulls.kind), nulls.recovered
    if not cloud:
        return Mark(name, nulls.refusal or "none drawn", "null")
    said = f"{len(cloud)} from {minus(ratio(min(cloud)))} to {minus(ratio(max(cloud)))}"
    return Mark(name, said, "null", cloud=tuple(cloud))


def _told(value: float | None, low: float | None = None, high: float | None = None) -> str:
    said = minus(ratio(value))
    if low is not None and high is not None:
        said += f" ({minus(ratio(low))} to {minus(ratio(high))})"
    return said
