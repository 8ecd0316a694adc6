"""What every finding of an intervention carries, and its forms: a dictionary, JSON, a table."""

from __future__ import annotations

import csv
import enum
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from scrub.errors import InputRefused, Problem
from scrub.results.decoding import DAMAGED, decode
from scrub.results.documents import write_document
from scrub.results.files import write_whole
from scrub.results.reading import read_arrays, read_document

Row = Mapping[str, object]
F = TypeVar("F", bound="Finding")


@dataclass(frozen=True, eq=False, repr=False)
class Finding:
    """Something measured under interventions.

    `conventions` names everything that the figures depend on: model, task, metric, positions,
    number of examples, draws, seed, intervals. `per_example` holds the values that the means were
    taken of, by name; NaN where nothing was measured.
    """

    KIND: ClassVar[str] = "finding"

    conventions: Mapping[str, Any]
    per_example: Mapping[str, NDArray[Any]] = field(repr=False)

    def __repr__(self) -> str:
        said = self.conventions
        return f"<{type(self).__name__} of {said.get('model')} on {said.get('task')}>"

    @classmethod
    def schema(cls) -> str:
        """What its JSON form is called, with its version."""
        return f"scrub-{cls.KIND}/1"

    def table(self) -> Sequence[Row]:
        """Its figures as rows of equal columns, as CSV and pandas take them."""
        raise NotImplementedError

    def as_dict(self) -> dict[str, Any]:
        """The JSON form; per-example values are not in it, and what is not finite is null."""
        named = [f.name for f in fields(self) if f.name != "per_example"]
        return {"schema": self.schema(), **{n: plain(getattr(self, n)) for n in named}}

    def write_json(self, path: str | Path) -> Path:
        """Write the JSON form, and the per-example values beside it as safetensors.

        Both files are complete or absent. Raises `InputRefused` where nothing can be written.
        """
        return write_document(path, self.as_dict(), self.per_example)

    def write_csv(self, path: str | Path) -> Path:
        """Write the table; what was not measured is left empty. Raises `InputRefused`."""
        rows = self.table()
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
        write_whole(path, text.getvalue().encode())
        return Path(path)


def read_finding(
    kind: type[F],
    path: str | Path,
    *,
    said: Sequence[str],
    values: Sequence[str],
    texts: Mapping[type, Callable[[str], Any]] | None = None,
    derived: Mapping[str, Sequence[str]] | None = None,
) -> F:
    """What `write_json` wrote of a finding of this kind, per-example values included.

    `said` are the conventions that it must name, `values` the arrays that it must hold; `texts`
    reads the types that are written as texts; `derived` are names that are written within a field
    and follow from the others. Raises `InputRefused` for any other file, and for a damaged one.
    """
    document, where = read_document(path, (kind.schema(),)), f"'{path}'"
    arrays = read_arrays(path, document)
    held = {k: v for k, v in document.items() if k not in ("schema", "examples_file")}
    for name, extra in (derived or {}).items():
        if isinstance(held.get(name), dict):
            held[name] = {k: v for k, v in held[name].items() if k not in extra}
    made: F = decode(kind, held, where, texts or {}, per_example=arrays)
    missing = [f"conventions.{name}: is missing." for name in said if name not in made.conventions]
    if lacking := [name for name in values if name not in arrays]:
        missing.append(f"its per-example file lacks {', '.join(lacking)}.")
    if missing:
        raise InputRefused([Problem(where, one, DAMAGED) for one in missing])
    return made


def require_alike(path: str | Path, **lengths: int) -> None:
    """Refuse lists of one thing that are not equally long. Raises `InputRefused`."""
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise InputRefused(Problem(f"'{path}'", f"its lists do not fit: {told}.", DAMAGED))


def plain(value: Any) -> Any:
    """Dataclasses, arrays and enums as JSON knows them; what is not finite becomes null.

    >>> plain({"a": np.array([1.0, np.nan]), "b": (np.int64(3), None)})
    {'a': [1.0, None], 'b': [3, None]}
    """
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, enum.Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value if isinstance(value, (bool, int, str, type(None))) else str(value)


def _cell(value: object) -> object:
    absent = value is None or (isinstance(value, float) and not np.isfinite(value))
    return "" if absent else value
