"""The store: one SQLite database, and the arrays of every job in files beside it.

Each job is known by its address, a hash of all that its numbers depend on. The arrays are written
first, then the row that names them is committed: with it the job is finished, for good. Whatever is
killed in between leaves at most a file that no row names.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scrub.results.store.arrays import Kept, keep, read_kept, sweep
from scrub.results.store.errors import StoreFailed, in_words, require_folder
from scrub.results.store.owners import is_alive
from scrub.results.store.rows import COLUMNS, Row, Status, row_of
from scrub.results.store.tables import DATABASE, connect, connect_again

LEASE = 120.0  # seconds for which a claim holds unless it is renewed

Arrays = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """What a job leaves: what was asked for (`said`), the JSON form of its result, its arrays.

    `kind` is what was run, `name` the hypothesis' own, `schema` that of `document`.
    """

    kind: str
    name: str
    said: Mapping[str, Any]
    seconds: float = 0.0
    schema: str = ""
    document: Mapping[str, Any] | None = None
    arrays: Arrays | None = None


@dataclass(frozen=True)
class Claimed:
    """Of the jobs that were asked for: those that are now one's own to run, those that are finished
    already, and those that another process is running."""

    mine: frozenset[str]
    done: frozenset[str]
    held: frozenset[str]


class Store:
    """A folder that holds what jobs came to; safe for several processes of one machine at once.

    `Store(folder)` makes it where there is none; `Store.reading(folder)` refuses to. Raises
    `InputRefused` for a folder that is no store or of a schema that this version does not know, and
    `StoreFailed` for a damaged database or a full disk, here and in every method.

    >>> import tempfile
    >>> with Store(tempfile.mkdtemp()) as store:
    ...     store.finish("k", Entry("scrub", "induction", {"model": "induction-2l"}, document={}))
    ...     [(row.name, row.status.value) for row in store.rows()]
    [('induction', 'done')]
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser()
        require_folder(self.folder, new=True)
        with in_words(self.folder):
            self._open = connect(self.folder)
            sweep(self.folder)

    @staticmethod
    def reading(folder: str | Path) -> Store:
        """A store that is there already. Raises `InputRefused` where there is none."""
        store = object.__new__(Store)
        store.folder = Path(folder).expanduser()
        require_folder(store.folder, new=False)
        with in_words(store.folder):
            store._open = connect_again(store.folder)
        return store

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._open.close()

    @property
    def database(self) -> Path:
        return self.folder / DATABASE

    # -- what is there ---------------------------------------------------------------------------

    def rows(self, keys: Sequence[str] | None = None) -> list[Row]:
        """Every job that finished or failed, the oldest first; those of some addresses only."""
        query = f"SELECT {', '.join(COLUMNS)} FROM job"
        with in_words(self.folder):
            if keys is None:
                found = self._open.execute(f"{query} ORDER BY created, key").fetchall()
            else:
                found = [
                    row
                    for key in keys
                    for row in self._open.execute(f"{query} WHERE key = ?", (key,))
                ]
        return [row_of(values) for values in found]

    def row(self, key: str) -> Row | None:
        """The job at an address, if it finished or failed."""
        return next(iter(self.rows([key])), None)

    def is_done(self, key: str) -> bool:
        """Whether a job is finished, and its arrays are where they were put."""
        query = "SELECT arrays, bytes FROM job WHERE key = ? AND status = ?"
        with in_words(self.folder):
            found = self._open.execute(query, (key, Status.DONE.value)).fetchone()
            return found is not None and self._is_whole(*found)

    def arrays(self, row: Row) -> dict[str, Any]:
        """The arrays of a finished job, as they were written. Raises `StoreFailed` where they are
        not there or are others."""
        if row.arrays is None:
            return {}
        return read_kept(self.folder, Kept(row.arrays, row.digest or "", row.bytes))

    def starts(self) -> list[tuple[str, str]]:
        """The address and the owner of every run that was begun, in order."""
        with in_words(self.folder):
            return list(self._open.execute("SELECT key, owner FROM start ORDER BY number"))

    def _is_whole(self, arrays: str | None, size: int) -> bool:
        if arrays is None:
            return True
        path = self.folder / arrays
        return path.is_file() and path.stat().st_size == size

    # -- who runs what ---------------------------------------------------------------------------

    def claim(self, keys: Sequence[str], owner: str) -> Claimed:
        """Take those jobs that are neither finished nor claimed by a process that is still alive.

        In one transaction: of two that ask at once, one is given each job. A claim that is not
        renewed lapses; that of a dead process of this machine counts for nothing at once.
        """
        mine, done, held = set(), set(), set()
        with self._writing():
            for key in keys:
                if self.is_done(key):
                    done.add(key)
                    continue
                query = "SELECT owner, until FROM claim WHERE key = ?"
                other = self._open.execute(query, (key,)).fetchone()
                if other and other[0] != owner and other[1] > time.time() and is_alive(other[0]):
                    held.add(key)
                    continue
                until = time.time() + LEASE
                self._open.execute("REPLACE INTO claim VALUES (?, ?, ?)", (key, owner, until))
                mine.add(key)
        return Claimed(frozenset(mine), frozenset(done), frozenset(held))

    def renew(self, owner: str) -> None:
        """Say that an owner is alive: its claims hold for another while."""
        with self._writing():
            until = time.time() + LEASE
            self._open.execute("UPDATE claim SET until = ? WHERE owner = ?", (until, owner))

    def release(self, owner: str, keys: Sequence[str] | None = None) -> None:
        """Give claims back; all of an owner's where none is named."""
        with self._writing():
            if keys is None:
                self._open.execute("DELETE FROM claim WHERE owner = ?", (owner,))
            else:
                pairs = [(owner, key) for key in keys]
                self._open.executemany("DELETE FROM claim WHERE owner = ? AND key = ?", pairs)

    # -- what came of it -------------------------------------------------------------------------

    def began(self, key: str, owner: str) -> None:
        """Note that a run begins; the log is what shows that nothing was run twice."""
        with self._writing():
            at = datetime.now(UTC).isoformat()
            self._open.execute(
                "INSERT INTO start (key, owner, at) VALUES (?, ?, ?)", (key, owner, at)
            )

    def finish(self, key: str, entry: Entry) -> None:
        """Keep a job's result for good. One that is there already is left as it is."""
        with in_words(self.folder):
            kept = keep(self.folder, key, entry.arrays) if entry.arrays else None
        self._put(key, Status.DONE, entry, kept, "", lasting=True)

    def fail(self, key: str, entry: Entry, message: str) -> None:
        """Keep why a job failed, to be shown, and to be tried again when it is next asked for."""
        self._put(key, Status.FAILED, entry, None, message, lasting=False)

    def _put(
        self, key: str, status: Status, entry: Entry, kept: Kept | None, why: str, *, lasting: bool
    ) -> None:
        text = None if entry.document is None else json.dumps(entry.document, allow_nan=False)
        values = {
            "key": key,
            "kind": entry.kind,
            "status": status.value,
            "name": entry.name,
            "said": json.dumps(entry.said, allow_nan=False),
            "schema": entry.schema,
            "document": text,
            "arrays": kept.name if kept else None,
            "digest": kept.digest if kept else None,
            "bytes": kept.bytes if kept else 0,
            "message": why,
            "created": datetime.now(UTC).isoformat(),
            "seconds": entry.seconds,
            "host": platform.node(),
        }
        with self._writing(lasting):
            if not self.is_done(key):
                marks = ", ".join("?" * len(COLUMNS))
                row = tuple(values[name] for name in COLUMNS)
                self._open.execute(f"REPLACE INTO job VALUES ({marks})", row)
            self._open.execute("DELETE FROM claim WHERE key = ?", (key,))

    # -- weights ---------------------------------------------------------------------------------

    def weights(self, place: str, stamp: str) -> str | None:
        """The fingerprint of the weights at a place, if its files have not changed since."""
        query = "SELECT fingerprint FROM weights WHERE place = ? AND stamp = ?"
        with in_words(self.folder):
            found = self._open.execute(query, (place, stamp)).fetchone()
        return None if found is None else str(found[0])

    def know_weights(self, place: str, stamp: str, fingerprint: str) -> None:
        with self._writing():
            row = (place, stamp, fingerprint)
            self._open.execute("REPLACE INTO weights VALUES (?, ?, ?)", row)

    @contextmanager
    def _writing(self, lasting: bool = False) -> Iterator[None]:
        """One transaction, committed whole or not at all. `lasting`: on the disk when it ends, so
        that not even a power cut takes it back."""
        with in_words(self.folder):
            self._open.execute(f"PRAGMA synchronous = {'FULL' if lasting else 'NORMAL'}")
            self._open.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._open.in_transaction:
                    self._open.execute("ROLLBACK")
                raise
            self._open.execute("COMMIT")


__all__ = ["Claimed", "Entry", "Row", "Status", "Store", "StoreFailed"]
