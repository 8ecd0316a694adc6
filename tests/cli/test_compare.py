"""`scrub compare`, from the files to what is written."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Invoke

LESS = 'claim.add_edge("second", "answer")\n'


def test_two_files_are_compared_and_everything_is_written(
    scrub: Invoke, toy: Path, tmp_path: Path
) -> None:
    text = toy.read_text().replace(LESS, "")
    less = tmp_path / "less.py"
    less.write_text(text.replace('claim.add_node("second", component="B", feature="x1")\n', ""))
    written = {suffix: tmp_path / f"found{suffix}" for suffix in (".json", ".txt", ".png", ".svg")}
    flags = [f"--{name}={written[f'.{name}']}" for name in ("json", "png", "svg")]
    done = scrub(
        "compare", toy, less, "--references=64", "--draws=2", f"--report={written['.txt']}", *flags
    )
    assert done.exit_code == 0, done.output
    assert "toy recovers more" in done.stdout
    assert "toy refines less: names 1 node and 1 edge more" in done.stdout
    assert all(path.stat().st_size > 500 for path in written.values())
    assert json.loads(written[".json"].read_text())["schema"] == "scrub-comparison/1"


def test_one_file_alone_is_refused(scrub: Invoke, toy: Path) -> None:
    done = scrub("compare", toy)
    assert done.exit_code == 2
    assert "there is one, and a comparison needs at least two." in done.stderr


def test_a_margin_outside_its_bounds_is_refused(scrub: Invoke, toy: Path) -> None:
    done = scrub("compare", toy, toy, "--margin=2")
    assert done.exit_code == 2
    assert "option 'margin': must lie between 0 and 1, found 2.0. For example 0.05." in done.stderr
