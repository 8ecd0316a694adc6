"""Data files become data sets: one JSON object a line, CSV or Parquet.

    .jsonl     {"tokens": [5, 6, 7], "roles": {"end": 2}, "answer": 8}
    .csv       tokens,role:end,answer          tokens and positions are separated by spaces
               5 6 7,2,8
    .parquet   a list column `tokens`; roles as a struct column `roles` or columns `role:NAME`

The further fields of a row are written alike: `decoder_tokens`, `token_types`, `decoder_role:NAME`,
`image_role:NAME`; an `image` as nested lists, or as the path of a .npy file beside the data file.

Nothing is executed from a data file: formats that can hold code (pickles) are refused by name.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scrub.data.dataset import Dataset
from scrub.data.files import existing_file, read_text
from scrub.data.rows import dataset_from_rows
from scrub.data.text import Tokenizer, tokenize_rows
from scrub.errors import InputRefused, Problem

PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".bin", ".ckpt", ".joblib", ".dill", ".npy", ".npz")
_ROLES = {"role:": "roles", "decoder_role:": "decoder_roles", "image_role:": "image_roles"}
_LISTS = ("tokens", "attention_mask", "decoder_tokens", "decoder_attention_mask", "token_types")
_LAID_OUT = ("tokens", "text", "image")  # what a row has one of at the least
# No leading zeros: "007" and "7" are different texts, and would become one number.
_WHOLE = re.compile(r"-?(0|[1-9]\d*)")
_REAL = re.compile(r"-?(0|[1-9]\d*)(\.\d*)?([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Table:
    """Rows as a file gives them, and each one's place in the file ("line 3")."""

    rows: Sequence[dict[str, Any]]
    places: Sequence[str]


def read(
    path: str | Path, *, tokenizer: Tokenizer | None = None, answers: Sequence[str] = ()
) -> Dataset:
    """A data set from a .jsonl, .csv or .parquet file.

    With a tokenizer, rows may hold `text` instead of `tokens`, and the columns `answers` words
    instead of token ids. Raises `InputRefused` naming the file and the line.
    """
    path = Path(path).expanduser()
    reader = _reader(path)
    path = existing_file(path, READERS)
    table = reader(path)
    rows: Sequence[Mapping[str, Any]] = [
        _with_image(row, path, place) for row, place in zip(table.rows, table.places, strict=True)
    ]
    if tokenizer is not None:
        rows = tokenize_rows(rows, tokenizer, answers=answers, where=path.name, places=table.places)
    return dataset_from_rows(rows, path.name, table.places)


def _reader(path: Path) -> Callable[[Path], Table]:
    if path.suffix in READERS:
        return READERS[path.suffix]
    known = "Data files are .jsonl, .csv or .parquet."
    if path.suffix in PICKLES:
        found = f"{path.suffix} files can hold pickled code, and nothing is executed from data."
        raise InputRefused(Problem(str(path), found, f"Save it in another format. {known}"))
    if path.is_dir():
        existing_file(path, READERS)
    kind = f"files ending in '{path.suffix}'" if path.suffix else "files without a suffix"
    raise InputRefused(Problem(str(path), f"{kind} cannot be read.", known))


def _with_image(row: dict[str, Any], path: Path, place: str) -> dict[str, Any]:
    """The row with what its image's path names, looked for beside the data file."""
    written = row.get("image")
    if not isinstance(written, str):
        return row
    where = f"{path.name}, {place}"
    if Path(written).suffix != ".npy":
        fix = "Save an array [channel, height, width] with numpy.save."
        raise InputRefused(Problem(where, f"'image' must be a .npy file, not '{written}'.", fix))
    try:
        return {**row, "image": np.load(path.parent / written, allow_pickle=False)}
    except FileNotFoundError:
        raise InputRefused(Problem(where, f"there is no image '{written}'.")) from None
    except (ValueError, OSError, EOFError):
        found = f"'{written}' is not readable as an array of numbers."
        raise InputRefused(Problem(where, found)) from None


def _jsonl(path: Path) -> Table:
    rows, places, problems = [], [], []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            rows.append(_object(line))
            places.append(f"line {number}")
        except ValueError as error:
            problems.append(Problem(f"{path.name}, line {number}", str(error)))
    if problems:
        raise InputRefused(problems[:10])
    return Table(rows, places)


