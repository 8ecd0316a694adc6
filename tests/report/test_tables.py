"""Markdown, LaTeX and figure files of a report: the same figures, escaped for where they go."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrub.errors import InputRefused
from scrub.report import among, latex, markdown
from scrub.report.drawing import drawing_of, save
from scrub.report.figures import write
from scrub.report.page.axis import Mark, axis, lay_out
from scrub.report.page.parts import Given
from scrub.report.page.tabular import Cell, Column, Table, columns, figure, words
from tests.report.fixed import RESULT, refused
from tests.report.handed import DRAWN, GRAPH, comparison, controls, refused_comparison, second

ALL = Given([DRAWN, second()], [comparison()], [controls()])
EVIL = "a|b\nc_d*e* `f` [x](y) <script> $1 & 2% #3 {g} \\h ~i ^j | k"


def test_markdown_holds_the_verdict_and_every_table() -> None:
    said = markdown.document(ALL, "Induction")
    assert said.startswith("# Induction\n\n")
    for part in (
        "## induction\n",
        "Borne out. With everything resampled",
        "| scrubbed | 0.2089 | 0.1402 to 0.3177 | everything unnamed resampled |",
        "**Among hypotheses drawn at random**",
        "**Worst examples, in loss**",
        "| 45 | 0.06 | 1.93 | 1.87 | 9 2 \\<b\\>30\\</b\\> |",
        "```\nscrub run induction \\\n  --model induction-2l",
        "## Comparison\n",
    ):
        assert part in said, part


def test_a_markdown_table_keeps_its_columns_whatever_its_cells_hold() -> None:
    one = Table(EVIL, columns("a", ">b"), ((words(EVIL), figure(-1.5)), (words(""), Cell("x"))))
    lines = markdown.table(one).splitlines()[2:]
    assert len(lines) == 4
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 3 for line in lines)
    assert lines[2].endswith("| −1.5 |")


def test_a_latex_table_keeps_its_columns_whatever_its_cells_hold() -> None:
    one = Table(EVIL, (Column("a"), Column(EVIL, True)), ((words(EVIL), figure(-1.5)),))
    made = latex.table(one, EVIL)
    rows = made.partition(r"\midrule")[2].partition(r"\bottomrule")[0].strip().splitlines()
    assert len(rows) == 1
    assert len(re.findall(r"(?<!\\)&", rows[0])) == 1
    assert rows[0].endswith(r" & $-$1.5 \\")
    bare = re.sub(r"\\(textbackslash|textasciicircum|textasciitilde|text\w+)\{\}", "", rows[0])
    assert not re.search(r"(?<!\\)[#%_^~]", bare)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), min_size=2, max_size=2))
def test_no_text_breaks_out_of_its_cell(cells: list[str]) -> None:
    one = Table(cells[0], columns(*cells), (tuple(map(words, cells)),))
    row = markdown.table(one).splitlines()[-1]
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 3
    made = latex.table(one)
    assert made.count("\n") == 10
    bare = re.sub(r"\\[{}]", "", made)
    assert bare.count("{") == bare.count("}")


@given(st.floats(-1e12, 0), st.floats(1, 1e12))
def test_ticks_are_few_and_on_the_axis(low: float, high: float) -> None:
    found = lay_out([Mark("a", "", "claim", low, low, high)])
    assert 2 <= len(found.ticks) <= 8
    assert all(-0.01 <= found.at(tick) <= 100.01 for tick in found.ticks)
    assert 0.0 in found.ticks


def test_latex_is_balanced() -> None:
    made = latex.document(replace(ALL, results=[replace(DRAWN, name=EVIL, claim=EVIL), second()]))
    assert made.count(r"\begin{table}") == made.count(r"\end{table}") > 10
    assert made.count(r"\begin{tabular}") == made.count(r"\toprule") == made.count(r"\bottomrule")
    bare = made.replace(r"\{", "").replace(r"\}", "")
    assert bare.count("{") == bare.count("}")


@pytest.mark.parametrize("write_document", [markdown.document, latex.document])
def test_without_results_the_document_says_so(write_document: Callable[..., str]) -> None:
    assert "There are no results." in write_document(Given())


def test_every_figure_is_written_under_a_name_that_can_be_kept(tmp_path: Path) -> None:
    twice = [DRAWN, replace(second(), name="induction", graph=GRAPH)]
    given = Given([*twice, replace(second("../x y"), graph=None)], [comparison()])
    names = [path.name for path in write(given, tmp_path / "made", ".svg")]
    assert names == [
        "induction-claim.svg",
        "induction-recovered.svg",
        "induction-claim-2.svg",
        "induction-recovered-2.svg",
        "x_y-recovered.svg",
        "naive-recovered.svg",
        "results.svg",
        "pareto.svg",
    ]
    assert sorted(names) == sorted(path.name for path in (tmp_path / "made").iterdir())


def test_a_png_is_written_too(tmp_path: Path) -> None:
    (path,) = write(Given([RESULT]), tmp_path, ".png")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_drawn_is_left_out_or_refused(tmp_path: Path) -> None:
    assert write(Given([refused()], [refused_comparison()]), tmp_path, ".svg") == [
        tmp_path / "induction-claim.svg"
    ]
    with pytest.raises(InputRefused) as problem:
        among.draw(axis(refused()), "x")
    assert str(problem.value) == "plot: there is no share recovered to draw."
    with pytest.raises(InputRefused) as problem:
        drawing_of(RESULT)
    assert str(problem.value) == (
        "drawing: the result of 'induction' does not hold its claim's graph. Run it again, or use "
        "scrub show."
    )


@pytest.mark.parametrize("odd", ["$x^2$", "$\\frac", "a\x00b\ud800c", "\U000f1234", "<b>&amp;"])
def test_any_name_can_be_drawn(odd: str, tmp_path: Path) -> None:
    nodes = tuple(replace(one, positions=odd, feature=odd) for one in GRAPH.nodes)
    layers = tuple(replace(one, label=odd) for one in GRAPH.layers)
    graph = replace(GRAPH, nodes=nodes, layers=layers)
    path = tmp_path / "claim.svg"
    save(drawing_of(replace(DRAWN, name=odd, claim=odd, graph=graph)), path)
    assert len(list(ET.parse(path).iter())) > 50


def test_the_axis_is_drawn_with_a_row_for_each_mark() -> None:
    found = axis(DRAWN, controls())
    assert found is not None
    (axes,) = among.draw(found, "induction").axes
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == [mark.name for mark in reversed(found.marks)]
    assert axes.get_xlim() == (found.low, found.high)
