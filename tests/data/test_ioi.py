"""The IOI task: its prompts, its classes of donors, and rows that agree."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from scrub.data.ioi import COLUMNS, NAMES, ORDERS, Words, ioi, like, rows
from scrub.errors import InputRefused


def by_word() -> tuple[Words, dict[int, str]]:
    """A tokenizer that knows every word as one token, and what its tokens mean."""
    codes: dict[str, int] = {}
    words = Words.of(lambda text: [codes.setdefault(text, len(codes))])
    return words, {code: text for text, code in codes.items()}


WORDS, TEXT = by_word()


def test_a_prompt_reads_as_it_should_and_its_roles_lie_where_they_say():
    for row in rows(50, seed=0, words=WORDS):
        said = [TEXT[token] for token in row["tokens"]]
        io, s = TEXT[row["io"]], TEXT[row["s"]]
        first, second = (io, s) if row["order"] == "ABBA" else (s, io)
        assert [said[1], said[2], said[3], said[9]] == [first, " and", second, s]
        assert len(said) == 14
        assert said[-1] == " to"
        roles = row["roles"]
        assert said[roles["io"]] == io
        assert said[roles["s1"]] == said[roles["s2"]] == s
        assert roles["s1_next"] == roles["s1"] + 1
        assert roles["end"] == 13


def test_a_thousand_prompts_leave_no_class_of_one():
    codes: dict[str, int] = {}
    task = ioi(lambda text: [codes.setdefault(text, len(codes))], n=1000)
    columns = task.dataset.columns
    for names in (["io"], ["s"], ["io", "order"], ["s", "order"]):
        sizes = Counter(zip(*(columns[name] for name in names), strict=True)).values()
        assert min(sizes) > 1
        assert len(sizes) == len(NAMES) * (2 if "order" in names else 1)


def test_the_first_rows_of_a_longer_list_are_the_same():
    assert rows(5, seed=3, words=WORDS) == rows(9, seed=3, words=WORDS)[:5]
    assert rows(5, seed=3, words=WORDS) != rows(5, seed=4, words=WORDS)


@pytest.mark.parametrize("agree", [[], ["io"], ["s", "order"], list(COLUMNS)])
def test_a_made_row_agrees_and_all_else_is_free(agree):
    [row] = rows(1, seed=1, words=WORDS)
    rng = np.random.default_rng(0)
    made = [like(row, agree, rng, words=WORDS) for _ in range(40)]
    for column in COLUMNS:
        values = {one[column] for one in made}
        assert values == {row[column]} if column in agree else len(values) > 1
    assert all(one["io"] != one["s"] for one in made)
    assert {one["order"] for one in made} <= set(ORDERS)


def test_what_cannot_be_agreed_on_is_named():
    [row] = rows(1, seed=1, words=WORDS)
    with pytest.raises(ValueError, match="rows cannot agree on 'name'; what they can agree on: io"):
        like(row, ["name"], np.random.default_rng(0), words=WORDS)


def test_a_tokenizer_that_splits_words_is_refused():
    with pytest.raises(InputRefused) as caught:
        ioi(lambda text: [0, 1])
    assert str(caught.value) == (
        "task 'ioi': the tokenizer has 0 of 36 names as one token; at least 8 are needed."
    )
    with pytest.raises(InputRefused) as caught:
        ioi(lambda text: [0, 1] if text == " park" else [0])
    assert str(caught.value) == "task 'ioi': the tokenizer splits ' park' into 2 tokens, not one."
