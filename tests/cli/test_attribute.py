"""`scrub attribute`: what is printed and written, and what is refused before anything is run."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke

QUICK = ("--references", "24", "--corrupt", "x0=resample", "--corrupt", "x1=resample", "-q")


def test_edges_beside_their_exact_effects_and_every_file(
    scrub: Invoke, toy: Path, tmp_path: Path
) -> None:
    """The toy's loss is |2 x0 + 3 x1 − y|: what x1 brings counts more than what x0 brings."""
    files = {name: tmp_path / f"found.{name}" for name in ("json", "csv", "png", "svg")}
    given = [part for name, path in files.items() for part in (f"--{name}", path)]
    circuit, text = tmp_path / "edges.json", tmp_path / "report.txt"
    done = scrub(
        "attribute", toy, *QUICK, *given, "--circuit", circuit, "--top", 2, "--report", text
    )
    assert done.exit_code == 0, done.output
    assert "What corrupting each edge changes" in done.stdout
    assert "The largest of 4 edges" in done.stdout
    assert "2 more, none with a larger estimate" in done.stdout
    with files["csv"].open() as held:
        rows = {row["edge"]: float(row["exact"]) for row in csv.DictReader(held)}
    assert rows["B->C<a>"] == pytest.approx(rows["x1->B<x1>"])
    assert rows["B->C<a>"] > rows["A->C<a>"] > 0
    assert json.loads(files["json"].read_text())["schema"] == "scrub-edge-attribution/1"
    kept = json.loads(circuit.read_text())["edges"]
    assert sum(entry["in_graph"] for entry in kept.values()) == 2
    assert files["png"].read_bytes().startswith(b"\x89PNG")
    assert "<svg" in files["svg"].read_text()
    assert text.read_text().splitlines() == [line.rstrip() for line in done.stdout.splitlines()]


def test_components_together(scrub: Invoke, toy: Path) -> None:
    done = scrub("attribute", toy, *QUICK, "--of", "components", "--method", "clean-corrupted")
    assert done.exit_code == 0, done.output
    assert "The largest of 4 components" in done.stdout
    assert "method clean-corrupted" in done.stdout


REFUSALS = {
    "--circuit e.json --of ports": "option '--circuit': is a file of edges, and --of is ports. "
    "Leave one of them away.",
    "--positions all": "option '--positions': are those of components, ports or neurons, and --of "
    "is edges. Name another --of.",
    "--png p.png --exact 0": "option '--png': shows estimates beside exact effects, and --exact is "
    "0. Measure some, e.g. --exact 20.",
    "--method eap-ig": "option 'method': 'eap-ig' is no value of it. Did you mean eap or "
    "eap-ig-inputs or eap-ig-activations?",
    "--rule middle": "option 'rule': 'middle' is no value of it. Known: midpoint, left, right.",
    "--top 0": "option 'top': must be a whole number of at least 1, found 0.",
    "--circuit e.txt": "option '--circuit': 'e.txt' must end in .json.",
}


@pytest.mark.parametrize("given", REFUSALS)
def test_what_does_not_go_together_is_refused(
    scrub: Invoke, toy: Path, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(toy.parent)
    done = scrub("attribute", toy, *QUICK, *given.split())
    assert done.exit_code == 2
    assert " ".join(done.stderr.split()) == f"refused: 1 problem {REFUSALS[given]}"
