"""Two scrubs compared: p-values, equivalence and intervals keep what they promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, kstest

from scrub.statistics import Estimand, recovered
from scrub.statistics.comparison import Comparing, difference, share_difference
from scrub.statistics.contrast import paired
from scrub.statistics.multiplicity import holm, sign_flip_p
from scrub.statistics.ranking import rank_shares, ranks

from .populations import Population
from .twins import plain, twins

CLASSES = Population(rows=150, references=150, variables=3, draws=4, classes=3)
POPULATIONS = {
    "classes": CLASSES,
    "some rows": Population(rows=200, references=80, variables=3, draws=4),
    "one draw": Population(rows=150, references=150, variables=3, draws=1),
    "ten donors alike": Population(rows=150, references=150, variables=10, draws=2, alike=0.5),
}


def quick(seed: int) -> Comparing:
    return Comparing(seed=seed, flips=999, replicates=400)


def of(first, second):
    return paired(first, second, first.scrubbed - second.scrubbed)


def not_above(hits: int, trials: int, level: float) -> bool:
    """Whether so many rejections or more have a chance of 1 in 1,000 if the level holds."""
    return bool(binom.sf(hits - 1, trials, level) > 1e-3)


def test_a_scrub_against_itself_differs_by_nothing():
    first, _ = twins(CLASSES, 0)
    for how in (Comparing(), Comparing(estimand=Estimand.DATA)):
        found = share_difference(of(first, first), how)
        assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_the_difference_is_that_of_the_two_shares():
    first, second = twins(CLASSES, 1, shift=0.1)
    found = share_difference(of(first, second))
    apart = recovered(first).value - recovered(second).value
    assert found.value == pytest.approx(apart, abs=1e-12)
    assert found.low < found.value < found.high


def test_exchanging_the_two_changes_the_sign_alone():
    first, second = twins(CLASSES, 2, shift=0.1)
    one, other = share_difference(of(first, second)), share_difference(of(second, first))
    assert other.value == -one.value
    assert other.p == one.p
    assert other.equivalence == pytest.approx(one.equivalence, rel=1e-6)
    assert (other.low, other.high) == pytest.approx((-one.high, -one.low), abs=0.01)


def test_common_draws_tell_apart_what_two_intervals_cannot():
    first, _ = twins(CLASSES, 3)
    second = replace(first, scrubbed=first.scrubbed - 0.02)
    one, other = recovered(first), recovered(second)
    assert other.high > one.low  # the two intervals overlap
    found = share_difference(of(first, second))
    assert found.low > 0
    assert found.p == 0.0001


def test_clusters_count_once():
    first, second = twins(replace(CLASSES, interaction=0.0), 4)
    rows = np.arange(first.rows)
    apart = difference(of(first, second), Comparing(), rows)
    assert apart.value == difference(of(first, second)).value
    assert apart.p == pytest.approx(difference(of(first, second)).p, abs=0.02)
    model, values = np.ones(40), np.random.default_rng(0).normal(0.3, 1, 40)
    tenfold = plain(np.tile(values, 10), np.zeros(400), np.tile(model, 10))
    once = difference(of(*plain(values, np.zeros(40), model)))
    naive = difference(of(*tenfold))
    clustered = difference(of(*tenfold), Comparing(), np.tile(np.arange(40), 10))
    assert naive.high - naive.low < 0.4 * (once.high - once.low)
    assert clustered.high - clustered.low == pytest.approx(once.high - once.low, rel=0.1)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=8))
def test_random_signs_agree_with_all_signs(units):
    """Against the exact share over all 2^n signings, ties included."""
    values = np.array(units, dtype=np.float64)
    signs = np.array(np.meshgrid(*[[-1, 1]] * len(values))).reshape(len(values), -1)
    exact = np.mean(np.abs(values @ signs) >= abs(values.sum()))
    assert sign_flip_p(values, 4999, 0) == pytest.approx(exact, abs=0.04)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_between_p_and_bonferroni_and_keeps_the_order(p):
    values = np.array(p)
    adjusted = holm(values)
    assert np.all(values <= adjusted)
    assert np.all(adjusted <= np.minimum(1, len(values) * values) + 1e-15)
    assert np.all(np.diff(adjusted[np.argsort(values, kind="stable")]) >= 0)


def test_ranks_are_shared_by_equals_and_add_up():
    first, second = twins(CLASSES, 5, shift=0.2)
    found = ranks([first, second, first])
    assert found.shares.sum(axis=0) == pytest.approx(np.ones(3))
    assert found.shares.sum(axis=1) == pytest.approx(np.ones(3))
    assert found.shares[0].tolist() == found.shares[2].tolist()
    assert found.expected[1] == pytest.approx(3, abs=0.05)
    assert rank_shares(np.array([[1.0, 2.0], [3.0, 0.0]])).tolist() == [[0.5, 0.5], [0.5, 0.5]]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"margin": 0.0}, "margin must lie between 0 and 1, both excluded; found 0.0."),
        ({"flips": 9}, "flips must be at least 99; found 9."),
        ({"level": 1.0}, "level must lie between 0 and 1, both excluded; found 1.0."),
        (
            {"estimand": "data"},
            "estimand must be Estimand.POPULATION or Estimand.DATA; found 'data'.",
        ),
    ],
)
def test_options_are_refused_in_a_sentence(wrong, said):
    with pytest.raises(ValueError) as refused:  # noqa: PT011  # the full text follows
        Comparing(**wrong)
    assert str(refused.value) == said


def test_what_is_no_p_value_is_refused():
    with pytest.raises(ValueError) as refused:  # noqa: PT011  # the full text follows
        holm(np.array([0.5, 1.5]))
    assert str(refused.value) == "p must be a row of numbers from 0 to 1; found [0.5, 1.5]."


def p_values(trials: int, draw) -> np.ndarray:
    return np.array([difference(of(*draw(seed)), quick(seed)).p for seed in range(trials)])


def skewed_null(seed: int):
    """A point null: which of two values is the first's is left to chance."""
    rng = np.random.default_rng(seed)
    values = rng.exponential(size=(2, 60))
    return plain(values[0], values[1], np.full(60, 3.0))


