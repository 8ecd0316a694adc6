"""Which of the questions about one site is asked, by what is given: as `scrub patch` decides."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scrub.errors import InputRefused, Problem
from scrub.mediation.ablation import USUAL, sensitivity
from scrub.mediation.contrasts import permutation
from scrub.mediation.doses import QUARTERS, dose_response
from scrub.mediation.findings import Finding
from scrub.mediation.knocking import knock
from scrub.mediation.noising import CORRUPTED


@dataclass(frozen=True)
class Question:
    """What is done at a site, as it is written on the command line; None where nothing is said.

    - `corrupt`: knock-out and knock-in, `knock`.
    - `permute` (and `values`): all contrasts of a column, `permutation`.
    - `doses`, of one replacement: `dose_response`.
    - none of these: the table of replacements, `sensitivity`.
    """

    replace: str | None = None
    columns: str | None = None
    permute: str | None = None
    values: str | None = None
    doses: str | None = None
    corrupt: tuple[str, ...] | None = None
    off_target: str | None = None

    def answer(self, model: object, task: Any, **how: Any) -> Finding:
        """What is measured; `how` is the site, and the options of `sensitivity`.

        Raises `InputRefused` where what is given does not go together.
        """
        problems = list(self._problems())
        if problems:
            raise InputRefused(problems)
        replacements, beside = listed(self.replace), listed(self.off_target)
        if self.permute is not None:
            some = listed(self.values) or None
            return permutation(model, task, column=self.permute, values=some, **how)
        if self.corrupt is not None:
            return knock(
                model,
                task,
                corrupt=self.corrupt,
                replacement=replacements[0] if replacements else CORRUPTED,
                doses=QUARTERS if self.doses is None else numbers(self.doses),
                off_target=beside,
                **how,
            )
        if self.doses is not None:
            return dose_response(
                model,
                task,
                replacement=replacements[0],
                doses=numbers(self.doses),
                off_target=beside,
                **how,
            )
        columns = listed(self.columns)
        table = replacements or USUAL
        return sensitivity(
            model, task, replacements=table, columns=columns, off_target=beside, **how
        )

    def _problems(self) -> Iterator[Problem]:
        """Options that do not go together, each with what to do."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        if self.permute is not None:
            for name in given:
                if name not in ("permute", "values"):
                    yield _apart(name, "permute", "A column's values are what is put there.")
        elif self.values is not None:
            found = "says which values of a column to permute, and no column is named."
            yield Problem("option '--values'", found, "Add --permute COLUMN.")
        curve = next((name for name in ("corrupt", "doses") if name in given), None)
        if self.permute is None and curve is not None:
            if self.columns is not None:
                yield _apart("columns", curve, "Name one replacement with --replace.")
            some = listed(self.replace)
            if len(some) > 1 or (not some and self.corrupt is None):
                found = f"needs one replacement, found {', '.join(some) or 'none'}."
                fix = "For example --replace mean."
                yield Problem(f"option '--{curve}'", found, fix)


def _apart(name: str, other: str, fix: str) -> Problem:
    option = name.replace("_", "-")
    return Problem(f"option '--{option}'", f"does not go with --{other}.", fix)


def listed(written: str | None) -> list[str]:
    """What stands between commas, those inside brackets left alone.

    >>> listed("accuracy, task:repeated_tokens(n=64,seed=1)")
    ['accuracy', 'task:repeated_tokens(n=64,seed=1)']
    """
    pieces = re.split(r",(?![^()]*\))", written or "")
    return [piece.strip() for piece in pieces if piece.strip()]


def numbers(written: str) -> list[float]:
    """Numbers between commas. Raises `InputRefused`.

    >>> numbers("0, .5, 1")
    [0.0, 0.5, 1.0]
    """
    found = []
    for piece in listed(written):
        try:
            found.append(float(piece))
        except ValueError:
            raise InputRefused(Problem("doses", f"'{piece}' is no number.")) from None
    return found


def matrix(path: Path | None) -> NDArray[Any] | None:
    """A matrix from a .npy file. Raises `InputRefused`."""
    if path is None:
        return None
    try:
        found: NDArray[Any] = np.load(path, allow_pickle=False)
    except OSError as error:
        raise InputRefused(Problem(f"'{path}'", f"cannot be read: {error.strerror}.")) from None
    except ValueError:
        raise InputRefused(Problem(f"'{path}'", "is no .npy matrix of numbers.")) from None
    return found
