"""From the files that a result and a comparison are written to, back to the values.

The JSON is held against the dataclasses themselves, field by field; what does not fit is refused
with its place in the file. Files of earlier versions lack some fields, which then have their
defaults. `null` where a number must be stands for one that was not finite, and becomes NaN.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import numpy as np

from scrub.errors import InputRefused, Problem
from scrub.results import adversary, comparison, controls, result
from scrub.results.adversary import WorstAllowed
from scrub.results.comparison import Comparison
from scrub.results.controls import Controls
from scrub.results.result import PerExample, Result

MOST_PROBLEMS = 10
ARRAYS = {"references": 1, "model": 1, "scrubbed": 2, "baseline": 2, "kl": 2}  # dimensions
KINDS = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}


def read_result(path: str | Path) -> Result:
    """The result in a file of `scrub run --json`, with its per-example values.

    Raises `InputRefused` in words: no such file, no JSON, another schema, a damaged field, or no
    per-example file beside it.
    """
    document = read_document(path, (result.SCHEMA,))
    arrays = read_arrays(path, document)
    where = f"'{path}'"
    return _result(document, _per_example(arrays, where), where)


def read_comparison(path: str | Path) -> Comparison:
    """The comparison in a file of `scrub compare --json`, with that of each result.

    Raises `InputRefused` as `read_result`.
    """
    document = read_document(path, (comparison.SCHEMA,))
    arrays, where = read_arrays(path, document), f"'{path}'"
    given = document.get("results")
    if not isinstance(given, list):
        raise InputRefused(Problem(where, "results: must be a list of results.", DAMAGED))
    results = []
    for number, one in enumerate(given):
        named = {"scrubbed": f"scrubbed.{number}", "kl": f"kl.{number}"}
        mine = {name: arrays[n] for name in ARRAYS if (n := named.get(name, name)) in arrays}
        if not isinstance(one, dict):
            raise InputRefused(Problem(where, f"results[{number}]: must be an object.", DAMAGED))
        results.append(_result(one, _per_example(mine, where), f"{where}, results[{number}]"))
    made: Comparison = decode(
        Comparison, _without(document, "results", "examples_file"), where, results=tuple(results)
    )
    _require_known(made, where)
    return made


def _require_known(found: Comparison, where: str) -> None:
    """Every name in it is that of one of its results."""
    known = {one.name for one in found.results}
    named = {one.name for one in found.standings}
    named |= {name for pair in found.pairs for name in (pair.first, pair.second)}
    if named - known:
        said = f"speaks of '{sorted(named - known)[0]}', of which it holds no result."
        raise InputRefused(Problem(where, said, DAMAGED))


DAMAGED = "It may be damaged: write it again."


def read_document(path: str | Path, schemas: tuple[str, ...]) -> dict[str, Any]:
    """A JSON file of one of these schemas. Raises `InputRefused`."""
    where = f"'{path}'"
    try:
        document = json.loads(Path(path).read_bytes())
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise InputRefused(Problem(where, f"cannot be read: {why}.")) from error
    except (ValueError, RecursionError) as error:
        found = f"is no JSON ({str(error)[:80]})."
        raise InputRefused(Problem(where, found, DAMAGED)) from error
    known = " or ".join(schemas)
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema is None:
        fix = "Give what `scrub run --json` or `scrub compare --json` wrote."
        raise InputRefused(Problem(where, f"names no schema; {known} can be read.", fix))
    if schema not in schemas:
        fix = "Another version of scrub, or another command, wrote it."
        found = f"its schema is {schema!r}; what can be read is {known}."
        raise InputRefused(Problem(where, found, fix))
    assert isinstance(document, dict)
    return document


def read_arrays(path: str | Path, document: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays in the file that a document names as lying beside it. Raises `InputRefused`."""
    where, name = f"'{path}'", document.get("examples_file")
    if not isinstance(name, str) or Path(name).name != name:
        found = "examples_file: must name the file beside it that holds the per-example values."
        raise InputRefused(Problem(where, found, DAMAGED))
    beside = Path(path).parent / name
    try:
        content = beside.read_bytes()
    except OSError as error:
        found = f"its per-example values are in '{name}', which is not beside it."
        raise InputRefused(Problem(where, found, "Copy both files together.")) from error
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        found_arrays: dict[str, Any] = load(content)
    except (SafetensorError, KeyError, ValueError) as error:
        raise InputRefused(Problem(f"'{beside}'", "is no safetensors file.", DAMAGED)) from error
    return found_arrays


