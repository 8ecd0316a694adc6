"""`scrub run --until`: what is asked, what comes out, and that a missed target is no failure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Invoke


@pytest.fixture
def noisy(toy: Path) -> Path:
    """The toy whose second input is called unimportant: it recovers a part, with an interval."""
    text = toy.read_text().replace("from scrub import", "from scrub import EXACT,")
    lines = [line for line in text.splitlines() if '"second"' not in line]
    toy.write_text(
        "\n".join(lines).replace('component="C", feature="y"', 'component="C", feature=EXACT')
    )
    return toy


def test_a_target_that_cannot_be_met_ends_with_what_was_reached(
    scrub: Invoke, noisy: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.json"
    limits = ("--most-references", 120, "--most-draws", 3)
    result = scrub("run", noisy, "--until", 0.001, *limits, "--json", out, "--null", "none")
    assert result.exit_code == 0, result.output
    said = " ".join(result.stdout.split())
    assert "stopped ±0.001 was not reached: the interval is ±0.0" in said
    assert "Allow more than 120 references: the data have 300 rows." in said
    document = json.loads(out.read_text())
    assert document["stopping"]["reason"] == "cap"
    known = document["conventions"]
    assert (known["until"], known["most_references"], known["most_draws"]) == (0.001, 120, 3)
    assert known["references"] == 120


def test_a_claim_without_luck_is_narrow_at_the_first_look(scrub: Invoke, toy: Path) -> None:
    result = scrub("run", toy, "--until", 0.01, "--null", "none")
    assert result.exit_code == 0, result.output
    said = " ".join(result.stdout.split())
    assert "stopped The interval is ±0 (at most ±0, 75 % sure) after 1 look" in said
    assert "there is nothing to make narrower" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--until", "1"),
            "option 'until': must lie between 0 and 1, found 1.0. It is half the width of the "
            "interval of recovered: 0.01 for ±0.01.",
        ),
        (
            ("--most-draws", "8"),
            "option 'most_draws': limits what 'until' adds, and there is no 'until'. Say how "
            "narrow the interval shall be, for example until=0.01.",
        ),
    ],
)
def test_bad_values_are_refused_before_anything_runs(
    scrub: Invoke, toy: Path, arguments: tuple[str, ...], said: str
) -> None:
    result = scrub("run", toy, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
