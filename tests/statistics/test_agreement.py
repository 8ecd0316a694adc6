"""Rank correlations, signs and top-n in common, with ties."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scrub.statistics.agreement import Agreement, agreement
from scrub.statistics.recovered import Bounds
from scrub.statistics.sample import Floats

few_values = st.lists(st.integers(-4, 4).map(float), min_size=5, max_size=30)  # many ties


def of(bounds: Bounds | None) -> tuple[float, float, float]:
    assert bounds is not None
    assert bounds.low is not None
    assert bounds.high is not None
    return bounds.low, bounds.value, bounds.high


def noisy(seed: int, cells: int = 60, noise: float = 1.0) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    exact = rng.standard_t(3, size=cells)
    return exact + noise * rng.normal(size=cells), exact


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_coefficients_are_those_of_scipy_with_ties(data: st.DataObject) -> None:
    exact = np.array(data.draw(few_values))
    estimated = np.array(data.draw(st.permutations(list(exact)))) + exact
    found = agreement(estimated, exact)
    if np.ptp(estimated) == 0 or np.ptp(exact) == 0:
        assert found.spearman is found.kendall is None
    else:
        assert found.spearman is not None
        assert found.kendall is not None
        assert found.spearman.value == pytest.approx(stats.spearmanr(estimated, exact).statistic)
        assert found.kendall.value == pytest.approx(stats.kendalltau(estimated, exact).statistic)


@pytest.mark.parametrize("name", ["spearman", "kendall"])
def test_width_is_that_of_leaving_out_one_cell_at_a_time(name: str) -> None:
    """The influence of each cell, ranks and all, against the jackknife (Efron 1982)."""
    estimated, exact = noisy(0, cells=80)
    kept = [np.delete(np.arange(80), i) for i in range(80)]
    left = np.array([getattr(agreement(estimated[k], exact[k]), name).value for k in kept])
    error = np.sqrt(79 / 80 * ((left - left.mean()) ** 2).sum())
    low, value, high = of(getattr(agreement(estimated, exact), name))
    width = (np.arctanh(high) - np.arctanh(low)) / 2 * (1 - value**2)
    assert width == pytest.approx(2 * error, rel=0.1)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000))
def test_order_of_cells_and_any_rising_scale_change_no_rank(seed: int) -> None:
    estimated, exact = noisy(seed)
    order = np.random.default_rng(seed).permutation(60)
    one = agreement(estimated, exact)
    for other in (agreement(estimated[order], exact[order]), agreement(estimated**3, exact * 5)):
        assert of(other.spearman) == pytest.approx(of(one.spearman))
        assert of(other.kendall) == pytest.approx(of(one.kendall))
        assert (other.same_sign, other.in_common) == (one.same_sign, one.in_common)


def test_estimates_of_the_wrong_sign_turn_all_around() -> None:
    estimated, exact = noisy(1)
    one, other = agreement(estimated, exact), agreement(-estimated, exact)
    low, value, high = of(one.kendall)
    assert of(other.kendall) == pytest.approx((-high, -value, -low))
    assert one.same_sign is not None
    assert other.same_sign is not None
    assert other.same_sign.value == pytest.approx(1 - one.same_sign.value)
    assert other.in_common == one.in_common, "the largest are the largest by size"


def test_better_estimates_agree_better() -> None:
    kendalls = [of(agreement(*noisy(2, noise=noise)).kendall)[1] for noise in (0.2, 1, 5)]
    assert kendalls == sorted(kendalls, reverse=True)


def random_places(values: Floats, top: int) -> list[set[int]]:
    """The top cells for every way of breaking ties, each as likely as any other."""
    cells = range(len(values))
    return [
        set(sorted(order, key=lambda c: -abs(values[c]))[:top]) for order in permutations(cells)
    ]


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.integers(-2, 2).map(float), min_size=4, max_size=4),
    st.lists(st.integers(-2, 2).map(float), min_size=4, max_size=4),
    st.integers(1, 4),
)
def test_ties_for_the_last_place_each_have_their_chance(
    estimated: list[float], exact: list[float], top: int
) -> None:
    x, y = np.array(estimated), np.array(exact)
    common = [len(a & b) for a in random_places(x, top) for b in random_places(y, top)]
    assert agreement(x, y, top=top).in_common == pytest.approx(np.mean(common) / top)


def test_a_tie_across_the_last_place_is_said() -> None:
    found = agreement(np.array([3.0, 1.0, 1.0, -1.0]), np.array([4.0, 3.0, 2.0, 0.0]), top=2)
    assert found.in_common == pytest.approx((1 + 1 / 3) / 2)
    assert (found.tied_estimated, found.tied_exact, found.by_chance) == (2, 0, 0.5)
    assert found.notes[1:] == (
        "Tied with another cell: 2 estimated and 0 exact effects of 4. Spearman takes midranks, "
        "Kendall is tau-b.",
        "3 estimated effects tie for the last of the top places; each counts by its chance of one.",
    )


def test_zeros_have_no_sign() -> None:
    found = agreement(np.array([1.0, -1.0, 0.0, 2.0]), np.array([1.0, 1.0, 3.0, 0.0]))
    assert found.same_sign is not None
    assert (found.same_sign.value, found.zeros) == (0.5, 2)
    nothing = agreement(np.zeros(4), np.arange(4.0))
    assert (nothing.same_sign, nothing.zeros) == (None, 4)


def test_wilson_interval_of_ten_in_ten() -> None:
    found = agreement(np.arange(1.0, 11), np.arange(1.0, 11))
    assert of(found.same_sign) == pytest.approx((10 / (10 + stats.norm.ppf(0.975) ** 2), 1, 1))


def test_constant_estimates_have_no_rank_correlation() -> None:
    found = agreement(np.full(12, 2.0), np.arange(12.0), top=3)
    assert (found.spearman, found.kendall) == (None, None)
    assert found.notes[0] == "All estimated effects are equal, so there is no rank correlation."
    assert found.in_common == pytest.approx(3 / 12), "no better than chance"


@pytest.mark.parametrize(("sign", "order"), [(1, "same"), (-1, "reverse")])
def test_perfect_order_has_no_interval(sign: int, order: str) -> None:
    found = agreement(sign * np.arange(12.0), np.arange(12.0) ** 2)
    assert found.spearman == Bounds(sign)
    assert found.kendall == Bounds(sign)
    assert found.notes == (
        f"The 12 cells stand in exactly the {order} order: no cell shows how far others would "
        "stray, so the correlations have no interval.",
    )


def test_higher_level_is_wider() -> None:
    narrow, wide = (of(agreement(*noisy(3), level=level).spearman) for level in (0.8, 0.99))
    assert wide[0] < narrow[0] < narrow[2] < wide[2]


def test_top_is_a_tenth_unless_told() -> None:
    def top(cells: int) -> int:
        found: Agreement = agreement(*noisy(4, cells=cells))
        return found.top

    assert [top(cells) for cells in (5, 19, 60)] == [1, 1, 6]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"exact": np.zeros(3)},
            "estimated and exact must be one effect each for at least 2 cells, the same ones; "
            "found shapes (2,) and (3,).",
        ),
        ({"exact": np.zeros((1, 2))}, "exact must have shape [cell]; found (1, 2)."),
        (
            {"estimated": np.array([np.nan, 1.0])},
            "estimated must be finite everywhere; found nan at cell 0 "
            "(1 of 2 values are not finite).",
        ),
        ({"top": 3}, "top must lie between 1 and the 2 cells; found 3."),
        ({"level": 95}, "level must lie between 0 and 1, both excluded; found 95."),
    ],
)
def test_malformed_agreement(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        agreement(**({"estimated": np.arange(2.0), "exact": np.arange(2.0)} | change))
    assert str(refused.value) == message
