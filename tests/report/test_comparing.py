"""A comparison as text and as a plot."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matplotlib.collections import PathCollection

from scrub import InputRefused, compare
from scrub.report.canvas import save
from scrub.report.comparing import report
from scrub.report.pareto import draw
from scrub.report.writing import as_text
from scrub.results.comparison import Comparison


@pytest.fixture(scope="module")
def found() -> Comparison:
    names = ["induction", "induction_naive", "induction_wrong"]
    return compare(names, references=48, draws=2, replicates=200)


def refused(found: Comparison) -> Comparison:
    """The same, as if there were no ratio."""
    why = "The ratio is refused: its denominator, model − baseline, is 0."
    results = tuple(
        replace(r, recovered=replace(r.recovered, value=None, low=None, high=None, refusal=why))
        for r in found.results
    )
    standings = tuple(
        replace(s, rank=None, ranks=None, rank_shares=None, front=None) for s in found.standings
    )
    pairs = tuple(replace(p, recovered=None, equivalence=None) for p in found.pairs)
    return replace(found, results=results, standings=standings, pairs=pairs, notes=(why,))


def test_the_report_says_who_is_ahead_what_is_claimed_and_what_refines_what(found):
    said = as_text(report(found))
    lines = said.splitlines()
    ranked = [line.split()[1] for line in lines if line[:4].strip().isdigit()]
    assert ranked == ["induction_naive", "induction", "induction_wrong"]
    assert "induction refines induction_wrong: names 2 nodes and 2 edges more" in lines
    assert (
        "  induction recovers more; p = 0.0001, Holm 0.0003; apart by 0.05 or more: p = 1" in said
    )
    for title in ("Ranks", "Pairs", "Differences", "Examples", "Subgroups"):
        assert any(line.startswith(title) for line in lines)
    assert max(map(len, lines)) <= 100


def test_names_are_shown_as_they_are(found):
    one = replace(found.pairs[0], first="[red]<script>")
    said = as_text(report(replace(found, pairs=(one,))))
    assert "[red]<script> − induction_naive: recovered" in said


def test_where_the_ratio_is_refused_the_report_says_so_and_the_metric_stands(found):
    said = as_text(report(refused(found)))
    assert "The ratio is refused: its denominator, model − baseline, is 0." in said
    assert "induction − induction_wrong: loss " in said
    assert "Ranks" not in said


def test_claims_that_are_one_are_said_to_be_once(found):
    one = replace(found.refinements[0], finer="a", coarser="b", nodes=0, edges=0, opened=())
    both = (one, replace(one, finer="b", coarser="a"))
    said = as_text(report(replace(found, refinements=both)))
    assert said.count("a and b are one claim") == 1
    assert "b and a" not in said


def test_the_plot_has_a_point_a_name_and_an_interval_for_each(found, tmp_path):
    axes = draw(found).axes[0]
    assert [text.get_text() for text in axes.texts] == [
        "induction_naive",
        "induction",
        "induction_wrong",
    ]
    points = [c for c in axes.collections if isinstance(c, PathCollection)]
    assert len(points) == 3
    places = [tuple(c.get_offsets()[0]) for c in points]
    assert places == [(r.claims.unimportant, r.recovered.value) for r in found.results]
    for suffix in (".png", ".svg"):
        assert save(draw(found), tmp_path / f"pareto{suffix}").stat().st_size > 5_000


def test_without_a_ratio_there_is_no_plot(found):
    with pytest.raises(InputRefused) as problem:
        draw(refused(found))
    assert str(problem.value) == (
        "plot: there is no share recovered to draw. The ratio is refused: its denominator, "
        "model − baseline, is 0."
    )
