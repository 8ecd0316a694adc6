"""Each kind of failure has its exit code, and says in words what went wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scrub.errors import ModelRefused
from tests.cli.conftest import Invoke


def test_done(scrub: Invoke, toy: Path) -> None:
    assert scrub("check", toy).exit_code == 0


@pytest.mark.parametrize("arguments", [("run",), ("nonsense",), ("check", "x.py", "--nonsense")])
def test_usage_errors_are_refused_input(scrub: Invoke, arguments: tuple[str, ...]) -> None:
    assert scrub(*arguments).exit_code == 2


def test_all_problems_are_listed_one_a_line_on_stderr(scrub: Invoke, wrong: Path) -> None:
    result = scrub("check", wrong)
    assert result.exit_code == 2
    assert result.stdout == ""
    head, *problems = result.stderr.splitlines()
    assert head == f"refused: {len(problems)} problems"
    assert any("'A9'" in line for line in problems)
    assert any("'B9'" in line for line in problems)


def test_a_missing_file_is_refused_input(scrub: Invoke, tmp_path: Path) -> None:
    result = scrub("check", tmp_path / "missing.py")
    assert result.exit_code == 2
    assert result.stderr.startswith("refused: 1 problem\n")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--draws", "0", "option 'draws': must be a whole number of at least 1, found 0."),
        ("--interval", "bcc", "option 'interval': 'bcc' is no value of it. Did you mean bca?"),
        ("--unimportant", "all", "option 'unimportant': 'all' is no value of it."),
        ("--memory", "lots", "option 'memory': 'lots' is no amount of memory."),
        ("--report", "report.pdf", "option '--report': 'report.pdf' must end in .txt or"),
        ("--json", "nowhere/r.json", "option '--json': there is no folder '"),
    ],
)
def test_options_are_refused_before_anything_runs(
    scrub: Invoke, toy: Path, option: str, value: str, said: str
) -> None:
    result = scrub("run", toy, option, value)
    assert result.exit_code == 2
    assert said in result.stderr


def _raises(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("scrub.study.check.check", fail)


def test_a_refused_model(scrub: Invoke, toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _raises(monkeypatch, ModelRefused("model 'x' is refused, for this does not hold: sums."))
    result = scrub("check", toy)
    assert result.exit_code == 3
    assert "model 'x' is refused" in result.stderr


def test_a_fault_of_ours_says_so(scrub: Invoke, toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _raises(monkeypatch, RuntimeError("the frobnicator\nbroke"))
    result = scrub("check", toy)
    assert result.exit_code == 1
    assert "a fault of ours, not of your input" in result.stderr
    assert "RuntimeError: the frobnicator broke" in result.stderr
    assert "Set SCRUB_TRACEBACK=1" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_traceback_is_there_when_asked_for(
    scrub: Invoke, toy: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    _raises(monkeypatch, RuntimeError("broke"))
    monkeypatch.setenv("SCRUB_TRACEBACK", "1")
    result = scrub("check", toy)
    assert result.exit_code == 1
    assert "Traceback (most recent call last)" in result.stderr


def test_interrupted_quietly(scrub: Invoke, toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _raises(monkeypatch, KeyboardInterrupt())
    result = scrub("check", toy)
    assert result.exit_code == 130
    assert result.output == ""
