"""Where a figure stands among nulls: the exact interval covers, and p is uniform or larger."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, kstest

from scrub.statistics.nulls import exact_interval, standing


@given(trials=st.integers(1, 60), share=st.floats(0, 1), level=st.sampled_from([0.8, 0.95, 0.99]))
def test_the_exact_interval_is_scipys(trials, share, level):
    successes = round(trials * share)
    found = binomtest(successes, trials).proportion_ci(level, method="exact")
    assert exact_interval(successes, trials, level) == pytest.approx((found.low, found.high))


@given(values=st.lists(st.integers(-3, 3), min_size=1, max_size=30), own=st.integers(-3, 3))
def test_ties_count_against_the_claim(values, own):
    found = standing(float(own), np.array(values, dtype=float))
    assert found.below == pytest.approx(np.mean(np.array(values) < own))
    assert found.p == pytest.approx((1 + sum(v >= own for v in values)) / (1 + len(values)))
    assert 0 <= found.low <= found.below <= found.high <= 1
    assert found.p >= 1 / (1 + len(values))


def test_figures_that_were_rounded_twice_tie():
    assert standing(0.9, np.array([0.9 - 1e-14, 0.1])).reached == 1


@pytest.mark.parametrize(
    ("value", "nulls", "level", "said"),
    [
        (0.5, [], 0.95, "a figure stands among at least one other, and all are finite numbers."),
        (0.5, [float("nan")], 0.95, "a figure stands among at least one other, and all are finite"),
        (0.5, [0.1], 1.0, "level must lie between 0 and 1, both excluded; found 1.0."),
    ],
)
def test_what_has_no_place_is_refused(value, nulls, level, said):
    with pytest.raises(ValueError, match=said):
        standing(value, np.array(nulls, dtype=float), level)


def _p_values(rng: np.random.Generator, times: int, drawn: int, ties: int) -> np.ndarray:
    """Of claims that are nulls themselves: of continuous figures, or of so many that can tie."""
    figures = rng.normal(size=(times, drawn + 1))
    if ties:
        figures = np.floor(figures * ties)
    return np.array([standing(row[0], row[1:]).p for row in figures])


def _smoothed(p: np.ndarray, drawn: int, rng: np.random.Generator) -> np.ndarray:
    """p takes the values 1/(K+1), …, 1: spread over the steps it is uniform on [0, 1]."""
    return p - rng.random(len(p)) / (drawn + 1)


def _coverage(rng: np.random.Generator, times: int, drawn: int, below: float) -> float:
    """How often the interval holds the share of all nulls that lie below the claim."""
    held = [standing(below, rng.random(drawn)) for _ in range(times)]  # nulls uniform on [0, 1]
    return float(np.mean([one.low <= below <= one.high for one in held]))


def test_p_is_uniform_for_a_claim_that_is_a_null_in_short():
    rng = np.random.default_rng(0)
    assert kstest(_smoothed(_p_values(rng, 1000, 20, 0), 20, rng), "uniform").pvalue > 0.01


def test_the_interval_of_the_percentile_covers_in_short():
    assert _coverage(np.random.default_rng(1), 400, 20, 0.9) >= 0.93


@pytest.mark.slow
@pytest.mark.parametrize("drawn", [9, 20, 99])
def test_p_is_uniform_for_a_claim_that_is_a_null(drawn):
    rng = np.random.default_rng(drawn)
    p = _p_values(rng, 5000, drawn, 0)
    assert kstest(_smoothed(p, drawn, rng), "uniform").pvalue > 0.001


@pytest.mark.slow
@pytest.mark.parametrize("ties", [1, 2, 5])
def test_p_is_never_too_small_where_nulls_tie(ties):
    """A small model has few hypotheses, and some of those drawn are the claim itself."""
    p = _p_values(np.random.default_rng(ties), 10_000, 20, ties)
    for level in (0.05, 0.1, 0.2, 0.5):
        assert np.mean(p <= level) <= level + 3 * np.sqrt(level / 10_000)


@pytest.mark.slow
@pytest.mark.parametrize("drawn", [10, 20, 100])
@pytest.mark.parametrize("below", [0.05, 0.5, 0.9, 0.99])
def test_the_interval_of_the_percentile_covers_at_least_as_often_as_it_says(drawn, below):
    assert _coverage(np.random.default_rng(drawn), 10_000, drawn, below) >= 0.945
