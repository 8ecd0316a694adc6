"""Curves, rankings, contrasts and agreements: labelled, zero in sight, nothing overlapping."""

from __future__ import annotations

from itertools import chain, combinations
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from scrub.errors import InputRefused
from scrub.report import bars, matrix, scatter
from scrub.report.curves import (
    KNOTS,
    Aim,
    CircuitCurves,
    Curve,
    DoseResponse,
    draw_circuits,
    draw_doses,
)
from scrub.report.measured import Measured
from tests.report.plots import clashes, drawn, effects

DOSES = np.linspace(0, 1, 5)
HEADS = ("a0.h1", "a1.h2", "a3.h0", "a5.h$1$")
SUBSETS = tuple(chain.from_iterable(combinations(HEADS, size) for size in (1, 2, 3, 4)))


def doses() -> Figure:
    values = Measured([0, 0.5, np.nan, 2, 3], [-0.1, 0.3, np.nan, 1, 2], [0.1, 0.7, np.nan, 3, 4])
    target = Curve("sentiment $x$", DOSES, values, "logits")
    side = Curve("loss elsewhere", DOSES, effects(5), "nats", Aim.OFF_TARGET)
    return draw_doses(DoseResponse("Doses of a5.h1", (target, side), ("n = 64",)))


def circuits() -> Figure:
    found = (Curve(n, KNOTS, Measured(1 - np.exp(-20 * np.array(KNOTS))), "f") for n in "ab")
    return draw_circuits(CircuitCurves("Circuits", tuple(found)))


def ranking() -> Figure:
    values = effects(len(SUBSETS))
    return bars.draw(bars.Ranking("Interactions", SUBSETS, values, "logits"))


def contrasts() -> Figure:
    names = ("joy", "anger\n", "$fear$", "a value with a very long name indeed")
    return matrix.draw(matrix.Contrasts("Moods", names, effects(4, 4), "logits"))


def many_contrasts() -> Figure:
    names = tuple(f"value {i}" for i in range(30))
    return matrix.draw(matrix.Contrasts("Many", names, effects(30, 30), "logits"))


def agreement() -> Figure:
    names = tuple(f"a{i}.h1->m{i}<in>" for i in range(20))
    found = scatter.Agreement("EAP", names, effects(20), effects(20, seed=1), "effect", ("ρ 0.9",))
    return scatter.draw(found)


@pytest.mark.parametrize(
    "make",
    [doses, circuits, ranking, contrasts, many_contrasts, agreement],
    ids=lambda f: f.__name__,
)
def test_no_text_touches_another_and_all_axes_are_labelled(make: Any) -> None:
    figure = make()
    assert clashes(figure) == []
    assert all(axes.get_ylabel() for axes in figure.axes)
    assert figure.axes[-1].get_xlabel()
    for text in drawn(figure):
        assert "mathdefault" not in text.text


def texts(figure: Figure) -> list[str]:
    return [text.text for text in drawn(figure)]


def test_metrics_of_different_units_have_axes_of_their_own_over_the_same_doses() -> None:
    one, other = doses().axes
    assert (one.get_ylabel(), other.get_ylabel()) == ("logits", "nats")
    assert one.get_xlim() == other.get_xlim()
    for axes in (one, other):
        low, high = axes.get_ylim()
        assert low < 0 < high
        assert any(np.all(np.asarray(line.get_ydata()) == 0) for line in axes.get_lines())


def test_side_effects_are_named_and_broken_lines() -> None:
    one, other = doses().axes
    assert "loss elsewhere (off target)" in texts(doses())
    assert one.get_lines()[0].get_linestyle() == "-"
    assert other.get_lines()[0].get_linestyle() == "--"


def test_where_nothing_was_measured_a_curve_is_broken() -> None:
    line = doses().axes[0].get_lines()[0]
    assert np.isnan(np.asarray(line.get_ydata())).tolist() == [False, False, True, False, False]


def test_circuits_are_ticked_at_the_knots_between_nothing_and_everything() -> None:
    figure = circuits()
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    assert axes.get_xticks().tolist() == list(KNOTS)
    assert {"0.1 %", "50 %", "100 %"} <= set(texts(figure))
    assert axes.get_ylim()[0] < 0 < 1 < axes.get_ylim()[1]


def test_interactions_are_grouped_by_size_and_ranked_by_magnitude() -> None:
    values = Measured([0.1, -0.9, 0.3, np.nan, 0.2], [0, -1, -1, -1, 0.1], [1, -0.8, 1, 1, 0.3])
    sets = (("a",), ("b",), ("a", "b"), ("b", "c"), ("a", "c"))
    found = bars.Ranking("Sets", sets, values)
    assert found.groups() == {1: (1, 0), 2: (2, 4)}
    figure = bars.draw(found)
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names == ["b", "a", "a × b", "a × c"]
    faces = [patch.get_facecolor() for patch in figure.axes[0].patches]
    assert [face == (1, 1, 1, 1) for face in faces] == [False, True, True, False]
    assert {"Hollow: the interval holds 0.", "1 not measured.", "sets of 2"} <= set(texts(figure))


