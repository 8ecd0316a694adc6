"""Faithfulness, CPR and CMD as MIB computes them; completeness and minimality as for IOI."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrub.statistics.circuits import KNOTS, areas, completeness, minimality, trapezoid_widths
from scrub.statistics.examples import Resampling
from scrub.statistics.recovered import Bounds
from scrub.statistics.sample import Floats

QUICK = Resampling(replicates=200)


def runs(curve: Floats, seed: int = 0, examples: int = 50) -> tuple[Floats, Floats, Floats]:
    """Circuits [knot, example] of this faithfulness on each example, the model, the empty one."""
    rng = np.random.default_rng(seed)
    empty = rng.normal(size=examples)
    model = empty + 1 + rng.exponential(size=examples)
    return empty + curve[:, None] * (model - empty), model, empty


def of(bounds: Bounds | None) -> Bounds:
    assert bounds is not None
    return bounds


def as_mib_sums_them(faithfulness: list[float]) -> tuple[float, float]:
    """The loop of MIB's released evaluation, knot by knot: area under, and area from 1."""
    under = from_one = 0.0
    for i in range(len(KNOTS) - 1):
        width = KNOTS[i + 1] - KNOTS[i]
        f, g = faithfulness[i], faithfulness[i + 1]
        under += width * (f + g) / 2
        from_one += width * (abs(1 - f) + abs(1 - g)) / 2
    return under, from_one


@settings(deadline=None, max_examples=15)
@given(st.lists(st.floats(-1, 3), min_size=10, max_size=10), st.integers(0, 100))
def test_areas_are_those_of_mib(curve: list[float], seed: int) -> None:
    found = areas(*runs(np.array(curve), seed), how=QUICK)
    cpr, cmd = as_mib_sums_them(curve)
    assert found.faithfulness.share == pytest.approx(curve)
    assert of(found.cpr).value == pytest.approx(cpr, abs=1e-9)
    assert of(found.cmd).value == pytest.approx(cmd, abs=1e-9)


def test_a_linear_curve_by_hand() -> None:
    """f(k) = k from .001 to 1: the triangle less its tip."""
    found = areas(*runs(np.array(KNOTS)), how=QUICK)
    assert of(found.cpr).value == pytest.approx((1 - 0.001**2) / 2)
    assert of(found.cmd).value == pytest.approx((1 - 0.001) ** 2 / 2)


def test_curve_that_crosses_one_between_knots_counts_as_if_it_did_not() -> None:
    """As in MIB: 0.5 and 1.5 are both half away, and so is the trapezoid between them."""
    circuits, model, empty = runs(np.array([0.5, 1.5]))
    found = areas(circuits, model, empty, knots=(0.5, 1.0), how=QUICK)
    assert of(found.cmd).value == pytest.approx(0.25)
    assert of(found.cpr).value == pytest.approx(0.5)


def test_whole_model_at_every_knot_is_perfect_and_known_to_be() -> None:
    found = areas(*runs(np.ones(10)), how=QUICK)
    assert (of(found.cmd).value, of(found.cmd).low, of(found.cmd).high) == pytest.approx(
        (0, 0, 0), abs=1e-12
    )
    assert (of(found.cpr).low, of(found.cpr).high) == pytest.approx((0.999, 0.999))


@pytest.mark.parametrize("seed", range(3))
def test_areas_hold_their_figures_and_share_one_bootstrap(seed: int) -> None:
    """Below 1 everywhere and beyond chance, the two areas and their ends sum to the range."""
    rng = np.random.default_rng(seed)
    circuits, model, empty = runs(np.linspace(0.1, 0.6, 10), seed, examples=200)
    circuits += rng.normal(0, 0.3, circuits.shape)
    found = areas(circuits, model, empty, how=Resampling(seed=seed))
    cpr, cmd = of(found.cpr), of(found.cmd)
    assert cpr.value + cmd.value == pytest.approx(0.999)
    assert cpr.low is not None
    assert cpr.high is not None
    assert cmd.low is not None
    assert cmd.high is not None
    assert cpr.low < cpr.value < cpr.high
    width = cpr.high - cpr.low
    assert cmd.low == pytest.approx(0.999 - cpr.high, abs=0.1 * width)
    assert cmd.high == pytest.approx(0.999 - cpr.low, abs=0.1 * width)


