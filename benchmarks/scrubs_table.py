"""The one table of `scrubs.py`: from raw figures to rows, on the screen and in the README."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks.measuring import insert
from benchmarks.mediation_table import number
from benchmarks.whole.ways import OURS

START = "<!-- scrubs: made by `python -m benchmarks.scrubs` -->"
END = "<!-- scrubs: end -->"
TITLES = ("who", "time", "least – most", "times scrub's", "memory added", "apart")
MIB = 2**20


def rows(one: Mapping[str, Any]) -> Iterator[list[str]]:
    """A setting's rows: one for every way that was timed, and for every one that is not here."""
    ours = [taken["seconds"] for taken in one["ways"][OURS]["rounds"]]
    for who, found in one["ways"].items():
        if "missing" in found:
            yield [who, f"not measured: {found['missing']}", *[""] * 4]
        elif not found["rounds"]:
            yield [f"{who} (referee)", *[""] * 5]
        else:
            yield [who, *_timed(found, ours)]


def _timed(found: Mapping[str, Any], ours: Sequence[float]) -> list[str]:
    taken = [one["seconds"] for one in found["rounds"]]
    timed = sum(one["timed"] for one in found["rounds"])
    every = found["rounds"][0]["passes"]
    part = f" (from {timed} of {every:,} passes)" if every else ""
    ratios = [one / our for one, our in zip(taken, ours, strict=True)]
    return [
        clock(statistics.median(taken)) + part,
        f"{clock(min(taken))} – {clock(max(taken))}",
        f"{number(statistics.median(ratios))}",
        f"{found['bytes'] / MIB:,.0f} MiB",
        f"{found['apart']:.1e}",
    ]


def clock(seconds: float) -> str:
    """
    >>> clock(0.0123), clock(1.5), clock(81.2)
    ('12.3 ms', '1.50 s', '81.2 s')
    """
    return f"{1000 * seconds:.1f} ms" if seconds < 0.1 else f"{number(seconds)} s"


def title(one: Mapping[str, Any]) -> str:
    ours = one["ways"][OURS]
    return (
        f"**{one['title']}**: {ours['nodes']} nodes, {ours['references']:,} references × "
        f"{ours['draws']}; what is put in changes ≥ {one['effect']:.0e}"
    )


def caption(report: Mapping[str, Any]) -> str:
    named = ", ".join(f"{name} {version}" for name, version in report["libraries"].items())
    shape = ", ".join(f"{size} {name}" for name, size in report["shape"].items())
    threads = report["threads"]
    return (
        f"{report['machine']}, {threads} thread{'' if threads == 1 else 's'}, load "
        f"{report['load']:.1f}; IOI: GPT-2 shape, {shape}, random weights, float32, 64 × 16 "
        f"tokens; medians of {report['rounds']} rounds; {named}"
    )


def shown(report: Mapping[str, Any]) -> Table:
    """The table for a terminal."""
    table = Table(title="Whole scrubs beside other libraries", caption=caption(report))
    for column, head in enumerate(TITLES):
        table.add_column(head, justify="left" if column == 0 else "right")
    for one in report["settings"].values():
        table.add_row(title(one).replace("**", ""))
        for row in rows(one):
            table.add_row(*row)
        table.add_section()
    return table


def written(report: Mapping[str, Any]) -> str:
    """The table in Markdown."""
    lines: list[Sequence[str]] = [TITLES, ["---", *["---:"] * (len(TITLES) - 1)]]
    for one in report["settings"].values():
        lines += [[title(one), *[""] * (len(TITLES) - 1)], *rows(one)]
    return f"{caption(report)}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(readme: Path, results: Sequence[Path]) -> None:
    """Put the tables of all machines between the markers of the README."""
    insert(readme, START, END, [written(json.loads(path.read_text())) for path in results])
