"""HSIC with permutations: as its definition says, uniform under independence, powerful else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import kstest

from scrub.statistics.hsic import independence
from scrub.statistics.sample import Floats


def by_definition(x: Floats, y: Floats) -> float:
    """trace(KHLH) / (n − 1)², with whole kernel matrices."""
    n = len(x)
    centring = np.eye(n) - 1 / n

    def kernel(values: Floats) -> Floats:
        apart = np.abs(values[:, None] - values)
        found: Floats = np.exp(-(apart**2) / (2 * np.median(apart[apart > 0]) ** 2))
        return found

    return float(np.trace(kernel(x) @ centring @ kernel(y) @ centring)) / (n - 1) ** 2


@pytest.mark.parametrize("ties", [False, True])
def test_hsic_is_what_its_definition_says(ties: bool) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 40))
    if ties:
        x, y = x.round(), y.round()
    assert independence(x, y, permutations=99).hsic == pytest.approx(by_definition(x, y), rel=1e-6)


def test_three_examples_by_hand() -> None:
    """x = y = 0, 1, 2: distances 1, 1, 2 with median 1; the six orders of y give HSIC its largest
    value for the order itself and its reverse."""
    x = np.array([0.0, 1.0, 2.0])
    a, b = np.exp(-0.5), np.exp(-2)
    kernel = np.array([[1, a, b], [a, 1, a], [b, a, 1]])
    centred = kernel - kernel.mean(0) - kernel.mean(1)[:, None] + kernel.mean()
    found = independence(x, x, permutations=999)
    assert found.hsic == pytest.approx((centred**2).sum() / 4)
    assert found.correlation == pytest.approx(1)
    assert found.p == pytest.approx(1 / 3, abs=0.05)


def test_units_of_the_scores_do_not_matter() -> None:
    """The released code had one bandwidth for both scores, of their distances from one another."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=50)
    y = x + rng.normal(size=50)
    one, other = independence(x, y), independence(1000 * x + 5, y / 1000)
    assert one.p == other.p
    assert one.hsic == pytest.approx(other.hsic)
    assert one.p < 0.01


def test_dependence_without_correlation_is_seen() -> None:
    x = np.random.default_rng(2).normal(size=80)
    assert independence(x, x**2).p == 1 / 1001  # none of 1,000 permutations, and itself


@pytest.mark.parametrize("noise", [0.0, 1e-7])
def test_a_score_that_does_not_vary_depends_on_nothing(noise: float) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=30)
    found = independence(x, 5 + noise * x, tolerance=1e-5)
    assert (found.p, found.hsic, found.constant) == (1, 0, True)


def test_examples_of_one_group_are_one_unit() -> None:
    """Copies of each example say no more than one of it."""
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(2, 25))
    once = independence(x, y)
    copies = independence(np.tile(x, 4), np.tile(y, 4), groups=np.tile(np.arange(25), 4))
    assert copies.p == once.p
    assert copies.units == 25


def independent(count: int, size: int, discrete: bool) -> Floats:
    """p-values of so many pairs of independent scores."""
    rng = np.random.default_rng(5)
    found = []
    for i in range(count):
        x, y = rng.exponential(size=(2, size))
        if discrete:
            x, y = x.round(), y.round()
        found.append(independence(x, y, permutations=199, seed=i).p)
    return np.array(found)


def test_p_is_uniform_under_independence() -> None:
    assert kstest(independent(60, 12, discrete=False), "uniform").pvalue > 0.01


@pytest.mark.slow
def test_p_is_uniform_over_a_thousand_pairs() -> None:
    found = independent(1000, 20, discrete=False)
    assert kstest(found, "uniform").pvalue > 0.01
    assert found.min() >= 1 / 200


@pytest.mark.slow
def test_p_is_never_too_small_where_scores_tie() -> None:
    found = independent(1000, 12, discrete=True)
    for alpha in (0.01, 0.05, 0.1, 0.5):
        assert (found <= alpha).mean() <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / 1000)


@pytest.mark.slow
def test_power_under_known_dependence() -> None:
    rng = np.random.default_rng(6)
    found = []
    for i in range(100):
        x = rng.normal(size=60)
        found.append(independence(x, x**2 + rng.normal(size=60), seed=i).p)
    assert np.mean(np.array(found) <= 0.05) > 0.8


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"permutations": 98}, "permutations must be at least 99; found 98."),
        ({"seed": -1}, "seed must be an integer from 0; found -1."),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011  # the message is held below
        independence(np.arange(3.0), np.arange(3.0), **given)
    assert str(refused.value) == message
