"""What the commands print and write."""

from __future__ import annotations

import io
import json
from pathlib import Path

import jsonschema
import pytest
from rich.console import Console

from scrub.cli.progress import bars
from scrub.models.checks import Check
from scrub.models.probe import ProbeReport
from scrub.results.schema import schema
from tests.cli.conftest import Invoke


def test_check_says_what_the_claim_says(scrub: Invoke, toy: Path) -> None:
    said = scrub("check", toy).stdout
    assert "toy: well formed" in said
    assert "A toy: A carries x0 and B carries x1." in said
    assert "3 nodes (2 leaves), 2 edges" in said
    assert "0 % of the model's edges" in said
    assert "3 occurrences" in said
    assert "300 rows" in said


def test_plan_forecasts(scrub: Invoke, toy: Path) -> None:
    said = scrub("plan", toy, "--references", 10, "--draws", 3, "--batch", 7).stdout
    rows = {line.split()[0]: line.split() for line in said.splitlines() if line.strip()}
    assert rows["scrub"][1] == "30"
    assert rows["model"][1] == "10"
    assert rows["total"][-1] > rows["scrub"][-1]
    assert "6 items at a time" in said  # of the 7 that are allowed: five chunks alike
    assert "gather" not in said.splitlines()[-1]


def test_plan_prints_the_schedule(scrub: Invoke, toy: Path) -> None:
    said = scrub("plan", toy, "--schedule").stdout
    assert "run     C(a=" in said


def test_run_reports_and_writes(scrub: Invoke, toy: Path, tmp_path: Path) -> None:
    out, page = tmp_path / "out.json", tmp_path / "report.md"
    arguments = ("--references", 40, "--draws", 2, "--seed", 3, "--level", 0.9)
    result = scrub("run", toy, *arguments, "--json", out, "--report", page)
    assert result.exit_code == 0, result.output
    assert "recovered 1.000 " in result.stdout
    document = json.loads(out.read_text())
    jsonschema.validate(document, schema())
    assert document["recovered"]["value"] == 1
    assert document["means"]["scrubbed"]["value"] == 0
    said = document["conventions"]
    assert (said["references"], said["draws"], said["seed"], said["level"]) == (40, 2, 3, 0.9)
    assert (tmp_path / document["examples_file"]).is_file()
    assert result.stdout.splitlines()[0] in page.read_text()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("unimportant", "separately"),
        ("nodes", "joint"),
        ("replacement", "zero"),
        ("baseline", "mean"),
        ("root", "free"),
        ("self_donation", "allowed"),
        ("limit", 500),
        ("estimand", "data"),
        ("interval", "percentile"),
        ("null", "none"),
        ("batch", 5),
        ("memory", "1GiB"),
        ("threads", 1),
    ],
)
def test_every_option_of_run_reaches_the_result(
    scrub: Invoke, toy: Path, tmp_path: Path, option: str, value: object
) -> None:
    out = tmp_path / "out.json"
    flag = f"--{option.replace('_', '-')}"
    result = scrub("run", toy, "--references", 20, "--draws", 1, flag, value, "--json", out)
    assert result.exit_code == 0, result.output
    assert json.loads(out.read_text())["conventions"][option] == value


def test_show_prints_and_draws(scrub: Invoke, toy: Path, tmp_path: Path) -> None:
    svg, png = tmp_path / "claim.svg", tmp_path / "claim.png"
    result = scrub("show", toy, "--svg", svg, "--png", png)
    assert result.exit_code == 0, result.output
    assert "carries x0" in result.stdout
    assert "first" in svg.read_text()
    assert png.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("error", [1e-9, 0.5, float("nan")])
def test_probe_refuses_what_fails(
    scrub: Invoke, monkeypatch: pytest.MonkeyPatch, error: float
) -> None:
    checks = (Check("components sum to the stream", error, 1e-5, "resid.1"),)
    monkeypatch.setattr("scrub.models.loading.load", lambda *_: None)
    monkeypatch.setattr("scrub.models.probe.probe", lambda _: ProbeReport("some", checks))
    result = scrub("probe", "owner/some")
    assert "components sum to the stream" in result.stdout
    good = error <= 1e-5
    assert result.exit_code == (0 if good else 3)
    assert ("holds" if good else "FAILS") in result.stdout
    assert ("resid.1" in result.stderr) is not good


def test_shipped_hypotheses_go_by_their_stem(scrub: Invoke) -> None:
    assert "induction: well formed" in scrub("check", "induction").stdout


def test_bars_show_stage_and_rate() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with bars(False, console) as progress:
        progress.start("recording", 10)
        for _ in range(10):
            progress.advance(1)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "recording" in said
    assert "10/10" in said
    assert "inputs/s" in said


@pytest.mark.parametrize(("quiet", "terminal"), [(True, True), (False, False)])
def test_no_bars_where_nobody_sees_them(quiet: bool, terminal: bool) -> None:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    with bars(quiet, console) as progress:
        progress.start("recording", 10)
        progress.advance(10)
    assert console.file.getvalue() == ""  # type: ignore[attr-defined]
