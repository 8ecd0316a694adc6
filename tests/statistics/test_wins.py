"""Equivalence by the share of wins: exact by hand, and never too small at any share of ties."""

from __future__ import annotations

from itertools import product
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from scrub.statistics.wins import Equivalence, Wins, equivalence, equivalence_of

counts = st.builds(Wins, st.integers(0, 40), st.integers(0, 40), st.integers(0, 40)).filter(
    lambda found: found.units > 0
)


def test_ten_examples_by_hand() -> None:
    """9 wins of 10, ε = 0.1: P(≥ 9) + P(≤ 1) at 0.6."""

    def chance(wins: int, p: float) -> float:
        return comb(10, wins) * p**wins * (1 - p) ** (10 - wins)

    by_hand = sum(chance(k, 0.6) for k in (0, 1, 9, 10))
    assert equivalence_of(Wins(9, 0, 1)).p_equivalent == pytest.approx(by_hand)


def test_an_even_share_of_two_hundred_by_hand() -> None:
    """Wins or ties, the share is ½, and at ½ + 0.1 so few have the chance P(B(200, 0.6) ≤ 100)."""
    by_hand = sum(comb(200, k) * 0.6**k * 0.4 ** (200 - k) for k in range(101))
    for found in (Wins(100, 0, 100), Wins(0, 200, 0), Wins(40, 120, 40)):
        assert equivalence_of(found).p_different == pytest.approx(by_hand)


def test_two_examples_with_one_tie_by_hand() -> None:
    """A win and a tie are 1½ of 2: as far as that from an even share are only two wins, a win and
    a tie, and their mirror images. At ½ + 0.1 with a share τ of ties these have the chance
    (0.6 − τ/2)² + 2τ(0.6 − τ/2) + (0.4 − τ/2)² + 2τ(0.4 − τ/2), which is largest within [0, 0.8]
    where its slope, 1 − 3τ, is 0."""
    found = equivalence_of(Wins(1, 1, 0))
    tie = 1 / 3
    win, loss = 0.6 - tie / 2, 0.4 - tie / 2
    by_hand = win**2 + loss**2 + 2 * tie * (win + loss)
    assert found.p_equivalent == pytest.approx(by_hand, abs=1e-3)


@given(st.integers(1, 500), st.floats(0.02, 0.45))
@settings(deadline=None, max_examples=15)
def test_a_circuit_identical_to_the_model_is_never_rejected(n: int, margin: float) -> None:
    found = equivalence(np.zeros(n), margin=margin)
    assert found.counts == Wins(0, n, 0)
    assert found.counts.share == 0.5
    assert found.p_equivalent == 1
    assert found.verdict(0.05) != "not equivalent"


def test_what_the_released_code_rejected_is_not_rejected() -> None:
    """Its test took the mean difference of scores, 0 for an identical circuit, for a share of wins:
    with 200 examples p is 6.5e-23 or the like. So would a tiny difference that has no direction."""
    rng = np.random.default_rng(0)
    theirs = sum(binom.pmf(k, 200, 0.6) for k in range(201) if abs(k / 200 - 0.5) >= 0.5)
    assert theirs < 1e-20
    assert equivalence(np.zeros(200)).p_equivalent == 1
    assert equivalence(1e-6 * rng.normal(size=200)).p_equivalent > 0.05


def test_differences_within_rounding_are_ties() -> None:
    differences = np.array([3e-7, -2e-7, 0.5, -0.1])
    assert equivalence(differences, tolerance=1e-6).counts == Wins(1, 2, 1)
    assert equivalence(differences).counts == Wins(2, 0, 2)


def test_examples_of_one_group_are_one_unit() -> None:
    groups = np.array(["a", "a", "b"])
    assert equivalence(np.array([3.0, -1.0, -1.0]), groups=groups).counts == Wins(1, 0, 1)


@given(counts, st.floats(0.02, 0.45))
@settings(deadline=None, max_examples=15)
def test_circuit_and_model_may_change_places(found: Wins, margin: float) -> None:
    ours = equivalence_of(found, margin)
    theirs = equivalence_of(Wins(found.losses, found.ties, found.wins), margin)
    assert ours.p_equivalent == pytest.approx(theirs.p_equivalent)
    assert ours.p_different == pytest.approx(theirs.p_different)


