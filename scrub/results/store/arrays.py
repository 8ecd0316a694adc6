"""Arrays in safetensors files, complete or absent, known by their content."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scrub.results.store.errors import StoreFailed, in_words

FOLDER = "arrays"
PART = ".part"
STALE = 3600.0  # seconds after which a file that is half written belongs to nobody


@dataclass(frozen=True)
class Kept:
    """A file of arrays: its name within the store, the sha256 and the number of its bytes."""

    name: str
    digest: str
    bytes: int


def keep(folder: Path, key: str, arrays: Mapping[str, Any]) -> Kept:
    """Write arrays, on the disk when this returns. Raises OSError.

    A file is named by the job and by what is in it: whoever runs the same job writes the same file,
    or another beside it. Never does a row name a file that holds something else.
    """
    import numpy as np
    from safetensors.numpy import save

    content = save({name: np.ascontiguousarray(value) for name, value in arrays.items()})
    digest = hashlib.sha256(content).hexdigest()
    name = f"{FOLDER}/{key[:2]}/{key}-{digest[:12]}.safetensors"
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=PART)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(part, 0o644)
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
    return Kept(name, digest, len(content))


def read_kept(folder: Path, kept: Kept) -> dict[str, Any]:
    """The arrays of a file. Raises `StoreFailed` where it is not what was written."""
    from safetensors.numpy import load

    path = folder / kept.name
    with in_words(folder):
        content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != kept.digest:
        lost = "holds something else" if content else "is not there"
        raise StoreFailed(
            f"store '{folder}': {kept.name} {lost}. Remove it and start the suite again: its job "
            "is then run again."
        )
    found: dict[str, Any] = load(content)
    return found


def sweep(folder: Path) -> None:
    """Remove what was half written when its process was killed. Raises OSError."""
    for part in (folder / FOLDER).glob(f"*/.*{PART}"):
        try:
            if time.time() - part.stat().st_mtime > STALE:
                part.unlink(missing_ok=True)
        except FileNotFoundError:  # another process has swept it
            continue
