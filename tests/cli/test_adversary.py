"""`scrub adversary`, from the file to what is written."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Invoke


def test_a_claim_that_leaves_something_out_is_hurt_and_everything_is_written(
    scrub: Invoke, toy: Path, tmp_path: Path
) -> None:
    """B is left out: what it adds is drawn at random, and can be drawn at its worst."""
    text = toy.read_text().replace('claim.add_edge("second", "answer")\n', "")
    less = tmp_path / "less.py"
    less.write_text(text.replace('claim.add_node("second", component="B", feature="x1")\n', ""))
    written = tmp_path / "worst.json"
    done = scrub(
        "adversary",
        less,
        "--references=64",
        "--draws=2",
        "--candidates=2",
        "--rounds=1",
        f"--json={written}",
        f"--report={tmp_path / 'worst.html'}",
    )
    assert done.exit_code == 0, done.output
    assert "A choice of donors that the claim allows lowers recovered from" in done.stdout
    found = json.loads(written.read_text())
    assert found["schema"] == "scrub-adversary/1"
    assert found["conventions"]["candidates"] == 2
    assert found["harm"]["recovered"]["low"] > 0
    assert (tmp_path / "worst.html").stat().st_size > 500


def test_counts_below_one_are_refused(scrub: Invoke, toy: Path) -> None:
    done = scrub("adversary", toy, "--rounds=0")
    assert done.exit_code == 2
    assert "option 'rounds': must be a whole number of at least 1, found 0." in done.stderr
