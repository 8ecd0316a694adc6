"""Ranks among random rivals, and edges against random edges: exact by hand and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, kstest

from scrub.statistics.rivals import Correction, rank, worth
from scrub.statistics.sample import Floats


def test_a_rank_by_hand() -> None:
    """Four rivals: better than two, equal to one, worse than one. As good are two, so p = 3/5; two
    wins or more of four at ½ have the chance 11/16."""
    found = rank(5.0, np.array([1.0, 2.0, 5.0, 9.0]), quantile=0.5)
    assert (found.wins, found.ties, found.share) == (2, 1, 0.625)
    assert found.p == 3 / 5
    assert found.p_quantile == pytest.approx(11 / 16)


def test_the_best_of_a_hundred_is_not_certain() -> None:
    """p is never 0: 1 of 101, and 0.9 to the hundredth."""
    found = rank(1.0, np.zeros(100))
    assert found.p == 1 / 101
    assert found.p_quantile == pytest.approx(0.9**100)


def test_differences_within_rounding_are_ties() -> None:
    found = rank(1.0, np.array([1 - 1e-9, 1 + 1e-9, 0.0]), tolerance=1e-6)
    assert (found.wins, found.ties) == (1, 2)


def test_edges_by_hand() -> None:
    """Ten random edges, q* = 0.9. One edge matters more than all, p = 1; one more than eight,
    p = 1 − 0.9^10 − 10 · 0.1 · 0.9^9; one than none, p = 0.1^10."""
    found = worth(np.array([20.0, 7.5, -1.0]), np.arange(10.0))
    assert found.wins.tolist() == [10, 8, 0]
    middle = 1 - 0.9**10 - 0.9**9
    np.testing.assert_allclose(found.p, [1, middle, 0.1**10])
    np.testing.assert_allclose(found.adjusted, [1, 2 * middle, 3 * 0.1**10])
    assert found.idle(0.05).tolist() == [False, False, True]
    bonferroni = worth(
        np.array([20.0, 7.5, -1.0]), np.arange(10.0), correction=Correction.BONFERRONI
    )
    np.testing.assert_allclose(bonferroni.adjusted, [1, 3 * middle, 3 * 0.1**10])


def test_an_edge_that_ties_with_random_ones_matters_no_more_than_they() -> None:
    """Edges that do nothing, in the circuit as at random: idle."""
    found = worth(np.array([0.0, 1e-15]), np.full(100, 2e-15), tolerance=1e-12)
    assert found.ties.tolist() == [100, 100]
    assert found.idle(0.05).all()


def exchangeable(count: int, discrete: bool) -> Floats:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(count):
        values = rng.normal(size=200)
        values = values.round() if discrete else values
        found.append(rank(float(values[0]), values[1:]).p)
    return np.array(found)


def test_p_is_uniform_where_a_circuit_is_one_more_random_one() -> None:
    assert kstest(exchangeable(1000, discrete=False), "uniform").pvalue > 0.01


def test_p_is_never_too_small_where_circuits_tie() -> None:
    found = exchangeable(1000, discrete=True)
    for alpha in (0.01, 0.05, 0.1, 0.5):
        assert (found <= alpha).mean() <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / 1000)


def too_often(quantile: float, chance: float, rivals: int, alpha: float) -> tuple[float, float]:
    """How often sufficiency and minimality reject a circuit that beats random ones with `chance`,
    by the exact chances of all numbers of wins."""
    wins = np.arange(rivals + 1)
    chances = binom.pmf(wins, rivals, chance)
    beaten = [np.concatenate([np.zeros(w), np.full(rivals - w, 2.0)]) for w in wins]
    better = [rank(1.0, row, quantile=quantile).p_quantile <= alpha for row in beaten]
    idle = [worth(np.ones(1), row, quantile=quantile).p[0] <= alpha for row in beaten]
    return float(chances @ np.array(better)), float(chances @ np.array(idle))


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.3])
@pytest.mark.parametrize("quantile", [0.5, 0.9])
def test_neither_quantile_test_rejects_a_null_that_holds_too_often(
    quantile: float, alpha: float
) -> None:
    """At the quantile itself both nulls hold; below it that of sufficiency, above that of
    minimality. Far from it each rejects."""
    for chance in (0.2, quantile):
        assert too_often(quantile, chance, 100, alpha)[0] <= alpha
    for chance in (quantile, 0.99):
        assert too_often(quantile, chance, 100, alpha)[1] <= alpha
    assert too_often(quantile, 0.999, 100, alpha)[0] > 0.9
    assert too_often(quantile, 0.2, 100, alpha)[1] > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("correction", Correction)
def test_no_edge_is_called_idle_too_often_among_many(correction: Correction) -> None:
    """Ten edges that matter more than exactly 90 % of random ones: at most one family in twenty
    holds an edge that is called idle, though all meet the same random edges."""
    rng = np.random.default_rng(1)
    at = np.full(10, 0.9)  # uniform random worths: the chance to be below is the worth itself
    found = [
        worth(at, rng.random(100), correction=correction).idle(0.05).any() for _ in range(2000)
    ]
    assert np.mean(found) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)


@pytest.mark.parametrize(
    ("quantile", "rivals", "message"),
    [
        (1.0, np.zeros(3), "quantile must lie between 0 and 1, both excluded; found 1.0."),
        (0.9, np.zeros(0), "rivals must be a row of at least one number; found (0,)."),
        (0.9, np.array([np.nan]), "values and rivals must be finite everywhere."),
    ],
)
def test_what_cannot_be_is_refused(quantile: float, rivals: Floats, message: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011  # the message is held below
        rank(0.0, rivals, quantile=quantile)
    assert str(refused.value) == message
