"""What a store holds as a table: one row for each job, for CSV, Parquet and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from scrub.errors import InputRefused, Problem, nearest
from scrub.results.files import write_whole
from scrub.results.store.rows import Row

FILTERS = ("hypothesis", "model", "metric", "task", "kind", "status")
SIZES = ("references", "draws", "seed")

SCHEMA = "scrub-stored/1"


def flat(row: Row) -> dict[str, Any]:
    """The values of a job by name, plain ones all; None where it has none.

    Conventions and settings are columns of their own; the whole result is in the JSON export.
    """
    said, document = row.said, row.document or {}
    recovered, means = document.get("recovered") or {}, document.get("means") or {}
    figures = {
        "recovered": recovered.get("value"),
        "low": recovered.get("low"),
        "high": recovered.get("high"),
        **{f"mean_{name}": (means.get(name) or {}).get("value") for name in MEANS},
        "divergence": document.get("divergence"),
        "kl": document.get("kl"),
        "null_recovered": (document.get("null") or {}).get("recovered"),
        "unimportant": (document.get("claims") or {}).get("unimportant"),
        "cautions": len(document["cautions"]) if "cautions" in document else None,
    }
    known = {name: value for name, value in said.items() if name not in ("conventions", *HEAD)}
    return {
        "name": row.name,
        "kind": row.kind,
        "status": row.status.value,
        **{name: said.get(name) for name in HEAD},
        **figures,
        "seconds": row.seconds,
        "created": row.created,
        "host": row.host,
        "message": row.message,
        **known,
        **{
            f"convention_{name}": value for name, value in dict(said.get("conventions", {})).items()
        },
        "key": row.key,
    }


MEANS = ("model", "scrubbed", "baseline")
HEAD = ("model", "task", "metric", *SIZES)


def chosen(rows: Sequence[Row], wanted: Mapping[str, str | None]) -> list[Row]:
    """Rows that fit every filter that is given: `*` and `?` stand for anything, else it is the
    whole name. `hypothesis` fits its name or its file.

    Raises `InputRefused` where a filter fits nothing in the store, with the nearest that there is.
    """
    given = {name: value for name, value in wanted.items() if value is not None}
    found = [row for row in rows if all(_fits(row, n, v) for n, v in given.items())]
    problems = [
        Problem(f"option '--{name}'", f"'{value}' fits none.", _near(rows, name, value))
        for name, value in given.items()
        if rows and not any(_fits(row, name, value) for row in rows)
    ]
    if problems:
        raise InputRefused(problems)
    return found


def _names(row: Row, name: str) -> tuple[str, ...]:
    """What a filter is held against."""
    if name == "hypothesis":
        return row.name, Path(str(row.said.get("hypothesis", ""))).name
    if name in ("kind", "status"):
        return (row.kind if name == "kind" else row.status.value,)
    return (str(row.said.get(name) or ""),)


def _fits(row: Row, name: str, value: str) -> bool:
    return any(fnmatch(one, value) for one in _names(row, name))


def _near(rows: Sequence[Row], name: str, value: str) -> str:
    return nearest(value, sorted({_names(row, name)[0] for row in rows} - {""}))


def write_csv(rows: Sequence[Row], path: Path) -> Path:
    """One line a job; a value that is missing is empty."""
    table = [flat(row) for row in rows]
    columns = list(dict.fromkeys(name for line in table for name in line))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(table)
    write_whole(path, text.getvalue().encode())
    return path


def write_parquet(rows: Sequence[Row], path: Path) -> Path:
    """The same with types. Raises `InputRefused` with what to install where pyarrow is missing."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        found, fix = "needs pyarrow.", "Run: pip install 'causal-scrub[frames]'"
        raise InputRefused(Problem("option '--parquet'", found, fix)) from None
    table = [flat(row) for row in rows]
    columns = list(dict.fromkeys(name for line in table for name in line))
    held = {name: _column([line.get(name) for line in table]) for name in columns}
    into = io.BytesIO()
    parquet.write_table(pyarrow.table(held), into)
    write_whole(path, into.getvalue())
    return path


def _column(values: Sequence[Any]) -> Sequence[Any]:
    """Values of one type, as Parquet wants them: text where they are of several."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) < 2 or kinds <= {int, float}:
        return values
    return [None if value is None else str(value) for value in values]


def write_json(rows: Sequence[Row], path: Path) -> Path:
    """Every job with its whole result; `arrays` names the file of its per-example values."""
    jobs = [
        {
            **{n: v for n, v in vars(row).items() if n not in ("text", "document", "status")},
            "status": row.status.value,
            "result": row.document,
        }
        for row in rows
    ]
    text = json.dumps({"schema": SCHEMA, "jobs": jobs}, indent=2, allow_nan=False)
    write_whole(path, f"{text}\n".encode())
    return path
