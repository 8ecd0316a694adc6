"""`scrub models get`: weights out of an installed package, converted once into a model folder.

What is written is what transformers' save_pretrained writes, safetensors and tokenizer, so that
everything else sees a folder like any other. A folder appears whole or not at all.
"""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from scrub.data.fetched import FETCHABLE, Fetchable, cache_folder
from scrub.errors import InputRefused, Problem, nearest
from scrub.models.gguf import only_gguf

RXNMAPPER = "models/transformers/albert_heads_8_uspto_all_1310k"
VOCABULARY = ("vocab.txt", "special_tokens_map.json", "tokenizer_config.json")


def get(name: str, tell: Callable[[str], None] = lambda words: None) -> Path:
    """The folder of a fetchable model, converted now if it has not been before.

    `tell` is told when a conversion begins, for it can take a minute. Raises `InputRefused`, with
    the one pip command to run where a package is missing.
    """
    if name not in FETCHABLE:
        fix = f"{nearest(name, FETCHABLE)} See scrub models.".strip()
        raise InputRefused(Problem(f"model '{name}'", "is none that can be fetched.", fix))
    model = FETCHABLE[name]
    if model.is_here:
        return model.folder
    package = _installed(model)
    tell(f"converting {name}, once; up to a minute …")
    from scrub.models.quiet import quiet  # brings torch

    try:
        model.folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=model.folder.parent, prefix=f".{name}-") as made:
            whole = Path(made) / name
            with quiet():
                CONVERTERS[name](package, whole)
            _put(whole, model)
    except OSError as error:
        found = f"cannot be written ({error})."
        fix = "SCRUB_CACHE names another cache folder."
        raise InputRefused(Problem(f"folder '{cache_folder()}'", found, fix)) from error
    return model.folder


def _installed(model: Fetchable) -> Path:
    """The folder of the installed package; it is looked for, and not imported."""
    missing = [name for name in model.modules if importlib.util.find_spec(name) is None]
    if missing:
        found = f"is made from packages that are not installed ({', '.join(missing)})."
        raise InputRefused(Problem(f"model '{model.name}'", found, f"Run: {model.pip}"))
    spec = importlib.util.find_spec(model.package)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(next(iter(spec.submodule_search_locations)))


def _put(whole: Path, model: Fetchable) -> None:
    """In one step, so that no one ever sees a part; whoever was quicker has written the same."""
    try:
        whole.rename(model.folder)
    except OSError:
        if not model.is_here:
            raise


def _smollm2(package: Path, to: Path) -> None:
    """De-quantised, and saved from a fresh model: one read from GGUF refuses to be saved."""
    from transformers import AutoTokenizer

    from scrub.models.loading import load_module

    file = only_gguf(package)
    assert file is not None  # the package is pinned
    module = load_module(file)
    plain: Any = type(module)(module.config)
    plain.load_state_dict(module.state_dict())
    plain.save_pretrained(to)
    read: Any = AutoTokenizer.from_pretrained
    read(str(file.parent), gguf_file=file.name).save_pretrained(to)


def _rxnmapper(package: Path, to: Path) -> None:
    """The head's weights and its trunk's; the pooler, which nothing reads, is left behind."""
    import torch
    from transformers import AlbertConfig, AlbertForMaskedLM

    folder = package / RXNMAPPER
    read: Any = AlbertConfig.from_pretrained
    module: Any = AlbertForMaskedLM(read(folder))
    weights = torch.load(folder / "pytorch_model.bin", map_location="cpu", weights_only=True)
    module.load_state_dict({name: w for name, w in weights.items() if ".pooler." not in name})
    module.eval().save_pretrained(to)
    for name in VOCABULARY:
        shutil.copyfile(folder / name, to / name)


CONVERTERS: Mapping[str, Callable[[Path, Path], None]] = {
    "smollm2": _smollm2,
    "rxnmapper": _rxnmapper,
}