def test_what_a_ranking_leaves_out_is_counted() -> None:
    values = Measured(np.linspace(1, 0.01, 60))
    figure = bars.draw(bars.Ranking("Many", tuple((f"a{i}",) for i in range(60)), values))
    assert len(figure.axes[0].patches) == bars.MOST
    assert "20 more, none above 0.3288 in size." in texts(figure)


def test_nothing_measured_is_said() -> None:
    figure = bars.draw(bars.Ranking("None", (("a",),), Measured([np.nan])))
    assert "Nothing was measured." in texts(figure)
    assert clashes(figure) == []


def test_the_diagonal_of_a_permutation_table_is_empty_whatever_it_holds() -> None:
    values = np.array([[99.0, 0.5], [-0.25, 99.0]])
    figure = matrix.draw(matrix.Contrasts("Two", ("x", "y"), Measured(values)))
    said = texts(figure)
    assert {"0.5", "−0.25", "own value", "replaced by"} <= set(said)
    assert "99" not in said
    (mesh, *_) = [m for axes in figure.axes for m in axes.collections if m.norm.scaled()]
    assert (mesh.norm.vmin, mesh.norm.vmax) == (-0.5, 0.5)
    assert figure.axes[-1].yaxis_inverted()


def test_doubtful_contrasts_are_hatched_and_intervals_written() -> None:
    half = np.full((2, 2), 0.3)
    values = np.array([[0, 0.5], [-0.2, 0]])
    found = Measured(values, values - half, values + half)
    figure = matrix.draw(matrix.Contrasts("Two", ("x", "y"), found))
    (hatched,) = [patch for patch in figure.axes[-1].patches if patch.get_hatch()]
    outline = hatched.get_path().get_extents()
    assert (outline.x0, outline.y0, outline.x1, outline.y1) == (-0.5, 0.5, 0.5, 1.5)
    assert {"0.2 to 0.8", "−0.5 to 0.1", "interval holds 0"} <= set(texts(figure))


def test_estimates_are_drawn_against_the_line_on_which_they_are_exact() -> None:
    (axes,) = agreement().axes
    assert axes.get_xlim() == axes.get_ylim()
    line = axes.get_lines()[0]
    assert np.array_equal(np.asarray(line.get_xdata()), np.asarray(line.get_ydata()))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("exact effect", "estimated effect")


def test_the_items_farthest_from_the_line_are_named() -> None:
    exact = Measured(np.linspace(0, 1, 11))
    off = np.linspace(0, 1, 11)
    off[4] += 0.5
    names = tuple(f"e{i}" for i in range(11))
    said = texts(scatter.draw(scatter.Agreement("One off", names, Measured(off), exact)))
    assert "e4" in said
    assert "e7" not in said


REFUSED = [
    (
        lambda: Curve("c", [0, 1, 1], Measured([1, 2])),
        "curve 'c': there are 3 points, but the values are 2. "
        "Give one value for each, as an array [points].\n"
        "curve 'c': its points do not ascend: 0, 1, 1. Sort them, each number once.",
    ),
    (
        lambda: Curve("c", [], Measured([])),
        "curve 'c': its points are an array [0]. Give one number for each point.",
    ),
    (
        lambda: CircuitCurves("t", (Curve("c", [0, 0.5], Measured([0, 1])),)),
        "curve 'c': its shares of edges run from 0 to 0.5. They must lie above 0 and not above 1.",
    ),
    (
        lambda: DoseResponse("t", ()),
        "dose–response curves 't': there are none. Give at least one.",
    ),
    (
        lambda: matrix.Contrasts("t", ("x", "y"), Measured([1, 2, 3])),
        "contrasts 't': there are 2 values × 2 replacements, but the values are 3. "
        "Give one value for each, as an array [values, replacements].",
    ),
    (
        lambda: bars.Ranking("t", (), Measured([])),
        "ranking 't': there are no subsets. Give at least one.",
    ),
    (
        lambda: scatter.Agreement("t", ("e",), Measured([1, 2]), Measured(3.0)),
        "agreement 't', estimated: there are 1 items, but the values are 2. "
        "Give one value for each, as an array [items].\n"
        "agreement 't', exact: there are 1 items, but the values are a single number. "
        "Give one value for each, as an array [items].",
    ),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[text[:30] for _, text in REFUSED])
def test_what_does_not_fit_is_refused_in_words(make: Any, message: str) -> None:
    with pytest.raises(InputRefused) as caught:
        make()
    assert str(caught.value) == message
