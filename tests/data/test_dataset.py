"""Data sets: padding leaves no trace, roles move along, equal inputs are stored once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrub import Dataset, InputRefused
from scrub.data.dataset import require_rows
from scrub.graph import ALL, Indices, Positions, Role

SEQUENCES = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=5), min_size=1, max_size=6)


def padded(sequences: list[list[int]], side: str) -> Dataset:
    """The sequences as a batch padded to 7, their role `end` counted in the batch."""
    width = 7
    tokens, mask = np.full((len(sequences), width), 99), np.zeros((len(sequences), width), int)
    ends = []
    for row, sequence in enumerate(sequences):
        start = 0 if side == "right" else width - len(sequence)
        tokens[row, start : start + len(sequence)] = sequence
        mask[row, start : start + len(sequence)] = 1
        ends.append(start + len(sequence) - 1)
    columns = {"n": list(range(len(sequences)))}
    return Dataset.from_tokens(tokens, attention_mask=mask, roles={"end": ends}, columns=columns)


def unpadded(sequences: list[list[int]]) -> Dataset:
    rows = [
        {"tokens": sequence, "roles": {"end": len(sequence) - 1}, "n": i}
        for i, sequence in enumerate(sequences)
    ]
    return Dataset.from_rows(rows)


@given(SEQUENCES)
def test_left_right_and_no_padding_are_one_data_set(sequences: list[list[int]]) -> None:
    """Law 8, as far as the data goes."""
    prints = {padded(sequences, side).fingerprint() for side in ("left", "right")}
    assert prints == {unpadded(sequences).fingerprint()}


@given(SEQUENCES)
def test_tokens_come_back_and_equal_inputs_are_stored_once(sequences: list[list[int]]) -> None:
    data = unpadded(sequences)
    assert [data.tokens(i).tolist() for i in range(len(data))] == sequences
    assert len(data.inputs) == len({tuple(sequence) for sequence in sequences})
    assert data.lengths.tolist() == list(map(len, sequences))


def test_negative_roles_count_from_the_last_token_whatever_the_padding() -> None:
    data = Dataset.from_tokens(
        [[0, 0, 5, 6], [7, 8, 9, 0]],
        attention_mask=[[0, 0, 1, 1], [1, 1, 1, 0]],
        roles={"end": [-1, -1], "pair": [[-2, 3], [0, -1]]},
    )
    assert data.roles == {"end": [(1,), (2,)], "pair": [(0, 1), (0, 2)]}


def test_positions_of_roles_items_indices_and_all() -> None:
    rows = [{"tokens": [1, 2, 3], "roles": {"pair": [0, i]}} for i in (1, 2)]
    data = Dataset.from_rows(rows)
    assert data.positions(ALL) is None
    expected: list[tuple[Positions, list[list[int]]]] = [
        (Role("pair"), [[0, 1], [0, 2]]),
        (Role("pair", 1), [[1], [2]]),
        (Indices((0, 2)), [[0, 2], [0, 2]]),
    ]
    for where, spots in expected:
        found = data.positions(where)
        assert found is not None
        assert found.tolist() == spots


def test_a_role_that_is_none_or_absent_is_missing() -> None:
    rows: list[dict[str, Any]] = [
        {"tokens": [1, 2], "roles": {"s": 1}},
        {"tokens": [1, 2], "roles": {"s": None}},
        {"tokens": [1, 2], "roles": {}},
        {"tokens": [1, 2], "roles": None},
        {"tokens": [1, 2]},
    ]
    assert Dataset.from_rows(rows).roles == {"s": [(1,), (), (), (), ()]}


def test_distinct_tells_apart_what_a_draw_can_change() -> None:
    """Same tokens and roles, whatever the columns: one distinct input."""
    rows = [
        {"tokens": [1, 2], "roles": {"s": 0}, "name": "a"},
        {"tokens": [1, 2], "roles": {"s": 0}, "name": "b"},
        {"tokens": [1, 2], "roles": {"s": 1}, "name": "a"},
        {"tokens": [3, 2], "roles": {"s": 0}, "name": "a"},
    ]
    data = Dataset.from_rows(rows)
    assert data.distinct.tolist() == [0, 0, 1, 2]
    assert len(data.inputs) == 2


def test_an_example_shows_columns_tokens_and_roles_and_cannot_be_written() -> None:
    data = Dataset.from_rows([{"tokens": [1, 2], "roles": {"s": 1}, "name": "a"}])
    example = data.example(0)
    assert dict(example) == {"name": "a", "tokens": (1, 2), "roles": {"s": (1,)}}
    assert len(example) == 3
    with pytest.raises(TypeError):
        example["name"] = "b"  # type: ignore[index]


def test_numpy_values_become_pythons() -> None:
    rows = [{"tokens": np.array([1, 2]), "n": np.int64(3), "xs": np.array([0.5, 1.5])}]
    data = Dataset.from_rows(rows)
    assert data.columns == {"n": [3], "xs": [(0.5, 1.5)]}
    assert type(data.columns["n"][0]) is int


def test_fingerprints_tell_data_sets_apart() -> None:
    base = [
        {"tokens": [1, 2], "roles": {"s": 0}, "n": 1},
        {"tokens": [3], "roles": {"s": 0}, "n": 2},
    ]
    others = [
        [base[1], base[0]],
        [{**base[0], "tokens": [1, 3]}, base[1]],
        [{**base[0], "roles": {"s": 1}}, base[1]],
        [{**base[0], "n": 2}, base[1]],
        [{**base[0], "n": "1"}, base[1]],
        [{**row, "m": 0} for row in base],
    ]
    prints = [Dataset.from_rows(rows).fingerprint() for rows in [base, *others]]
    assert len(set(prints)) == len(prints)
    assert Dataset.from_rows(base).fingerprint() == prints[0]


def test_columns_as_inputs_of_a_hand_made_model() -> None:
    data = Dataset.from_columns({"x": [0, 1, 0], "y": [1, 1, 1], "n": ["a", "b", "c"]}, ["x", "y"])
    assert data.sequence.tolist() == [0, 1, 0]
    assert data.tokens(1).tolist() == [1.0, 1.0]
    assert data.columns["n"] == ["a", "b", "c"]


def test_extending_keeps_rows_and_adds_columns_and_roles() -> None:
    base = Dataset.from_rows([{"tokens": [1, 2], "roles": {"s": 0}, "n": 1}])
    more = base.extended([{"tokens": [3], "roles": {"s": 0}, "n": 2}])
    assert [more.tokens(i).tolist() for i in range(2)] == [[1, 2], [3]]
    assert (more.columns, more.roles) == ({"n": [1, 2]}, {"s": [(0,), (0,)]})


def test_a_scrub_needs_two_rows() -> None:
    require_rows(Dataset.from_rows([{"tokens": [1]}, {"tokens": [2]}]))
    with pytest.raises(InputRefused):
        require_rows(Dataset.from_rows([{"tokens": [1]}]))
