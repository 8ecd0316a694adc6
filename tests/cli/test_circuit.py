"""`scrub circuit`: which question is asked, what is printed and written, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke

PATHS = ["x0 -> A<x0> -> C<a>", "x1 -> B<x1> -> C<a>"]
QUICK = ("--references", "24", "--corrupt", "x0=resample", "--corrupt", "x1=resample", "-q")


def written(folder: Path) -> tuple[list[object], dict[str, Path]]:
    files = {name: folder / f"found.{name}" for name in ("json", "csv", "png", "svg")}
    return [part for name, path in files.items() for part in (f"--{name}", path)], files


def test_one_circuit(scrub: Invoke, toy: Path, tmp_path: Path) -> None:
    """All of the toy's edges: as the model does, and every component is worth something."""
    given, files = written(tmp_path)
    done = scrub("circuit", toy, *QUICK, "--circuit", "x0,x1,A,B", *given)
    assert done.exit_code == 0, done.output
    assert "faithfulness 1.000 (1.000 to 1.000)" in done.stdout
    assert "4 edges, 100 % of the model's" in done.stdout
    found = json.loads(files["json"].read_text())
    assert found["schema"] == "scrub-faithfulness/1"
    assert found["members"] == ["x0", "x1", "A", "B"]
    assert all(path.stat().st_size for path in files.values())


def test_circuits_of_every_size(scrub: Invoke, toy: Path, tmp_path: Path) -> None:
    """The ranking that `scrub attribute` writes is read."""
    ranking = tmp_path / "edges.json"
    assert scrub("attribute", toy, *QUICK, "--circuit", ranking, "--exact", 0).exit_code == 0
    given, files = written(tmp_path)
    done = scrub("circuit", toy, *QUICK, "--curve", ranking, *given)
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["100", "%", "4", "1", "1", "to", "1"] in lines
    assert "Knots that keep no edge are the empty circuit" in done.stdout
    assert json.loads(files["json"].read_text())["sizes"][-2:] == [2, 4]
    assert all(path.stat().st_size for path in files.values())


def test_paths(scrub: Invoke, toy: Path, tmp_path: Path) -> None:
    """A and B alone bring all that x0 and x1 bring: together they break and repair everything."""
    given, files = written(tmp_path)
    done = scrub("circuit", toy, *QUICK, "--path", "x0 -> A -> C", "--path", "x1 -> B -> C", *given)
    assert done.exit_code == 0, done.output
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("all together")]
    assert [row[6] for row in rows] == ["1", "1"]
    assert json.loads(files["json"].read_text())["paths"] == PATHS
    assert all(path.stat().st_size for path in files.values())


REFUSALS = {
    "": "circuit: nothing is named that could be evaluated. Give --circuit, --curve or --path.",
    "--circuit x0,A --curve e.json": "option '--curve': does not go with --circuit. Ask one by "
    "one.",
    "--circuit x0,A --direction noise": "option '--direction': is one of --path alone.",
    "--curve e.json --subsets 3": "option '--subsets': is one of --circuit alone.",
    "--curve e.json": "e.json: there is no such file.",
    "--circuit x0->A<x0>,x9->C": "edge 'x9->C': component 'x9' does not exist. Did you "
    "mean x1 or x0?",
    "--path x0->B": "path 'x0 -> B<x1>': x0 does not feed port x1 of B. Did you mean x1?",
}


@pytest.mark.parametrize("given", REFUSALS)
def test_what_does_not_go_together_is_refused(
    scrub: Invoke, toy: Path, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(toy.parent)
    done = scrub("circuit", toy, *QUICK, *given.split())
    assert done.exit_code == 2, done.output
    assert " ".join(done.stderr.split()) == f"refused: 1 problem {REFUSALS[given]}"
