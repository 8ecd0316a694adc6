"""Experiments that store what they found, with the source of the function that found it.

    keeper = Keeper("runs")
    kept = keeper.run(scrub.trace_token_probability, model, input_ids, target)
    kept.result, kept.source

Any function will do, and nothing is put on it. A call is known by the function's source (and that
of the functions of one's own that it calls), its arguments, scrub's code and the versions that this
stands on: the same call again is found rather than run.
"""

from __future__ import annotations

import contextlib
import enum
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scrub.errors import InputRefused, Problem, ScrubError, nearest
from scrub.results.files import require_writable
from scrub.study.keeping.calls import Call
from scrub.study.keeping.kept import ENDING, SHORT, Kept, Outcome, read, write


class Known(enum.Enum):
    """What is done about a call that has been made before."""

    FOUND = "found"  # its result is read from the store
    AGAIN = "again"  # it is made again


class NotKept(ScrubError):
    """The function ran, and what it found could not be written: it is `result`."""

    def __init__(self, result: Any, why: str) -> None:
        self.result = result
        super().__init__(f"{why} What the function returned is this error's `result`.")


class Keeper:
    """A folder of experiments, in files that are complete or absent.

    `known` says what is done about a call that was made before: "found" or "again". Files are named
    by what is in them: a result that differs from an earlier one of the same call is kept beside
    it, an equal one takes its place. Raises `InputRefused` for a folder that cannot be made.

    >>> import tempfile
    >>> keeper = Keeper(tempfile.mkdtemp())
    >>> first, second = (keeper.run(sorted, [3, 1, 2]) for _ in range(2))
    >>> first.result, first.found, second.result, second.found
    ([1, 2, 3], False, [1, 2, 3], True)
    >>> [(kept.function, kept.arguments["iterable"]) for kept in keeper]
    [('sorted', [3, 1, 2])]
    """

    def __init__(self, folder: str | Path, known: str | Known = Known.FOUND) -> None:
        values = [one.value for one in Known]
        if not isinstance(known, Known) and known not in values:
            found = f"'{known}' is no value of it."
            raise InputRefused(Problem("option 'known'", found, nearest(known, values)))
        self.folder, self.known = Path(folder).expanduser(), Known(known)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            found = f"cannot be made: {error.strerror or error}."
            raise InputRefused(Problem(f"folder '{folder}'", found)) from None

    def run(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Kept:
        """Call a function and keep what it returns; or find what it returned.

        What the function raises is kept, and raised again. Raises `InputRefused` where arguments
        do not fit or nothing can be written, before it runs; and `NotKept`, which carries the
        result, where writing fails afterwards.
        """
        call = Call.of(function, args, kwargs)
        if self.known is Known.FOUND and not call.unsure and (kept := self.find(call)) is not None:
            return kept
        require_writable(self.folder / f"any{ENDING}")
        made, start = datetime.now(UTC), time.perf_counter()
        try:
            result = function(*args, **kwargs)
        except BaseException:
            outcome = Outcome(made, time.perf_counter() - start, error=traceback.format_exc())
            with contextlib.suppress(Exception):  # what the function raised comes first
                write(self.folder, call, outcome)
            raise
        outcome = Outcome(made, time.perf_counter() - start, result)
        try:
            return write(self.folder, call, outcome)
        except Exception as error:
            raise NotKept(result, str(error)) from error

    def find(self, call: Call) -> Kept | None:
        """The newest complete result of a call, if there is one."""
        stem = f"*-{call.key[:SHORT]}-*{ENDING}"
        kept = [read(path) for path in self.folder.glob(stem)]
        whole = [k for k in kept if k.call.key == call.key and k.error is None and not k.unkept]
        return max(whole, key=lambda k: k.made, default=None)

    def all(self, function: Callable[..., Any] | str | None = None) -> tuple[Kept, ...]:
        """Every experiment, the oldest first; those of one function, or of one name.

        Results are read when they are asked for. Raises `InputRefused` for a damaged file.
        """
        name = getattr(function, "__qualname__", function)
        every = sorted(map(read, self.folder.glob(f"*{ENDING}")), key=lambda kept: kept.made)
        return tuple(kept for kept in every if name in (None, kept.function))

    def __iter__(self) -> Iterator[Kept]:
        return iter(self.all())

    def __len__(self) -> int:
        return len(list(self.folder.glob(f"*{ENDING}")))
