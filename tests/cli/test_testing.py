"""`scrub test` and `scrub interchange`: what is printed and written, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import TOY, Invoke

QUICK = ("--references", "64", "--random", "20", "--permutations", "99", "-q")
VALUES = """
claim.nodes["first"]["value"], claim.nodes["second"]["value"] = "x0", "x1"
claim.nodes["answer"]["value"] = lambda first, second: 2 * first + 3 * second
hypothesis = Hypothesis(claim, task=Task(data, metric=loss, at="all", label=("y",), answer="y"),
                        model=model)
"""


@pytest.fixture
def valued(tmp_path: Path) -> Path:
    path = tmp_path / "valued.py"
    path.write_text(TOY + VALUES)
    return path


def written(folder: Path) -> tuple[list[object], dict[str, Path]]:
    files = {"json": folder / "found.json", "csv": folder / "found.csv"}
    files["report"] = folder / "found.html"
    return [part for name, path in files.items() for part in (f"--{name}", path)], files


def test_the_tests_of_a_hypothesis(scrub: Invoke, toy: Path, tmp_path: Path) -> None:
    """The claim names every edge: the circuit is the model, and there is none to add."""
    given, files = written(tmp_path)
    done = scrub("test", toy, *QUICK, *given)
    assert done.exit_code == 0, done.output
    said = " ".join(done.stdout.split())
    assert "circuit 4 edges, 100 % of the model's" in said
    assert "p of 'equivalent', the null of Shi et al.: 1;" in said
    assert "there is no edge outside of the circuit" in said
    assert "The circuit holds every path" in said
    assert json.loads(files["json"].read_text())["minimality"] is None
    assert files["report"].stat().st_size > 1000


def test_the_tests_of_a_circuit(scrub: Invoke, toy: Path, tmp_path: Path) -> None:
    """Half of the toy: every example is missed by more, and its edges are listed."""
    given, files = written(tmp_path)
    done = scrub("test", toy, *QUICK, "--circuit", "x0->A<x0>,A->C<a>", *given)
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["│", "equivalence", "failed"] in [line[:3] for line in lines]
    assert [line[0] for line in lines if line[:1] and "->" in line[0]] == ["x0->A<x0>", "A->C<a>"]
    found = json.loads(files["json"].read_text())
    assert found["outcomes"]["equivalence"] == "failed"
    assert found["equivalence"]["counts"]["losses"] == 0
    assert files["csv"].read_text().count("\n") == 3


def test_interchanges_of_a_hypothesis(scrub: Invoke, valued: Path, tmp_path: Path) -> None:
    given, files = written(tmp_path)
    nodes = ("--nodes", "first", "--nodes", "first, second")
    done = scrub("interchange", valued, "-q", "--references", 40, *nodes, *given)
    assert done.exit_code == 0, done.output
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["first", "1", "1", "to", "1"] in [row[:5] for row in rows]
    assert ["first,", "second", "1", "1", "to", "1"] in [row[:6] for row in rows]
    found = json.loads(files["json"].read_text())
    assert found["sets"] == [["first"], ["first", "second"]]
    assert files["csv"].read_text().startswith("nodes,accuracy,accuracy low,accuracy high,same,")


def test_a_check_tries_the_values(scrub: Invoke, valued: Path) -> None:
    done = scrub("check", valued)
    assert done.exit_code == 0, done.output
    assert "computes      3 values, tried on every row" in done.stdout
    valued.write_text(valued.read_text().replace("first, second:", "first, secnd:"))
    done = scrub("check", valued)
    assert done.exit_code == 2
    assert " ".join(done.stderr.split()) == (
        "refused: 1 problem node 'answer': its value takes 'secnd', which is no parent of it. Did "
        "you mean second? Names that are no arguments come by **parents."
    )


REFUSALS = {
    "test induction-exact --task repeated_tokens(n=32)": "option '--circuit': model "
    "'induction-exact' is no circuit. Name one, or a hypothesis file in the model's place.",
    "test FILE --random 3": "option 'random': must be a whole number of at least 10, found 3.",
    "test FILE --json found.txt": "option '--json': 'found.txt' must end in .json.",
    "interchange FILE": "hypothesis: no node says how its value is computed. Write value='column' "
    "at leaves, value=lambda parent: … at other nodes.",
}


@pytest.mark.parametrize("given", REFUSALS)
def test_what_cannot_be_asked_is_refused(scrub: Invoke, toy: Path, given: str) -> None:
    done = scrub(*given.replace("FILE", str(toy)).split())
    assert done.exit_code == 2, done.output
    assert " ".join(done.stderr.split()).startswith(f"refused: 1 problem {REFUSALS[given]}")
