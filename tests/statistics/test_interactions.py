"""Inclusion–exclusion: what Möbius, Shapley and the pair index must be for any set function."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from scrub.statistics.effects import mean_effects
from scrub.statistics.examples import Resampling
from scrub.statistics.interactions import (
    member_matrix,
    moebius,
    pair_interactions,
    shapley,
    zeta,
)
from scrub.statistics.sample import Floats

# Whole numbers: sums of them are exact, so laws hold to the last bit.
whole_numbers = st.integers(-1000, 1000).map(float)


@st.composite
def set_functions(draw: st.DrawFn, least: int = 0, most: int = 5, trailing: bool = True) -> Floats:
    """Values [2^n] or [2^n, example] of a random set function."""
    count = draw(st.integers(least, most))
    extra = draw(st.sampled_from([(), (3,)])) if trailing else ()
    found: Floats = draw(arrays.arrays(np.float64, (1 << count, *extra), elements=whole_numbers))
    return found


def within(small: int, large: int) -> bool:
    return small & large == small


@settings(deadline=None, max_examples=30)
@given(set_functions())
def test_interactions_within_a_subset_sum_to_its_value(values: Floats) -> None:
    interactions = moebius(values)
    for subset in range(len(values)):
        parts = [interactions[t] for t in range(len(values)) if within(t, subset)]
        assert np.array_equal(np.sum(parts, axis=0), values[subset])


@settings(deadline=None, max_examples=30)
@given(set_functions(most=7))
def test_zeta_undoes_moebius_and_leaves_its_argument_alone(values: Floats) -> None:
    before = values.copy()
    assert np.array_equal(zeta(moebius(values)), values)
    assert np.array_equal(moebius(zeta(values)), values)
    assert np.array_equal(values, before)


@settings(deadline=None, max_examples=30)
@given(set_functions(most=5))
def test_moebius_is_inclusion_exclusion(values: Floats) -> None:
    sizes = member_matrix(len(values).bit_length() - 1).sum(axis=1)
    interactions = moebius(values)
    for subset in range(len(values)):
        parts = [
            (-1.0) ** (sizes[subset] - sizes[t]) * values[t]
            for t in range(len(values))
            if within(t, subset)
        ]
        assert np.array_equal(np.sum(parts, axis=0), interactions[subset])


@settings(deadline=None, max_examples=20)
@given(set_functions(least=1, most=4))
def test_shapley_is_the_mean_over_all_orders(values: Floats) -> None:
    count = len(values).bit_length() - 1
    orders = list(permutations(range(count)))
    added = np.zeros((count, *values.shape[1:]))
    for order in orders:
        reached = 0
        for member in order:
            added[member] += values[reached | 1 << member] - values[reached]
            reached |= 1 << member
    assert shapley(values) == pytest.approx(added / len(orders), rel=1e-9, abs=1e-6)


@settings(deadline=None, max_examples=30)
@given(set_functions(least=1))
def test_shapley_values_sum_to_the_whole_effect(values: Floats) -> None:
    assert shapley(values).sum(axis=0) == pytest.approx(values[-1] - values[0], abs=1e-6)


@settings(deadline=None, max_examples=30)
@given(set_functions(least=2, trailing=False), st.data())
def test_members_that_are_alike_have_one_value(values: Floats, data: st.DataObject) -> None:
    count = len(values).bit_length() - 1
    i, j = data.draw(st.permutations(range(count)))[:2]
    order = list(range(count))
    order[i], order[j] = j, i
    swapped = member_matrix(count)[:, order] @ (1 << np.arange(count))
    alike = values + values[swapped]  # the same with i and j exchanged
    found = shapley(alike)
    assert found[i] == pytest.approx(found[j], abs=1e-6)


@settings(deadline=None, max_examples=30)
@given(set_functions(least=1, trailing=False), st.data())
def test_member_that_changes_nothing_has_no_value(values: Floats, data: st.DataObject) -> None:
    count = len(values).bit_length() - 1
    nobody = data.draw(st.integers(0, count - 1))
    without = np.arange(len(values)) & ~(1 << nobody)
    assert shapley(values[without])[nobody] == pytest.approx(0, abs=1e-6)
    pairs = pair_interactions(values[without])
    assert pairs[nobody] == pytest.approx(0, abs=1e-6)


@settings(deadline=None, max_examples=30)
@given(set_functions(least=1, trailing=False), whole_numbers, st.integers(0, 100))
def test_shapley_is_additive(values: Floats, factor: float, seed: int) -> None:
    other = np.random.default_rng(seed).integers(-9, 9, len(values)).astype(float)
    together = shapley(values + factor * other)
    assert together == pytest.approx(shapley(values) + factor * shapley(other), abs=1e-4)


@settings(deadline=None, max_examples=20)
@given(set_functions(least=2, most=4))
def test_pair_index_is_the_mean_over_orders_in_which_the_pair_joins_as_one(values: Floats) -> None:
    count = len(values).bit_length() - 1
    found = pair_interactions(values)
    for i in range(count):
        for j in range(i):
            rest = [k for k in range(count) if k not in (i, j)]
            orders = list(permutations([*rest, i]))  # i stands for both
            total = np.zeros(values.shape[1:])
            for order in orders:
                s = sum(1 << k for k in order[: order.index(i)])
                total += values[s | 1 << i | 1 << j] - values[s | 1 << i]
                total += values[s] - values[s | 1 << j]
            assert found[i, j] == pytest.approx(total / len(orders), abs=1e-6)
            assert np.array_equal(found[i, j], found[j, i])


def test_additive_functions_have_no_interactions() -> None:
    own = np.array([3.0, -1.0, 4.0])
    values = 2 + member_matrix(3) @ own
    assert moebius(values).tolist() == [2, 3, -1, 0, 4, 0, 0, 0]
    assert shapley(values).tolist() == pytest.approx(own)


def test_intervals_come_from_examples() -> None:
    """Möbius is linear: the interactions of the means are the means of the interactions."""
    rng = np.random.default_rng(0)
    both = np.array([0.0, 0.0, 0.0, 1.0])[:, None] + rng.normal(0, 0.2, (4, 60))
    found = mean_effects(moebius(both), how=Resampling(replicates=200))
    assert found.mean == pytest.approx(moebius(both.mean(axis=1)))
    assert found.low is not None
    assert found.low[3] > 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            np.zeros(6),
            "values must have one entry for each of the 2^n subsets, n at most 12; found 6 "
            "entries. Entry 0b101 is the value of members 0 and 2.",
        ),
        (
            np.zeros(1 << 13),
            "values must have one entry for each of the 2^n subsets, n at most 12; found 8192 "
            "entries. Entry 0b101 is the value of members 0 and 2. Beyond 12 members, sample: see "
            "sampled_shapley.",
        ),
        (np.zeros(4, dtype=int), "values must be float64; found int64."),
        (
            np.array([[0.0, 1.0], [np.nan, 2.0]]),
            "values must be finite everywhere; found nan at subset 1, example 0 "
            "(1 of 4 values are not finite).",
        ),
    ],
)
def test_malformed_set_function(values: Any, message: str) -> None:
    for call in (moebius, zeta, shapley, pair_interactions):
        with pytest.raises(ValueError) as refused:  # noqa: PT011
            call(values)
        assert str(refused.value) == message
