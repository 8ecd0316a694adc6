"""`scrub test` and `scrub interchange`: what is printed, written and read, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scrub import InputRefused
from scrub.mediation.tested import CircuitTests
from scrub.report.gathering import FINDINGS
from scrub.results.reading import read_any
from scrub.study.interchanging.interchanged import Interchange
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


@pytest.fixture
def tested(scrub: Invoke, toy: Path, tmp_path: Path) -> Path:
    """What `scrub test` wrote of half of the toy."""
    path = tmp_path / "tested.json"
    half = ("--circuit", "x0->A<x0>,A->C<a>")
    assert scrub("test", toy, *QUICK, *half, f"--json={path}").exit_code == 0
    return path


@pytest.fixture
def put_in(scrub: Invoke, valued: Path, tmp_path: Path) -> Path:
    """What `scrub interchange` wrote of the toy."""
    path = tmp_path / "put_in.json"
    done = scrub("interchange", valued, "-q", "--references", 40, f"--json={path}")
    assert done.exit_code == 0, done.output
    return path


def test_what_is_written_is_read_again(tested: Path, put_in: Path) -> None:
    for path, kind in ((tested, CircuitTests), (put_in, Interchange)):
        found, written = read_any(path, FINDINGS), json.loads(path.read_text())
        assert isinstance(found, kind)
        del written["examples_file"]
        assert found.as_dict() == written
        assert found.per_example


def test_a_report_holds_what_was_tested(
    scrub: Invoke, tested: Path, put_in: Path, tmp_path: Path
) -> None:
    made = {name: tmp_path / f"r.{name}" for name in ("html", "md", "tex")}
    done = scrub(
        "report", tested, put_in, f"--html={made['html']}", f"--markdown={made['md']}",
        f"--latex={made['tex']}",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    page, text = made["html"].read_text(), made["md"].read_text()
    for said in ("Tests of a circuit: hand-made on task", "Interchange interventions: hand-made"):
        assert f'">{said}' in page
        assert f"## {said}" in text
    assert "| equivalence | failed | its share of wins is more than 0.1 from one half |" in text
    assert "| first | 1 | 1 to 1 | " in text
    assert r"\caption{Tests of a circuit: hand-made on task: Runs}" in made["tex"].read_text()


def test_a_page_of_one_finding_is_called_as_it_is(
    scrub: Invoke, put_in: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    assert scrub("report", put_in, f"--html={page}").exit_code == 0
    assert "<h1>Interchange interventions: hand-made on task</h1>" in page.read_text()


DAMAGES: list[tuple[str, Any, str]] = [
    ("edges", ["x0-A"], "edges[0]: edge 'x0-A': is not written as an edge. Write a0.h1->a5.h1<q>, "
     "embed->m3 or m11->logits."),
    ("edges", [3], "edges[0]: must be a text, found 3."),
    ("share", "half", 'share: must be a number, found "half".'),
    ("unknown", 1, "unknown: is not known."),
    ("minimality.worth", [1.0], "its lists do not fit: edges 2, worth 1, wins 2, ties 2, p 2, "
     "adjusted 2."),
    ("minimality.test.p", [1.0, "x"], 'minimality.test.p[1]: must be a number, found "x".'),
    ("minimality.test.wins", 1, "minimality.test.wins: must be a list, found 1."),
    ("minimality.test.correction", "none", 'minimality.test.correction: must be holm or '
     'bonferroni, found "none".'),
    ("conventions", {}, "conventions.model: is missing."),
    ("equivalence", None, "equivalence: must be an object, found null."),
]  # fmt: skip


def test_what_is_damaged_is_refused_in_words(tested: Path) -> None:
    whole = tested.read_text()
    for field, value, said in DAMAGES:
        document = json.loads(whole)
        *path, last = field.split(".")
        inner = document
        for name in path:
            inner = inner[name]
        inner[last] = value
        tested.write_text(json.dumps(document))
        with pytest.raises(InputRefused) as raised:
            CircuitTests.read_json(tested)
        problem = raised.value.problems[0]
        assert str(problem) == f"'{tested}': {said} It may be damaged: write it again."


def test_values_that_are_missing_are_refused_in_words(put_in: Path, tested: Path) -> None:
    document = json.loads(tested.read_text())
    document["examples_file"] = json.loads(put_in.read_text())["examples_file"]
    tested.write_text(json.dumps(document))
    with pytest.raises(InputRefused) as raised:
        CircuitTests.read_json(tested)
    assert str(raised.value) == (
        f"'{tested}': its per-example file lacks model, empty. It may be damaged: write it again."
    )


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
