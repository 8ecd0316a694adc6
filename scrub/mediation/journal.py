"""What a sweep has measured so far, kept in a file, so that it can be stopped and taken up again.

One SQLite file in write-ahead mode: whatever has been written is there after a kill, and what was
being written is absent. A file holds any number of sweeps, each under the hash of all that its
numbers depend on; a changed option is another hash, and starts anew.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scrub.errors import InputRefused, Problem

Floats = NDArray[np.float64]
Entry = tuple[str, Floats]  # a cell, and its values [value, item]

PACKAGE = Path(__file__).resolve().parent.parent
APART = ("cli", "report")  # what no number depends on
WAIT = 30.0  # seconds for another process to be done with the file
TABLES = """
CREATE TABLE IF NOT EXISTS sweep (key TEXT PRIMARY KEY, said TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS measured (
    key TEXT, first INTEGER, cell TEXT, found BLOB, PRIMARY KEY (key, first, cell)
) WITHOUT ROWID;
"""


class Journal:
    """The values of cells on the items of a scene, which `first` names by its first item."""

    def __init__(self, connection: sqlite3.Connection, said: Mapping[str, Any]) -> None:
        text = json.dumps(said, sort_keys=True, default=str)
        self._open, self.key = connection, hashlib.sha256(text.encode()).hexdigest()
        with self._open:
            row = (self.key, text)
            self._open.execute("INSERT OR IGNORE INTO sweep VALUES (?, ?)", row)

    def read(self, first: int, items: int) -> dict[str, Floats]:
        """What is known of a scene: [value, item] by cell."""
        query = "SELECT cell, found FROM measured WHERE key = ? AND first = ?"
        found = self._open.execute(query, (self.key, first))
        return {cell: np.frombuffer(raw).reshape(-1, items) for cell, raw in found}

    def write(self, first: int, entries: Sequence[Entry]) -> None:
        """Add cells of a scene, all of them or none."""
        rows = [(self.key, first, cell, np.asarray(v).tobytes()) for cell, v in entries]
        with self._open:
            self._open.executemany("INSERT OR REPLACE INTO measured VALUES (?, ?, ?, ?)", rows)


@contextmanager
def journal(path: str | Path | None, said: Mapping[str, Any]) -> Iterator[Journal]:
    """The journal of the sweep that `said` describes; in memory where no file is named.

    Raises `InputRefused` where the file is no journal, or cannot be written.
    """
    if path is not None:
        _require_journal(Path(path))
    try:
        connection = sqlite3.connect(":memory:" if path is None else path, timeout=WAIT)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(TABLES)
            made = Journal(connection, said)
        except sqlite3.Error:
            connection.close()
            raise
    except sqlite3.Error as error:
        fix = "Choose another place."
        raise InputRefused(
            Problem(f"journal '{path}'", f"cannot be written: {error}.", fix)
        ) from None
    try:
        yield made
    finally:
        connection.close()


def _require_journal(path: Path) -> None:
    """Nothing there yet, or a file that a journal made. Raises `InputRefused`."""
    where = f"journal '{path}'"
    if path.is_dir():
        raise InputRefused(Problem(where, "is a folder; name a file in it."))
    if not path.absolute().parent.is_dir():
        found = f"there is no folder '{path.absolute().parent}'."
        raise InputRefused(Problem(where, found, "Make it first."))
    if path.is_file() and path.stat().st_size:
        with path.open("rb") as file:
            if file.read(15) != b"SQLite format 3":
                found = "is another kind of file, which would be lost."
                raise InputRefused(Problem(where, found, "Choose another name."))


@cache
def code() -> str:
    """A hash of the code that numbers come from: ours, and the versions of what it stands on."""
    digest = hashlib.sha256()
    for file in sorted(PACKAGE.rglob("*.py")):
        name = file.relative_to(PACKAGE)
        if name.parts[0] not in APART:
            digest.update(f"{name.as_posix()} ".encode() + file.read_bytes())
    for package in ("torch", "transformers", "numpy"):
        digest.update(f"{package} {version(package)}".encode())
    return digest.hexdigest()
