"""Where a benchmark's figures go: a file for each machine, and a table in the README."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measuring import insert, slug

FOLDER = Path(__file__).parent
Report = Mapping[str, Any]


def keep(script: str, report: Report, written: Callable[[Report], str]) -> None:
    """Write raw figures down, and put the tables of all machines between the script's markers."""
    path = FOLDER / "results" / f"{script}-{slug(report['machine'])}.json"
    path.write_text(json.dumps(report, indent=1) + "\n")
    reports = [json.loads(one.read_text()) for one in sorted(path.parent.glob(f"{script}-*.json"))]
    insert(FOLDER / "README.md", *markers(script), [written(one) for one in reports])


def markers(script: str) -> tuple[str, str]:
    """
    >>> markers("large")[1]
    '<!-- large: end -->'
    """
    start = f"<!-- {script}: made by `python -m benchmarks.{script}` -->"
    return start, f"<!-- {script}: end -->"


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A table in Markdown; all but the first `left` columns are numbers.

    >>> print(table(("what", "many"), [("a", "1")]))
    | what | many |
    | --- | ---: |
    | a | 1 |
    """
    ruler = ["---"] * left + ["---:"] * (len(titles) - left)
    return "\n".join(f"| {' | '.join(row)} |" for row in (titles, ruler, *rows))


def named(report: Report) -> str:
    """The versions of a report, in a line."""
    return ", ".join(f"{name} {version}" for name, version in report["versions"].items())
