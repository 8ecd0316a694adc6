"""What every finding of an intervention carries, and its forms: a dictionary, JSON, a table."""

from __future__ import annotations

import csv
import enum
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from scrub.results.documents import write_document
from scrub.results.files import write_whole

Row = Mapping[str, object]


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

    def table(self) -> Sequence[Row]:
        """Its figures as rows of equal columns, as CSV and pandas take them."""
        raise NotImplementedError

    def as_dict(self) -> dict[str, Any]:
        """The JSON form; per-example values are not in it, and what is not finite is null."""
        named = [f.name for f in fields(self) if f.name != "per_example"]
        return {"schema": f"scrub-{self.KIND}/1", **{n: plain(getattr(self, n)) for n in named}}

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
