"""Suites of jobs that take milliseconds: a hand-made model in a hypothesis file of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scrub.results.store.store import Store
from scrub.study.suites.suite import Suite
from tests.toys.written import toy_file

CLAIM = """
claim.add_node("answer", component="C", feature=EXACT)
claim.add_node("first", component="A", feature="x0")
claim.add_edge("first", "answer")
"""
TOY = toy_file(CLAIM, values=4, rows=60)

Write = Callable[..., Suite]
Table = dict[str, Any]


def suite_of(folder: Path, **changed: Any) -> Suite:
    """A suite on the toy, in a file; seeds tell its jobs apart."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "toy.py"
    if not path.exists():
        path.write_text(TOY)
    given = {
        "hypotheses": ["toy.py"],
        "references": 8,
        "draws": 2,
        "settings": {"replicates": 100},
        "controls": False,
        "folder": folder,
        **changed,
    }
    return Suite(**given)


@pytest.fixture
def toy_suite(tmp_path: Path) -> Write:
    return lambda **changed: suite_of(tmp_path, **changed)


def table(folder: Path) -> Table:
    """All that a store holds of its jobs, by address, to the last bit; without times."""
    found: Table = {}
    with Store.reading(folder) as store:
        for row in store.rows():
            document = dict(row.document or {})
            document["cost"] = {**document.get("cost", {}), "seconds": None}
            arrays = {k: (v.dtype.str, v.tobytes()) for k, v in store.arrays(row).items()}
            found[row.key] = (row.status, row.name, row.said, document, arrays)
    return found


def starts(folder: Path) -> list[str]:
    """The addresses of all runs that were begun."""
    with Store.reading(folder) as store:
        return [key for key, _ in store.starts()]
