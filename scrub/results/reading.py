"""From the files that a result and a comparison are written to, back to the values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from scrub.errors import InputRefused, Problem
from scrub.results import adversary, comparison, controls, result
from scrub.results.adversary import WorstAllowed
from scrub.results.comparison import Comparison
from scrub.results.controls import Controls
from scrub.results.decoding import DAMAGED, decode
from scrub.results.result import PerExample, Result

ARRAYS = {"references": 1, "model": 1, "scrubbed": 2, "baseline": 2, "kl": 2}  # dimensions


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


Readers = Mapping[str, Callable[[str | Path], Any]]  # by the schema that a file names
READERS: Readers = {
    result.SCHEMA: read_result,
    comparison.SCHEMA: read_comparison,
    controls.SCHEMA: Controls.read_json,
    adversary.SCHEMA: read_worst_allowed,
}


def read_any(path: str | Path, further: Readers = MappingProxyType({})) -> Any:
    """A result, a comparison, controls or a worst sampling, by the schema that the file names; or
    what `further` readers read. Raises `InputRefused` as `read_result`.
    """
    readers = {**READERS, **further}
    document = read_document(path, tuple(readers))
    return readers[document["schema"]](path)
