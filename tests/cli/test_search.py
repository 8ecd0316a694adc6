"""`scrub search`: what it prints and writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke

MODEL = ("search", "induction-exact", "--task", "repeated_tokens(n=64)", "--references", 32)
BROKEN = ("--corrupt", "embed=resample")


def test_a_reversal_is_reported_and_written(scrub: Invoke, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("out.json", "out.csv", "found.py", "report.md")]
    targets = zip(("--json", "--csv", "--hypothesis", "--report"), files, strict=True)
    result = scrub(*MODEL, *BROKEN, *[part for target in targets for part in target])
    assert result.exit_code == 0, result.output
    assert "Cells that repair a corrupted run" in result.stdout
    assert "a1.h0@query" in result.stdout
    assert json.loads(files[0].read_text())["cells"] == ["a1.h0@query"]
    assert files[1].read_text().splitlines()[1].startswith("1,a1.h0@query,restored,")
    assert result.stdout.splitlines()[0] in files[3].read_text()
    said = scrub("check", files[2])
    assert said.exit_code == 0, said.output
    assert "found: well formed" in said.stdout
    ran = scrub("run", files[2], "--references", 16, "--draws", 1)
    assert "recovered 1.000 " in ran.stdout


def test_a_circuit_is_reported_and_written(scrub: Invoke, tmp_path: Path) -> None:
    circuit, found = tmp_path / "circuit.json", tmp_path / "found.py"
    asked = ("--for", "circuit", "--how", "top", "--edges", 6)
    result = scrub(*MODEL, *BROKEN, *asked, "--circuit", circuit, "--hypothesis", found)
    assert result.exit_code == 0, result.output
    assert "A circuit in place of the model" in result.stdout
    assert "5 of 46" in result.stdout
    kept = [n for n, e in json.loads(circuit.read_text())["edges"].items() if e["in_graph"]]
    assert "input->a1.h0<v>" in kept
    assert len(kept) == 5
    assert "found: well formed" in scrub("check", found).stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"strategy": "best_first", "frontier": 3, "stop": 0.5, "budget": 500},
            {"strategy": "best_first", "frontier": 3, "stop": 0.5, "budget": 500},
        ),
        ({"cells": "heads", "positions": "query"}, {"cells": "heads", "cell_positions": "query"}),
        (
            {"for": "circuit", "unit": "components", "threshold": 0.5, "criterion": "metric"},
            {"unit": "components", "threshold": 0.5, "criterion": "metric"},
        ),
        (
            {"for": "circuit", "how": "top", "method": "eap", "edges": 4},
            {"how": "top", "method": "eap", "edges": 4},
        ),
    ],
)
def test_every_option_reaches_the_finding(
    scrub: Invoke, tmp_path: Path, options: dict[str, object], said: dict[str, object]
) -> None:
    out = tmp_path / "out.json"
    given = [part for name, value in options.items() for part in (f"--{name}", value)]
    result = scrub(*MODEL, *BROKEN, *given, "--seed", 2, "--level", 0.9, "--json", out)
    assert result.exit_code == 0, result.output
    conventions = json.loads(out.read_text())["conventions"]
    assert said.items() <= conventions.items()
    assert (conventions["seed"], conventions["level"]) == (2, 0.9)


REFUSED = {
    "--how acdc --corrupt embed=resample": (
        "option '--how': belongs to --for circuit. Leave it out."
    ),
    "--for circuit --stop 0.5 --corrupt embed=resample": (
        "option '--stop': belongs to --for reversal. Leave it out."
    ),
    "--circuit out.json --corrupt embed=resample": (
        "option '--circuit': belongs to --for circuit: a reversal is cells, not edges. Use "
        "--hypothesis."
    ),
    "": "option '--corrupt': there is none. For example --corrupt embed=resample.",
    "--for circuits": "option 'for': 'circuits' is no value of it. Did you mean circuit?",
    "--corrupt embed=resample --hypothesis found.txt": (
        "option '--hypothesis': 'found.txt' must end in .py."
    ),
}


@pytest.mark.parametrize("written", REFUSED)
def test_what_cannot_be_searched_is_refused(
    scrub: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, written: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = scrub(*MODEL, *written.split())
    assert result.exit_code == 2
    assert REFUSED[written] in " ".join(result.output.split())


def test_a_shipped_hypothesis_brings_its_model_and_task_by_name(
    scrub: Invoke, tmp_path: Path
) -> None:
    found = tmp_path / "found.py"
    result = scrub("search", "induction", *BROKEN, "--references", 32, "--hypothesis", found)
    assert result.exit_code == 0, result.output
    text = found.read_text()
    assert 'model="induction-2l"' in text
    assert 'with_counterparts("repeated_tokens")' in text
