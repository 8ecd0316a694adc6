"""Files that a user names: found, or refused with the names that are near."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from scrub.errors import InputRefused, Problem, nearest


def existing_file(path: str | Path, suffixes: Iterable[str]) -> Path:
    """The path, if a file is there. Raises `InputRefused` with near names of the same folder.

    >>> existing_file("nowhere/data.jsonl", [".jsonl"])
    Traceback (most recent call last):
    scrub.errors.InputRefused: nowhere/data.jsonl: the folder 'nowhere' does not exist.
    """
    path = Path(path).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        found = near_files(path, "", suffixes)
        raise InputRefused(Problem(str(path), "is a folder, and a file is needed.", found))
    if not path.parent.is_dir():
        raise InputRefused(Problem(str(path), f"the folder '{path.parent}' does not exist."))
    found = near_files(path.parent, path.name, suffixes)
    raise InputRefused(Problem(str(path), "there is no such file.", found))


def near_files(folder: Path, asked: str, suffixes: Iterable[str]) -> str:
    """The files of a folder with these suffixes that are closest to a name, as a sentence."""
    known = set(suffixes)
    names = sorted(p.name for p in folder.iterdir() if p.suffix in known and p.is_file())
    if not names:
        return f"The folder holds no {' or '.join(sorted(known))} file."
    return nearest(asked, names)


def read_text(path: Path) -> str:
    """A file's text, which must be UTF-8. Raises `InputRefused` naming the line that is not."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"is not UTF-8: byte 0x{data[error.start]:02x} cannot be read."
        raise InputRefused(
            Problem(f"{path.name}, line {line}", found, "Save the file as UTF-8.")
        ) from None


def lasting(written: Any, folder: Path) -> Any:
    """A name that means the same in any folder: a path that exists there made absolute.

    Other names, and what is no name, stay as they are.

    >>> lasting("induction-2l", Path("/nowhere")), lasting(3, Path("/"))
    ('induction-2l', 3)
    """
    if not isinstance(written, (str, Path)):
        return written
    there = (folder / Path(written).expanduser()).absolute()
    return str(there) if str(written) and there.exists() else str(written)
