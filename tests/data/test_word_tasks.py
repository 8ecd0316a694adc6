"""Tasks made of words and numbers: greater-than, docstring, facts, modular addition."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scrub.data import modular_addition
from scrub.data.docstring import docstring
from scrub.data.facts import facts
from scrub.data.greater_than import ProbabilityDifference, Years, greater_than, rows
from scrub.data.task import Task
from scrub.data.tasks import task
from scrub.errors import InputRefused

SEEDS = st.integers(0, 2**32 - 1)


class Tokenizer:
    """Words, spaces before them included, and numbers cut in some way."""

    def __init__(self, cut: str) -> None:
        self.pattern, self.codes = re.compile(cut), dict[str, int]()

    def __call__(self, text: str) -> list[int]:
        return [self.codes.setdefault(p, len(self.codes)) for p in self.pattern.findall(text)]

    def text(self, tokens: Sequence[int]) -> str:
        words = {code: word for word, code in self.codes.items()}
        return "".join(words[int(token)] for token in tokens)


PAIRS = r" ?\d\d|\s?[^\s\d]+|\s"  # like GPT-2
DIGITS = r"\d| (?=\d)|\s?[^\s\d]+|\s"  # like SmolLM2
THREES = r" ?\d\d?\d?|\s?[^\s\d]+|\s"  # " 173" and "2"


def test_pairs_of_digits_are_asked_for_the_year_and_digits_for_the_decade() -> None:
    for cut, values, apart in ((PAIRS, range(2, 99), 0), (DIGITS, range(10), 1)):
        metric = greater_than(Tokenizer(cut), n=2).metric
        assert isinstance(metric, ProbabilityDifference)
        assert (metric.values, metric.apart) == (tuple(values), apart)


@pytest.mark.parametrize("cut", [PAIRS, DIGITS])
@settings(max_examples=10, deadline=None)
@given(seed=SEEDS)
def test_a_span_of_years_reads_as_it_should(cut: str, seed: int) -> None:
    tokenizer = Tokenizer(cut)
    for row in rows(3, seed=seed, years=Years.of(tokenizer)):
        text = tokenizer.text(row["tokens"])
        found = re.fullmatch(
            r"The (\w+) lasted from the year (\d\d)(\d)(\d) to the year (\d\d)", text
        )
        assert found
        noun, century, tens, ones, again = found.groups()
        assert (noun, int(century), century) == (row["noun"], row["century"], again)
        assert row["start"] == (int(tens) if cut == DIGITS else int(tens + ones))
        at = row["roles"]["start"]
        assert tokenizer.text(row["tokens"][at : at + 1]) == (
            tens if cut == DIGITS else tens + ones
        )


def test_the_probability_difference_by_hand() -> None:
    """Shares ½, ¼ and ¼ on the numbers 1, 2 and 3, and the start 2."""
    shares = torch.tensor([[[0.5, 0.25, 0.25]]]).log()
    whole = ProbabilityDifference((0, 1, 2), (1, 2, 3), 0)
    assert whole(shares, {"start": [2]}).item() == pytest.approx(0.25 - 0.75)
    apart = ProbabilityDifference((0, 1, 2), (1, 2, 3), 1)
    assert apart(shares, {"start": [2]}).item() == pytest.approx(0.25 - 0.5)


def test_years_cut_otherwise_are_refused() -> None:
    with pytest.raises(InputRefused) as refused:
        greater_than(Tokenizer(THREES))
    assert str(refused.value) == (
        "task 'greater_than': the tokenizer cuts years neither into pairs of digits nor into "
        "digits."
    )


def test_the_third_argument_is_what_a_docstring_comes_to() -> None:
    tokenizer = Tokenizer(r"\s?\w+|\s*[^\w\s]+|\s+")
    row = docstring(tokenizer, n=1).dataset.example(0)
    text = tokenizer.text(row["tokens"])
    found = re.fullmatch(
        r'def (\w+)\(self, (\w+), (\w+), (\w+), (\w+)\):\n    """ \w+ \w+ \w+\n\n'
        r"    :param (\w+): \w+ \w+\n    :param (\w+): \w+ \w+\n    :param",
        text,
    )
    assert found, text
    _, a, b, c, d, first, second = found.groups()
    assert (a, b) == (first, second)
    assert len({a, b, c, d}) == 4
    assert tokenizer.text([row["answer"]]) == f" {c}"
    assert tokenizer.text([row["wrong"]]) == f" {d}"


def test_each_fact_is_asked_in_every_phrasing() -> None:
    held = facts(Tokenizer(r"\s?\w+"), n=1000).dataset
    seen = Counter(zip(held.columns["country"], held.columns["relation"], strict=True))
    assert set(seen.values()) == {3}
    assert len(seen) == 40


TASKS: dict[str, Task] = {
    "greater_than": greater_than(Tokenizer(DIGITS), n=20),
    "docstring": docstring(Tokenizer(r"\s?\w+|\s*[^\w\s]+|\s+"), n=20),
    "facts": facts(Tokenizer(r"\s?\w+"), n=20),
    "modular_addition": task("modular_addition", n=20, prime=7),
}


@pytest.mark.parametrize("name", TASKS)
@settings(max_examples=20, deadline=None)
@given(data=st.data(), seed=SEEDS)
def test_a_like_row_agrees_and_is_equally_long(name: str, data: Any, seed: int) -> None:
    made = TASKS[name]
    row = made.dataset.example(data.draw(st.integers(0, len(made.dataset) - 1)))
    agree = data.draw(st.sets(st.sampled_from(sorted(made.dataset.columns)), max_size=2))
    assert made.generator is not None
    fresh = made.generator(row, sorted(agree), np.random.default_rng(seed))
    assert all(fresh[column] == row[column] for column in agree)
    assert len(fresh["tokens"]) == len(row["tokens"])
    assert fresh["roles"].keys() == row["roles"].keys()


def test_every_pair_of_numbers_occurs_once() -> None:
    made = modular_addition.rows(1000, seed=3, prime=7)
    assert len({row["tokens"] for row in made}) == len(made) == 49
    assert all(row["answer"] == sum(row["tokens"][:2]) % 7 for row in made)


def test_what_cannot_be_added_on_a_circle_is_refused() -> None:
    with pytest.raises(InputRefused) as refused:
        task("modular_addition", prime=9)
    assert str(refused.value) == "task 'modular_addition': 9 is no odd prime."
