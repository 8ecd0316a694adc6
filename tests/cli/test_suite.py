"""`scrub suite` and `scrub results`: from a file to a table, and what each ending is called."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from scrub.results.store.store import Store, StoreFailed
from scrub.results.store.tables import DATABASE
from tests.cli.conftest import Invoke
from tests.study.suites.conftest import TOY

SUITE = """
hypotheses = ["toy.py"{more}]
references = 8
draws = 2
seeds = [{seeds}]
controls = false
[conventions]
baseline = ["random", "zero"]
[settings]
replicates = 100
"""


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    (tmp_path / "toy.py").write_text(TOY)
    path = tmp_path / "mine.toml"
    path.write_text(SUITE.format(more="", seeds="0"))
    return path


def test_a_suite_runs_once_and_is_found_afterwards(
    scrub: Invoke, toml: Path, tmp_path: Path
) -> None:
    store = tmp_path / "kept"
    toml.write_text(SUITE.format(more="", seeds="0, 1"))
    planned = scrub("suite", toml, "--store", store, "--dry-run")
    assert planned.exit_code == 0
    assert planned.stdout.startswith("mine: 4 jobs, 4 to do\n")
    assert "left to do: " in planned.stdout
    assert not store.exists()
    first = scrub("suite", toml, "--store", store)
    assert first.exit_code == 0
    assert first.stdout.startswith(f"mine: 4 jobs, 4 done\nkept in {store}\n")
    lines = [line.split() for line in first.stdout.splitlines() if line.startswith("toy")]
    assert len(lines) == 4
    assert {line[1] for line in lines} == {"0", "1"}  # seeds and baselines tell them apart
    assert {line[2] for line in lines} == {"random", "zero"}
    again = scrub("suite", toml, "--store", store)
    assert again.stdout.startswith("mine: 4 jobs, 0 done, 4 done before\n")
    shown = scrub("suite", toml, "--store", store, "--dry-run").stdout
    assert shown.startswith("mine: 4 jobs, 4 done\n")
    one = scrub("suite", toml, "--store", store, "--dry-run", "--only", "seed=1 baseline=zero")
    assert one.stdout.startswith("mine: 1 job, 1 done\n")


def test_jobs_that_fail_have_an_exit_code_and_their_reason(
    scrub: Invoke, toml: Path, tmp_path: Path
) -> None:
    (tmp_path / "wrong.py").write_text(TOY.replace('component="A"', 'component="A9"'))
    toml.write_text(SUITE.format(more=', "wrong.py"', seeds="0"))
    planned = scrub("suite", toml, "--store", tmp_path / "kept", "--dry-run")
    assert planned.exit_code == 0
    assert planned.stdout.startswith("mine: 4 jobs, 2 to do, 2 refused\n")
    found = scrub("suite", toml, "--store", tmp_path / "kept")
    assert found.exit_code == 4
    assert found.stdout.startswith("mine: 4 jobs, 2 done, 2 failed\n")
    assert found.stdout.count("component 'A9' does not exist") == 2


def test_a_suite_that_is_wrong_is_refused_with_every_problem(scrub: Invoke, toml: Path) -> None:
    toml.write_text('hypotheses = ["toi.py"]\nseed = 1\ndraws = 0\n')
    found = scrub("suite", toml)
    assert found.exit_code == 2
    assert found.stdout == ""
    head, *problems = found.stderr.splitlines()
    assert head == "refused: 3 problems"
    assert "  mine.toml: 'seed': is no key of a suite. Did you mean seeds?" in problems


def test_a_store_that_cannot_be_written_has_an_exit_code_of_its_own(
    scrub: Invoke, toml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreFailed("store 'x': there is no room left on the disk.")

    monkeypatch.setattr(Store, "finish", full)
    found = scrub("suite", toml, "--store", tmp_path / "kept")
    assert found.exit_code == 5
    assert "there is no room left on the disk" in found.stderr
    monkeypatch.undo()
    (tmp_path / "kept" / DATABASE).write_bytes(b"?" * 5000)
    for command in (("suite", toml, "--store", tmp_path / "kept"), ("results", tmp_path / "kept")):
        found = scrub(*command)
        assert found.exit_code == 5
        assert "its database is damaged" in found.stderr


def test_results_are_listed_chosen_and_exported(scrub: Invoke, toml: Path, tmp_path: Path) -> None:
    store = tmp_path / "kept"
    scrub("suite", toml, "--store", store)
    with Store(store) as kept:
        from scrub.results.store.store import Entry

        failed = Entry("scrub", "<script>", {"model": "other", "seed": 0}, document=None)
        kept.fail("f" * 64, failed, "ran out of memory")
    shown = scrub("results", store).stdout
    unwrapped = " ".join(shown.split())  # the folder's name may be long
    assert unwrapped.startswith(f"{store}: 3 jobs, 2 done, 1 failed ")
    assert "ffffffffff  ran out of memory" in shown
    files = {kind: tmp_path / f"out.{kind}" for kind in ("csv", "json", "parquet")}
    options = [text for kind, path in files.items() for text in (f"--{kind}", str(path))]
    chosen = scrub("results", store, "--status", "done", "--hypothesis", "to*", *options)
    assert " ".join(chosen.stdout.split()).startswith(f"{store}: 2 jobs of 3, 2 done ")
    with files["csv"].open(newline="") as file:
        table = list(csv.DictReader(file))
    document = json.loads(files["json"].read_text())
    assert document["schema"] == "scrub-stored/1"
    assert len(table) == len(document["jobs"]) == 2
    for line, job in zip(table, document["jobs"], strict=True):
        assert float(line["recovered"]) == job["result"]["recovered"]["value"]
        assert line["convention_baseline"] == job["result"]["conventions"]["baseline"]
        assert (store / job["arrays"]).is_file()
    parquet = pytest.importorskip("pyarrow.parquet")
    frame = parquet.read_table(files["parquet"]).to_pydict()
    assert frame["recovered"] == [float(line["recovered"]) for line in table]


def test_a_filter_that_fits_nothing_names_what_is_there(
    scrub: Invoke, toml: Path, tmp_path: Path
) -> None:
    store = tmp_path / "kept"
    scrub("suite", toml, "--store", store)
    found = scrub("results", store, "--hypothesis", "toi", "--status", "don")
    assert found.exit_code == 2
    assert found.stderr.splitlines()[1:] == [
        "  option '--hypothesis': 'toi' fits none. Did you mean toy?",
        "  option '--status': 'don' fits none. Did you mean done?",
    ]
    absent = scrub("results", tmp_path / "nowhere")
    assert absent.exit_code == 2
    assert "there is no such folder" in absent.stderr


def test_without_pyarrow_it_says_what_to_install(
    scrub: Invoke, toml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(tmp_path / "kept").close()
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    found = scrub("results", tmp_path / "kept", "--parquet", tmp_path / "out.parquet")
    assert found.exit_code == 2
    assert "needs pyarrow. Run: pip install 'causal-scrub[frames]'" in found.stderr


def test_an_empty_store_lists_nothing(scrub: Invoke, tmp_path: Path) -> None:
    Store(tmp_path / "kept").close()
    assert scrub("results", tmp_path / "kept").stdout == f"{tmp_path / 'kept'}: 0 jobs\n"
