"""Dose and response: slope, steps against the total, and the dose of half the effect."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrub.statistics.dose import DoseResponse, dose_response
from scrub.statistics.examples import Resampling
from scrub.statistics.recovered import Bounds
from scrub.statistics.sample import Floats

QUICK = Resampling(replicates=200)
DOSES = np.array([0.0, 0.25, 0.5, 0.75, 1.0])


def measured(curve: list[float], noise: float = 0.1, seed: int = 0) -> DoseResponse:
    rng = np.random.default_rng(seed)
    effects: Floats = np.array(curve)[:, None] + noise * rng.normal(size=(len(curve), 60))
    return dose_response(np.linspace(0, 1, len(curve)), effects, how=QUICK)


def half_of(found: DoseResponse) -> Bounds:
    assert found.half is not None
    return found.half


def test_straight_line_has_half_its_effect_at_half_the_dose() -> None:
    found = dose_response(DOSES, np.tile(3 * DOSES[:, None], (1, 20)), how=QUICK)
    assert (found.slope.value, found.total.value) == pytest.approx((3, 3))
    half = half_of(found)
    assert (half.value, half.low, half.high) == pytest.approx((0.5, 0.5, 0.5))
    assert (found.against, found.notes, found.refusal) == ((), (), None)


def test_half_of_a_late_effect_by_hand() -> None:
    """0 until .5, then 2 at .75 and 8 at 1: half of 8 is a third of the way from 2 to 8."""
    half = half_of(dose_response(DOSES, np.array([[0.0], [0.0], [0.0], [2.0], [8.0]])))
    assert half.value == pytest.approx(0.75 + 0.25 / 3)
    assert half.low is None


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 1000), st.floats(0.1, 10), st.booleans(), st.floats(-9, 9))
def test_units_of_the_metric_do_not_move_the_dose(
    seed: int, size: float, negative: bool, shift: float
) -> None:
    rng = np.random.default_rng(seed)
    effects = (DOSES[:, None] + 0.1) ** 2 + 0.1 * rng.normal(size=(5, 30))
    scale = -size if negative else size
    one, other = (
        half_of(dose_response(DOSES, e, how=Resampling(replicates=200)))
        for e in (effects, scale * effects + shift)
    )
    assert other.value == pytest.approx(one.value, rel=1e-6)
    assert (other.low, other.high) == pytest.approx((one.low, one.high), rel=0.02)


def test_unit_of_the_dose_moves_it_along() -> None:
    effects = DOSES[:, None] ** 2 + 0.1 * np.random.default_rng(1).normal(size=(5, 40))
    one, other = (dose_response(scale * DOSES, effects, how=QUICK) for scale in (1.0, 8.0))
    assert half_of(other).low == pytest.approx(8 * (half_of(one).low or 0))
    assert other.slope.value == pytest.approx(one.slope.value / 8)


def test_noise_widens_the_dose() -> None:
    curve = [0, 0.1, 0.3, 0.8, 1]
    small, large = (half_of(measured(curve, noise)) for noise in (0.1, 0.5))
    assert small.low is not None
    assert small.high is not None
    assert large.low is not None
    assert large.high is not None
    assert large.low < small.low < small.value < small.high < large.high


def test_plateau_at_half_leaves_the_dose_open_across_it() -> None:
    half = half_of(measured([0, 0.5, 0.5, 0.5, 1]))
    assert half.low is not None
    assert half.high is not None
    assert half.low < 0.26
    assert half.high > 0.74


def test_dip_is_a_step_against_the_total() -> None:
    assert measured([0, 1, 0.2, 2, 3]).against == (1,)
    assert measured([0, -1, -0.2, -2, -3]).against == (1,)
    assert measured([0, 1, 0.99, 2, 3]).against == (), "within chance"


def test_curve_that_passes_half_three_times_says_so() -> None:
    found = dose_response(DOSES, np.array([[0.0], [3.0], [1.0], [3.0], [4.0]]))
    assert half_of(found).value == pytest.approx(0.25 * 2 / 3)
    assert found.notes[1] == (
        "The curve has half its total at several doses (0.1667, 0.375, 0.625); this is the first."
    )
    assert found.notes[0].startswith("There are no intervals: one example")


def test_dose_of_no_effect_is_refused_and_the_curve_stands() -> None:
    found = measured([0, 1, 2, 1, 0])
    total = found.total
    assert found.half is None
    assert found.refusal == (
        f"The half-effect dose is refused: the total effect is {total.value:.4g}, and the 95 % "
        f"interval of that, {total.low:.4g} to {total.high:.4g}, holds 0. "
        "The curve stands by itself."
    )
    assert found.effects.mean == pytest.approx([0, 1, 2, 1, 0], abs=0.1)
    assert found.slope.low is not None
    single = dose_response(np.array([0.0, 1.0]), np.ones((2, 1)))
    assert single.refusal == "The half-effect dose is refused: the total effect is 0."


def test_examples_told_twice_are_not_two() -> None:
    effects = DOSES[:, None] + 0.5 * np.random.default_rng(2).normal(size=(5, 20))
    told = np.repeat(effects, 3, axis=1)
    once = dose_response(DOSES, effects, how=QUICK)
    grouped = dose_response(DOSES, told, np.repeat(np.arange(20), 3), QUICK)
    assert half_of(grouped).high == pytest.approx(half_of(once).high or 0, rel=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"doses": np.array([0.0, 0.0])},
            "doses must be at least two that rise, one for each row of effects; "
            "found [0.0, 0.0] for 2 rows.",
        ),
        (
            {"doses": np.array([0.0, 0.5, 1.0])},
            "doses must be at least two that rise, one for each row of effects; "
            "found [0.0, 0.5, 1.0] for 2 rows.",
        ),
        (
            {"effects": np.array([[0.0, np.nan], [1.0, 1.0]])},
            "effects must be finite everywhere; found nan at dose 0, example 1 "
            "(1 of 4 values are not finite).",
        ),
        (
            {"groups": np.zeros(5)},
            "groups must be one label for each of the 2 examples; found shape (5,).",
        ),
    ],
)
def test_malformed_doses(change: dict[str, Any], message: str) -> None:
    good = {"doses": np.array([0.0, 1.0]), "effects": np.zeros((2, 2))}
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        dose_response(**(good | change))
    assert str(refused.value) == message
