"""The tables of a store's database, and how it is opened: made, known by its schema, or refused."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from scrub.errors import InputRefused, Problem

DATABASE = "store.sqlite"
SCHEMA = "scrub-store/1"
WAIT = 30.0  # seconds for another process to be done with the database

TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE job (
    key TEXT PRIMARY KEY, kind TEXT, status TEXT, name TEXT, said TEXT, schema TEXT, document TEXT,
    arrays TEXT, digest TEXT, bytes INTEGER, message TEXT, created TEXT, seconds REAL, host TEXT
);
CREATE TABLE claim (key TEXT PRIMARY KEY, owner TEXT, until REAL) WITHOUT ROWID;
CREATE TABLE start (number INTEGER PRIMARY KEY, key TEXT, owner TEXT, at TEXT);
CREATE TABLE weights (
    place TEXT PRIMARY KEY, stamp TEXT, fingerprint TEXT
) WITHOUT ROWID;
"""


def connect(folder: Path) -> sqlite3.Connection:
    """The database of a folder, made where there is none.

    Raises sqlite3.Error, and `InputRefused` for a schema that this version does not know.
    """
    opened = _opened(folder, "rwc")
    try:
        _in_wal(opened)
        opened.execute("BEGIN IMMEDIATE")
        if not _is_empty(opened):
            _require_known(opened, folder)  # what something else made is left as it is
        else:
            for statement in filter(str.strip, TABLES.split(";")):
                opened.execute(statement)
            opened.execute("INSERT INTO about VALUES ('schema', ?)", (SCHEMA,))
        opened.execute("COMMIT")
        _require_sound(opened)
    except BaseException:
        opened.close()
        raise
    return opened


def connect_again(folder: Path) -> sqlite3.Connection:
    """The database of a folder that has one, to be read. Raises as `connect`."""
    try:
        opened = _opened(folder, "rw")  # readers of a write-ahead log take part in its bookkeeping
        if _is_empty(opened):  # whoever was making it was killed, or is at it now
            opened.close()
            return connect(folder)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
            raise
        opened = _opened(folder, "ro&immutable=1")  # on a disk that nobody can write
    try:
        _require_known(opened, folder)
    except BaseException:
        opened.close()
        raise
    return opened


def _is_empty(opened: sqlite3.Connection) -> bool:
    found = opened.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return not found[0]


def _opened(folder: Path, mode: str) -> sqlite3.Connection:
    uri = f"{(folder / DATABASE).absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(
        uri, uri=True, timeout=WAIT, isolation_level=None, check_same_thread=False
    )


def _in_wal(opened: sqlite3.Connection) -> None:
    """Write-ahead mode, which lasts. Whoever sets it wants the database alone for a moment, and
    SQLite does not wait for that by itself."""
    last = time.monotonic() + WAIT
    while True:
        try:
            opened.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > last:
                raise
            time.sleep(0.05)


def _require_known(opened: sqlite3.Connection, folder: Path) -> None:
    where = f"store '{folder}'"
    try:
        found = opened.execute("SELECT value FROM about WHERE name = 'schema'").fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
        found = None
    if found is None:
        raise InputRefused(Problem(where, f"its {DATABASE} is a database of something else."))
    if found[0] != SCHEMA:
        fix = "Use the version of scrub that wrote it, or another folder."
        said = f"its schema is '{found[0]}'; what can be read is {SCHEMA}."
        raise InputRefused(Problem(where, said, fix))


def _require_sound(opened: sqlite3.Connection) -> None:
    """Raises sqlite3.DatabaseError where pages of the database are damaged."""
    said = opened.execute("PRAGMA quick_check(1)").fetchone()[0]
    if said != "ok":
        damage = sqlite3.DatabaseError(" ".join(str(said).split()))
        damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise damage
