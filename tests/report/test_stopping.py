"""A report says why a run stopped, and what would make its interval narrower."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from scrub.report.text import report
from scrub.report.writing import as_text
from scrub.results.result import Result
from scrub.results.schema import schema
from scrub.results.stopping import SeenWidth, Stopping, Variance, VariancePart
from tests.report.fixed import RESULT, changed

STOPPING = Stopping(
    target=0.02,
    reason="narrow",
    looks=(SeenWidth(256, 4, None, None, None), SeenWidth(512, 4, 0.9731, 0.0176, 0.0193)),
    most_references=512,
    most_draws=64,
    rows_needed=None,
    said="The interval is ±0.018 (at most ±0.019, 75 % sure) after 2 looks; ±0.02 was asked for.",
)
VARIANCE = Variance(
    total=8e-5,
    references=VariancePart(4e-5, 3e-5, 5e-5),
    donors=VariancePart(-0.8e-5, -2e-5, 0.5e-5),
    unimportant=VariancePart(3.2e-5, 3e-5, 3.5e-5),
    data=1.6e-5,
    pairs=512,
    advice="To make it narrower, add draws: twice the draws would bring ±0.018 to about ±0.016.",
)
PURSUED = changed(stopping=STOPPING, variance=VARIANCE)


@pytest.mark.parametrize(
    "words",
    [
        "stopped       The interval is ±0.018 (at most ±0.019, 75 % sure) after 2 looks; ±0.02",
        "variance      50 % references, −10 % donors, 40 % unimportant inputs, 20 % rows as donors",
        "advice        To make it narrower, add draws: twice the draws",
    ],
)
def test_the_report_says(words: str) -> None:
    assert words in as_text(report(PURSUED))


@pytest.mark.parametrize("width", [80, 100])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    assert max(map(len, as_text(report(PURSUED), width).splitlines())) <= width


def test_a_plain_run_has_no_such_lines() -> None:
    assert "stopped" not in as_text(report(RESULT))


def test_a_run_without_a_ratio_says_why_it_stopped_and_no_more() -> None:
    said = as_text(report(replace(PURSUED, variance=None)))
    assert "stopped" in said
    assert "advice" not in said


def test_a_variance_of_nothing_has_no_shares() -> None:
    nothing = replace(VARIANCE, total=0.0)
    assert "variance      none" in as_text(report(replace(PURSUED, variance=nothing)))


def test_it_is_in_the_schema_and_read_back(tmp_path: Path) -> None:
    path = PURSUED.write_json(tmp_path / "r.json")
    jsonschema.validate(PURSUED.as_dict(), schema())
    read = Result.read_json(path)
    assert read.stopping == STOPPING
    assert read.variance == VARIANCE
