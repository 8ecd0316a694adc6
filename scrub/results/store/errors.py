"""What can befall a store, in words: a folder that is none, a damaged database, a full disk."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scrub.errors import InputRefused, Problem, ScrubError

KEPT = "Every finished job is kept: make room and start again, and it goes on from there."
DAMAGED = (
    "Put a copy of the database in its place, or mend it with `sqlite3 {database} .recover`; the "
    "arrays beside it are whole."
)


class StoreFailed(ScrubError):
    """The store cannot be written or read: the disk is full, or the database is damaged."""

    exit_code = 5


@contextmanager
def in_words(folder: Path) -> Iterator[None]:
    """What SQLite and the file system raise, as one sentence about this store.

    Raises `StoreFailed`.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise StoreFailed(_said(folder, error)) from error
    except OSError as error:
        raise StoreFailed(_unwritten(folder, error)) from error


def _said(folder: Path, error: sqlite3.Error) -> str:
    where, why = f"store '{folder}'", str(error)
    code = getattr(error, "sqlite_errorcode", 0) or 0
    match code & 0xFF:  # the low byte is the kind, the rest says more of it
        case sqlite3.SQLITE_FULL:
            return f"{where}: there is no room left on the disk. {KEPT}"
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            fix = DAMAGED.format(database=next(folder.glob("*.sqlite"), folder))
            return f"{where}: its database is damaged ({why}). {fix}"
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return f"{where}: another process has not let go of its database ({why}). Try again."
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return f"{where}: its database cannot be written ({why}). Choose another place."
    return f"{where}: its database cannot be used ({why}). Is the disk full, or being unmounted?"


def _unwritten(folder: Path, error: OSError) -> str:
    where = f"store '{folder}'"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where}: there is no room left on the disk. {KEPT}"
    why = (error.strerror or type(error).__name__).lower()
    return f"{where}: cannot be written or read: {why}."


def require_folder(folder: Path, *, new: bool) -> None:
    """A folder that is a store, or may become one where `new` says so. Raises `InputRefused`."""
    from scrub.results.store.tables import DATABASE

    where = f"store '{folder}'"
    if folder.exists() and not folder.is_dir():
        raise InputRefused(Problem(where, "is a file, and a store is a folder."))
    if not new and not (folder / DATABASE).is_file():
        missing = "there is no such folder." if not folder.exists() else f"holds no {DATABASE}."
        raise InputRefused(Problem(where, missing, "`scrub suite FILE --store DIR` makes one."))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise InputRefused(Problem(where, f"cannot be made: {why}.")) from None
