"""Greater-than: a span of years must end after it began.

    The  war  lasted  from  the  year  17  32  to  the  year  17  → 33 … 99
         noun                          start_century  start          end

The metric is how much more probability goes to later years than to others. A tokenizer with pairs
of digits (GPT-2) has the year's last two digits as one token: years after the start count for, the
start and those before it against. A tokenizer that splits numbers into digits (SmolLM2) is asked
for the decade: later decades count for, earlier ones against, and the start's own, which leaves it
open, is left out. Every prompt is equally long.

After Hanna, Liu and Variengien 2023, "How does GPT-2 compute greater-than?"; the nouns are our own.
Nothing here needs torch but the metric.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from scrub.data.dataset import Dataset
from scrub.data.task import Task
from scrub.data.words import Encode, refused, require_known, whole

NOUNS = (
    *("war", "siege", "reign", "campaign", "journey", "dispute", "conflict", "voyage", "mission"),
    *("project", "strike", "trial", "marriage", "partnership", "drought", "expedition", "study"),
    *("tour", "debate", "construction", "alliance", "occupation", "crisis", "rule", "friendship"),
)
CENTURIES = tuple(range(11, 18))
YEARS = tuple(range(2, 99))  # of a century; 00 and 01 are often tokens of their own
COLUMNS = ("noun", "century", "start")
FEWEST_NOUNS = 4
BEFORE, BETWEEN = "The {noun} lasted from the year", " to the year"


@dataclass(frozen=True)
class Years:
    """A tokenizer's tokens: `century[c]`, `number[v]`, and whether `v` is a decade or a year.

    `apart`: 1 where the start itself is left out of the metric (a decade may go on), else 0.
    """

    nouns: Mapping[str, tuple[int, ...]]  # the prompt up to the year
    between: tuple[int, ...]
    century: Mapping[int, tuple[int, ...]]
    number: Mapping[int, int]
    starts: tuple[int, ...]
    tail: int  # digits after the number: their tokens are drawn
    apart: int

    @classmethod
    def of(cls, encode: Encode) -> Years:
        """Raises ValueError for a tokenizer that cuts years in neither way."""
        nouns = whole(encode, NOUNS, FEWEST_NOUNS, "nouns")
        prompts = {noun: tuple(encode(BEFORE.format(noun=noun))) for noun in nouns}
        shown = {c: tuple(encode(f" {c}")) for c in CENTURIES}
        rests = {
            (c, y): tuple(encode(f" {c}{y:02}"))[len(shown[c]) :]
            for c in CENTURIES
            for y in range(100)
            if tuple(encode(f" {c}{y:02}"))[: len(shown[c])] == shown[c]
        }
        between = tuple(encode(BETWEEN))
        pairs = {y: {r for (_, z), r in rests.items() if z == y and len(r) == 1} for y in YEARS}
        if all(len(tokens) == 1 for tokens in pairs.values()):
            number = {y: next(iter(tokens))[0] for y, tokens in pairs.items()}
            # a year that is one token somewhere, or cut otherwise, is none to begin with
            starts = [
                y for y in YEARS[:-1] if all(rests.get((c, y)) in pairs[y] for c in CENTURIES)
            ]
            return cls(prompts, between, shown, number, tuple(starts), 0, 0)
        if all(len(rests.get((c, y), ())) == 2 for c in CENTURIES for y in range(100)):
            number = {d: rests[CENTURIES[0], 10 * d][0] for d in range(10)}
            return cls(prompts, between, shown, number, tuple(range(1, 9)), 1, 1)
        raise ValueError("the tokenizer cuts years neither into pairs of digits nor into digits")


@dataclass(frozen=True)
class ProbabilityDifference:
    """The probability of all later numbers less that of the others: between -1 and 1.

    `tokens[v]` is the token of the number v; `apart` is 1 where the start's own number is left out.
    """

    tokens: tuple[int, ...]
    values: tuple[int, ...]
    apart: int

    @property
    def __name__(self) -> str:
        return "probability_difference"

    def __call__(self, output: Any, columns: Mapping[str, Sequence[Any]]) -> Any:
        """[row], from logits [row, 1, width] and the column `start`."""
        shares = output[:, 0].double().softmax(-1)[:, list(self.tokens)]  # [row, number]
        values = np.array(self.values)[None]
        starts = np.array([int(start) for start in columns["start"]])[:, None]
        signs = np.where(values > starts, 1, -1) * (values != starts if self.apart else 1)
        return (shares * shares.new_tensor(signs)).sum(-1)


def rows(n: int, *, seed: int, years: Years) -> list[dict[str, Any]]:
    """`n` examples with their roles and columns; the first rows of a longer list are the same."""
    rng = np.random.default_rng(seed)
    return [_row({}, rng, years) for _ in range(n)]


def like(
    row: Mapping[str, Any], agree: Collection[str], rng: np.random.Generator, *, years: Years
) -> dict[str, Any]:
    """A fresh row, distributed like `rows` given that it agrees with `row` on `agree`."""
    require_known("greater_than", agree, COLUMNS)
    return _row({column: row[column] for column in agree}, rng, years)


def greater_than(encode: Encode, *, n: int = 512, seed: int = 0) -> Task:
    """The task: how much more probable later years (or decades) are, at the end.

    Raises `InputRefused` for a tokenizer that cuts years in neither way.

    >>> codes = {}
    >>> def digits(text):
    ...     cut = [w for word in text.split() for w in (word if word.isdigit() else [word])]
    ...     return [codes.setdefault(w, len(codes)) for w in cut]
    >>> task = greater_than(digits, n=4)
    >>> len(task.dataset), task.metric_name, sorted(task.dataset.roles)
    (4, 'probability_difference', ['century', 'end', 'noun', 'start'])
    """
    try:
        years = Years.of(encode)
    except ValueError as error:
        raise refused("greater_than", error) from None
    values = tuple(years.number)
    metric = ProbabilityDifference(tuple(years.number.values()), values, years.apart)
    return Task(
        Dataset.from_rows(rows(n, seed=seed, years=years), "task 'greater_than'"),
        metric=metric,
        at="end",
        name="greater_than",
        generator=partial(like, years=years),
        label=("start",),
    )


def _row(agreed: Mapping[str, Any], rng: np.random.Generator, years: Years) -> dict[str, Any]:
    """A prompt; what is not agreed is drawn, always in the same number of draws."""
    drawn: dict[str, Any] = {
        "noun": str(rng.choice(sorted(years.nouns))),
        "century": int(rng.choice(list(years.century))),
        "start": int(rng.choice(years.starts)),
    }
    row = drawn | dict(agreed)
    last = [years.number[int(rng.choice(list(years.number)))]][: years.tail]
    prompt, century = years.nouns[row["noun"]], years.century[row["century"]]
    tokens = [*prompt, *century, years.number[row["start"]], *last, *years.between, *century]
    at = len(prompt) + len(century)
    roles = {"noun": 1, "century": at - 1, "start": at, "end": len(tokens) - 1}
    return {"tokens": tuple(tokens), "roles": roles, **row}
