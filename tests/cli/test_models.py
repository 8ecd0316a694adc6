"""scrub models, scrub models get: what they print, and their exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from scrub.data.fetched import FETCHABLE
from scrub.data.shipped import shipped_models
from scrub.models.families import FAMILIES
from tests.cli.conftest import Invoke

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRUB_CACHE", str(tmp_path))


def test_the_list_names_architectures_and_models(scrub: Invoke) -> None:
    said = scrub("models").stdout
    assert set(FAMILIES) <= {word.strip(",") for word in said.split()}
    assert all(name in said for name in [*shipped_models(), *FETCHABLE])
    assert "not fetched yet" in said


def test_a_model_that_is_there_is_listed_with_its_folder(scrub: Invoke, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "smollm2"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    assert f"in{folder}" in "".join(scrub("models").stdout.split())  # it may be wrapped
    assert scrub("models", "get", "smollm2").stdout == f"{folder}\n"


def test_what_cannot_be_fetched_is_refused_in_a_line(scrub: Invoke) -> None:
    done = scrub("models", "get", "gpt5")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "model 'gpt5': is none that can be fetched." in done.stderr


def test_help_and_the_reference_page(scrub: Invoke) -> None:
    assert " models List the models" in " ".join(scrub("--help").stdout.split())
    assert "Example: scrub models get smollm2" in scrub("models", "--help").stdout
    assert "Example: scrub models get smollm2" in scrub("models", "get", "--help").stdout
    _, _, section = PAGE.read_text().partition("\n## scrub models\n")
    assert "scrub models get smollm2" in section
    assert all(f"`{name}`" in section for name in FETCHABLE)
