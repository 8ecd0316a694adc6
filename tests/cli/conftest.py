"""Hypothesis files on a hand-made model, small enough to be run in each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from scrub.cli.app import app
from tests.toys.written import toy_file

CLAIM = """
claim.add_node("answer", component="C", feature="y")
claim.add_node("first", component="A", feature="x0")
claim.add_node("second", component="B", feature="x1")
claim.add_edge("first", "answer")
claim.add_edge("second", "answer")
"""
TOY = toy_file(CLAIM, values=10, rows=300)

Invoke = Callable[..., Result]


@pytest.fixture
def scrub(monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """The command line in this process: `scrub("check", file)`."""
    monkeypatch.delenv("SCRUB_TRACEBACK", raising=False)

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return invoke


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    path = tmp_path / "toy.py"
    path.write_text(TOY)
    return path


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """Two unknown components and an unknown column: three problems."""
    path = tmp_path / "wrong.py"
    text = TOY.replace('component="A"', 'component="A9"').replace('component="B"', 'component="B9"')
    path.write_text(text.replace('feature="y"', 'feature="z"'))
    return path
