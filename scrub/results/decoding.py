"""Dataclasses from their JSON form.

The JSON is held against the dataclasses themselves, field by field; what does not fit is refused
with its place in the file. Files of earlier versions lack some fields, which then have their
defaults. `null` where a number must be stands for one that was not finite, and becomes NaN. What
is derived from fields (a property) may be written beside them, and is not read.
"""

from __future__ import annotations

import enum
import json
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from types import MappingProxyType
from typing import Any, Union, get_args, get_origin

import numpy as np

from scrub.errors import InputRefused, Problem

MOST_PROBLEMS = 10
KINDS = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}
DAMAGED = "It may be damaged: write it again."


def decode(
    kind: Any,
    document: Mapping[str, Any],
    where: str,
    texts: Mapping[type, Callable[[str], Any]] = MappingProxyType({}),
    **given: Any,
) -> Any:
    """A dataclass from its JSON form; fields in `given` are taken as they are, and values of the
    types in `texts`, which are written as texts, are read by them.

    Raises `InputRefused` with every field that does not fit (the first ten).

    >>> from scrub.results.result import Figure
    >>> decode(Figure, {"value": 1, "low": None, "high": 2.5}, "a figure")
    Figure(value=1.0, low=None, high=2.5)
    """
    reader = _Reader(texts)
    made = reader.dataclass(kind, document, "", given)
    if reader.problems:
        raise InputRefused(
            [Problem(where, found, DAMAGED) for found in reader.problems[:MOST_PROBLEMS]]
        )
    return made


@dataclass(eq=False)
class _Reader:
    """Reads values by the types of the fields; gathers what does not fit."""

    texts: Mapping[type, Callable[[str], Any]]
    problems: list[str] = field(default_factory=list)

    def read(self, kind: Any, value: Any, at: str) -> Any:
        origin = get_origin(kind)
        if kind is Any or kind is object:
            return value
        if origin in (Union, types.UnionType):
            return self._optional(get_args(kind), value, at)
        if kind in self.texts:
            return self._text(kind, value, at)
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return self._member(kind, value, at)
        if is_dataclass(kind):
            if isinstance(value, dict):
                return self.dataclass(kind, value, f"{at}.")
            return self._misfit(at, "an object", value)
        if origin is np.ndarray:
            return self._array(get_args(kind)[1], value, at)
        if origin is tuple:
            return self._tuple(get_args(kind), value, at)
        if isinstance(origin, type) and issubclass(origin, Mapping):
            inner = get_args(kind)[1]
            if isinstance(value, dict):
                return {k: self.read(inner, v, f"{at}.{k}") for k, v in value.items()}
            return self._misfit(at, "an object", value)
        return self._plain(kind, value, at)

    def dataclass(
        self, kind: Any, document: Mapping[str, Any], at: str, given: Mapping[str, Any] = {}
    ) -> Any:
        hints = typing.get_type_hints(kind)
        known = {one.name: one for one in fields(kind)}
        derived = {n for n in document if isinstance(getattr(kind, n, None), property)}
        unknown = [name for name in document if name not in known and name not in derived]
        self.problems += [f"{at}{name}: is not known." for name in unknown]
        made = dict(given)
        for name, one in known.items():
            if name in given:
                continue
            if name in document:
                made[name] = self.read(hints[name], document[name], f"{at}{name}")
            elif one.default is MISSING and one.default_factory is MISSING:
                self.problems.append(f"{at}{name}: is missing.")
        return None if self.problems else kind(**made)

    def _optional(self, options: tuple[Any, ...], value: Any, at: str) -> Any:
        if value is None and type(None) in options:
            return None
        return self.read(next(o for o in options if o is not type(None)), value, at)

    def _tuple(self, inner: tuple[Any, ...], value: Any, at: str) -> Any:
        if not isinstance(value, list):
            return self._misfit(at, "a list", value)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(self.read(inner[0], one, f"{at}[{i}]") for i, one in enumerate(value))
        if len(value) != len(inner):
            return self._misfit(at, f"a list of {len(inner)}", value)
        pairs = zip(inner, value, strict=True)
        return tuple(self.read(k, one, f"{at}[{i}]") for i, (k, one) in enumerate(pairs))

    def _array(self, kind: Any, value: Any, at: str) -> Any:
        """Numbers in a list, of the kind of an array's own."""
        whole = np.issubdtype(get_args(kind)[0], np.integer)
        held = self._tuple((int if whole else float, ...), value, at)
        return None if held is None else np.array(held, dtype=get_args(kind)[0])

    def _text(self, kind: Any, value: Any, at: str) -> Any:
        """What is written as a text, by what reads it."""
        if not isinstance(value, str):
            return self._misfit(at, KINDS[str], value)
        try:
            return self.texts[kind](value)
        except InputRefused as refused:
            self.problems += [f"{at}: {problem}" for problem in refused.problems]

    def _member(self, kind: type[enum.Enum], value: Any, at: str) -> Any:
        """One of a few texts."""
        members = {member.value: member for member in kind}
        if isinstance(value, str) and value in members:
            return members[value]
        return self._misfit(at, " or ".join(members), value)

    def _plain(self, kind: Any, value: Any, at: str) -> Any:
        if kind is float:
            if value is None:
                return float("nan")
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return float(value)
        elif isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
            return value
        return self._misfit(at, KINDS.get(kind, str(kind)), value)

    def _misfit(self, at: str, wanted: str, value: Any) -> None:
        shown = json.dumps(value)
        shown = shown if len(shown) <= 40 else f"{shown[:40]}…"
        self.problems.append(f"{at}: must be {wanted}, found {shown}.")
