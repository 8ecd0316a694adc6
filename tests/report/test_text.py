"""The report holds what a reader needs to believe a number, or not to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rich.text import Text

from scrub.report.tables import Listing
from scrub.report.text import report
from scrub.report.writing import REPORTS, as_text, require_target, write
from scrub.results.result import Precision, Result
from tests.report.fixed import REFUSAL, RESULT, changed, node, refused

SAID = as_text(report(RESULT))


@pytest.mark.parametrize(
    "words",
    [
        "induction\nInduction: a head in layer 1",  # the claim in a sentence
        "model         induction-2l\n",
        "task          repeated_tokens, 512 rows\n",
        "metric        loss at query\n",
        "256 references × 4 draws, seed 7",
        "recovered 0.973   95 % interval 0.951 to 0.987",
        "bca bootstrap, 2,000 replicates, for the population",
        "! Node 'current': 27% of its draws",
        "model       0.0713  0.0644 to 0.0801",
        "scrubbed    0.2089  0.1402 to 0.3177",
        "baseline     5.183    4.986 to 5.377  recovers 0: outputs of random inputs",
        "divergence  0.1571",
        "3.1 % of the gap",
        "KL          0.0893",
        "null         5.294                    the null recovers -0.022",
        "5 nodes, 7 edges; unfolded to 9 occurrences",
        "75.9 % of the model's 29 edges",
        "6.3 of 9.0 bits",
        "9–16–24   4.0  1,024  27.3 %",  # class sizes, bits, draws, self share
        "current_token & next_token",
        "311   0.05      2.75     2.7  4 17 29",  # the worst example
        "9 2 <b>30</b>",
        "2.317 forward passes over the references (1.23 GFLOP)",
        "16.0 MiB recorded on the device",
        "unimportant together",
        "hypothesis ab12ab12ab12, data",
        "torch 2.13.0",
    ],
)
def test_the_report_says(words: str) -> None:
    assert words in SAID


@pytest.mark.parametrize("width", [80, 100, 160])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    assert max(map(len, as_text(report(RESULT), width).splitlines())) <= width


def test_cautions_come_before_the_figures() -> None:
    assert SAID.index("Before you believe it") < SAID.index("Measured")


def test_a_refused_ratio_is_said_in_words_and_shown_as_no_number() -> None:
    said = as_text(report(refused()))
    assert "recovered: refused" in said
    assert said.count(REFUSAL) == 1
    assert "0.973" not in said
    assert "model       0.0713  0.0644 to 0.0801" in said


def test_what_is_absent_is_left_out() -> None:
    said = as_text(report(changed(kl=None, null=None, worst=(), cautions=(), claim="")))
    for word in ("KL", "the null", "Worst", "Before you believe"):
        assert word not in said


def test_half_precision_states_its_error() -> None:
    precision = Precision("bfloat16", "float32", 16, 0.021, 0.0034)
    said = as_text(report(changed(precision=precision)))
    assert "bfloat16; against float32 on 16 references the metric differs by 0.0034" in said


def test_a_node_without_draws_has_no_self_share() -> None:
    sink = replace(node("answer", "logits", "end", "EXACT", 1.0), draws=0)
    said = as_text(report(changed(nodes=(sink,))))
    assert "0     –" in said
    assert "100 %" not in said


def test_many_nodes_are_cut_short_and_counted() -> None:
    many = tuple(node(f"n{i}", "a0.h0", "end", "x", 0.0) for i in range(43))
    said = as_text(report(changed(nodes=many)))
    assert "n39" in said
    assert "n40" not in said
    assert "3 more nodes in the JSON" in said


def test_in_tables_words_give_way_and_figures_never() -> None:
    table = Listing(["name", ">figure"], [])
    table.add("a" * 40, "1234567890")
    table.add(Text("b"), "1")
    assert as_text(table, 30).splitlines() == [
        "name                    figure",
        "aaaaaaaaaaaaaaaaa…  1234567890",
        "b                            1",
    ]


@pytest.mark.parametrize("suffix", REPORTS)
def test_reports_in_every_format(tmp_path: Path, suffix: str) -> None:
    path = write(report(RESULT), tmp_path / f"r{suffix}", title="induction")
    text = path.read_text().replace("&#160;", " ")
    assert "0.973" in text
    assert "<b>30" not in text if suffix in (".html", ".svg") else "<b>30" in text


@pytest.mark.parametrize("name", ["r.pdf", "r", "nowhere/r.txt"])
def test_targets_that_cannot_be_written_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Exception, match="--report") as caught:
        require_target("--report", tmp_path / name, REPORTS)
    assert type(caught.value).__name__ == "InputRefused"
    require_target("--report", tmp_path / "r.TXT", REPORTS)
    require_target("--report", None, REPORTS)


def test_negative_and_large_shares_are_not_clipped() -> None:
    for value, said in ((-0.25, "recovered -0.25"), (1.45, "recovered 1.45")):
        found: Result = changed(recovered=replace(RESULT.recovered, value=value))
        assert said in as_text(report(found))
