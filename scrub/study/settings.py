"""How a scrub is run: sizes, seed, machine, interval. What is claimed stands in the hypothesis."""

from __future__ import annotations

import enum
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from scrub.engine.budget import parse_bytes
from scrub.errors import InputRefused, Problem, nearest

MAY_BE_NONE = ("batch", "threads", "most_references", "most_draws")
DTYPES = ("float32", "float64", "bfloat16", "float16")


class Null(enum.Enum):
    """What a recovered share is held against besides its interval."""

    FORGOTTEN = "forgotten"  # the same graph, every feature ANY
    NONE = "none"


@dataclass(frozen=True)
class Settings:
    """Sizes and conventions of one run; every value is echoed in the result.

    `references`: how many examples are scored (a seeded choice, or all if there are fewer);
    `draws`: scrubs of each; `batch`: items at a time (None: planned from `memory`);
    `memory`: a budget such as "4GiB" (None: most of what is free); `interval`: "bca" or
    "percentile"; `estimand`: "population" (that the data were drawn from) or "data" (as they are).
    `until`: half the width that the interval of recovered shall have; references and draws are
    then added to those given, at most `most_references` (None: all rows) and `most_draws` (None:
    64).

    Raises `InputRefused` naming each value that cannot be used.

    >>> Settings(draws=16).draws
    16
    """

    references: int = 256
    draws: int = 4
    seed: int = 0
    batch: int | None = None
    memory: str | None = None
    device: str = "cpu"
    dtype: str = "float32"
    level: float = 0.95
    interval: str = "bca"
    estimand: str = "population"
    replicates: int = 2000
    null: str = "forgotten"
    threads: int | None = None
    until: float | None = None
    most_references: int | None = None
    most_draws: int | None = None

    def __post_init__(self) -> None:
        problems = [
            *self._counts(),
            *self._threads(),
            *self._memory(),
            *self._until(),
            *self._choice("interval", ("bca", "percentile")),
            *self._choice("estimand", ("population", "data")),
            *self._choice("dtype", DTYPES),
            *self._choice("null", [null.value for null in Null]),
        ]
        if not 0 < self.level < 1:
            found = f"must lie between 0 and 1, found {self.level!r}."
            problems.append(Problem("option 'level'", found, "For example 0.95."))
        if problems:
            raise InputRefused(problems)

    def _counts(self) -> list[Problem]:
        least = {
            "references": 1,
            "draws": 1,
            "seed": 0,
            "batch": 1,
            "replicates": 100,
            "threads": 1,
            "most_references": 1,
            "most_draws": 2,
        }
        found = {name: getattr(self, name) for name in least}
        return [
            Problem(
                f"option '{name}'",
                f"must be a whole number of at least {least[name]}, found {value!r}.",
            )
            for name, value in found.items()
            if not (value is None and name in MAY_BE_NONE)
            and (not isinstance(value, int) or isinstance(value, bool) or value < least[name])
        ]

    def _memory(self) -> tuple[Problem, ...]:
        """Here rather than when it is needed, which is after the model has been loaded."""
        try:
            if self.memory is not None:
                parse_bytes(self.memory)
        except InputRefused as refused:
            return refused.problems
        return ()

    def _until(self) -> list[Problem]:
        limits = [n for n in ("most_references", "most_draws") if getattr(self, n) is not None]
        if self.until is None:
            fix = "Say how narrow the interval shall be, for example until=0.01."
            found = "limits what 'until' adds, and there is no 'until'."
            return [Problem(f"option '{name}'", found, fix) for name in limits]
        number = isinstance(self.until, (int, float)) and not isinstance(self.until, bool)
        if number and 0 < self.until < 1:
            return []
        found = f"must lie between 0 and 1, found {self.until!r}."
        fix = "It is half the width of the interval of recovered: 0.01 for ±0.01."
        return [Problem("option 'until'", found, fix)]

    def _threads(self) -> list[Problem]:
        most = os.cpu_count() or 1
        if isinstance(self.threads, int) and self.threads > most:
            found = f"at most {most}, the cores of this machine; found {self.threads}."
            return [Problem("option 'threads'", found)]
        return []

    def _choice(self, name: str, known: Any) -> list[Problem]:
        value = getattr(self, name)
        if value in known:
            return []
        return [Problem(f"option '{name}'", f"'{value}' is no value of it.", nearest(value, known))]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def changed_settings(settings: Settings, changed: Mapping[str, Any]) -> Settings:
    """Settings with some values changed by name. Raises `InputRefused` for names it does not have.

    >>> changed_settings(Settings(), {"draws": 2}).draws
    2
    """
    known = settings.as_dict()
    unknown = [name for name in changed if name not in known]
    if unknown:
        problems = [Problem(f"option '{n}'", "does not exist.", nearest(n, known)) for n in unknown]
        raise InputRefused(problems)
    return replace(settings, **changed)


def require_fixed_sizes(settings: Settings, what: str) -> None:
    """Raises `InputRefused` for `until` where several runs have their sizes in common.

    >>> require_fixed_sizes(Settings(), "a comparison")
    """
    if settings.until is not None:
        found = f"is for one hypothesis at a time; in {what} all have the same sizes."
        raise InputRefused(Problem("option 'until'", found, "Give references and draws."))
