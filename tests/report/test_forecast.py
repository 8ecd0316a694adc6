"""The forecast agrees with what a run then reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scrub.hypothesis.loading import load_hypothesis, shipped_hypothesis
from scrub.report.forecast import forecast
from scrub.report.writing import as_text
from scrub.study.prepare import prepare
from scrub.study.settings import Settings
from tests.report.claims import alone, classifier, encoder_decoder, induction, masked, question


def test_the_forecast_of_a_shipped_claim() -> None:
    hypothesis = load_hypothesis(shipped_hypothesis("induction"))
    plan = prepare(hypothesis, Settings(references=64, draws=2))
    said = as_text(forecast(plan))
    rows = {line.split()[0]: line.split() for line in said.splitlines() if line.strip()}
    assert rows["scrub"][1:4] == ["128", "2", "2"]
    assert rows["recording"][1] == "512"
    passes = [float(rows[name][-1]) for name in ("recording", "model", "baseline", "scrub", "null")]
    assert abs(sum(passes) - float(rows["total"][-1])) < 0.01
    assert 6 < passes[0] <= 512 / 64  # the recording leaves the unembedding out
    assert "128 items at a time" in said


EXTENTS = {
    induction: " inputs of up to 32 positions)",
    encoder_decoder: ", 8 inputs of up to 4 tokens and 2 decoder tokens)",
    classifier: ", 9 inputs of up to 5 image positions)",
    masked: ", 8 inputs of up to 4 positions)",
    question: ", 8 inputs of up to 5 image positions, 4 tokens and 2 decoder tokens)",
    alone: ", 6 inputs of up to 1 position)",
}


@pytest.mark.parametrize("written", EXTENTS, ids=lambda written: written.__name__)
def test_the_forecast_says_how_long_inputs_are(written: Callable[[], Any]) -> None:
    hypothesis, _ = written()
    plan = prepare(hypothesis, Settings(references=4, draws=1))
    said = next(line for line in as_text(forecast(plan), 120).splitlines() if "recorded" in line)
    assert said.endswith(EXTENTS[written])