def test_no_curve_without_a_whole_effect() -> None:
    rng = np.random.default_rng(0)
    empty = rng.normal(size=30)
    found = areas(rng.normal(size=(10, 30)), rng.permutation(empty) + 0.01, empty, how=QUICK)
    assert (found.cpr, found.cmd) == (None, None)
    gap = found.faithfulness.gap
    assert found.refusal == (
        "The ratio is refused: its denominator, model − empty circuit, is 0.01, and the 95 % "
        f"interval of that, {gap.low:.4g} to {gap.high:.4g}, holds 0. "
        "The raw effects stand by themselves."
    )
    assert found.faithfulness.effects.mean.shape == (10,)


def test_single_example_has_areas_and_no_intervals() -> None:
    found = areas(np.full((10, 1), 0.5), np.ones(1), np.zeros(1))
    assert str(of(found.cpr)) == "0.4995"
    assert str(of(found.cmd)) == "0.4995"


def test_widths_sum_to_the_range() -> None:
    assert trapezoid_widths(KNOTS).sum() == pytest.approx(0.999)
    assert trapezoid_widths((0.2, 0.6)).tolist() == pytest.approx([0.2, 0.2])


def test_redundant_heads_outside_the_circuit_make_it_incomplete() -> None:
    """Two name movers of which the circuit has one: alone it does all, without it nothing."""
    rng = np.random.default_rng(1)
    base = rng.normal(3, 0.3, 40)
    model_without = np.stack([base, base])  # K empty; K the mover: the backup steps in
    circuit_without = np.stack([base, np.zeros(40)])
    found = completeness(circuit_without, model_without, how=QUICK)
    assert found.largest == 1
    assert found.low is not None
    assert found.high is not None
    assert found.size[0] == found.high[0] == 0
    assert found.low[1] < found.size[1] < found.high[1]
    assert found.low[1] > 2.5


def test_size_of_a_gap_that_may_be_nothing_starts_at_zero() -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(2, 40)) - [[0.0], [3.0]]
    found = minimality(noise, np.zeros((2, 40)), how=QUICK)
    signed = found.signed
    assert found.low is not None
    assert found.high is not None
    assert signed.low is not None
    assert signed.high is not None
    assert found.low[0] == 0
    assert found.high[0] == max(-signed.low[0], signed.high[0])
    assert (found.low[1], found.high[1]) == (-signed.high[1], -signed.low[1])
    assert found.smallest == 0


def test_gaps_of_one_example_have_no_interval() -> None:
    found = minimality(np.array([[1.0]]), np.array([[3.0]]))
    assert (found.size.tolist(), found.low, found.high) == ([2.0], None, None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"knots": (0.1, 0.1)},
            "knots must be at least two shares that rise within (0, 1]; found (0.1, 0.1).",
        ),
        (
            {"knots": (0.0, 1.0)},
            "knots must be at least two shares that rise within (0, 1]; found (0.0, 1.0).",
        ),
        (
            {"knots": (0.5, 100.0)},
            "knots must be at least two shares that rise within (0, 1]; found (0.5, 100.0).",
        ),
        ({"knots": (0.5, 0.7, 1.0)}, "circuits must have one row for each of the 3 knots; "
         "found 2 rows."),
        ({"circuits": np.zeros(4)}, "circuits must have shape [knot, example]; found (4,)."),
        (
            {"model": np.ones(3)},
            "model must have one value for each of the 4 examples of circuits; found shape (3,).",
        ),
    ],
)  # fmt: skip
def test_malformed_curve(change: dict[str, Any], message: str) -> None:
    good = {"circuits": np.zeros((2, 4)), "model": np.ones(4), "empty": np.zeros(4)}
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        areas(**({"knots": (0.5, 1.0)} | good | change))
    assert str(refused.value) == message


def test_gaps_of_different_shapes_are_refused() -> None:
    for call, names in (
        (completeness, "circuit_without and model_without"),
        (minimality, "without_subset and without_both"),
    ):
        with pytest.raises(ValueError) as refused:  # noqa: PT011
            call(np.zeros((2, 3)), np.zeros((1, 3)))
        assert str(refused.value) == f"{names} must have one shape; found (2, 3) and (1, 3)."
