"""`scrub interactions`: what is printed and written, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke

QUICK = ("--references", "24", "-q")


def test_parts_of_a_sum_are_independent(scrub: Invoke, toy: Path) -> None:
    """Without A and B the loss is 2 x0 + 3 x1: what each adds, and nothing beyond."""
    done = scrub("interactions", toy, "--at", "A,B", "--replace", "zero", *QUICK)
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["A", "B", "independent"] in [line[:3] for line in lines]
    (together,) = [line for line in lines if line[:3] == ["A", "×", "B"]]
    assert together[4] == "0"
    assert any(line[:3] == ["Shapley", "values", "of"] and "nobody" in line for line in lines)
    assert ["members", "2,", "replaced", "in", "the", "wild", "run"] in lines


def test_places_given_together_are_one_member(scrub: Invoke, toy: Path) -> None:
    apart = ("--at", "A", "--at", "x1,B")
    done = scrub("interactions", toy, *apart, "--replace", "zero", *QUICK)
    assert done.exit_code == 0, done.output
    assert "x1,B × A" in done.stdout  # in order of evaluation


def test_members_are_given_back_in_the_corrupted_run(scrub: Invoke, toy: Path) -> None:
    """With all inputs drawn anew, A and B given back are the wild run, whose loss is 0."""
    given = ("--corrupt", "x0=resample", "--corrupt", "x1=resample", "--direction", "knock_in")
    done = scrub("interactions", toy, "--at", "A,B", *given, *QUICK)
    assert done.exit_code == 0, done.output
    said = " ".join(done.stdout.split())
    assert "corrupted x0=resample; x1=resample members 2, given back their own" in said
    assert ", everybody 0 " in said


def test_everything_is_written_that_is_asked_for(scrub: Invoke, toy: Path, tmp_path: Path) -> None:
    files = {name: tmp_path / f"found.{name}" for name in ("json", "csv", "png", "svg")}
    options = [word for name, path in files.items() for word in (f"--{name}", path)]
    report = tmp_path / "found.txt"
    asked = ("--at", "A,B", "--replace", "zero", *QUICK)
    done = scrub("interactions", toy, *asked, *options, "--report", report)
    assert done.exit_code == 0, done.output
    document = json.loads(files["json"].read_text())
    assert document["schema"] == "scrub-interactions/1"
    assert document["subsets"] == [[], [0], [1], [0, 1]]
    assert document["pairs"][0]["relation"] == "independent"
    assert len(files["csv"].read_text().splitlines()) == 5
    assert files["png"].read_bytes().startswith(b"\x89PNG")
    assert "<svg" in files["svg"].read_text()
    assert report.read_text().split() == done.stdout.split()


REFUSALS = {
    "--at A,B": "corruption: there is none, and members need values to be given. Name one, e.g. "
    "embed=resample, or a replacement such as mean.",
    "--at A --at A,B --replace zero": "member 'A,B': has something in common with 'A'. "
    "Name it once.",
    "--at A --replace zero --direction out": "option 'direction': 'out' is no value of it. Did "
    "you mean knock_out?",
    "--at A --replace zero --tolerance 1": "option 'tolerance': must be a share from 0 to below 1, "
    "found 1.0.",
    "--at A --replace zero --png found.txt": "option '--png': 'found.txt' must end in .png.",
}


@pytest.mark.parametrize("given", REFUSALS)
def test_what_cannot_be_asked_is_refused(scrub: Invoke, toy: Path, given: str) -> None:
    done = scrub("interactions", toy, *given.split())
    assert done.exit_code == 2, done.output
    assert " ".join(done.stderr.split()).startswith(f"refused: 1 problem {REFUSALS[given]}")
