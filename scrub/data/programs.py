"""Six small programs on strings of letters, and the strings: tasks whose true graph is known.

    position   0       1   2   3   4   5   6   7   8
    token      start   a   x   (   b   x   )   c   x      read at the last one, `end`

- `frac_prevs`: how many of the letters are x (as a share of all, times their number).
- `pair_balance`: are there more ")" than "(" (0), equally many (1), or more "(" (2)?
- `dedup`: the last letter, or none (0) where the letter before it is the same.
- `hist`: how many letters are like the last one, itself included.
- `redundant`: the first letter.
- `cancelling`: the first letter.

The first four are after the RASP programs of Weiss, Goldberg and Yahav 2021 and Lindner et al. 2023
("Tracr"), read at the end of a causal model. `hypotheses/models/make_programs.py` writes models
that compute them, and says how.

Nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from scrub.data.words import require_known

START, X, A, B, C, OPEN, CLOSE = range(7)
VOCABULARY = 7
STRING = 8  # letters, after the start
LENGTH = STRING + 1
LIKELY = 0.5  # that a letter is one of those that a program is about
TRIES = 100_000

ABOUT: Mapping[str, tuple[int, ...]] = {  # the letters a program is about
    "frac_prevs": (X,),
    "pair_balance": (OPEN, CLOSE),
    "dedup": (),
    "hist": (),
    "redundant": (),
    "cancelling": (),
}
PROGRAMS = tuple(ABOUT)
COLUMNS = (
    "answer",
    "first",
    "second",
    "last",
    "previous",
    "count",
    "opened",
    "closed",
    "like_last",
)


def rows(program: str, n: int, *, seed: int) -> list[dict[str, Any]]:
    """`n` examples with their roles and columns; the first rows of a longer list are the same.

    >>> [row] = rows("hist", 1, seed=0)
    >>> row["tokens"], row["last"], row["like_last"], row["answer"]
    ((0, 4, 1, 4, 1, 2, 5, 1, 1), 1, 4, 4)
    """
    rng = np.random.default_rng(seed)
    return [_row(program, _letters(program, rng)) for _ in range(n)]


def like(
    row: Mapping[str, Any], agree: Collection[str], rng: np.random.Generator, *, program: str
) -> dict[str, Any]:
    """A fresh row, distributed like `rows` given that it agrees with `row` on the columns `agree`.

    >>> [row] = rows("hist", 1, seed=0)
    >>> like(row, ["last", "like_last"], np.random.default_rng(1), program="hist")["answer"]
    4
    """
    require_known(program, agree, COLUMNS)
    for _ in range(TRIES):
        fresh = _row(program, _letters(program, rng))
        if all(fresh[name] == row[name] for name in agree):
            return fresh
    raise ValueError(f"{program}: no string in {TRIES:,} agrees on {', '.join(sorted(agree))}")


def _letters(program: str, rng: np.random.Generator) -> list[int]:
    """Half of them, on average, are those that the program is about; the last repeats often."""
    about = ABOUT[program]
    others = [letter for letter in range(1, VOCABULARY) if letter not in about]
    pools = [about or others, others]
    picks = rng.random(STRING) < LIKELY
    letters = [int(rng.choice(pools[0] if pick else pools[1])) for pick in picks]
    if program == "dedup" and rng.random() < 0.5:
        letters[-1] = letters[-2]
    if program == "hist":
        again = rng.random(STRING - 1) < rng.random()
        letters[:-1] = [letters[-1] if a else x for a, x in zip(again, letters, strict=False)]
    return letters


def _row(program: str, letters: list[int]) -> dict[str, Any]:
    opened, closed = letters.count(OPEN), letters.count(CLOSE)
    said = {
        "first": letters[0],
        "second": letters[1],
        "last": letters[-1],
        "previous": letters[-2],
        "count": letters.count(X),
        "opened": opened,
        "closed": closed,
        "like_last": letters.count(letters[-1]),
    }
    answers = {
        "frac_prevs": said["count"],
        "pair_balance": 1 + (opened > closed) - (opened < closed),
        "dedup": START if letters[-1] == letters[-2] else letters[-1],
        "hist": said["like_last"],
    }
    return {
        "tokens": (START, *letters),
        "roles": {
            "string": tuple(range(1, LENGTH)),
            "first": 1,
            "second": 2,
            "previous": LENGTH - 2,
            "end": LENGTH - 1,
        },
        **said,
        "answer": answers.get(program, letters[0]),
    }
