"""The generator of the induction task: what every row must hold, and how rows are distributed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrub.data.repeated_tokens import COLUMNS, like, rows, sequences

SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def sizes(draw: st.DrawFn) -> dict[str, int]:
    """Any sizes that the generator accepts, the tightest ones included."""
    shortest = draw(st.integers(2, 8))
    longest = draw(st.integers(shortest, 12))
    return {
        "vocabulary": draw(st.integers(longest, longest + 10)),
        "length": draw(st.integers(longest + 2, 3 * longest + 2)),
        "shortest_period": shortest,
        "longest_period": longest,
    }


def assert_right(row: dict[str, Any], size: dict[str, int]) -> None:
    tokens, period, query = row["tokens"], row["period"], row["roles"]["query"]
    assert set(row) == {"tokens", "roles", *COLUMNS}
    assert all(type(token) is int and 0 <= token < size["vocabulary"] for token in tokens)
    assert len(tokens) == size["length"]
    assert size["shortest_period"] <= period <= size["longest_period"]
    assert len(set(tokens[:period])) == period
    assert tokens[period:] == tokens[:-period]
    assert period <= query < 2 * period
    assert query + 1 < len(tokens)
    assert tokens[:query].count(tokens[query]) == 1
    assert row["roles"] == {
        "query": query,
        "match": tokens.index(tokens[query]),
        "after_match": tokens.index(tokens[query]) + 1,
    }
    assert row["current_token"] == tokens[query]
    assert row["next_token"] == tokens[query + 1] == tokens[row["roles"]["after_match"]]


@given(SEEDS, sizes())
def test_every_row_is_right(seed: int, size: dict[str, int]) -> None:
    for row in rows(5, seed=seed, **size):
        assert_right(row, size)


@given(SEEDS, SEEDS, sizes(), st.sets(st.sampled_from(COLUMNS)))
def test_a_like_row_is_right_and_agrees(
    seed: int, fresh_seed: int, size: dict[str, int], agree: set[str]
) -> None:
    [row] = rows(1, seed=seed, **size)
    chosen = {name: value for name, value in size.items() if name != "length"}
    fresh = like(row, agree, np.random.default_rng(fresh_seed), **chosen)
    assert_right(fresh, size)
    assert {column: fresh[column] for column in agree} == {column: row[column] for column in agree}


@given(SEEDS, st.integers(0, 20), st.integers(0, 20))
def test_the_first_rows_do_not_depend_on_how_many_follow(seed: int, n: int, more: int) -> None:
    assert rows(n + more, seed=seed)[:n] == rows(n, seed=seed)


def test_another_seed_gives_other_rows() -> None:
    assert rows(3, seed=0) != rows(3, seed=1)


def test_sequences_are_the_rows_own() -> None:
    tokens, periods = sequences(20, np.random.default_rng([5, 0]))
    made = rows(20, seed=5)
    assert [row["tokens"] for row in made] == [tuple(sequence) for sequence in tokens.tolist()]
    assert [row["period"] for row in made] == periods.tolist()


def assert_uniform(values: list[int], expected: range) -> None:
    """Each value's count within 4.5 standard deviations: about 1 false alarm in 1,000 seeds."""
    counts, share = Counter(values), 1 / len(expected)
    spread = (len(values) * share * (1 - share)) ** 0.5
    assert set(counts) == set(expected)
    assert max(abs(counts[value] - len(values) * share) for value in expected) < 4.5 * spread


def test_periods_tokens_and_queries_are_uniform() -> None:
    made = rows(8000, seed=0)
    assert_uniform([row["period"] for row in made], range(6, 17))
    assert_uniform([row["tokens"][0] for row in made], range(32))
    assert_uniform([row["current_token"] for row in made], range(32))
    assert_uniform([row["next_token"] for row in made], range(32))
    assert_uniform([row["roles"]["query"] for row in made if row["period"] == 9], range(9, 18))
    assert_uniform([row["roles"]["query"] for row in made if row["period"] == 16], range(16, 31))


def test_like_draws_uniformly_what_it_does_not_hold_fixed() -> None:
    rng = np.random.default_rng(0)
    [row] = rows(1, seed=0)
    made = [like(row, ["current_token"], rng) for _ in range(8000)]
    others = [token - (token > row["current_token"]) for token in (r["next_token"] for r in made)]
    assert_uniform([fresh["period"] for fresh in made], range(6, 17))
    assert_uniform(others, range(31))
    assert_uniform([f["roles"]["query"] for f in made if f["period"] == 9], range(9, 18))


def test_like_is_distributed_as_rows_that_happen_to_agree() -> None:
    """By rejection, the slow and obvious way: where the agreed token first stands."""
    rng = np.random.default_rng(1)
    made = rows(40_000, seed=1)
    rejected = [r["roles"]["match"] for r in made if r["next_token"] == made[0]["next_token"]]
    direct = [like(made[0], ["next_token"], rng)["roles"]["match"] for _ in range(len(rejected))]
    expected, found = np.bincount(rejected, minlength=16), np.bincount(direct, minlength=16)
    assert (np.abs(expected - found) <= 4.5 * np.sqrt(expected + found)).all()


SHORT = "shortest_period must be at least 2, not 0"
SWAPPED = "shortest_period (9) must not exceed longest_period (8)"
FEW_TOKENS = "a period of 16 different tokens needs a vocabulary of at least as many, not 15"
NO_ROOM = "a period of 16, a query and its target need a length of at least 18, not 17"


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"shortest_period": 0}, SHORT),
        ({"shortest_period": 9, "longest_period": 8}, SWAPPED),
        ({"vocabulary": 15}, FEW_TOKENS),
        ({"length": 17}, NO_ROOM),
        (
            {"vocabulary": 15, "length": 17, "shortest_period": 0},
            f"{SHORT}; {FEW_TOKENS}; {NO_ROOM}",
        ),
    ],
)
def test_impossible_sizes_are_refused_all_at_once(sizes: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=r"^repeated_tokens: ") as refused:
        rows(1, seed=0, **sizes)
    assert str(refused.value) == f"repeated_tokens: {message}"


def test_like_refuses_a_column_it_does_not_know() -> None:
    [row] = rows(1, seed=0)
    with pytest.raises(ValueError, match=r"^repeated_tokens: ") as refused:
        like(row, ["period", "next"], np.random.default_rng(0))
    assert str(refused.value) == (
        "repeated_tokens: rows cannot agree on 'next'; "
        "what they can agree on: current_token, next_token, period"
    )
