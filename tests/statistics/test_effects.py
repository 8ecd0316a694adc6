"""Mean effects of many cells, their shares, and what is said where a figure is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrub.statistics import NOT_A_ROW, Interval, Sample, recovered
from scrub.statistics.effects import Effects, mean_effects, shares
from scrub.statistics.examples import Resampling
from scrub.statistics.sample import Floats

QUICK = Resampling(replicates=200)


def ends(found: Effects) -> tuple[Floats, Floats]:
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


def random_runs(seed: int, cells: int = 3, examples: int = 40) -> tuple[Floats, Floats, Floats]:
    """Values [cell, example] between a corrupted and a wild run two apart."""
    rng = np.random.default_rng(seed)
    corrupted = rng.normal(size=examples)
    gap = 1 + rng.exponential(size=examples)
    part = np.linspace(0, 1, cells)[:, None]
    noise = rng.normal(0, 0.3, (cells, examples))
    return corrupted + part * gap + noise, corrupted + gap, corrupted


def test_cells_keep_their_shape() -> None:
    values = np.random.default_rng(0).normal(size=(2, 3, 20))
    found = mean_effects(values, how=QUICK)
    flat = mean_effects(values.reshape(6, 20), how=QUICK)
    assert found.mean.shape == (2, 3)
    assert found.bounds(1, 2) == flat.bounds(5)
    assert (found.n, found.units) == (20, 20)


def test_every_cell_sees_the_same_draws() -> None:
    """Also beyond the number of cells that are replicated at a time."""
    values = np.tile(np.random.default_rng(1).exponential(size=15), (600, 1))
    low, high = ends(mean_effects(values, how=QUICK))
    assert len(set(low.tolist())) == len(set(high.tolist())) == 1


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 100), st.floats(-50, 50), st.sampled_from(Interval))
def test_units_of_the_metric_move_the_interval_along(
    seed: int, scale: float, shift: float, method: Interval
) -> None:
    values = np.random.default_rng(seed).exponential(size=(2, 12))
    how = Resampling(method=method, replicates=200)
    one, other = mean_effects(values, how=how), mean_effects(scale * values + shift, how=how)
    for before, after in zip(ends(one), ends(other), strict=True):
        assert after == pytest.approx(scale * before + shift, rel=1e-6, abs=1e-6)


def test_groups_of_one_are_no_groups() -> None:
    values = np.random.default_rng(2).normal(size=(2, 30))
    alone = mean_effects(values, np.arange(30), QUICK)
    assert alone.bounds(1) == mean_effects(values, how=QUICK).bounds(1)


def test_examples_told_twice_are_not_two() -> None:
    """Each example repeated three times: the same interval, where the group is named."""
    values = np.random.default_rng(3).normal(size=(1, 25))
    told = np.repeat(values, 3, axis=1)
    names = np.repeat([f"film {i:02}" for i in range(25)], 3)
    once, grouped, naive = (
        np.subtract(*reversed(ends(found)))[0]
        for found in (
            mean_effects(values, how=QUICK),
            mean_effects(told, names, QUICK),
            mean_effects(told, how=QUICK),
        )
    )
    assert grouped == pytest.approx(once, rel=1e-9)
    assert naive < 0.75 * once


def test_groups_of_unequal_size_leave_the_mean_over_examples() -> None:
    values = np.array([[1.0, 1.0, 1.0, 5.0]])
    found = mean_effects(values, np.array([0, 0, 0, 1]), QUICK)
    assert found.mean.tolist() == [2.0]
    assert found.units == 2


def test_cell_that_never_varies_has_no_width() -> None:
    low, high = ends(mean_effects(np.full((1, 10), 0.1), how=QUICK))
    assert low[0] == pytest.approx(0.1, abs=1e-12)
    assert high[0] == pytest.approx(0.1, abs=1e-12)


def test_single_example_has_a_mean_and_no_interval() -> None:
    found = mean_effects(np.array([[2.0], [3.0]]))
    assert (found.mean.tolist(), found.low, found.high) == ([2.0, 3.0], None, None)
    assert found.notes == (
        "There are no intervals: one example cannot show how much another would have differed. "
        "Use at least two examples.",
    )
    assert str(found.bounds(1)) == "3"


def test_few_groups_are_said_to_be_few() -> None:
    found = mean_effects(np.ones((1, 12)), np.repeat([0, 1, 2], 4), QUICK)
    assert found.notes == ("With 3 groups the intervals are rough; they may be too narrow.",)
    assert mean_effects(np.ones((1, 12)), how=QUICK).notes == ()


def test_share_is_a_ratio_of_means_and_no_mean_of_ratios() -> None:
    wild, corrupted = np.array([1.0, 9.0, 9.0, 9.0]), np.array([0.9, 1.0, 1.0, 1.0])
    values = np.array([[0.0, 5.0, 5.0, 5.0]])
    found = shares(values, wild, corrupted, how=QUICK)
    assert found.share is not None
    assert found.share[0] == pytest.approx((15 - 3.9) / (28 - 3.9))
    assert np.mean((values - corrupted) / (wild - corrupted)) < 0  # one example would rule it


def test_restoring_everything_gives_one_and_nothing_zero_in_every_replicate() -> None:
    _, wild, corrupted = random_runs(4)
    found = shares(np.stack([wild, corrupted]), wild, corrupted, how=QUICK)
    one, nothing = found.bounds(0), found.bounds(1)
    assert one is not None
    assert nothing is not None
    assert (one.value, one.low, one.high) == pytest.approx((1, 1, 1), abs=1e-12)
    assert (nothing.value, nothing.low, nothing.high) == pytest.approx((0, 0, 0), abs=1e-12)


def test_noising_and_denoising_are_each_others_complement() -> None:
    values, wild, corrupted = random_runs(5)
    denoised = shares(values, wild, corrupted, how=QUICK)
    noised = shares(values, corrupted, wild, how=QUICK)
    assert denoised.share is not None
    assert noised.share is not None
    assert denoised.share + noised.share == pytest.approx(1)


@pytest.mark.parametrize("seed", range(5))
def test_same_interval_as_a_scrub_without_donors(seed: int) -> None:
    """A scrub whose donors are no rows of the data varies by its references alone."""
    values, wild, corrupted = random_runs(seed, cells=1)
    nowhere = np.full((1, 40, 1), NOT_A_ROW)
    scrub = recovered(
        Sample(
            rows=40,
            references=np.arange(40),
            scrubbed=values[0][:, None],
            baseline=corrupted[:, None],
            model=wild,
            donors=nowhere,
            baseline_donors=nowhere,
        )
    )
    ours = shares(values, wild, corrupted).bounds(0)
    assert ours is not None
    assert (ours.value, ours.low, ours.high) == pytest.approx(
        (scrub.value, scrub.low, scrub.high), rel=1e-9
    )


def test_ratio_without_a_denominator_is_refused_and_effects_stand() -> None:
    rng = np.random.default_rng(6)
    corrupted = rng.normal(size=30)
    wild = rng.permutation(corrupted) + 0.01
    found = shares(corrupted[None] + 1, wild, corrupted, how=QUICK)
    assert (found.share, found.low, found.high, found.bounds(0)) == (None, None, None, None)
    assert found.refusal == (
        "The ratio is refused: its denominator, wild − corrupted, is 0.01, and the 95 % interval "
        f"of that, {found.gap.low:.4g} to {found.gap.high:.4g}, holds 0. "
        "The raw effects stand by themselves."
    )
    assert found.effects.mean == pytest.approx(1)


def test_single_example_without_a_denominator() -> None:
    found = shares(np.ones((1, 1)), np.ones(1), np.ones(1))
    assert found.refusal == "The ratio is refused: its denominator, wild − corrupted, is 0."
    kept = shares(np.ones((1, 1)), np.full(1, 2.0), np.zeros(1)).bounds(0)
    assert kept is not None
    assert (kept.value, kept.low) == (0.5, None)


def test_seed_alone_decides() -> None:
    values = random_runs(7)[0]
    first = mean_effects(values, how=Resampling(seed=1)).bounds(0)
    assert first == mean_effects(values, how=Resampling(seed=1)).bounds(0)
    assert first != mean_effects(values, how=Resampling(seed=2)).bounds(0)


WITH_NAN = np.zeros((2, 3, 4))
WITH_NAN[1, 0, 2:] = np.nan
MALFORMED: list[tuple[dict[str, Any], str]] = [
    ({"values": [[0.0]]}, "values must be a numpy array; found list."),
    ({"values": np.zeros((1, 4), np.float32)}, "values must be float64; found float32."),
    ({"values": np.array(1.0)}, "values must have shape [..., example]; found ()."),
    ({"values": np.zeros((2, 0))}, "values must have at least one example; found shape (2, 0)."),
    (
        {"values": WITH_NAN},
        "values must be finite everywhere; found nan at cell (1, 0), example 2 "
        "(2 of 24 values are not finite).",
    ),
    (
        {"values": np.array([0.0, np.inf])},
        "values must be finite everywhere; found inf at example 1 (1 of 2 values are not finite).",
    ),
    (
        {"groups": np.zeros(3)},
        "groups must be one label for each of the 4 examples; found shape (3,).",
    ),
    (
        {"wild": np.zeros(3)},
        "wild must have one value for each of the 4 examples of values; found shape (3,).",
    ),
    ({"corrupted": np.zeros((1, 4))}, "corrupted must have shape [example]; found (1, 4)."),
]


@pytest.mark.parametrize(("change", "message"), MALFORMED)
def test_malformed_values(change: dict[str, Any], message: str) -> None:
    good = {"values": np.zeros((1, 4)), "wild": np.ones(4), "corrupted": np.zeros(4)}
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        shares(**(good | change))
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"level": 95}, "level must lie between 0 and 1, both excluded; found 95."),
        ({"replicates": 10}, "replicates must be at least 100; found 10."),
        ({"seed": -1}, "seed must be an integer from 0; found -1."),
        ({"method": "bca"}, "method must be Interval.PERCENTILE or Interval.BCA; found 'bca'."),
    ],
)
def test_malformed_resampling(option: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        Resampling(**option)
    assert str(refused.value) == message
