"""`scrub report`: from what other commands write to a page that can be handed on."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Invoke
from tests.report.fixed import RESULT
from tests.report.handed import DRAWN, comparison, controls


def test_files_of_run_and_compare_become_every_kind_of_report(
    scrub: Invoke, toy: Path, tmp_path: Path
) -> None:
    small = ("--references=64", "--draws=2", "--quiet")
    run, compared = tmp_path / "run.json", tmp_path / "compared.json"
    assert scrub("run", toy, *small, f"--json={run}").exit_code == 0
    less = tmp_path / "less.py"
    less.write_text(toy.read_text().replace('feature="x1"', 'feature="x0"'))
    assert scrub("compare", toy, less, *small, f"--json={compared}").exit_code == 0
    made = {name: tmp_path / f"r.{name}" for name in ("html", "md", "tex")}
    done = scrub(
        "report", run, compared, f"--html={made['html']}", f"--markdown={made['md']}",
        f"--latex={made['tex']}", f"--svg={tmp_path / 'svg'}",
        "--title=Two <toys>",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    page = made["html"].read_text()
    assert "<h1>Two &lt;toys&gt;</h1>" in page
    assert page.count('class="chapter"') == 2  # the result that is in both is shown once
    assert "recovers more" in page
    assert made["md"].read_text().startswith("# Two \\<toys\\>\n")
    assert r"\begin{table}" in made["tex"].read_text()
    names = {path.name for path in (tmp_path / "svg").iterdir()}
    assert {"pareto.svg", "toy-claim.svg", "results.svg"} <= names


def again(scrub: Invoke, folder: Path, *arguments: object) -> tuple[str, Any, Any]:
    """The command on the page of a run, what the run wrote, and what the command writes."""
    first, second, page = (folder / name for name in ("first.json", "second.json", "page.html"))
    done = scrub("run", *arguments, f"--json={first}", "--quiet")
    assert done.exit_code == 0, done.output
    assert scrub("report", first, f"--html={page}").exit_code == 0
    (found,) = re.findall(r"<pre data-copy><code>(.*?)</code>", page.read_text(), re.S)
    command = found.replace("\\\n", " ")
    done = scrub(*shlex.split(command)[1:], f"--json={second}", "--quiet")
    assert done.exit_code == 0, done.output
    one, other = (json.loads(path.read_text()) for path in (first, second))
    for document in (one, other):
        del document["cost"], document["examples_file"]
    return " ".join(command.split()), one, other


ODD = ("--unimportant=separately", "--baseline=uniform", "--seed=5", "--level=0.9", "--null=none")


def test_the_command_on_the_page_gives_the_result_again(
    scrub: Invoke, toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under conventions other than those of the file, from the file's folder."""
    monkeypatch.chdir(toy.parent)
    odd = [one for one in ODD if "uniform" not in one]  # the toy has no logits
    command, one, other = again(scrub, toy.parent, toy, "--references=24", "--draws=2", *odd)
    assert command.startswith("scrub run toy.py --references 24 --draws 2 --seed 5 --level 0.9")
    assert one == other


@pytest.mark.slow
def test_the_command_names_a_model_that_comes_with_scrub(scrub: Invoke, tmp_path: Path) -> None:
    """Another than the file's, by its name."""
    sizes = ("--references=24", "--draws=2", "--model=induction-redundant")
    command, one, other = again(scrub, tmp_path, "induction_naive", *sizes, *ODD)
    assert command.startswith("scrub run induction_naive --model induction-redundant --references")
    assert one == other


def test_controls_stand_beside_their_result(scrub: Invoke, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    files = [DRAWN.write_json(tmp_path / "r.json"), controls().write_json(tmp_path / "c.json")]
    assert scrub("report", *files, f"--html={page}", f"--png={tmp_path}").exit_code == 0
    assert (tmp_path / "induction-recovered.png").stat().st_size > 5_000
    assert "Among hypotheses drawn at random" in page.read_text()


def test_nothing_to_write_and_nothing_to_read_are_refused(scrub: Invoke, tmp_path: Path) -> None:
    path = RESULT.write_json(tmp_path / "r.json")
    done = scrub("report", path)
    assert done.exit_code == 2
    assert (
        "report: there is nothing to write. Give --html, --markdown, --latex, --svg or --png."
        in done.stderr
    )
    assert scrub("report", f"--html={tmp_path / 'x.html'}").exit_code == 2
    assert not (tmp_path / "x.html").exists()


def test_all_files_that_cannot_be_read_are_named_at_once(scrub: Invoke, tmp_path: Path) -> None:
    good = comparison().write_json(tmp_path / "c.json")
    alone = RESULT.write_json(tmp_path / "r.json")
    (tmp_path / "r.examples.safetensors").unlink()
    broken = tmp_path / "b.json"
    broken.write_text("{")
    done = scrub("report", good, alone, broken, f"--html={tmp_path / 'x.html'}")
    assert done.exit_code == 2
    assert "refused: 2 problems" in done.stderr
    assert (
        f"'{alone}': its per-example values are in 'r.examples.safetensors', which is not beside "
        "it. Copy both files together." in done.stderr
    )
    assert f"'{broken}': is no JSON (" in done.stderr
    assert not (tmp_path / "x.html").exists()


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--html=page.txt", "option '--html': 'page.txt' must end in .html or .htm."),
        ("--latex=t.md", "option '--latex': 't.md' must end in .tex."),
        ("--svg={file}", "option '--svg': '{file}' is a file, and figures go into a folder."),
        ("--png={none}/a", "option '--png': there is no folder '{none}'. Make it first."),
    ],
)
def test_what_could_not_be_written_is_refused_beforehand(
    scrub: Invoke, tmp_path: Path, option: str, said: str
) -> None:
    path = RESULT.write_json(tmp_path / "r.json")
    where = {"file": path, "none": tmp_path / "none"}
    done = scrub("report", path, option.format(**where))
    assert done.exit_code == 2
    assert said.format(**where) in done.stderr
