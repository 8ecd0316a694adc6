"""The worst allowed sampling as text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scrub import WorstAllowed, adversary
from scrub.report.adversary import report
from scrub.report.writing import as_text
from scrub.results.result import Figure
from tests.study import against


@pytest.fixture(scope="module")
def found() -> WorstAllowed:
    return adversary(against.cancelling(), references=128, draws=2, replicates=200, threads=1)


def test_usual_and_worst_stand_side_by_side_and_each_choice_in_words(found):
    said = as_text(report(found))
    lines = [line.rstrip() for line in said.splitlines()]
    assert lines[0] == "The worst that is allowed: hypothesis"
    assert "64 references to search, 64 to score; 2 draws, seed 0" in said
    scored = {line.split()[0]: line.split()[1] for line in lines if line[:5] in ("usual", "worst")}
    rows = [line.split() for line in lines if line.startswith(("usual ", "worst ", "difference "))]
    assert [row[:2] for row in rows[:2]] == [
        ["usual", f"{found.usual.recovered.value:.3f}"],
        ["worst", f"{found.worst.recovered.value:.3f}"],
    ]
    assert rows[2][1] == f"{-found.harm.recovered.value:+.3f}"
    assert scored["worst"] == f"{found.searched.worst:.3f}"  # the half that was searched, below
    assert "out, unimportant inputs: x1 by x0" in lines
    assert "  where x0 = 1.0: x1 = -1.0" in lines
    assert any(line.startswith("x0    donors  as usual") for line in lines)
    assert "Cancellation: under the usual sampling" in said
    assert max(map(len, lines)) <= 100


def test_names_are_shown_as_they_are(found):
    choice = replace(found.choices[0], node="[red]<b>", said="[x] = 1")
    said = as_text(report(replace(found, name="[bold]no", choices=(choice,))))
    assert "The worst that is allowed: [bold]no" in said
    assert "[red]<b>, unimportant inputs: [x] = 1" in said


def test_where_the_ratio_is_refused_the_metric_stands(found):
    none = replace(found.usual.recovered, value=None, low=None, high=None)
    harm = replace(found.harm, recovered=Figure(None))
    refused = replace(
        found,
        usual=replace(found.usual, recovered=none),
        worst=replace(found.worst, recovered=none),
        harm=harm,
        searched=replace(found.searched, usual=None, worst=None, optimism=None),
        choices=tuple(replace(one, alone=harm, added=harm) for one in found.choices),
    )
    lines = as_text(report(refused)).splitlines()
    [row] = [line.split() for line in lines if line.startswith("difference")]
    assert row == ["difference", "–", "–", f"{found.harm.metric.value:.4g}"]
    assert any(line.split() == ["optimism", "none"] for line in lines)


def test_without_a_choice_there_are_no_rules(found):
    plain = tuple(replace(one, said="", rule=(), alone=None, added=None) for one in found.choices)
    said = as_text(report(replace(found, choices=plain)))
    assert "Rules" not in said
    assert said.count("as usual") == len(plain)
