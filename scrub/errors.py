"""The one family of errors, and the exit code that each member stands for.

Every message is written for the person who reads it: where, what must hold, what was found,
and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class ScrubError(Exception):
    """Anything that scrub itself has to say; `exit_code` is what the command line returns."""

    exit_code = 1


class InputRefused(ScrubError):
    """The user's input (a hypothesis, data, an option, a folder) cannot be used as it is."""

    exit_code = 2

    def __init__(self, problems: str | Problem | Sequence[Problem]) -> None:
        if isinstance(problems, str):
            problems = [Problem(where="", found=problems)]
        elif isinstance(problems, Problem):
            problems = [problems]
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ModelRefused(ScrubError):
    """The probe found that the adapter does not reproduce the loaded model."""

    exit_code = 3


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the input: where it is, what was found, and how to mend it.

    >>> print(Problem("node 'mover'", "component 'a9.h99' does not exist.", "Did you mean a9.h9?"))
    node 'mover': component 'a9.h99' does not exist. Did you mean a9.h9?
    """

    where: str
    found: str
    fix: str = ""
    rule: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.found}{' ' if self.fix else ''}{self.fix}"


def nearest(asked: object, known: Iterable[object], most: int = 3) -> str:
    """The known names closest to what was asked, as the end of a sentence.

    >>> nearest("a9.h66", ["a9.h6", "a9.h7", "m3"], most=1)
    'Did you mean a9.h6?'
    >>> nearest("zzz", ["embed", "logits"])
    'Known: embed, logits.'
    """
    names = [str(name) for name in known]
    close = difflib.get_close_matches(str(asked), names, n=most, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    if not names:
        return "None is known."
    shown = ", ".join(names[:8]) + (f", … ({len(names)} in all)" if len(names) > 8 else "")
    return f"Known: {shown}."
