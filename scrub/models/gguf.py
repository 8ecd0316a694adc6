"""GGUF files, read through transformers: the weights are de-quantised, all else is as usual."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scrub.errors import InputRefused, Problem

SUFFIX = ".gguf"


def only_gguf(source: str | Path) -> Path | None:
    """The GGUF file that a source stands for: itself, or the one that a folder holds.

    None where it is no GGUF file, or a folder with a config.json of its own. Raises `InputRefused`
    where there are several to choose from, or the named one is not there.

    >>> only_gguf("openai-community/gpt2") is None
    True
    """
    path = Path(source).expanduser()
    where = f"model '{source}'"
    if path.suffix == SUFFIX and not path.is_dir():
        if not path.is_file():
            raise InputRefused(Problem(where, "there is no such file.", "Check the path."))
        return path
    if not path.is_dir() or (path / "config.json").is_file():
        return None
    held = sorted(path.glob(f"*{SUFFIX}"))
    if len(held) > 1:
        fix = f"Name one of {', '.join(file.name for file in held)}."
        raise InputRefused(Problem(where, f"the folder holds {len(held)} GGUF files.", fix))
    return held[0] if held else None


def gguf_config(file: Path) -> Mapping[str, Any]:
    """What a GGUF file says of its model, as a config.json would. Raises `InputRefused`.

    This brings torch: transformers' reader needs it even for what is no weight.
    """
    from transformers import PretrainedConfig

    require_gguf(file)
    read: Any = PretrainedConfig.get_config_dict
    try:
        config, _ = read(str(file.parent), gguf_file=file.name)
    except Exception as error:  # a damaged file, or an architecture that transformers cannot read
        raise InputRefused(unreadable(file, error)) from None
    assert isinstance(config, dict)
    return config


def require_gguf(file: Path) -> None:
    """That the package which reads such files is installed. Raises `InputRefused`."""
    if importlib.util.find_spec("gguf") is None:
        found = "is a GGUF file, and reading it needs the package gguf."
        raise InputRefused(Problem(f"model '{file}'", found, "Run: pip install gguf"))


def unreadable(file: Path, error: Exception) -> Problem:
    """What transformers said of a file, as one sentence."""
    said = f"{type(error).__name__}: {error}".splitlines()[0].strip()
    return Problem(f"model '{file}'", f"transformers cannot read this GGUF file ({said}).")