def _per_example(arrays: Mapping[str, Any], where: str) -> PerExample:
    """Checked for what must be there, and for shapes that agree."""
    missing = [name for name in ARRAYS if name != "kl" and name not in arrays]
    if missing:
        found = f"its per-example file lacks {', '.join(missing)}."
        raise InputRefused(Problem(where, found, DAMAGED))
    shape = arrays["scrubbed"].shape
    for name in ARRAYS:
        if name in arrays and arrays[name].shape != shape[: ARRAYS[name]]:
            found = f"its per-example values do not fit: {name} is {list(arrays[name].shape)}, "
            found += f"scrubbed {list(shape)}."
            raise InputRefused(Problem(where, found, DAMAGED))
    values = {n: np.asarray(arrays[n], dtype=np.float64) for n in ARRAYS if n in arrays}
    return PerExample(
        references=np.asarray(arrays["references"], dtype=np.int64),
        model=values["model"],
        scrubbed=values["scrubbed"],
        baseline=values["baseline"],
        kl=values.get("kl"),
    )


def _result(document: Mapping[str, Any], values: PerExample, where: str) -> Result:
    made: Result = decode(Result, _without(document, "examples_file"), where, per_example=values)
    return made


def _without(document: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


def decode(kind: Any, document: Mapping[str, Any], where: str, **given: Any) -> Any:
    """A dataclass from its JSON form; fields in `given` are taken as they are.

    Raises `InputRefused` with every field that does not fit (the first ten).

    >>> decode(result.Figure, {"value": 1, "low": None, "high": 2.5}, "a figure")
    Figure(value=1.0, low=None, high=2.5)
    """
    reader = _Reader()
    made = reader.dataclass(kind, document, "", given)
    if reader.problems:
        raise InputRefused(
            [Problem(where, found, DAMAGED) for found in reader.problems[:MOST_PROBLEMS]]
        )
    return made


@dataclass(eq=False)
class _Reader:
    """Reads values by the types of the fields; gathers what does not fit."""

    problems: list[str] = field(default_factory=list)

    def read(self, kind: Any, value: Any, at: str) -> Any:
        origin = get_origin(kind)
        if kind is Any or kind is object:
            return value
        if origin in (Union, types.UnionType):
            return self._optional(get_args(kind), value, at)
        if is_dataclass(kind):
            if isinstance(value, dict):
                return self.dataclass(kind, value, f"{at}.")
            return self._misfit(at, "an object", value)
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
        self.problems += [f"{at}{name}: is not known." for name in document if name not in known]
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


def read_worst_allowed(path: str | Path) -> WorstAllowed:
    """What `scrub adversary --json` wrote. Raises `InputRefused` as `read_result`."""
    document = read_document(path, (adversary.SCHEMA,))
    arrays, where = read_arrays(path, document), f"'{path}'"
    wanted = {one.name for one in fields(adversary.PerExample)}
    if set(arrays) != wanted:
        found = f"its per-example file lacks {', '.join(sorted(wanted - set(arrays)))}."
        raise InputRefused(Problem(where, found, DAMAGED))
    held, values = _without(document, "examples_file"), adversary.PerExample(**arrays)
    made: WorstAllowed = decode(WorstAllowed, held, where, per_example=values)
    return made


Readable = Result | Comparison | Controls | WorstAllowed

READERS: Mapping[str, Callable[[str | Path], Readable]] = {
    result.SCHEMA: read_result,
    comparison.SCHEMA: read_comparison,
    controls.SCHEMA: Controls.read_json,
    adversary.SCHEMA: read_worst_allowed,
}


def read_any(path: str | Path) -> Readable:
    """A result, a comparison, controls or a worst sampling, by the schema that the file names.

    Raises `InputRefused` as `read_result`.
    """
    document = read_document(path, tuple(READERS))
    return READERS[document["schema"]](path)