def discrete_null(seed: int):
    """Right or wrong, as accuracy is: the two differ on one example in ten."""
    rng = np.random.default_rng(seed)
    both = rng.random(60) < 0.7
    one, other = np.where(rng.random((2, 60)) < 0.05, ~both, both)
    return plain(one, other, np.ones(60))


def test_p_values_in_a_few_simulations():
    p = p_values(120, skewed_null)
    assert kstest(p, "uniform").pvalue > 1e-3
    p = p_values(120, discrete_null)
    for level in (0.01, 0.05, 0.2):
        assert not_above(int((p <= level).sum()), 120, level)


@pytest.mark.slow
def test_p_values_are_uniform_under_point_nulls():
    p = p_values(1000, skewed_null)
    found = kstest(p, "uniform").pvalue
    print(f"\npoint null: Kolmogorov–Smirnov p = {found:.3f}, p ≤ 0.05 in {np.mean(p <= 0.05):.3f}")
    assert found > 0.01


@pytest.mark.slow
def test_p_values_are_never_too_small_under_discrete_nulls():
    p = p_values(1000, discrete_null)
    for level in (0.01, 0.05, 0.1, 0.2, 0.5):
        print(f"\ndiscrete null: p ≤ {level} in {np.mean(p <= level):.3f}")
        assert not_above(int((p <= level).sum()), 1000, level)


@pytest.mark.slow
@pytest.mark.parametrize("name", POPULATIONS)
def test_scrubs_with_donors_of_their_own(name):
    """Interval, test and equivalence where donors matter; the truth is no difference."""
    population, trials = POPULATIONS[name], 500
    found, margin = [], 0.05
    for seed in range(trials):
        pair = of(*twins(population, seed))
        found.append(share_difference(pair, quick(seed)))
    covered = sum(one.low <= 0 <= one.high for one in found)
    rejected = sum(one.p <= 0.05 for one in found)
    equal = 0
    for seed in range(trials):
        at_margin = of(*twins(population, seed, shift=margin))
        equal += share_difference(at_margin, replace(quick(seed), flips=99)).equivalence <= 0.05
    print(
        f"\n{name:18} covers {covered / trials:.3f}, p ≤ 0.05 in {rejected / trials:.3f}, ", end=""
    )
    print(f"equivalent at the margin in {equal / trials:.3f} of {trials}")
    assert binom.cdf(covered, trials, 0.95) > 1e-3
    assert not_above(rejected, trials, 0.05)
    assert not_above(equal, trials, 0.05)


def equivalent_at_the_margin(count: int, chance: float, trials: int) -> int:
    """How often a scrub that fails on `chance` of examples, the margin, passes for equal."""
    hits = 0
    for seed in range(trials):
        failed = np.random.default_rng(seed).random(count) < chance
        pair = of(*plain(np.ones(count), ~failed, np.ones(count)))
        how = Comparing(seed=seed, margin=chance, flips=99, replicates=100)
        hits += share_difference(pair, how).equivalence <= 0.05
    return hits


@pytest.mark.parametrize("count", [30, 100])
def test_rare_failures_that_were_not_drawn_do_not_pass_for_equal(count):
    """A composite, discrete null: none of 30 examples failing says little about one in twenty."""
    assert not_above(equivalent_at_the_margin(count, 0.05, 150), 150, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("chance", [0.02, 0.05, 0.1, 0.2])
@pytest.mark.parametrize("count", [20, 50, 60, 100, 256, 1000])
def test_equivalence_keeps_its_level_where_failures_are_rare(count, chance):
    hits = equivalent_at_the_margin(count, chance, 1000)
    print(f"\n{count} examples, margin {chance}: equivalent in {hits / 1000:.3f}")
    assert not_above(hits, 1000, 0.05)


def test_equivalence_is_found_where_there_is_enough_data():
    hits = sum(
        share_difference(of(*plain(a, a, np.ones(256)))).equivalence <= 0.05
        for a in (np.random.default_rng(seed).random(256) for seed in range(5))
    )
    assert hits == 5


@pytest.mark.slow
@pytest.mark.parametrize("references", [150, 60])
def test_the_difference_in_data_as_they_are(references):
    """One dataset, scrubbed again and again: its own difference is covered."""
    population = replace(CLASSES, references=references)
    second = replace(population, own=population.own - 0.3)
    data = population.dataset(np.random.default_rng(5))
    truth = population.share_in(data) - second.share_in(data)
    how = Comparing(estimand=Estimand.DATA, flips=99, replicates=400)
    covered = 0
    for seed in range(300):
        pair = of(*twins(population, seed, data=data))
        found = share_difference(pair, replace(how, seed=seed))
        covered += found.low <= truth <= found.high
    print(f"\n{references} of 150 rows: covers {covered / 300:.3f}")
    assert binom.cdf(covered, 300, 0.95) > 1e-3