@given(counts, st.floats(0.02, 0.4))
@settings(deadline=None, max_examples=15)
def test_a_wider_margin_makes_equivalence_easier(found: Wins, margin: float) -> None:
    narrow, wide = equivalence_of(found, margin), equivalence_of(found, margin + 0.05)
    assert wide.p_equivalent >= narrow.p_equivalent - 1e-9
    assert wide.p_different <= narrow.p_different + 1e-9


@given(counts)
@settings(deadline=None, max_examples=15)
def test_the_interval_holds_the_share(found: Wins) -> None:
    assert 0 <= found.low <= found.share <= found.high <= 1


def outcomes(n: int, win: float, tie: float) -> dict[Wins, float]:
    """Every result of n examples, with its chance."""
    found = {}
    for wins, ties in product(range(n + 1), repeat=2):
        if wins + ties <= n:
            chance = comb(n, wins) * comb(n - wins, ties)
            rest = max(0.0, 1 - win - tie) ** (n - wins - ties)
            found[Wins(wins, ties, n - wins - ties)] = chance * win**wins * tie**ties * rest
    return found


def sizes(n: int, margin: float, null: str, alphas: tuple[float, ...]) -> float:
    """How much too often, at the most, a null is rejected where it holds: all results of n examples
    by their exact chances, at every P of the null and every share of ties."""
    tests: dict[Wins, Equivalence] = {w: equivalence_of(w, margin) for w in outcomes(n, 0.5, 0)}
    worst = -1.0
    inside = np.linspace(0.5 - margin, 0.5 + margin, 5)
    outside = np.concatenate([np.linspace(0, 0.5 - margin, 4), np.linspace(0.5 + margin, 1, 4)])
    for p in inside if null == "p_equivalent" else outside:
        for tie in np.linspace(0, 2 * min(p, 1 - p), 8):
            chances = outcomes(n, max(0.0, p - tie / 2), tie)
            for alpha in alphas:
                size = sum(c for w, c in chances.items() if getattr(tests[w], null) <= alpha)
                worst = max(worst, size - alpha)
    return worst


@pytest.mark.parametrize("null", ["p_equivalent", "p_different"])
def test_p_is_never_too_small_whatever_the_share_of_ties(null: str) -> None:
    """Composite and discrete: of 12 examples, by all their results."""
    assert sizes(12, 0.1, null, (0.01, 0.05, 0.2)) <= 1e-3 * 0.2


@pytest.mark.slow
@pytest.mark.parametrize("null", ["p_equivalent", "p_different"])
@pytest.mark.parametrize("margin", [0.05, 0.1, 0.3])
def test_p_is_never_too_small_at_many_sizes(null: str, margin: float) -> None:
    for n in (1, 2, 5, 30):
        assert sizes(n, margin, null, (0.001, 0.01, 0.05, 0.1, 0.5)) <= 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("tie", [0.0, 0.4])
def test_power_under_known_alternatives(tie: float) -> None:
    """300 examples: a circuit that wins 75 % is told apart, one that wins half is shown equivalent;
    with ties less is needed."""
    rng = np.random.default_rng(3)
    for p, null in ((0.75, "p_equivalent"), (0.5, "p_different")):
        steps = rng.choice([1.0, 0.0, -1.0], (60, 300), p=[p - tie / 2, tie, 1 - p - tie / 2])
        rejected = np.mean([getattr(equivalence(row), null) <= 0.05 for row in steps])
        assert rejected > 0.8


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"margin": 0.5}, "margin must lie between 0 and ½, both excluded; found 0.5."),
        ({"tolerance": -1.0}, "tolerance must be a number from 0; found -1.0."),
        ({"level": 1.0}, "level must lie between 0 and 1, both excluded; found 1.0."),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011  # the message is held below
        equivalence(np.zeros(3), **given)
    assert str(refused.value) == message
