"""Numbers with their intervals, as every picture and table of effects takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from scrub.errors import InputRefused, Problem

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Measured:
    """Effects of any shape, NaN where nothing was measured, with the ends of their intervals.

    Raises `InputRefused` if the shapes differ, an effect is infinite, only one end is given or a
    lower end lies above its upper.

    >>> found = Measured([0.4, 0.1, float("nan")], low=[0.2, -0.1, 0], high=[0.6, 0.3, 0])
    >>> found.doubtful.tolist(), found.size
    ([False, True, False], 0.4)
    """

    values: npt.ArrayLike
    low: npt.ArrayLike | None = None
    high: npt.ArrayLike | None = None

    def __post_init__(self) -> None:
        for name in ("values", "low", "high"):
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, _kept(given))
        problems = [*_ends(self), *_finite(self)]
        if problems:
            raise InputRefused(problems)

    @property
    def array(self) -> Floats:
        return np.asarray(self.values)

    @property
    def ends(self) -> tuple[Floats, Floats] | None:
        """The lower and the upper ends, if there are any."""
        if self.low is None or self.high is None:
            return None
        return np.asarray(self.low), np.asarray(self.high)

    @property
    def known(self) -> Flags:
        """Where something was measured."""
        return np.asarray(~np.isnan(self.array))

    @property
    def doubtful(self) -> Flags:
        """Where the interval holds 0."""
        if self.ends is None:
            return np.zeros(self.array.shape, dtype=bool)
        low, high = self.ends
        return np.asarray(self.known & (low <= 0) & (high >= 0))

    @property
    def size(self) -> float:
        """The largest effect's absolute value; 0 if there is none."""
        return float(np.max(np.abs(self.array[self.known]), initial=0.0))

    def reach(self) -> tuple[float, float]:
        """The lowest and the highest number to be shown, intervals and 0 included."""
        shown = [self.array, *(self.ends or ())]
        every = np.concatenate([part[np.isfinite(part)].ravel() for part in shown])
        return float(np.min(every, initial=0.0)), float(np.max(every, initial=0.0))

    def misfit(self, where: str, **names: int) -> list[Problem]:
        """What is wrong unless there is one value for each of the named things, axis by axis."""
        if self.array.shape == tuple(names.values()):
            return []
        wanted = " × ".join(f"{many} {name}" for name, many in names.items())
        shape = " × ".join(map(str, self.array.shape)) or "a single number"
        fix = f"Give one value for each, as an array [{', '.join(names)}]."
        return [Problem(where, f"there are {wanted}, but the values are {shape}.", fix)]


def refuse(problems: list[Problem]) -> None:
    """Raise `InputRefused` if there are any."""
    if problems:
        raise InputRefused(problems)


def _kept(given: npt.ArrayLike) -> Floats:
    """A copy that nobody changes."""
    array = np.array(given, dtype=np.float64)
    array.flags.writeable = False
    return array


def _ends(measured: Measured) -> list[Problem]:
    if (measured.low is None) != (measured.high is None):
        given, absent = ("low", "high") if measured.high is None else ("high", "low")
        fix = "An interval has both ends, or leave both away."
        return [Problem("intervals", f"'{given}' is given, but not '{absent}'.", fix)]
    if measured.ends is None:
        return []
    low, high = measured.ends
    shapes = [list(part.shape) for part in (measured.array, low, high)]
    if shapes[0] != shapes[1] or shapes[0] != shapes[2]:
        found = "values are {}, their lower ends {}, their upper ends {}.".format(*shapes)
        return [Problem("intervals", found, "All three must have the same shape.")]
    crossed = int(np.sum(low > high))
    if crossed:
        found = f"{crossed:,} of {low.size:,} have their lower end above their upper."
        return [Problem("intervals", found, "Are 'low' and 'high' exchanged?")]
    return []


def _finite(measured: Measured) -> list[Problem]:
    infinite = int(np.sum(np.isinf(measured.array)))
    if not infinite:
        return []
    found = f"{infinite:,} of {measured.array.size:,} are infinite."
    return [Problem("values", found, "Give NaN where nothing was measured.")]
