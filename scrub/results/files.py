"""Files that are complete or absent, whatever happens while they are written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scrub.errors import InputRefused, Problem


def write_whole(path: str | Path, content: bytes) -> None:
    """Write under another name beside it, then move: a failure leaves what was there before."""
    path = Path(path)
    with _beside(path) as temporary:
        temporary.write_bytes(content)
        temporary.chmod(0o644)
        temporary.replace(path)


def require_writable(path: str | Path) -> None:
    """Refuse a place where nothing can be written, before any work is done for it."""
    path = Path(path)
    if path.is_dir():
        raise InputRefused(Problem(f"'{path}'", "is a folder; name a file in it."))
    with _beside(path) as temporary:
        temporary.write_bytes(b"")


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A temporary file in the same folder, gone afterwards. Raises `InputRefused` in words."""
    temporary = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        temporary = Path(name)
        yield temporary
    except OSError as error:
        why = error.strerror or type(error).__name__
        found = f"cannot be written: {why[:1].lower()}{why[1:]}."
        raise InputRefused(Problem(f"'{path}'", found, "Choose another place.")) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
