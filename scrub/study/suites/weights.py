"""Which weights a model has, without reading them again: known by files that have not changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scrub.errors import ScrubError
from scrub.hypothesis.hypothesis import Hypothesis
from scrub.hypothesis.loading import resolve_model_source
from scrub.results.store.store import Store
from scrub.study.settings import Settings

PARTS = ("*.safetensors", "*.gguf", "*.json")


@dataclass(eq=False)
class Weights:
    """The fingerprints of models: looked up in a store, or computed once by loading.

    `store` is None where there is none yet. `loaded` is told of each model that is loaded.
    """

    store: Store | None
    loaded: Callable[[str], None] = lambda name: None
    known: dict[tuple[object, str], str] = field(default_factory=dict)

    def find(self, hypothesis: Hypothesis, settings: Settings) -> str | None:
        """The fingerprint, or None where it cannot be known without loading."""
        source = resolve_model_source(hypothesis.model, hypothesis.folder)
        if (source, settings.dtype) in self.known:
            return self.known[source, settings.dtype]
        if is_model(source):  # hand-made: the functions are there to be read
            return self._keep(source, settings, str(source.fingerprint()))
        place, stamp = f"{source} {settings.dtype}", stamp_of(source)
        if stamp is None or self.store is None:
            return None
        found = self.store.weights(place, stamp)
        return None if found is None else self._keep(source, settings, found)

    def read(self, hypothesis: Hypothesis, settings: Settings) -> str:
        """The fingerprint, by loading the model where it must be. Raises what loading raises."""
        found = self.find(hypothesis, settings)
        if found is not None:
            return found
        from scrub.models.loading import load

        source = resolve_model_source(hypothesis.model, hypothesis.folder)
        self.loaded(Path(str(source)).name if isinstance(source, (str, Path)) else "a module")
        stamp = stamp_of(source)
        made = load(source, dtype=settings.dtype).fingerprint()
        if self.store is not None and stamp is not None:
            self.store.know_weights(f"{source} {settings.dtype}", stamp, made)
        return self._keep(source, settings, made)

    def _keep(self, source: Any, settings: Settings, found: str) -> str:
        self.known[source, settings.dtype] = found
        return found


def is_model(source: Any) -> bool:
    """Whether a model is there as the engine wants it, and needs no loading."""
    return all(hasattr(source, name) for name in ("graph", "record", "run"))


def stamp_of(source: Any) -> str | None:
    """What changes when the files of a model do: names, sizes and times. None for what has none."""
    if not isinstance(source, (str, Path)):
        return None
    path = Path(source).expanduser()
    files: Sequence[Path] = [path] if path.is_file() else []
    folder = path if path.is_dir() else _snapshot(str(source))
    if not files and folder is not None:
        files = sorted(file for part in PARTS for file in folder.glob(part))
    if not files:
        return None
    told = [(f.name, (stat := f.stat()).st_size, stat.st_mtime_ns) for f in files]
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _snapshot(name: str) -> Path | None:
    """The folder of a model in the hub's cache, if it is there."""
    if not name or name.startswith((".", "/")):
        return None
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (OSError, ValueError):  # not in the cache, or no name of a model
        return None


def told(error: Exception) -> str:
    """What an error says, on one line: scrub's own in its words, others by their class."""
    said = str(error) if isinstance(error, ScrubError) else f"{type(error).__name__}: {error}"
    return " ".join(said.split())
