"""The one table of `mediation.py`: from raw figures to rows, on the screen and in the README."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks.measuring import insert

START = "<!-- mediation: made by `python -m benchmarks.mediation` -->"
END = "<!-- mediation: end -->"
HEADS = (
    "who",
    "per",
    "threads",
    "forward passes",
    "least – most",
    "recorded before",
    "memory added",
    "apart",
)


def costs(rounds: Sequence[Any], what: str) -> list[float]:
    """What was timed in each round, in units of the plain passes around it in the same process.

    >>> costs([{"passes": [1.0, 2.0, 3.0], "unit": 4.0}], "unit")
    [2.0]
    """
    return [taken[what] / statistics.median(taken["passes"]) for taken in rounds]


def rows(one: Any) -> Iterator[list[str]]:
    """A question's rows: one for every contestant and number of threads."""
    for who, found in one["contestants"].items():
        if not found["rounds"]:
            yield [f"{who} (referee)", one["unit"], *[""] * (len(HEADS) - 2)]
        for threads in sorted({taken["threads"] for taken in found["rounds"]}):
            taken = [t for t in found["rounds"] if t["threads"] == threads]
            unit, before = costs(taken, "unit"), costs(taken, "recording")
            extrapolated = f" (× {taken[0]['factor']:.0f})" if taken[0]["factor"] > 1 else ""
            yield [
                f"{who}{extrapolated}",
                one["unit"],
                str(threads),
                number(statistics.median(unit)),
                f"{number(min(unit))} – {number(max(unit))}",
                number(statistics.median(before)),
                f"{found['memory'] / 2**20:,.0f} MiB",
                f"{found['apart']:.1e}",
            ]


def number(value: float) -> str:
    """
    >>> number(1.234), number(48.31), number(6190.2)
    ('1.23', '48.3', '6,190')
    """
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def caption(report: Any) -> str:
    sizes = report["case"]
    environments = "; ".join(
        f"environment {name}: " + ", ".join(f"{k} {v}" for k, v in found.items())
        for name, found in report["libraries"].items()
    )
    return (
        f"{report['machine']}, load {report['load']:.1f}; GPT-2 shape, {sizes['layers']} layers, "
        f"{sizes['heads']} heads, width {sizes['width']}, vocabulary {sizes['vocabulary']}, "
        f"random weights, float32; {sizes['batch']} × {sizes['positions']} tokens; medians of "
        f"{report['rounds']} rounds; {environments}"
    )


def title(one: Any) -> str:
    bar = f"; ours {one['bar']}" if one["bar"] else ""
    return f"**{one['title']}**{bar}"


def shown(report: Any) -> Table:
    """The table for a terminal."""
    table = Table(title="Mediation beside other libraries", caption=caption(report))
    for column, head in enumerate(HEADS):
        table.add_column(head, justify="left" if column < 2 else "right")
    for one in report["questions"].values():
        table.add_row(title(one).replace("**", ""))
        for row in rows(one):
            table.add_row(*row)
        table.add_section()
    return table


def written(report: Any) -> str:
    """The table in Markdown."""
    lines: list[Sequence[str]] = [HEADS, ["---"] * 2 + ["---:"] * (len(HEADS) - 2)]
    for one in report["questions"].values():
        lines += [[title(one), *[""] * (len(HEADS) - 1)], *rows(one)]
    return f"{caption(report)}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(readme: Path, results: Sequence[Path]) -> None:
    """Put the tables of all machines between the markers of the README."""
    insert(readme, START, END, [written(json.loads(path.read_text())) for path in results])
