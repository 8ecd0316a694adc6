"""The forecast agrees with what a run then reports."""

from __future__ import annotations

from scrub.hypothesis.loading import load_hypothesis, shipped_hypothesis
from scrub.report.forecast import forecast
from scrub.report.writing import as_text
from scrub.study.prepare import prepare
from scrub.study.settings import Settings


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
