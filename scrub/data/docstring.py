'''Docstring: which argument does the docstring come to next?

    def port(self, load, size, files, last):
        """oil column piece

        :param load: crime population
        :param size: unit dark
        :param                          → files

All names and words are one token each, and which stands where is drawn anew for every prompt, so
that the answer can only be found by looking: the third argument of the definition.

After Heimersheim and Janiak 2023, "A circuit for Python docstrings in a 4-layer attention-only
transformer"; the words are our own. Nothing here needs torch.
'''

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from scrub.data.dataset import Dataset
from scrub.data.task import Task
from scrub.data.words import Encode, refused, require_known, whole

WORDS = (
    *("load", "size", "files", "last", "port", "oil", "column", "piece", "crime", "population"),
    *("unit", "dark", "image", "table", "water", "light", "paper", "music", "point", "money"),
    *("house", "story", "power", "night", "field", "order", "group", "value", "state", "level"),
    *("price", "model", "color", "sound", "range", "plant", "board", "stone", "glass", "river"),
)
FEWEST_WORDS = 16
ARGUMENTS = 4  # of the definition, after self
DOCUMENTED = 2  # of them before the one that is asked for
COLUMNS = ("answer", "first", "second", "wrong", "name")


@dataclass(frozen=True)
class Pieces:
    """A tokenizer's tokens of the fixed text between the words, in order, and of the words."""

    fixed: tuple[tuple[int, ...], ...]
    words: tuple[int, ...]

    @classmethod
    def of(cls, encode: Encode) -> Pieces:
        """Raises ValueError for a tokenizer that has too few of the words as one token."""
        words = tuple(whole(encode, WORDS, FEWEST_WORDS, "words").values())
        text = ("def", "(self,", ",", ",", ",", '):\n    """', "", "", "\n\n    :param", ":", "")
        more = ("\n    :param", ":", "", "\n    :param")
        return cls(tuple(tuple(encode(part)) if part else () for part in (*text, *more)), words)


def rows(n: int, *, seed: int, pieces: Pieces) -> list[dict[str, Any]]:
    """`n` examples with their roles and columns; the first rows of a longer list are the same."""
    rng = np.random.default_rng(seed)
    return [_row({}, rng, pieces) for _ in range(n)]


def like(
    row: Mapping[str, Any], agree: Collection[str], rng: np.random.Generator, *, pieces: Pieces
) -> dict[str, Any]:
    """A fresh row, distributed like `rows` given that it agrees with `row` on `agree`."""
    require_known("docstring", agree, COLUMNS)
    return _row({column: row[column] for column in agree}, rng, pieces)


def docstring(encode: Encode, *, n: int = 512, seed: int = 0) -> Task:
    """The task: by how much the third argument's logit exceeds the fourth's, at the end.

    Raises `InputRefused` for a tokenizer that splits the words.

    >>> codes = {}
    >>> task = docstring(lambda text: [codes.setdefault(text, len(codes))], n=4)
    >>> row = task.dataset.example(0)
    >>> row["tokens"][row["roles"]["c_def"][0]] == row["answer"]
    True
    """
    try:
        pieces = Pieces.of(encode)
    except ValueError as error:
        raise refused("docstring", error) from None
    return Task(
        Dataset.from_rows(rows(n, seed=seed, pieces=pieces), "task 'docstring'"),
        metric="logit_difference",
        answer="answer",
        wrong="wrong",
        at="end",
        name="docstring",
        generator=partial(like, pieces=pieces),
    )


def _row(agreed: Mapping[str, Any], rng: np.random.Generator, pieces: Pieces) -> dict[str, Any]:
    """A prompt whose words are all different; what is not agreed is drawn."""
    taken = set(agreed.values())
    drawn = [word for word in rng.permutation(pieces.words).tolist() if word not in taken]
    free = iter(drawn)
    row = {column: agreed[column] if column in agreed else next(free) for column in COLUMNS}
    a, b, c, d = (row[column] for column in ("first", "second", "answer", "wrong"))
    prose = [next(free) for _ in range(7)]
    words = [row["name"], a, b, c, d, *prose[:3], a, prose[3], prose[4], b, prose[5], prose[6]]
    names = ("name", "a_def", "b_def", "c_def", "d_def", None, None, None, "a_doc", None, None)
    tokens: list[int] = []
    roles: dict[str, int] = {}
    for i, word in enumerate(words):
        tokens += pieces.fixed[i]
        if name := (*names, "b_doc", None, None)[i]:
            roles[name] = len(tokens)
        tokens.append(word)
    tokens += pieces.fixed[-1]
    roles |= {"c_def_before": roles["c_def"] - 1, "end": len(tokens) - 1}
    return {"tokens": tuple(tokens), "roles": roles, **row}
