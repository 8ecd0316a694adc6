"""Tables of a heatmap: the largest effects first, tokens told apart, nothing made up."""

from __future__ import annotations

import csv
import io
import subprocess
import sys

import numpy as np

from scrub.report.cells import csv_text, markdown, strongest, table
from scrub.report.grids import Heatmap, Panel
from scrub.report.measured import Measured
from scrub.report.writing import as_text
from tests.report.plots import ODD, heatmap, odd, vision

NAN = float("nan")
EFFECTS = Measured(
    [[0.5, -0.75, NAN], [0.001, 0.25, 0.0]],
    [[0.4, -1.0, NAN], [-0.1, 0.2, 0.0]],
    [[0.6, -0.5, NAN], [0.1, 0.3, 0.0]],
)
PANEL = Panel("residual stream", ("resid.0", "resid.1"), (" the", "\n", "cat"), EFFECTS)
MAP = Heatmap("Restored", (PANEL,), "logits", ("n = 64",), whole=1.0)


def test_the_largest_effects_come_first_whatever_their_sign() -> None:
    cells = strongest(MAP)
    assert [cell.effect for cell in cells] == [-0.75, 0.5, 0.25, 0.001, 0.0]
    first = cells[0]
    assert (first.component, first.position, first.token) == ("resid.0", "1", "\n")
    assert (first.low, first.high, first.share) == (-1.0, -0.5, -0.75)
    assert strongest(MAP, most=2) == cells[:2]


def test_the_table_is_aligned_and_says_what_it_leaves_out() -> None:
    assert as_text(table(MAP, most=2)).splitlines() == [
        "Restored",
        "n = 64",
        "effect: logits",
        "",
        "component  position  token  effect  low  high    share",
        "resid.0    1         ↵       -0.75   -1  -0.5  -75.0 %",
        "resid.0    0         ␣the      0.5  0.4   0.6   50.0 %",
        "3 more cells, none with a larger effect.",
        "1 cell not measured.",
    ]


def test_columns_that_would_say_nothing_are_left_away() -> None:
    bare = Heatmap("Bare", (Panel("", ("m0",), ("x",), Measured([[1.0]])),))
    assert as_text(table(bare)).splitlines()[3] == "component  position  token  effect"
    two = Heatmap("Two", (PANEL, PANEL))
    assert as_text(table(two)).splitlines()[3].startswith("panel")


def test_markdown_holds_the_same_cells_and_no_markup_of_the_tokens() -> None:
    assert markdown(MAP, most=1).splitlines() == [
        "### Restored",
        "",
        "n = 64",
        "",
        "effect: logits",
        "",
        "| component | position | token | effect | low | high | share |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: |",
        "| resid.0 | 1 | ↵ | -0.75 | -1 | -0.5 | -75.0 % |",
        "",
        "4 more cells, none with a larger effect.",
        "",
        "1 cell not measured.",
    ]
    rows = [line for line in markdown(odd(), most=100).splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 3 * len(ODD)
    assert all(line.replace("\\|", "").count("|") == 7 for line in rows)
    assert not any("<b>" in line for line in rows)


def test_a_csv_gives_back_every_measured_cell_with_its_token_as_it_is() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(MAP), newline="")))
    assert [float(row["effect"]) for row in rows] == [-0.75, 0.5, 0.25, 0.001, 0.0]
    assert rows[0]["token"] == "\n"
    assert rows[1]["token"] == " the"
    bare = Heatmap("Bare", (Panel("", ("m0",), ("x",), Measured([[1.0]])),))
    (row,) = csv.DictReader(io.StringIO(csv_text(bare)))
    assert (row["low"], row["share"]) == ("", "")


def test_a_csv_of_odd_tokens_can_be_written_and_read() -> None:
    text = csv_text(odd()).encode().decode()
    found = {row["token"] for row in csv.DictReader(io.StringIO(text, newline=""))}
    assert found == {token if token != "\ud800" else "\\ud800" for token in ODD}


def test_patches_are_named_by_row_and_column() -> None:
    text = as_text(table(vision(), most=200), width=140)
    assert "patch row 3, column 3" in text
    cell = next(cell for cell in strongest(vision()) if cell.panel == "image patches")
    at = [int(word.strip(",")) for word in cell.position.split() if word.strip(",").isdigit()]
    maps = vision().panels[1].effects.array
    assert cell.effect in maps[:, at[0], at[1]]


def test_every_cell_of_a_large_heatmap_is_in_its_csv() -> None:
    found = heatmap(12, 20)
    rows = list(csv.DictReader(io.StringIO(csv_text(found), newline="")))
    total = sum(float(row["effect"]) for row in rows)
    assert len(rows) == 240
    assert np.isclose(total, found.panels[0].effects.array.sum())


def test_tables_need_no_matplotlib() -> None:
    code = "import sys, scrub.report.cells; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
