"""What can stand in place of an activation: values of one form, whatever they replace.

A replacement is asked at a place (a part's output, a port's input, a residual state, at some
positions) for the value that stands there instead. Some read the place on other examples, their
*donors*; some need only what is there, or its mean over the data.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scrub.data.dataset import Dataset, Ints
from scrub.data.features import Columns, FeatureFault
from scrub.data.features import values as values_of
from scrub.errors import InputRefused, Problem, nearest
from scrub.sampling.philox import key_of, uniform_index, uniform_words


@dataclass(frozen=True)
class Draws:
    """Which rows are replaced in, and which draw of each; `seed` fixes what is random."""

    rows: Ints  # [item]
    draw: Ints  # [item]
    seed: int


class Replacement(ABC):
    """What stands in place of an activation. `str` gives the name under which it is echoed."""

    @abstractmethod
    def __str__(self) -> str: ...

    def donors(self, dataset: Dataset, draws: Draws) -> Ints | None:
        """The rows whose activations are read, [item]; None where none are."""
        return None


@dataclass(frozen=True)
class Zero(Replacement):
    """The zero vector; of a residual state, zero too, its constant terms included."""

    def __str__(self) -> str:
        return "zero"


@dataclass(frozen=True)
class Mean(Replacement):
    """The mean over the data: at a role over the examples' positions of that role, else position
    by position."""

    def __str__(self) -> str:
        return "mean"


@dataclass(frozen=True)
class MeanWithin(Replacement):
    """The mean over the examples that share a column's value ("in context")."""

    column: str

    def __str__(self) -> str:
        return f"mean_within:{self.column}"


@dataclass(frozen=True)
class Resample(Replacement):
    """The activation on another example of equal length, uniformly; or of those that share a
    column's value."""

    column: str | None = None

    def __str__(self) -> str:
        return f"resample:{self.column}" if self.column else "resample"

    def donors(self, dataset: Dataset, draws: Draws) -> Ints:
        classes = _classes(dataset, self.column, with_lengths=True)
        return _drawn(classes, classes[draws.rows], draws, str(self))


@dataclass(frozen=True)
class Toward(Replacement):
    """The activation on an example in which a column has a given value, uniformly."""

    column: str
    value: object

    def __str__(self) -> str:
        return f"toward:{self.column}={self.value}"

    def donors(self, dataset: Dataset, draws: Draws) -> Ints:
        values = _compared(dataset, self.column)
        members = np.array([value == self.value or str(value) == self.value for value in values])
        if not members.any():
            fix = nearest(str(self.value), list(dict.fromkeys(map(str, values))))
            found = f"no example has '{self.value}' in column '{self.column}'."
            raise InputRefused(Problem(f"replacement '{self}'", found, fix))
        frames = np.where(members, dataset.frames, -1)
        return _drawn(frames, dataset.frames[draws.rows], draws, str(self))


@dataclass(frozen=True)
class Partner(Replacement):
    """The activation on the example that a column names, by its number in the data."""

    column: str

    def __str__(self) -> str:
        return f"partner:{self.column}"

    def donors(self, dataset: Dataset, draws: Draws) -> Ints:
        named = _column(dataset, self.column)
        wrong = next((r for r in draws.rows.tolist() if not _is_row(named[r], len(dataset))), None)
        if wrong is not None:
            raise InputRefused(
                Problem(
                    f"replacement '{self}'",
                    f"row {wrong} names {named[wrong]!r}, and must name a row of the data.",
                    f"Rows are numbered 0 to {len(dataset) - 1}.",
                )
            )
        return np.array([int(named[row]) for row in draws.rows], dtype=np.int64)


@dataclass(frozen=True)
class Noise(Replacement):
    """The activation and Gaussian noise: `scale` times the place's own deviation over the data.

    Meng et al. 2022 ("Locating and editing factual associations in GPT", 2.1) corrupt subjects
    with 3 deviations of the embeddings.
    """

    scale: float

    def __str__(self) -> str:
        return f"noise:{self.scale:g}"


@dataclass(frozen=True)
class Scale(Replacement):
    """The activation times a factor."""

    factor: float

    def __str__(self) -> str:
        return f"scale:{self.factor:g}"


@dataclass(frozen=True)
class Blend(Replacement):
    """(1 - t) times the activation and t times another replacement, for dose–response curves."""

    t: float
    other: Replacement

    def __str__(self) -> str:
        return f"blend:{self.t:g}:{self.other}"

    def donors(self, dataset: Dataset, draws: Draws) -> Ints | None:
        return self.other.donors(dataset, draws)


@dataclass(frozen=True)
class _Written:
    """How a replacement is written: what follows its name."""

    follows: str
    read: Callable[[str], Replacement]


