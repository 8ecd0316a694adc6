"""Sampled Shapley values against exact ones, and what must hold in every sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrub.statistics.examples import Resampling
from scrub.statistics.interactions import member_matrix, shapley, zeta
from scrub.statistics.permutations import Memberships, SampledShapley, sampled_shapley
from scrub.statistics.sample import Floats

QUICK = Resampling(replicates=200)


class Table:
    """A set function given by all its values, that remembers what was asked."""

    def __init__(self, values: Floats) -> None:
        self.values = values
        self.count = len(values).bit_length() - 1
        self.asked: list[Memberships] = []

    def __call__(self, members: Memberships) -> Floats:
        self.asked.append(members)
        found: Floats = self.values[members @ (1 << np.arange(self.count))]
        return found

    def sampled(self, pairs: int = 20, how: Resampling = QUICK, **more: Any) -> SampledShapley:
        return sampled_shapley(self, self.count, pairs, how=how, **more)


def random_game(seed: int, count: int = 5, examples: int = 0) -> Table:
    rng = np.random.default_rng(seed)
    dividends = rng.normal(size=1 << count) * (rng.random(1 << count) < 0.4)
    shape = (1 << count, examples) if examples else (1 << count,)
    spread = rng.exponential(size=shape) if examples else np.ones(shape)
    return Table(zeta((dividends * spread.T).T))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 7), st.integers(2, 6), st.sampled_from([0, 3]))
def test_values_sum_to_the_whole_effect_in_every_sample(
    seed: int, count: int, pairs: int, examples: int
) -> None:
    table = random_game(seed, count, examples)
    found = table.sampled(pairs)
    means = table.values.reshape(1 << count, -1).mean(axis=1)
    assert found.everybody.value == pytest.approx(means[-1])
    assert found.nobody.value == pytest.approx(means[0])
    assert found.efficiency_gap == pytest.approx(0, abs=1e-12)


def test_error_shrinks_with_the_root_of_the_orders() -> None:
    """100 times the orders, a tenth of the error, over 20 games."""
    sizes = []
    for pairs in (10, 1000):
        games = [random_game(seed, count=6) for seed in range(20)]
        errors = [game.sampled(pairs).value - shapley(game.values) for game in games]
        sizes.append(np.sqrt(np.mean(np.square(errors))))
    assert 7 < sizes[0] / sizes[1] < 14, sizes


def test_pairs_of_members_need_no_more_than_an_order_and_its_reverse() -> None:
    """Where members interact two by two, what an order errs its reverse takes back exactly."""
    dividends = np.random.default_rng(1).normal(size=1 << 6)
    dividends[member_matrix(6).sum(axis=1) > 2] = 0
    table = Table(zeta(dividends))
    found = table.sampled(2)
    assert found.value == pytest.approx(shapley(table.values), abs=1e-12)
    assert found.high - found.low == pytest.approx(0, abs=1e-9)


def test_member_that_changes_nothing_has_no_value_and_no_width() -> None:
    table = random_game(2)
    table.values = table.values[np.arange(32) & ~0b100]
    found = table.sampled()
    assert (found.value[2], found.low[2], found.high[2]) == (0, 0, 0)


def test_each_subset_is_asked_for_once_and_all_in_one_call() -> None:
    table = random_game(3, count=4)
    found = table.sampled(50)
    (asked,) = table.asked
    assert asked.dtype == np.bool_
    assert len(np.unique(asked, axis=0)) == len(asked) == found.evaluated == 16
    assert found.orders == 100


def test_many_members() -> None:
    """300 of them, two of which do all: a byte is not the end of a row."""

    def value(members: Memberships) -> Floats:
        found = 2.0 * members[:, 7] + members[:, 299] * members[:, 8]
        return found.astype(np.float64)

    found = sampled_shapley(value, 300, 5, how=QUICK)
    assert np.flatnonzero(found.value).tolist() == [7, 8, 299]
    assert found.value[[7, 8, 299]] == pytest.approx([2, 0.5, 0.5])


def test_interval_holds_orders_and_examples() -> None:
    """Examples that differ widen it."""
    table = random_game(4, examples=30)
    alone = Table(table.values.mean(axis=1))
    widths = [(found.high - found.low).max() for found in (table.sampled(), alone.sampled())]
    assert widths[0] > 1.3 * widths[1]


def test_mean_over_examples_is_what_is_estimated() -> None:
    table = random_game(5, examples=10)
    alone = Table(table.values.mean(axis=1))
    assert table.sampled().value == pytest.approx(alone.sampled().value, abs=1e-12)


def test_examples_told_twice_are_not_two() -> None:
    table = random_game(6, examples=20)
    told = Table(np.repeat(table.values, 3, axis=1))
    once, grouped = table.sampled(), told.sampled(groups=np.repeat(np.arange(20), 3))
    assert grouped.low == pytest.approx(once.low, rel=1e-9)
    assert (grouped.high - grouped.low > told.sampled().high - told.sampled().low).all()


def test_seed_alone_decides() -> None:
    table = random_game(7)
    one, other = (table.sampled(how=Resampling(replicates=200, seed=s)) for s in (1, 2))
    again = table.sampled(how=Resampling(replicates=200, seed=1))
    assert np.array_equal(one.low, again.low)
    assert not np.array_equal(one.value, other.value)


def test_notes_say_how_far_to_trust_the_intervals() -> None:
    assert random_game(8).sampled(20).notes == ()
    assert random_game(8, examples=1).sampled(5).notes == (
        "With 5 pairs of orders the intervals are rough; they may be too narrow.",
        "One example: the intervals hold the choice of orders alone.",
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": 0}, "count must be at least 1 member; found 0."),
        (
            {"pairs_of_orders": 1},
            "pairs_of_orders must be at least 2, for one cannot show how much another would have "
            "differed; found 1.",
        ),
        (
            {"value": lambda members: np.zeros(len(members) + 1)},
            "value must return one entry for each of the 4 subsets; found shape (5,).",
        ),
        (
            {"value": lambda members: members[:, 0]},
            "values must be float64; found bool.",
        ),
        (
            {"value": lambda members: np.full((len(members), 2), np.nan)},
            "values must be finite everywhere; found nan at subset 0, example 0 "
            "(8 of 8 values are not finite).",
        ),
    ],
)
def test_malformed_sample(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"value": lambda members: members.sum(axis=1).astype(float), "count": 2}
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        sampled_shapley(**(good | change))
    assert str(refused.value) == message
