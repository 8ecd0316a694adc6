"""Indirect object identification: two names, one of them again, and who is given something?

    When  Mary  and  John  went  to  the  store  ,  John  gave  a  drink  to  → Mary
          io         s1    s1_next                  s2                    end

Here "John" is repeated (`s`, the subject) and "Mary" is the answer (`io`, the indirect object).
With the names as above the order is ABBA; with the subject first it is BABA, and the roles `io`,
`s1` and `s1_next` move. Every prompt has 14 tokens, whatever it says, so that all of them can stand
in for one another.

Nothing here needs torch: a tokenizer is any function from a text to token ids. After Wang et al.
2022, "Interpretability in the wild"; the sentences are our own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from scrub.data.dataset import Dataset
from scrub.data.task import Task
from scrub.data.words import Encode, one, refused, require_known, whole
from scrub.errors import InputRefused, Problem

NAMES = [
    "Adam",
    "Alan",
    "Alex",
    "Alice",
    "Amy",
    "Anna",
    "Ben",
    "Chris",
    "Daniel",
    "David",
    "Emily",
    "Emma",
    "Eric",
    "George",
    "Grace",
    "Henry",
    "Jack",
    "James",
    "Jane",
    "Jason",
    "Jim",
    "John",
    "Kate",
    "Kevin",
    "Laura",
    "Lisa",
    "Mark",
    "Mary",
    "Paul",
    "Peter",
    "Rachel",
    "Robert",
    "Rose",
    "Sarah",
    "Simon",
    "Tom",
]
PLACES = [
    "store",
    "garden",
    "station",
    "school",
    "park",
    "house",
    "hospital",
    "office",
    "library",
    "museum",
    "farm",
    "church",
]
OBJECTS = [
    "book",
    "ring",
    "drink",
    "letter",
    "ball",
    "key",
    "present",
    "coat",
    "map",
    "phone",
    "basket",
    "flower",
]
TEMPLATES = (
    "When 1 and 2 went to the PLACE, S gave a OBJECT to",
    "After 1 and 2 arrived at the PLACE, S handed a OBJECT to",
    "While 1 and 2 worked at the PLACE, S passed a OBJECT to",
    "Then 1 and 2 met in the PLACE, S showed a OBJECT to",
    "Because 1 and 2 were at the PLACE, S sold a OBJECT to",
    "Once 1 and 2 were in the PLACE, S brought a OBJECT to",
)
ORDERS = ("ABBA", "BABA")
COLUMNS = ("io", "s", "order", "template", "place", "object")
FIRST, SECOND, REPEATED = 1, 3, 9  # where the three names stand
FEWEST_NAMES = 8


@dataclass(frozen=True)
class Words:
    """The token ids of everything that a prompt is made of; each word is one token."""

    templates: tuple[tuple[int | str, ...], ...]  # ids, and the names of what is put in
    slots: Mapping[str, tuple[int, ...]]  # "name", "PLACE", "OBJECT": what may be put there

    @classmethod
    def of(cls, encode: Encode) -> Words:
        """Names that the tokenizer splits are left out; anything else split is a ValueError."""
        names = tuple(whole(encode, NAMES, FEWEST_NAMES, "names").values())
        places, objects = (
            tuple(one(encode, f" {word}") for word in words) for words in (PLACES, OBJECTS)
        )
        templates = tuple(_template(encode, text) for text in TEMPLATES)
        return cls(templates, {"name": names, "PLACE": places, "OBJECT": objects})


def rows(n: int, *, seed: int, words: Words) -> list[dict[str, Any]]:
    """`n` examples with their roles and columns; the first rows of a longer list are the same."""
    rng = np.random.default_rng(seed)
    return [_row({}, rng, words) for _ in range(n)]


def like(
    row: Mapping[str, Any], agree: Collection[str], rng: np.random.Generator, *, words: Words
) -> dict[str, Any]:
    """A fresh row, distributed like `rows` given that it agrees with `row` on `agree`.

    The two names differ, and all else is independent: drawing what is not agreed is exact.
    """
    require_known("ioi", agree, COLUMNS)
    return _row({column: row[column] for column in agree}, rng, words)


def ioi(encode: Encode, *, n: int = 1024, seed: int = 0) -> Task:
    """The task: by how much the indirect object's logit exceeds the subject's, at the end.

    1,024 prompts over 36 names make classes of about 28 that share a name, and of about 14 that
    share a name and an order. Raises `InputRefused` for a tokenizer that splits the words.

    >>> codes = {}
    >>> task = ioi(lambda text: [codes.setdefault(text, len(codes))], n=4)
    >>> len(task.dataset), task.metric, task.dataset.example(0)["order"]
    (4, 'logit_difference', 'BABA')
    """
    try:
        words = Words.of(encode)
    except ValueError as error:
        raise refused("ioi", error) from None
    return Task(
        Dataset.from_rows(rows(n, seed=seed, words=words), "task 'ioi'"),
        metric="logit_difference",
        answer="io",
        wrong="s",
        at="end",
        name="ioi",
        generator=partial(like, words=words),
    )


def encoder(folder: str | Path) -> Encode:
    """The tokenizer of a model folder, from its tokenizer.json; no special tokens are added.

    Raises `InputRefused`.
    """
    from tokenizers import Tokenizer

    path = Path(folder) / "tokenizer.json"
    if not path.is_file():
        found = "the folder holds no tokenizer.json."
        raise InputRefused(Problem(f"model '{folder}'", found, "Save the tokenizer beside it."))
    tokenizer = Tokenizer.from_file(str(path))
    return lambda text: tokenizer.encode(text, add_special_tokens=False).ids


def _row(agreed: Mapping[str, Any], rng: np.random.Generator, words: Words) -> dict[str, Any]:
    """A prompt; what is not agreed is drawn, always in the same number of draws."""
    names, places, objects = (words.slots[slot] for slot in ("name", "PLACE", "OBJECT"))
    order, template = ORDERS[rng.integers(2)], int(rng.integers(len(words.templates)))
    place, thing = int(rng.choice(places)), int(rng.choice(objects))
    taken = {agreed[column] for column in ("io", "s") if column in agreed}
    free = [name for name in rng.permutation(names).tolist() if name not in taken]
    drawn = {
        "io": free[0],
        "s": free[1],
        "order": order,
        "template": template,
        "place": place,
        "object": thing,
    }
    row = drawn | dict(agreed)
    io, s = row["io"], row["s"]
    first, second = (io, s) if row["order"] == "ABBA" else (s, io)
    put = {"1": first, "2": second, "S": s, "PLACE": row["place"], "OBJECT": row["object"]}
    tokens = [put[x] if isinstance(x, str) else x for x in words.templates[row["template"]]]
    at_io, at_s = (FIRST, SECOND) if row["order"] == "ABBA" else (SECOND, FIRST)
    roles = {"io": at_io, "s1": at_s, "s1_next": at_s + 1, "s2": REPEATED, "end": len(tokens) - 1}
    return {"tokens": tuple(tokens), "roles": roles, **row}


def _template(encode: Encode, text: str) -> tuple[int | str, ...]:
    """Its words as token ids, and the names of its slots."""
    pieces = text.replace(",", " ,").split(" ")
    slots = ("1", "2", "S", "PLACE", "OBJECT")
    return tuple(
        piece if piece in slots else one(encode, piece if i == 0 or piece == "," else f" {piece}")
        for i, piece in enumerate(pieces)
    )
