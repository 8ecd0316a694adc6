"""A suite as a TOML file: every key by its name, nothing that is not understood."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scrub.data.files import existing_file, read_text
from scrub.errors import InputRefused, Problem, nearest
from scrub.study.suites.checking import CONVENTIONS, FURTHER
from scrub.study.suites.suite import KEYS, Suite

ALIASES = {  # what a reader of `scrub run --help` may write
    "hypothesis": "hypotheses",
    "model": "models",
    "metric": "metrics",
    "seed": "seeds",
    "task": "data",
    "tasks": "data",
    "reference": "references",
}


def read_suite(path: str | Path) -> Suite:
    """The suite of a file; relative names in it are looked for beside it.

    Raises `InputRefused` with everything that is wrong at once, each with its place in the file.
    """
    path = existing_file(path, [".toml"]).resolve()
    return suite_in(path, parsed(path))


def parsed(path: Path) -> Mapping[str, Any]:
    """What a TOML file says. Raises `InputRefused`."""
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise InputRefused(Problem(path.name, f"is not TOML: {error}.")) from None


def suite_in(path: Path, written: Mapping[str, Any]) -> Suite:
    """The suite that a file says, as `read_suite`. Raises `InputRefused`."""
    problems = list(_misnamed(written))
    known = {name: value for name, value in written.items() if name in KEYS}
    known.setdefault("hypotheses", ())
    known.setdefault("name", path.stem)
    try:
        suite = Suite(**known, folder=path.parent)
    except InputRefused as refused:
        missing = "hypotheses" not in written and any(ALIASES.get(k) for k in written)
        problems += [p for p in refused.problems if not (missing and p.where == "hypotheses")]
        suite = None
    if problems or suite is None:
        raise InputRefused([_placed(one, path.name) for one in problems])
    return suite


def _placed(problem: Problem, file: str) -> Problem:
    where = f"{file}: {problem.where}" if problem.where else file
    return Problem(where, problem.found, problem.fix)


def _misnamed(written: Mapping[str, Any]) -> Iterator[Problem]:
    """Keys that a suite does not have, with the nearest that it has."""
    for name in written:
        if name in KEYS:
            continue
        if name in ALIASES:
            fix = f"Did you mean {ALIASES[name]}?"
        elif name in CONVENTIONS:
            fix = "It is a convention: write it under [conventions]."
        elif name in FURTHER:
            fix = "It is a setting: write it under [settings]."
        else:
            fix = nearest(name, KEYS)
        yield Problem(f"'{name}'", "is no key of a suite.", fix)
