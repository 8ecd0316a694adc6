"""Tokens and names as they can be shown: what is invisible is spelled out, many are thinned."""

from __future__ import annotations

import unicodedata

import numpy as np
import numpy.typing as npt

MARKS = {"\n": "↵", "\t": "⇥"}
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # control, format, surrogate, unassigned, …
NOTHING = "∅"


def visible(token: str) -> str:
    """A token in which every character is seen: line breaks as ↵, spaces at its ends as ␣.

    Characters that have no shape, or that change the direction of writing, are spelled as Python
    spells them; an empty token is ∅.

    >>> visible(" the"), visible("a\\n"), visible(""), visible("\\u202eabc"), visible("two words")
    ('␣the', 'a↵', '∅', '\\\\u202eabc', 'two words')
    """
    if not token:
        return NOTHING
    inner = token.strip(" ")
    before = len(token) - len(token.lstrip(" "))
    after = len(token) - before - len(inner)
    seen = "".join(map(_visible, inner))
    if inner and unicodedata.category(inner[0]).startswith("M"):
        seen = f"◌{seen}"  # an accent with nothing below it
    return "␣" * before + seen + "␣" * after


def _visible(character: str) -> str:
    if character in MARKS:
        return MARKS[character]
    category = unicodedata.category(character)
    if category in UNSEEN or (category == "Zs" and character != " "):
        return character.encode("unicode_escape").decode("ascii")
    return character


def prose(text: str) -> str:
    """A sentence on one line, its invisible characters spelled out.

    >>> prose("two\\n  lines"), prose("")
    ('two lines', '')
    """
    return "".join(map(_visible, " ".join(text.split())))


def thinned(weight: npt.ArrayLike, gap: int) -> tuple[int, ...]:
    """Which of a row of labels are written: the heaviest first, and no two closer than `gap`.

    >>> thinned([0.1, 0.9, 0.2, 0.3, 0.0], gap=2)
    (1, 3)
    >>> thinned([0, 0, 0, 0], gap=1)
    (0, 1, 2, 3)
    """
    order = np.argsort(-np.nan_to_num(np.asarray(weight, dtype=np.float64)), kind="stable")
    taken = np.zeros(len(order), dtype=bool)
    for index in map(int, order):
        if not taken[max(0, index - gap + 1) : index + gap].any():
            taken[index] = True
    return tuple(map(int, np.flatnonzero(taken)))
