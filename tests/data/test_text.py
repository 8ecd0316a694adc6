"""Text: substrings become the tokens that cover them, answers one token."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrub import Dataset, InputRefused
from scrub.data.text import answer_token, covering, tokenize_rows


def pieces(
    text: str, return_offsets_mapping: bool = False, add_special_tokens: bool = True
) -> dict[str, Any]:
    """Words with the space before them, cut after three letters; 1 in front, as `<s>` is."""
    spans = [match.span() for match in re.finditer(r"\s?\S{1,3}", text)]
    ids = [10 + len(text[a:b]) for a, b in spans]
    if add_special_tokens:
        spans, ids = [(0, 0), *spans], [1, *ids]
    return {"input_ids": ids} | ({"offset_mapping": spans} if return_offsets_mapping else {})


def test_roles_are_all_tokens_that_cover_the_first_occurrence() -> None:
    row = {"text": "Mary saw Mary", "roles": {"who": "Mary", "did": "saw", "end": -1}, "n": 1}
    [found] = tokenize_rows([row], pieces)
    assert found["tokens"] == [1, 13, 11, 14, 14, 11]  # <s> Mar y _saw _Mar y
    assert found["roles"] == {"who": [1, 2], "did": [3], "end": -1}
    assert (found["text"], found["n"]) == ("Mary saw Mary", 1)


def test_positions_count_special_tokens() -> None:
    data = Dataset.from_text([{"text": "a b", "roles": {"first": 0, "b": "b"}}] * 2, pieces)
    assert data.roles == {"first": [(0,), (0,)], "b": [(2,), (2,)]}


@given(st.text("ab ", min_size=1, max_size=12), st.data())
def test_covering_tokens_are_those_that_overlap(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    wanted = text[start : data.draw(st.integers(start + 1, len(text)))]
    spans = pieces(text, return_offsets_mapping=True)["offset_mapping"]
    first = text.index(wanted)
    letters = set(range(first, first + len(wanted)))
    expected = [i for i, (a, b) in enumerate(spans) if letters & set(range(a, b))]
    assert covering(wanted, text, spans) == expected


def test_offsets_are_not_asked_for_where_no_role_is_a_text() -> None:
    def slow(text: str, add_special_tokens: bool = True) -> dict[str, Any]:
        return {"input_ids": [3, 4]}

    assert tokenize_rows([{"text": "a b", "roles": {"end": 1}}], slow)[0]["tokens"] == [3, 4]


def test_answers_are_one_token_each() -> None:
    assert answer_token(" no", pieces) == 13
    row = {"text": "a", "answer": " no", "wrong": ["yes", " b"], "id": 5}
    [found] = tokenize_rows([row], pieces, answers=["answer", "wrong", "id"])
    assert (found["answer"], found["wrong"], found["id"]) == (13, (13, 12), 5)
    with pytest.raises(ValueError, match="2 tokens"):
        answer_token("Mary", pieces)


def test_rows_with_tokens_stay_as_they_are() -> None:
    row = {"tokens": [1, 2], "answer": " no"}
    assert tokenize_rows([row], pieces, answers=["answer"]) == [{"tokens": [1, 2], "answer": 13}]


def test_all_rows_with_problems_are_named() -> None:
    rows: list[dict[str, Any]] = [
        {"text": "a", "roles": {"x": "b"}},
        {"text": "b"},
        {"text": "a", "roles": {"x": ""}},
    ]
    with pytest.raises(InputRefused) as caught:
        Dataset.from_text(rows, pieces)
    assert [problem.where for problem in caught.value.problems] == ["data, row 0", "data, row 2"]


def test_a_tokenizer_of_transformers_fits() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    transformers = pytest.importorskip("transformers")
    vocabulary = {"[UNK]": 0, "Mary": 1, "saw": 2, "John": 3}
    model = tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]")
    inner = tokenizers.Tokenizer(model)
    inner.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]")
    rows = [{"text": "Mary saw John", "roles": {"io": "John"}, "answer": "Mary"}] * 2
    data = Dataset.from_text(rows, fast, ["answer"])
    assert data.tokens(0).tolist() == [1, 2, 3]
    assert (data.roles["io"], data.columns["answer"]) == ([(2,), (2,)], [1, 1])
