"""Facts: what a sentence about a country asks for.

    The  capital  of  France  is  → Paris
         asks         subject end

Two relations (capital, language) in several phrasings each, over countries of one token: the roles
are `subject` (the country's token), `asks` (the token that says which relation) and `end`. Each
fact is asked for in every phrasing, so that rows which agree on the country, the relation or the
answer always have partners.

Nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from scrub.data.dataset import Dataset
from scrub.data.task import Task
from scrub.data.words import Encode, refused, require_known

FACTS = {  # country: capital, language
    "France": ("Paris", "French"),
    "Germany": ("Berlin", "German"),
    "Italy": ("Rome", "Italian"),
    "Spain": ("Madrid", "Spanish"),
    "Russia": ("Moscow", "Russian"),
    "Japan": ("Tokyo", "Japanese"),
    "China": ("Beijing", "Chinese"),
    "England": ("London", "English"),
    "Greece": ("Athens", "Greek"),
    "Poland": ("Warsaw", "Polish"),
    "Sweden": ("Stockholm", "Swedish"),
    "Norway": ("Oslo", "Norwegian"),
    "Denmark": ("Copenhagen", "Danish"),
    "Finland": ("Helsinki", "Finnish"),
    "Portugal": ("Lisbon", "Portuguese"),
    "Hungary": ("Budapest", "Hungarian"),
    "Turkey": ("Ankara", "Turkish"),
    "Ireland": ("Dublin", "Irish"),
    "Thailand": ("Bangkok", "Thai"),
    "Vietnam": ("Hanoi", "Vietnamese"),
}
PHRASINGS = {  # all of one length where a tokenizer has each word whole
    "capital": (
        ("The", "capital", "of", "{}", "is"),
        ("The", "capital", "in", "{}", "is"),
        ("A", "capital", "of", "{}", "is"),
    ),
    "language": (
        ("The", "language", "of", "{}", "is"),
        ("The", "language", "in", "{}", "is"),
        ("A", "language", "of", "{}", "is"),
    ),
}
COLUMNS = ("country", "relation", "phrasing", "answer")
ASKS, SUBJECT = 1, 3
FEWEST = 6  # countries


@dataclass(frozen=True)
class Known:
    """The facts that a tokenizer has in whole words: `answers[country, relation]` are tokens."""

    countries: Mapping[str, int]
    answers: Mapping[tuple[str, str], int]
    phrasings: Mapping[str, tuple[tuple[int | None, ...], ...]]

    @classmethod
    def of(cls, encode: Encode) -> Known:
        """Raises ValueError where fewer than `FEWEST` countries and their answers are whole."""

        def word(text: str, first: bool = False) -> int | None:
            ids = encode(text if first else f" {text}")
            return int(ids[0]) if len(ids) == 1 else None

        countries: dict[str, int] = {}
        answers: dict[tuple[str, str], int] = {}
        for country, values in FACTS.items():
            name, *asked = (word(text) for text in (country, *values))
            whole = {r: a for r, a in zip(PHRASINGS, asked, strict=True) if a is not None}
            if name is not None and len(whole) == len(asked):
                countries[country] = name
                answers |= {(country, relation): a for relation, a in whole.items()}
        if len(countries) < FEWEST:
            found = f"the tokenizer has {len(countries)} of {len(FACTS)} countries and what is"
            raise ValueError(f"{found} asked about them as one token; at least {FEWEST} are needed")
        phrasings = {
            relation: tuple(
                tuple(None if w == "{}" else word(w, i == 0) for i, w in enumerate(said))
                for said in texts
            )
            for relation, texts in PHRASINGS.items()
        }
        if any(said.count(None) > 1 for texts in phrasings.values() for said in texts):
            raise ValueError("the tokenizer splits the words of the phrasings")
        return cls(countries, answers, phrasings)

    def rows(self) -> list[dict[str, Any]]:
        """Every fact in every phrasing."""
        return [
            self.row(country, relation, i)
            for country in self.countries
            for relation, texts in self.phrasings.items()
            for i in range(len(texts))
        ]

    def row(self, country: str, relation: str, phrasing: int) -> dict[str, Any]:
        subject = self.countries[country]
        said = self.phrasings[relation][phrasing]
        return {
            "tokens": tuple(subject if token is None else token for token in said),
            "roles": {"asks": ASKS, "subject": SUBJECT, "end": len(said) - 1},
            "country": country,
            "relation": relation,
            "phrasing": phrasing,
            "answer": self.answers[country, relation],
        }


def like(
    row: Mapping[str, Any], agree: Collection[str], rng: np.random.Generator, *, known: Known
) -> dict[str, Any]:
    """A row that agrees with `row` on the columns `agree`, uniform among all that do."""
    require_known("facts", agree, COLUMNS)
    fit = [one for one in known.rows() if all(one[name] == row[name] for name in agree)]
    return fit[int(rng.integers(len(fit)))]


def facts(encode: Encode, *, n: int = 512, seed: int = 0) -> Task:
    """The task: the loss of the right capital or language, at the end; each fact in each phrasing.

    A seeded order, and at most as many rows as there are. Raises `InputRefused` for a tokenizer
    that splits the words.

    >>> codes = {}
    >>> task = facts(lambda text: [codes.setdefault(text, len(codes))], n=1000)
    >>> len(task.dataset), sorted(task.dataset.roles)
    (120, ['asks', 'end', 'subject'])
    """
    try:
        known = Known.of(encode)
    except ValueError as error:
        raise refused("facts", error) from None
    every = known.rows()
    order = np.random.default_rng(seed).permutation(len(every))[:n]
    return Task(
        Dataset.from_rows([every[i] for i in order], "task 'facts'"),
        metric="loss",
        answer="answer",
        at="end",
        name="facts",
        generator=partial(like, known=known),
    )
