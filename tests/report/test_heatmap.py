"""A heatmap: 0 in the middle of its scale, every name apart, doubt and absence marked."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from scrub.errors import InputRefused
from scrub.report import colours
from scrub.report.canvas import save
from scrub.report.grids import Heatmap, Panel, Patches
from scrub.report.heatmap import draw
from scrub.report.lattice import lay_out
from scrub.report.lettering import visible
from scrub.report.measured import Measured
from tests.report.plots import ODD, WORDS, clashes, colours_of, drawn, heatmap, odd, of, vision

NAN = float("nan")
SHAPES = {"12 × 20": (12, 20), "one cell": (1, 1), "40 × 1": (40, 1)}


@pytest.fixture(scope="module")
def large() -> Figure:
    return draw(heatmap(48, 200))


def words(figure: Figure) -> set[str]:
    return {text.text for text in drawn(figure)}


@pytest.mark.parametrize("name", SHAPES)
def test_no_text_touches_another_or_leaves_the_sheet(name: str) -> None:
    assert clashes(draw(heatmap(*SHAPES[name]))) == []


def test_at_forty_eight_by_two_hundred_nothing_touches_either(large: Figure) -> None:
    assert clashes(large) == []
    said = words(large)
    assert {f"resid.{layer}" for layer in range(48)} <= said
    assert max(large.get_size_inches()) < 17


@pytest.mark.parametrize("make", [odd, vision])
def test_odd_tokens_and_image_patches_keep_apart_too(make: Any) -> None:
    assert clashes(draw(make())) == []


def test_texts_that_do_touch_are_found() -> None:
    figure = draw(of([[0.5]]))
    figure.text(0.5, 0.5, "one")
    figure.text(0.5, 0.51, "other")
    figure.text(0.99, 0.1, "beyond")
    assert clashes(figure) == ["'beyond' leaves the sheet", "'one' on 'other'"]


@pytest.mark.parametrize("values", [[[0.1, 0.7]], [[-3.0, 0.1]], [[0.0, 0.0]], [[NAN, NAN]]])
def test_the_middle_of_the_scale_is_zero(values: list[list[float]]) -> None:
    figure = draw(of(values))
    norms: list[Any] = [m.norm for axes in figure.axes for m in axes.collections]
    norms = [norm for norm in norms if norm.scaled()]
    assert norms
    for norm in norms:
        assert norm.vmin == -norm.vmax < 0
        assert norm(0.0) == 0.5


def test_the_scale_is_symmetric_in_lightness() -> None:
    below, middle, above = (np.array(colours.palette()(x)[:3]) for x in (0.0, 0.5, 1.0))
    assert middle.min() > 0.95
    grey = [0.299, 0.587, 0.114]
    assert abs(below @ grey - above @ grey) < 0.1
    assert below @ grey < 0.3


def test_panels_share_one_scale() -> None:
    parts = (of([[0.1, 0.2]]).panels[0], of([[5.0, -7.0]]).panels[0])
    figure = draw(Heatmap("Two", parts))
    tops = {m.norm.vmax for axes in figure.axes for m in axes.collections if m.norm.scaled()}
    assert tops == {7.0}


def test_axes_and_scale_say_what_they_are() -> None:
    scale, axes, *_ = draw(heatmap(3, 4)).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("position", "component")
    assert scale.get_ylabel() == "share of total"
    assert [text.get_text() for text in axes.get_yticklabels()] == ["resid.0", "resid.1", "resid.2"]
    assert [text.get_text() for text in axes.get_xticklabels()] == [visible(w) for w in WORDS[:4]]


def test_the_input_is_at_the_bottom_and_the_first_token_on_the_left() -> None:
    figure = draw(of([[1.0, 2.0], [3.0, 4.0]]))
    _, axes, *_ = figure.axes
    assert axes.get_ylim() == (-0.5, 1.5)
    assert axes.get_xlim() == (-0.5, 1.5)
    grid = next(values for values in colours_of(figure) if values.shape == (2, 2))
    assert grid.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_conventions_and_title_are_on_the_sheet() -> None:
    assert {"Indirect effects", heatmap(2, 2).said[0]} <= words(draw(heatmap(2, 2)))


def test_of_many_columns_those_with_the_largest_effects_are_named() -> None:
    values = np.full((2, 200), 0.01)
    values[0, [57, 58, 121]] = 0.5, 0.9, -0.7
    grid = Panel("", ("a0", "a1"), tuple(f"t{i}" for i in range(200)), Measured(values))
    figure = draw(Heatmap("Many", (grid,)))
    said = words(figure)
    assert {"t58", "t121"} <= said
    assert "t57" not in said
    assert any("of 200 columns are named, those with the largest effects first." in w for w in said)


def test_at_twelve_by_twenty_every_name_is_written() -> None:
    ((place,),) = lay_out(heatmap(12, 20))
    assert not place.rows.thinned
    assert not place.columns.thinned
    assert place.columns.size >= 7


def test_sheets_stay_bounded() -> None:
    for shape in ((400, 2), (2, 900)):
        width, height = draw(heatmap(*shape)).get_size_inches()
        assert width < 17
        assert height < 23


def test_few_panels_stand_side_by_side_and_wide_ones_above_one_another() -> None:
    for columns, lines in ((20, 1), (200, 3)):
        parts = tuple(heatmap(4, columns).panels[0] for _ in range(3))
        places = lay_out(Heatmap("Three", parts))
        assert len(places) == lines
        assert len({place.left for line in places for place in line}) == 1


def test_doubt_and_absence_are_marked_and_explained() -> None:
    effects = Measured([[0.5, 0.1, NAN]], [[0.4, -0.1, NAN]], [[0.6, 0.3, NAN]])
    figure = draw(Heatmap("Marked", (Panel("", ("a0",), WORDS[:3], effects),)))
    _, axes, *_ = figure.axes
    hatched = [patch for patch in axes.patches if patch.get_hatch()]
    assert [patch.get_extents().width for patch in hatched] != []
    (outline,) = (patch.get_path().get_extents() for patch in hatched)
    assert (outline.x0, outline.x1) == (0.5, 1.5)
    assert {colours.DOUBTFUL, colours.ABSENT} <= words(figure)
    plain = words(draw(of([[0.5, 0.1]])))
    assert not {colours.DOUBTFUL, colours.ABSENT, colours.BEYOND} & plain


def test_absent_cells_differ_from_zero() -> None:
    _, axes, *_ = draw(of([[0.0, NAN, 0.5]])).axes
    grey = [patch.get_path().get_extents().x0 for patch in axes.patches]
    assert grey == [0.5]
    assert mpl.colors.to_rgb(colours.UNMEASURED) != tuple(colours.palette()(0.5)[:3])


@pytest.mark.parametrize(
    ("values", "limit", "note"),
    [
        ([[0.0, 0.0]], None, "Every effect that was measured is 0."),
        ([[NAN, NAN]], None, "Nothing was measured."),
        (
            [[1000.0, 1.0]],
            None,
            "The largest effect is 1000 times the next, so the scale hardly shows the others; "
            "a limit would.",
        ),
        (
            [[1000.0, 1.0]],
            2.0,
            "The scale ends at 2; 1 of 2 effects lie beyond, up to 1000.",
        ),
    ],
)
def test_what_the_colours_hide_is_said(values: Any, limit: float | None, note: str) -> None:
    figure = draw(of(values, limit=limit))
    assert note in " ".join(text.text for text in reversed(drawn(figure)))
    assert (colours.BEYOND in words(figure)) == (limit is not None)


def test_roles_are_bracketed_once_and_positions_are_numbered() -> None:
    texts = [text.text for text in drawn(draw(heatmap(2, 20)))]
    assert texts.count("subject") == 1
    assert {"0", "19"} <= set(texts)


def test_a_long_role_at_the_edge_stays_on_the_sheet() -> None:
    roles = ("a role whose name is very long indeed", *[""] * 18, "another role with a long name")
    grid = Panel("", ("a",), (WORDS * 2)[:20], heatmap(1, 20).panels[0].effects, roles)
    assert clashes(draw(Heatmap("Roles", (grid,)))) == []


def test_an_svg_holds_odd_tokens_as_text(tmp_path: Path) -> None:
    path = save(draw(odd()), tmp_path / "odd.svg")
    found = {"".join(e.itertext()) for e in ET.parse(path).iter() if e.tag.endswith("text")}
    assert {"Costs $5 & <more>, not $6", "$x^2$", "a↵b", "<b>&amp;</b>", "\\x00", "∅"} <= found
    assert "$\\alpha$" in found
    assert "<b>" not in path.read_text()


def test_tokens_beyond_the_fonts_are_spelled_by_their_code_points() -> None:
    said = words(draw(odd()))
    assert any(word.startswith("\\ud800") for word in said)
    assert any("200d" in word for word in said)


def test_pictures_are_the_same_each_time_and_under_any_settings(tmp_path: Path) -> None:
    for suffix in (".svg", ".png"):
        one = save(draw(heatmap(3, 4)), tmp_path / f"a{suffix}").read_bytes()
        with mpl.rc_context({"figure.facecolor": "black", "font.size": 30, "axes.grid": True}):
            other = save(draw(heatmap(3, 4)), tmp_path / f"b{suffix}").read_bytes()
        assert one == other


def test_a_png_has_150_dots_an_inch(tmp_path: Path) -> None:
    figure = draw(heatmap(3, 4))
    head = save(figure, tmp_path / "h.PNG").read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    assert abs(int.from_bytes(head[16:20], "big") - 150 * figure.get_size_inches()[0]) <= 1


def test_many_cells_become_an_image_in_an_svg_and_names_stay_text(
    large: Figure, tmp_path: Path
) -> None:
    path = save(large, tmp_path / "big.svg")
    assert path.stat().st_size < 1_000_000
    assert ">resid.47<" in path.read_text()


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "h.pdf"
    with pytest.raises(InputRefused) as caught:
        save(draw(of([[1.0]])), path)
    assert str(caught.value) == f"plot: '{path}' must end in .png or .svg."
    assert not path.exists()


@settings(max_examples=5, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=8))
def test_any_tokens_can_be_drawn_apart(tokens: list[str]) -> None:
    values = Measured(np.linspace(-1, 1, len(tokens))[None])
    assert clashes(draw(Heatmap("Any", (Panel("p", ("a",), tuple(tokens), values),)))) == []


REFUSED = [
    (
        lambda: Panel("attention", ("a0", "a1"), ("x",), Measured([[1, 2]])),
        "panel 'attention': there are 2 rows × 1 columns, but the values are 1 × 2. "
        "Give one value for each, as an array [rows, columns].",
    ),
    (
        lambda: Panel("p", (), (), Measured(np.zeros((0, 0)))),
        "panel 'p': has no cells. Leave it away.",
    ),
    (
        lambda: Panel("p", ("a0",), ("x",), Measured([[1]]), roles=("s", "t"), positions=("0",)),
        "panel 'p': there are 2 roles, but 1 columns. Give one for each column, or none.",
    ),
    (
        lambda: Patches("image", ("v0",), Measured([[1, 2]]), np.zeros(3)),
        "patches 'image': there are 1 components, but the values are (1, 2). "
        "Give an array [component, patch row, patch column].\n"
        "patches 'image': the image is (3,). Give [height, width] or [height, width, 3 or 4].",
    ),
    (lambda: Heatmap("t", ()), "heatmap 't': has no panels. Give at least one."),
    (
        lambda: of([[1.0]], limit=-1.0),
        "heatmap 'Values': the limit -1.0 is no end of a scale. Give a number above 0, or None.",
    ),
    (
        lambda: Measured([1.0, 2.0], low=[0.0, 1.0]),
        "intervals: 'low' is given, but not 'high'. An interval has both ends, or leave both away.",
    ),
    (
        lambda: Measured([1.0, 2.0], [0.0], [2.0]),
        "intervals: values are [2], their lower ends [1], their upper ends [1]. "
        "All three must have the same shape.",
    ),
    (
        lambda: Measured([1.0, 2.0], [2.0, 0.0], [0.0, 3.0]),
        "intervals: 1 of 2 have their lower end above their upper. Are 'low' and 'high' exchanged?",
    ),
    (
        lambda: Measured([1.0, float("inf")]),
        "values: 1 of 2 are infinite. Give NaN where nothing was measured.",
    ),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[text[:40] for _, text in REFUSED])
def test_what_does_not_fit_is_refused_in_words(make: Any, message: str) -> None:
    with pytest.raises(InputRefused) as caught:
        make()
    assert str(caught.value) == message


def test_measured_numbers_are_a_copy_that_does_not_change() -> None:
    given = np.array([1.0, 2.0])
    found = Measured(given)
    given[0] = 5
    assert found.array.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        found.array[0] = 3


@pytest.mark.parametrize("token", ODD)
def test_every_token_is_seen(token: str) -> None:
    assert visible(token).strip()
    assert "\n" not in visible(token)
