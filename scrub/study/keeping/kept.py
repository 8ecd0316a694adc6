"""Experiments in files: a JSON file with all that was told, and its arrays beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from scrub.errors import InputRefused, Problem
from scrub.results.files import write_whole
from scrub.study.keeping.calls import Call
from scrub.study.keeping.values import Encoder, decode

SCHEMA = "scrub-kept/1"
ENDING = ".kept.json"
SHORT = 12  # digits of a hash in a file's name


@dataclass(frozen=True, eq=False)
class Kept:
    """One experiment: a call, when it was made, how long it took, and what came of it.

    - `path`: its file. `made`: when, in UTC. `seconds`: how long the function ran.
    - `error`: None, or the traceback of what it raised. `unkept`: the places in the result that no
      file could hold (a model, a figure).
    - `found`: whether it was read from the store instead of being run.
    """

    call: Call
    path: Path
    made: str
    seconds: float
    error: str | None
    unkept: tuple[str, ...]
    found: bool
    _read: Callable[[], Any] = field(repr=False)

    @cached_property
    def result(self) -> Any:
        """What the function returned; read from the file when it is first asked for.

        Raises `InputRefused` where the file is damaged, and where the function raised.
        """
        if self.error is not None:
            found = "holds no result: the function raised. Its traceback is in `error`."
            raise InputRefused(Problem(f"'{self.path.name}'", found))
        return self._read()

    @property
    def function(self) -> str:
        return self.call.function

    @property
    def source(self) -> str:
        """The text of the function that made the result."""
        return self.call.source

    @property
    def arguments(self) -> Mapping[str, Any]:
        return self.call.arguments

    def __repr__(self) -> str:
        how = "failed" if self.error is not None else "found" if self.found else "run"
        return f"<Kept {self.function}, {how}, {self.made}, {self.path.name}>"


@dataclass(frozen=True)
class Outcome:
    """What came of a call: when it was made, its seconds, and what it returned or raised."""

    made: datetime
    seconds: float
    result: Any = None
    error: str | None = None


def write(folder: Path, call: Call, outcome: Outcome) -> Kept:
    """The arrays first, and then the file that names them: with it the experiment is there."""
    from safetensors.torch import save

    encoder = Encoder()
    tree = encoder.encode(outcome.result)
    arrays = save(encoder.arrays, metadata={"schema": SCHEMA}) if encoder.arrays else b""
    digest = hashlib.sha256(arrays).hexdigest()
    text = json.dumps([tree, digest, outcome.error], allow_nan=False)
    content = hashlib.sha256(text.encode()).hexdigest()
    shown = "".join(c if c.isalnum() or c in "._" else "_" for c in call.function)[-60:]
    stem = f"{shown}-{call.key[:SHORT]}-{content[:SHORT]}"
    made = outcome.made.isoformat()
    document = {
        "schema": SCHEMA,
        "call": {f.name: getattr(call, f.name) for f in fields(call)},
        "made": made,
        "seconds": outcome.seconds,
        "error": outcome.error,
        "unkept": encoder.unkept,
        "result": tree,
        "arrays": {"file": f"{stem}.safetensors", "sha256": digest} if arrays else None,
    }
    if arrays:
        write_whole(folder / f"{stem}.safetensors", arrays)
    path = folder / f"{stem}{ENDING}"
    write_whole(path, (json.dumps(document, indent=1, allow_nan=False) + "\n").encode())
    lost, value = tuple(encoder.unkept), outcome.result
    return Kept(call, path, made, outcome.seconds, outcome.error, lost, False, lambda: value)


def read(path: str | Path) -> Kept:
    """One experiment, from its file. Raises `InputRefused` where it is none, or is damaged."""
    path = Path(path)
    try:
        document = json.loads(path.read_text())
        if document["schema"] != SCHEMA:
            raise ValueError(f"its schema is {document['schema']}")
        said = document["call"]
        call = Call(**{**said, "unsure": tuple(said["unsure"])})
        tree, arrays = document["result"], document["arrays"]
        return Kept(
            call,
            path,
            document["made"],
            document["seconds"],
            document["error"],
            tuple(document["unkept"]),
            True,
            lambda: _result(path, tree, arrays),
        )
    except OSError as error:
        raise InputRefused(Problem(f"'{path}'", f"cannot be read: {error.strerror}.")) from None
    except (KeyError, TypeError, ValueError) as error:
        raise InputRefused(_damaged(path, error)) from None


def _result(path: Path, tree: Any, arrays: Mapping[str, str] | None) -> Any:
    from safetensors.torch import load

    held: Mapping[str, Any] = {}
    if arrays is not None:
        beside = path.parent / Path(arrays["file"]).name
        try:
            raw = beside.read_bytes()
        except OSError:
            found = f"its arrays, {beside.name}, are not beside it."
            raise InputRefused(Problem(f"'{path}'", found, "Copy both, or run again.")) from None
        if hashlib.sha256(raw).hexdigest() != arrays["sha256"]:
            found = f"its arrays, {beside.name}, are not those that were written."
            fix = "Remove both, and run again."
            raise InputRefused(Problem(f"'{path}'", found, fix))
        held = load(raw)
    try:
        return decode(tree, held)
    except (KeyError, TypeError, ValueError) as error:
        raise InputRefused(_damaged(path, error)) from None


def _damaged(path: Path, error: Exception) -> Problem:
    said = f"{type(error).__name__}: {error}".splitlines()[0]
    return Problem(f"'{path}'", f"is no experiment that scrub kept, or is damaged ({said}).")