def replacement(written: str | Replacement) -> Replacement:
    """A replacement from its name as users write it. Raises `InputRefused`.

    >>> replacement("mean_within:template"), replacement("blend:0.5:zero")
    (MeanWithin(column='template'), Blend(t=0.5, other=Zero()))
    """
    if isinstance(written, Replacement):
        return written
    name, _, rest = str(written).partition(":")
    where = f"replacement '{written}'"
    known = [f"{n}{':' if w.follows else ''}{w.follows}" for n, w in KNOWN.items()]
    if name not in KNOWN:
        found = "does not exist."
        raise InputRefused(Problem(where, found, f"Known: {', '.join(known)}."))
    if bool(rest) != bool(KNOWN[name].follows) and not (name == "resample" and not rest):
        found = f"is written {name}{':' if KNOWN[name].follows else ''}{KNOWN[name].follows}."
        raise InputRefused(Problem(where, found))
    try:
        return KNOWN[name].read(rest)
    except ValueError:
        found = f"'{rest}' is no {KNOWN[name].follows}."
        raise InputRefused(Problem(where, found)) from None


def _blend(rest: str) -> Blend:
    t, _, other = rest.partition(":")
    if not other:
        raise ValueError(rest)
    return Blend(_number(t), replacement(other))


def _toward(rest: str) -> Toward:
    column, equals, value = rest.partition("=")
    if not equals:
        raise ValueError(rest)
    return Toward(column, value)


def _number(text: str) -> float:
    value = float(text)
    if not np.isfinite(value):
        raise ValueError(text)
    return value


KNOWN: dict[str, _Written] = {
    "zero": _Written("", lambda _: Zero()),
    "mean": _Written("", lambda _: Mean()),
    "mean_within": _Written("COLUMN", MeanWithin),
    "resample": _Written("COLUMN", lambda rest: Resample(rest or None)),
    "toward": _Written("COLUMN=VALUE", _toward),
    "partner": _Written("COLUMN", Partner),
    "noise": _Written("SCALE", lambda rest: Noise(_number(rest))),
    "scale": _Written("FACTOR", lambda rest: Scale(_number(rest))),
    "blend": _Written("T:REPLACEMENT", _blend),
}


def permutation_table(dataset: Dataset, column: str) -> list[tuple[object, Toward]]:
    """All ordered contrasts of a categorical column: k values give k(k - 1), each as the value
    that an example has, and the replacement that gives it another."""
    values = list(dict.fromkeys(_compared(dataset, column)))
    if len(values) < 2:
        found = f"has {len(values)} value, and a contrast needs two."
        raise InputRefused(Problem(f"column '{column}'", found))
    return [(own, Toward(column, other)) for own in values for other in values if own != other]


def _column(dataset: Dataset, column: str) -> list[object]:
    if column not in dataset.columns:
        fix = nearest(column, dataset.columns)
        raise InputRefused(Problem(f"column '{column}'", "is not in the data.", fix))
    return list(dataset.columns[column])


def _compared(dataset: Dataset, column: str) -> list[object]:
    """A column of which values are held against one another."""
    _column(dataset, column)
    try:
        return list(values_of(Columns((column,)), dataset))
    except FeatureFault as fault:
        raise InputRefused(Problem(f"column '{column}'", str(fault))) from None


def _is_row(value: object, rows: int) -> bool:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return whole and 0 <= int(value) < rows  # type: ignore[call-overload]


def classes_of(dataset: Dataset, column: str) -> Ints:
    """A number for each row, [row]: rows with the same value of a column share one."""
    return _classes(dataset, column, with_lengths=False)


def _classes(dataset: Dataset, column: str | None, *, with_lengths: bool) -> Ints:
    values = _compared(dataset, column) if column else [None] * len(dataset)
    frames = dataset.frames.tolist() if with_lengths else [0] * len(dataset)
    numbers: dict[object, int] = {}
    keys = zip(values, frames, strict=True)
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def _drawn(classes: Ints, wanted: Ints, draws: Draws, name: str) -> Ints:
    """A member of the wanted class for each item, uniformly: a function of (seed, row, draw)."""
    order = np.argsort(classes, kind="stable")
    starts = np.searchsorted(classes[order], wanted, side="left")
    sizes = np.searchsorted(classes[order], wanted, side="right") - starts
    if (sizes == 0).any():
        row = int(draws.rows[np.nonzero(sizes == 0)[0][0]])
        found = f"row {row} has no donor: no such example has its length."
        raise InputRefused(Problem(f"replacement '{name}'", found, "Add data of that length."))
    words = uniform_words(draws.rows, draws.draw, key_of(draws.seed, "replacement", name))
    picked: Ints = order[starts + uniform_index(words, sizes)]
    return picked
