"""Controls as text and as a plot."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matplotlib.collections import PathCollection

from scrub import Controls, InputRefused
from scrub.report.canvas import save
from scrub.report.controls import report
from scrub.report.controls_plot import draw
from scrub.report.writing import as_text
from scrub.results.result import Figure
from tests.study.held import right


@pytest.fixture(scope="module")
def found() -> Controls:
    return right()


def test_the_report_holds_every_control_and_fits_the_screen(found):
    said = as_text(report(found))
    lines = said.splitlines()
    for title in (
        "Nulls", "Claims left out", "Swaps", "Anchors", "Subgroups", "Conventions", "Not applied"
    ):  # fmt: skip
        assert any(line.startswith(title) for line in lines), title
    assert max(map(len, lines)) <= 100
    assert said.rindex("Before you believe it") > said.rindex("Not applied")
    row = next(line for line in lines if line.startswith("node     Z"))
    assert row.split() == ["node", "Z", "+0.000", "0.000", "to", "0.000", "1", "1.000", "idle"]
    assert "trivial         0   0.000000  the sink alone: outputs of random inputs" in lines


def test_where_nothing_speaks_against_it_that_is_said(found):
    clean = replace(found, cautions=(), nulls=(), left_out=(), swaps=(), sensitivity=())
    assert "Nothing in these controls speaks against it." in as_text(report(clean))


def test_names_are_shown_as_they_are(found):
    one = replace(found.left_out[0], name="[red]<script>")
    assert "[red]<script>" in as_text(report(replace(found, left_out=(one,))))


def test_a_refused_ratio_is_a_dash_with_its_reason(found):
    refused = replace(
        found,
        recovered=replace(found.recovered, value=None, low=None, high=None, refusal="No ratio."),
        nulls=tuple(replace(one, recovered=(), percentile=None) for one in found.nulls),
        left_out=tuple(replace(one, worth=None, recovered=None) for one in found.left_out),
        subgroups=tuple(
            replace(one, recovered=Figure(None), apart=None) for one in found.subgroups
        ),
    )
    said = as_text(report(refused))
    assert "recovered     No ratio." in said
    with pytest.raises(InputRefused, match="there is no share recovered to draw"):
        draw(refused)


def test_the_plot_has_a_dot_for_each_null_and_a_bar_for_each_claim(found, tmp_path):
    strips, bars = draw(found).axes
    dots = [one for one in strips.collections if isinstance(one, PathCollection)]
    assert [len(one.get_offsets()) for one in dots] == [8, 8, 8, 8]
    assert len(bars.patches) == len(found.left_out) + len(found.swaps)
    widths = [patch.get_width() for patch in bars.patches]
    assert widths[0] == pytest.approx(found.left_out[0].worth.value)
    for suffix in (".png", ".svg"):
        assert save(draw(found), tmp_path / f"c{suffix}").stat().st_size > 5000


def test_the_plot_shows_what_was_asked_for(found):
    only = replace(found, nulls=())
    (bars,) = draw(only).axes
    assert bars.get_xlabel() == "recovered lost (hollow: not for certain)"
    with pytest.raises(InputRefused, match="Ask for nulls, leave_one_out or swaps"):
        draw(replace(only, left_out=(), swaps=()))