def _object(line: str) -> dict[str, Any]:
    """One line's object. Raises `ValueError` in words."""
    try:
        found = json.loads(line, object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error.msg} at character {error.pos + 1}.") from None
    except RecursionError:
        raise ValueError("is not a row: it is nested too deeply.") from None
    if not isinstance(found, dict):
        kind = {list: "a list", str: "a text", type(None): "null"}.get(type(found), "a number")
        raise ValueError(f'holds {kind}, not an object. Write one {{"tokens": […], …}} a line.')
    return found


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"names '{repeated}' twice.")
    return found


def _csv(path: Path) -> Table:
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    lines: list[tuple[int, list[str]]] = []
    try:
        for fields in reader:
            if fields:
                lines.append((reader.line_num, fields))
    except csv.Error as error:
        raise InputRefused(
            Problem(f"{path.name}, line {reader.line_num}", f"is not CSV: {error}.")
        ) from None
    if not lines:
        return Table([], [])
    header = _header(lines[0][1], path)
    ragged = [
        Problem(
            f"{path.name}, line {number}",
            f"has {len(fields)} fields, and the header {len(header)}.",
            "Fields that hold a comma stand in quotes.",
        )
        for number, fields in lines[1:]
        if len(fields) != len(header)
    ]
    if ragged:
        raise InputRefused(ragged[:10])
    places = [f"line {number}" for number, _ in lines[1:]]
    cells = list(zip(*(fields for _, fields in lines[1:]), strict=True))
    columns = {
        name: _column(name, values, places, path)
        for name, values in zip(header, cells, strict=False)
    }
    return Table([_gathered(columns, i) for i in range(len(places))], places)


def _header(names: Sequence[str], path: Path) -> list[str]:
    header = [name.strip() for name in names]
    where = f"{path.name}, line 1"
    if not any(name in header for name in _LAID_OUT):
        found = f"the header names no column 'tokens': {', '.join(header)}."
        raise InputRefused(Problem(where, found, "The first line names the columns."))
    for name in header:
        if not name or header.count(name) > 1:
            found = f"the header names '{name}' twice." if name else "a column has no name."
            raise InputRefused(Problem(where, found, "Give each column a name of its own."))
    return header


def _column(name: str, cells: Sequence[str], places: Sequence[str], path: Path) -> list[Any]:
    """A column's values: lists for tokens, mask and roles; else all int, all float, or all text."""
    if name in _LISTS or _role(name):
        return [
            _numbers(name, cell, f"{path.name}, {place}")
            for cell, place in zip(cells, places, strict=True)
        ]
    if all(_WHOLE.fullmatch(cell) for cell in cells):
        return [int(cell) for cell in cells]
    if all(_REAL.fullmatch(cell) for cell in cells):
        return [float(cell) for cell in cells]
    return list(cells)


def _numbers(name: str, cell: str, where: str) -> list[int]:
    words = cell.split()
    bad = next((word for word in words if not _WHOLE.fullmatch(word)), None)
    if bad is not None:
        found = f"'{name}' must be whole numbers separated by spaces, found '{bad}'."
        raise InputRefused(Problem(where, found))
    return [int(word) for word in words]


def _parquet(path: Path) -> Table:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        fix = "Install it: pip install causal-scrub[frames]."
        raise InputRefused(Problem(str(path), "Parquet files need pyarrow.", fix)) from None
    try:
        table = pyarrow.parquet.read_table(path, memory_map=False)
    except (pyarrow.ArrowException, OSError):
        found = "is not a Parquet file, or is damaged."
        raise InputRefused(Problem(path.name, found, "Write it again.")) from None
    names = table.column_names
    if repeated := [name for name in names if names.count(name) > 1]:
        raise InputRefused(Problem(path.name, f"has two columns '{repeated[0]}'.", "Rename one."))
    columns = {name: table.column(name).to_pylist() for name in names}
    return Table(
        [_gathered(columns, i) for i in range(table.num_rows)],
        [f"row {i}" for i in range(table.num_rows)],
    )


def _gathered(columns: Mapping[str, Sequence[Any]], row: int) -> dict[str, Any]:
    """One row, with the columns `role:NAME` gathered under `roles`, and others like them."""
    found = {name: values[row] for name, values in columns.items() if not _role(name)}
    for name in filter(_role, columns):
        key, role = _role(name)
        found[key] = {**(found.get(key) or {}), role: columns[name][row]}
    return found


def _role(name: str) -> tuple[str, ...]:
    """For a column like `role:NAME`: under which key of the row which role stands; else nothing."""
    return next(((key, name[len(p) :]) for p, key in _ROLES.items() if name.startswith(p)), ())


READERS: Mapping[str, Callable[[Path], Table]] = {
    ".jsonl": _jsonl,
    ".csv": _csv,
    ".parquet": _parquet,
}
