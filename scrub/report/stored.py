"""What a store holds, as a person reads it: one line a job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from scrub.report.numbers import DASH, count, number, ratio
from scrub.report.tables import Listing, heading
from scrub.results.store.export import SIZES, flat
from scrub.results.store.rows import Row

TITLES = {"name": "hypothesis", **{size: f">{size}" for size in SIZES}}
COMMON = ("name", "kind", "model", "task", "metric", *SIZES)
SHORT = 10  # digits of a job's address, enough to tell it by


def listing(folder: Path, rows: Sequence[Row], held: int) -> RenderableType:
    """The jobs that were chosen of those that are held; what they all have in common is said once.

    >>> from scrub.report.writing import as_text
    >>> print(as_text(listing(Path("runs"), [], 0)), end="")
    runs: 0 jobs
    """
    table = [flat(row) for row in rows]
    of = f" of {held:,}" if len(rows) < held else ""
    states = Counter(row.status.value for row in rows)
    said = ", ".join(f"{n:,} {state}" for state, n in states.items())
    title = f"{folder}: {count(len(rows), 'job')}{of}" + (f", {said}" if said else "")
    if not rows:
        return Text(title, style="bold")
    differing = [name for name in _names(table) if len({str(one.get(name)) for one in table}) > 1]
    same = {name: table[0][name] for name in COMMON if name not in differing and table[0].get(name)}
    shared = ", ".join(f"{name} {value}" for name, value in same.items() if name != "name")
    return Group(
        Text(title, style="bold"),
        *([Text(f"all: {shared}", style="dim")] if shared else []),
        Text(),
        _table(rows, table, differing),
        *_messages(rows),
    )


def _names(table: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What may tell jobs apart: what a suite varies."""
    yield from COMMON
    for name in dict.fromkeys(name for one in table for name in one):
        if name.startswith("convention_"):
            yield name


def _table(
    rows: Sequence[Row], table: Sequence[dict[str, Any]], differing: Sequence[str]
) -> RenderableType:
    columns = list(dict.fromkeys(["name", *differing]))
    titles = [TITLES.get(name, name.removeprefix("convention_")) for name in columns]
    shown = Listing([*titles, ">recovered", ">interval", ">seconds", "key", ""])
    for row, one in zip(rows, table, strict=True):
        told = (Text("" if one.get(name) is None else str(one[name])) for name in columns)
        ends = (one["low"], one["high"])
        between = DASH if None in ends else f"{ratio(ends[0])} to {ratio(ends[1])}"
        value = DASH if one["recovered"] is None else ratio(one["recovered"])
        style = "green" if row.is_done else "red"
        state = Text(row.status.value, style=style)
        shown.add(*told, value, between, number(row.seconds), row.key[:SHORT], state)
    return shown


def _messages(rows: Sequence[Row]) -> Iterator[RenderableType]:
    failed = [row for row in rows if not row.is_done]
    if failed:
        yield heading("Failed")
    for row in failed:
        yield Text(f"{row.key[:SHORT]}  {row.message}")
