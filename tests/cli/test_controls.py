"""`scrub controls`, from the file to what is written."""

from __future__ import annotations

import json
from pathlib import Path

from scrub import Controls
from tests.cli.conftest import Invoke


def test_a_file_is_held_against_its_controls_and_everything_is_written(
    scrub: Invoke, toy: Path, tmp_path: Path
) -> None:
    written = {suffix: tmp_path / f"found{suffix}" for suffix in (".json", ".txt", ".png", ".svg")}
    flags = [f"--{name}={written[f'.{name}']}" for name in ("json", "png", "svg")]
    done = scrub(
        "controls", toy, "--references=40", "--draws=2", "--nulls=2",
        f"--report={written['.txt']}", *flags,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("toy held against its controls\n")
    assert "Before you believe it" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert all(path.stat().st_size > 500 for path in written.values())
    assert json.loads(written[".json"].read_text())["conventions"]["nulls"] == 2
    assert len(Controls.read_json(written[".json"]).nulls) == 4  # kinds


def test_some_controls_are_asked_for_by_name(scrub: Invoke, toy: Path) -> None:
    done = scrub("controls", toy, "--which=swaps, anchors", "--references=30", "--draws=2")
    assert done.exit_code == 0, done.output
    assert "\nSwaps" in done.stdout
    assert "\nAnchors" in done.stdout
    assert "\nNulls" not in done.stdout
    assert "Nothing in these controls speaks against it." in done.stdout


def test_an_unknown_control_is_refused_before_anything_is_run(scrub: Invoke, toy: Path) -> None:
    done = scrub("controls", toy, "--which=swap")
    assert done.exit_code == 2
    assert "option 'which': 'swap' is no control. Did you mean swaps?" in done.stderr
