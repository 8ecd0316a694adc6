"""Features: what a node is said to carry, and the classes of examples that it makes equal."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scrub.data.dataset import Dataset, Ints
from scrub.errors import nearest


class Extent(enum.Enum):
    """The two ends: the whole input matters, or nothing of it does."""

    EXACT = "EXACT"
    ANY = "ANY"

    def __repr__(self) -> str:
        return self.value


EXACT, ANY = Extent.EXACT, Extent.ANY


@dataclass(frozen=True)
class Columns:
    """The values of one or several columns of the data set."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return " & ".join(self.names)


@dataclass(frozen=True)
class Function:
    """A function of an example (and of a position, for nodes made by `each`)."""

    function: Callable[..., Hashable]

    def __str__(self) -> str:
        return getattr(self.function, "__name__", "function").replace("<lambda>", "a function")


@dataclass(frozen=True)
class Near:
    """A continuous feature: examples within `tolerance`, or weighted by a Gaussian `bandwidth`."""

    of: Columns | Function
    tolerance: float | None = None
    bandwidth: float | None = None

    def __str__(self) -> str:
        how = f"±{self.tolerance}" if self.bandwidth is None else f"kernel {self.bandwidth}"
        return f"{self.of} ({how})"


@dataclass(frozen=True)
class Unlike:
    """Whatever differs in a feature: donors that a claim says must break what depends on it.

    EXACT stands for the whole input. No hypothesis carries it; controls put it in a node's place.
    """

    of: Columns | Function | Near | Extent

    def __str__(self) -> str:
        return f"not {self.of.value if isinstance(self.of, Extent) else self.of}"


Feature = Extent | Columns | Function | Near | Unlike


def near(
    of: str | Callable[..., float],
    *,
    tolerance: float | None = None,
    bandwidth: float | None = None,
) -> Near:
    """Agreement on a continuous feature, up to a tolerance or by a Gaussian kernel.

    >>> str(near("depth", tolerance=0.5))
    'depth (±0.5)'
    """
    if (tolerance is None) == (bandwidth is None):
        raise TypeError("near() takes either a tolerance or a bandwidth.")
    if not (tolerance or bandwidth or 0) > 0:
        raise TypeError("near() needs a tolerance or a bandwidth above 0.")
    inner = feature(of)
    if not isinstance(inner, (Columns, Function)):
        raise TypeError("near() takes a column's name or a function.")
    return Near(inner, tolerance, bandwidth)


def feature(written: object) -> Feature:
    """What a user writes for a feature, as a value. Raises `TypeError` for anything else.

    >>> feature("name"), feature(("name", "place")), feature(EXACT)
    (Columns(names=('name',)), Columns(names=('name', 'place')), EXACT)
    """
    if isinstance(written, (Extent, Columns, Function, Near)):
        return written
    if isinstance(written, str):
        return Columns((written,))
    if isinstance(written, (tuple, list)) and written and all(isinstance(n, str) for n in written):
        return Columns(tuple(written))
    if callable(written):
        return Function(written)
    raise TypeError(
        "a feature must be a column's name, a tuple of names, a function of an example, "
        f"EXACT or ANY, not {written!r}."
    )


class FeatureFault(Exception):
    """A feature that cannot be evaluated on the data, in words."""


def values(of: Columns | Function, dataset: Dataset, spots: Ints | None = None) -> list[Any]:
    """The feature's value for each row; `spots` [row] are positions for `each`.

    Raises `FeatureFault` naming the row.
    """
    if isinstance(of, Columns):
        for name in of.names:
            if name not in dataset.columns:
                raise FeatureFault(f"no column '{name}'. {nearest(name, dataset.columns)}")
        tables = [dataset.columns[name] for name in of.names]
        found: list[Any] = list(tables[0]) if len(tables) == 1 else list(zip(*tables, strict=True))
    else:
        found = [_call(of, dataset, row, spots) for row in range(len(dataset))]
    for row, value in enumerate(found):
        _require_comparable(value, row)
    return found


def _call(of: Function, dataset: Dataset, row: int, spots: Ints | None) -> Any:
    arguments = () if spots is None else (int(spots[row]),)
    try:
        return of.function(dataset.example(row), *arguments)
    except Exception as error:  # the user's code: whatever it raises is reported with its row
        said = error.args[0] if isinstance(error, KeyError) and error.args else error
        hint = ""
        if isinstance(error, TypeError) and "positional argument" in str(error):
            hint = ". It is called with the example alone, and at each(...) with a position too."
        kind = type(error).__name__
        raise FeatureFault(
            f"the feature function raised {kind} on row {row}: {said}{hint}"
        ) from error


def _require_comparable(value: Any, row: int) -> None:
    try:
        hash(value)
    except TypeError:
        kind = type(value).__name__
        raise FeatureFault(
            f"the feature's value on row {row} is a {kind}, which cannot be hashed. "
            "Values that can be compared are numbers, texts and tuples of these."
        ) from None
    if _holds_nan(value):
        raise FeatureFault(
            f"the feature's value on row {row} is NaN, which equals nothing, not even itself. "
            "Give missing values a value of their own, such as None."
        )


def _holds_nan(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(map(_holds_nan, value))
    return isinstance(value, (float, np.floating)) and bool(value != value)


def class_numbers(found: Sequence[Any]) -> Ints:
    """Equal values share a number, [row]; numbers run in order of first appearance.

    >>> class_numbers(["b", "a", "b"]).tolist()
    [0, 1, 0]
    """
    numbers: dict[Any, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in found], dtype=np.int64)


def as_floats(found: Sequence[Any]) -> NDArray[np.float64]:
    """Values of a continuous feature. Raises `FeatureFault` where one is no number."""
    for row, value in enumerate(found):
        if not isinstance(value, (int, float, np.number)) or not math.isfinite(value):
            raise FeatureFault(
                f"near() needs finite numbers, and the feature's value on row {row} is {value!r}."
            )
    return np.array(found, dtype=np.float64)
