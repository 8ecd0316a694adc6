"""What `scrub trace` prints, writes and refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from tests.cli.conftest import Invoke

USUAL = ("induction-exact", "--task", "repeated_tokens(n=32)", "--references", 6, "--quiet")
CORRUPTED = ("--corrupt", "embed@after_match=resample")


def test_a_trace_is_reported_and_written(scrub: Invoke, tmp_path: Path) -> None:
    files = {suffix: tmp_path / f"trace.{suffix}" for suffix in ("json", "csv", "png", "svg")}
    options = [piece for suffix, path in files.items() for piece in (f"--{suffix}", path)]
    result = scrub("trace", *USUAL, *CORRUPTED, "--cells", "heads,resid.1", *options)
    assert result.exit_code == 0, result.output
    said = result.stdout
    assert said.startswith("What restoring a cell repairs\n")
    lines = {tuple(line.split()[:2]): line.split() for line in said.splitlines()}
    assert lines["traced", "6"] == ["traced", "6", "examples", "×", "4", "draws,", "seed", "0"]
    assert lines["corrupted", "embed@after_match=resample"]
    assert lines["a1.h0", "query"][-1] == lines["resid.1", "after_match"][-1] == "1.000"
    assert lines["a0.h1", "match"][2:] == ["0", "0", "to", "0", "0", "0", "0"]
    document = json.loads(files["json"].read_text())
    assert document["schema"] == "scrub-trace/1"
    assert document["conventions"]["corruption"] == ["embed@after_match=resample"]
    assert len(document["cells"]) == 15
    arrays = load_file(tmp_path / document["examples_file"])
    assert arrays["total"].shape == (15, 6)
    with files["csv"].open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["component"] for row in table[:4]] == ["a0.h0"] * 3 + ["a0.h1"]
    assert float(table[-1]["share"]) == pytest.approx(1)
    assert files["png"].read_bytes().startswith(b"\x89PNG")
    assert "after_match" in files["svg"].read_text()


def test_a_hypothesis_brings_its_model_and_its_task(scrub: Invoke) -> None:
    result = scrub(
        "trace", "induction", *CORRUPTED, "--cells", "a1.h0", "--references", 4, "--draws", 1,
        "--direction", "knock_out", "--metric", "accuracy", "--threads", 1,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("What knocking a cell out breaks\n")
    assert "induction-2l" in result.stdout
    assert "accuracy at query" in result.stdout
    assert "repeated_tokens, 512 rows" in result.stdout


def test_the_same_command_goes_on_from_its_journal(scrub: Invoke, tmp_path: Path) -> None:
    command = ("trace", *USUAL, *CORRUPTED, "--cells", "heads", "--journal", tmp_path / "kept.db")
    first, again = scrub(*command).stdout, scrub(*command).stdout
    assert "known from the journal" not in first
    said = " ".join(again.split())
    assert "0 run, 0 equal in both runs, 12 known from the journal" in said
    assert first.partition("Cost")[0] == again.partition("Cost")[0]


REFUSED = {
    ("--corrupt", "embed@mtch=zero", "--corrupt", "embed=noise:x"): (
        "  replacement 'noise:x': 'x' is no SCALE.\n"
    ),
    ("--corrupt", "embed@mtch=zero"): (
        "  place 'embed@mtch': no role 'mtch'. Did you mean match or after_match?\n"
    ),
    (): "  corruption: there is none. For example embed@subject=noise:3, or "
    "embed=partner:contrast.\n",
    (*CORRUPTED, "--cells", "mpl", "--positions", "endd"): (
        "  cells 'mpl': is no kind of cell and no component. Did you mean mlp?\n"
        "  positions 'endd': there is no role 'endd'. Known: query, match, after_match, roles, "
        "all, together.\n"
    ),
    (*CORRUPTED, "--effect", "indirekt"): (
        "  effect 'indirekt': is not one. Did you mean indirect or direct?\n"
    ),
    (*CORRUPTED, "--metric", "accurracy"): (
        "  task 'repeated_tokens': metric 'accurracy' does not exist. Did you mean accuracy?\n"
    ),
    (*CORRUPTED, "--png", "trace.pgn"): "  option '--png': 'trace.pgn' must end in .png.\n",
}


@pytest.mark.parametrize("given", REFUSED)
def test_what_cannot_be_traced_is_refused_in_words(scrub: Invoke, given: tuple[str, ...]) -> None:
    result = scrub("trace", *USUAL, *given)
    assert result.exit_code == 2
    assert result.stderr.partition("\n")[2] == REFUSED[given]
