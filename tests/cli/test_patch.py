"""`scrub patch`: which question is asked, what is printed and written, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from scrub.mediation.asking import Question, listed
from tests.cli.conftest import Invoke

QUICK = ("--references", "24")


def test_the_table_of_replacements(scrub: Invoke, toy: Path) -> None:
    done = scrub("patch", toy, "--at", "A,B", "--replace", "zero,scale:1,resample:x0", *QUICK)
    assert done.exit_code == 0, done.output
    lines = {line.split("  ")[0]: line.split() for line in done.stdout.splitlines()}
    assert "One site under every replacement" in done.stdout
    assert lines["site"][1:] == ["A,", "B"]
    assert lines["scale:1"][1:3] == ["0", "0"]
    assert lines["nothing (wild)"][2] == "0"
    zero = [float(cell) for cell in lines["zero"][1:3]]
    assert zero[0] == zero[1] > 5  # |2 x0 + 3 x1|, which is 22.5 on average


def test_a_curve_over_doses(scrub: Invoke, toy: Path) -> None:
    """The loss is |2 x0|·t: a line, half of which is at a half."""
    done = scrub("patch", toy, "--at", "A", "--replace", "zero", "--doses", "0,.5,1", *QUICK)
    assert done.exit_code == 0, done.output
    assert "Doses of zero" in done.stdout
    assert "half the effect at dose 0.5 (0.5 to 0.5)" in done.stdout


def test_knock_out_and_knock_in(scrub: Invoke, toy: Path) -> None:
    """B is given back and the damage of A and B zeroed is that of A alone."""
    done = scrub(
        "patch", toy, "--at", "B", "--corrupt", "A=zero", "--corrupt", "B=zero", "--doses", "0,1",
        *QUICK,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "Knock-out and knock-in" in done.stdout
    shares = [line for line in done.stdout.splitlines() if "of the damage" in line]
    broken, repaired = (float(line.split()[2]) for line in shares)
    assert broken == pytest.approx(repaired, abs=2e-3)  # they add, so either way is the same
    assert 0.4 < broken < 0.8


def test_the_matrix_of_contrasts(scrub: Invoke, toy: Path) -> None:
    done = scrub("patch", toy, "--at", "A", "--permute", "x0", "--values", "1,4,9", *QUICK)
    assert done.exit_code == 0, done.output
    rows = [
        line.split() for line in done.stdout.splitlines() if line.startswith(("1 ", "4 ", "9 "))
    ]
    contrasts = {(row[0], row[1]): float(row[2]) for row in rows[3:]}
    values = (1, 4, 9)
    assert contrasts == {
        (str(own), str(new)): 2 * abs(own - new) for own in values for new in values if own != new
    }


@pytest.mark.parametrize(
    "asked",
    [
        ("--replace", "zero,mean"),
        ("--replace", "mean", "--doses", "0,1"),
        ("--corrupt", "A=zero", "--doses", "0,1"),
        ("--permute", "x0", "--values", "1,2,3"),
    ],
)
def test_everything_is_written_that_is_asked_for(
    scrub: Invoke, toy: Path, tmp_path: Path, asked: tuple[str, ...]
) -> None:
    files = {suffix: tmp_path / f"found.{suffix}" for suffix in ("json", "csv", "png", "svg")}
    options = [word for suffix, path in files.items() for word in (f"--{suffix}", path)]
    report = tmp_path / "found.txt"
    done = scrub("patch", toy, "--at", "A", *asked, *options, "--report", report, *QUICK)
    assert done.exit_code == 0, done.output
    document = json.loads(files["json"].read_text())
    assert document["schema"].startswith("scrub-")
    assert document["conventions"]["at"] == "A"
    assert (tmp_path / document["examples_file"]).is_file()
    assert len(files["csv"].read_text().splitlines()) > 2
    assert files["png"].read_bytes().startswith(b"\x89PNG")
    assert "<svg" in files["svg"].read_text()
    assert report.read_text().split() == done.stdout.split()


def test_a_subspace_is_read_from_a_file(scrub: Invoke, toy: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "basis.npy", np.ones((1, 1)))
    asked = ("patch", toy, "--at", "A", "--replace", "zero", *QUICK)
    done = scrub(*asked, "--subspace", tmp_path / "basis.npy")
    assert done.exit_code == 0, done.output
    whole = scrub(*asked)
    line = next(line for line in done.stdout.splitlines() if line.startswith("zero"))
    assert line in whole.stdout  # of width 1, it is all there is


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--at", "C"), "place 'C': 'C' is the output: it is measured, not replaced. Name what"),
        (
            ("--at", "A", "--permute", "x0", "--doses", "0,1"),
            "option '--doses': does not go with --permute. A column's values are what is put",
        ),
        (
            ("--at", "A", "--values", "1,2"),
            "option '--values': says which values of a column to permute, and no column is named.",
        ),
        (
            ("--at", "A", "--doses", "0,1"),
            "option '--doses': needs one replacement, found none. For example --replace mean.",
        ),
        (
            ("--at", "A", "--corrupt", "B=zero", "--replace", "zero,mean"),
            "option '--corrupt': needs one replacement, found zero, mean.",
        ),
        (
            ("--at", "A", "--corrupt", "B=zero", "--columns", "x0"),
            "option '--columns': does not go with --corrupt. Name one replacement",
        ),
        (("--at", "A", "--replace", "zero", "--doses", "0,x"), "doses: 'x' is no number."),
        (("--at", "A", "--png", "found.gif"), "option '--png': 'found.gif' must end in .png."),
        (("--at", "A", "--subspace", "none.npy"), "'none.npy': cannot be read: No such file"),
    ],
)
def test_what_does_not_go_together_is_refused(
    scrub: Invoke, toy: Path, options: tuple[str, ...], said: str
) -> None:
    done = scrub("patch", toy, *options)
    assert done.exit_code == 2
    assert done.stderr.startswith("refused: 1 problem\n")
    assert said in done.stderr


def test_a_model_needs_a_task_and_is_named_once(scrub: Invoke) -> None:
    done = scrub("patch", "induction-2l", "--at", "a1.h0")
    assert (done.exit_code, done.stderr.splitlines()[1:]) == (
        2,
        [
            "  option '--task': model 'induction-2l' comes without one. For example --task "
            "repeated_tokens, or --task data.jsonl."
        ],
    )
    done = scrub("patch", "induction-2l", "--model", "induction-redundant", "--at", "a1.h0")
    assert "'induction-2l' is a model, and --model names another." in done.stderr


def test_commas_inside_brackets_part_nothing() -> None:
    assert listed("kl,task:repeated_tokens(n=4,seed=1), loss") == [
        "kl", "task:repeated_tokens(n=4,seed=1)", "loss",
    ]  # fmt: skip
    assert Question().off_target is None
