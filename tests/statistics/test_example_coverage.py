"""A 95 % interval over examples (or orders, or cells) covers the truth in 95 of 100 samples.

What is drawn is skewed, as effects are. The fast tier takes few trials; the slow one, 300.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from scrub.statistics import Interval
from scrub.statistics.agreement import agreement
from scrub.statistics.circuits import KNOTS, areas, trapezoid_widths
from scrub.statistics.dose import dose_response
from scrub.statistics.effects import mean_effects, shares
from scrub.statistics.examples import Resampling
from scrub.statistics.interactions import shapley, zeta
from scrub.statistics.permutations import sampled_shapley
from scrub.statistics.recovered import Bounds
from scrub.statistics.sample import Floats

from .test_coverage import covers

Ends = tuple[float | None, float | None]
Trial = Callable[[int], Ends]
Generator = np.random.Generator


def ends(found: Bounds | None) -> Ends:
    return (None, None) if found is None else (found.low, found.high)


def how(seed: int, method: Interval = Interval.BCA) -> Resampling:
    """The bootstrap's seed is none of those that drew the samples."""
    return Resampling(method=method, replicates=1000, seed=seed + 1_000_000)


def skewed(rng: Generator, *shape: int) -> Floats:
    return rng.exponential(size=shape) - 1


def mean_of(examples: int, method: Interval) -> Trial:
    def trial(seed: int) -> Ends:
        values = skewed(np.random.default_rng(seed), 1, examples)
        return ends(mean_effects(values, how=how(seed, method)).bounds(0))

    return trial


def grouped(named: str) -> Trial:
    """40 prompts with one to five versions each."""

    def trial(seed: int) -> Ends:
        rng = np.random.default_rng(seed)
        sizes = rng.integers(1, 6, 40)
        prompts = np.repeat(np.arange(40), sizes)
        values = np.repeat(skewed(rng, 40), sizes) + 0.5 * rng.normal(size=len(prompts))
        groups = prompts if named == "named" else None
        return ends(mean_effects(values[None], groups, how(seed)).bounds(0))

    return trial


def share_of_a_third(seed: int) -> Ends:
    rng = np.random.default_rng(seed)
    gap = 2 * rng.exponential(size=60)
    corrupted = rng.normal(size=60)
    values = corrupted + gap / 3 + 0.5 * rng.normal(size=60)
    return ends(shares(values[None], corrupted + gap, corrupted, how=how(seed)).bounds(0))


CURVES = {
    "rising": 1 - np.exp(-20 * np.array(KNOTS)),
    "over 1 and back": np.array([0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.1, 1.2, 1.05, 1.0]),
    "at 1": np.ones(10),
    "near 1": np.array([0.5, 0.7, 0.9, 0.95, 0.98, 1.02, 0.99, 1.01, 0.97, 1.0]),
}


def area(which: str, curve: str, examples: int) -> Trial:
    def trial(seed: int) -> Ends:
        rng = np.random.default_rng(seed)
        gap = 1 + 2 * rng.exponential(size=examples)
        empty = rng.normal(size=examples)
        noise = 0.6 * rng.normal(size=(10, examples)) + 0.4 * rng.normal(size=examples)
        noise[-1] = 0  # all edges are the model
        circuits = empty + CURVES[curve][:, None] * gap + noise
        found = areas(circuits, empty + gap, empty, how=how(seed))
        low, high = ends(getattr(found, which))
        assert low is not None
        assert high is not None
        return low - 1e-12, high + 1e-12

    return trial


RISES = {
    "sigmoid": 1 / (1 + np.exp(-8 * (np.array([0, 0.1, 0.25, 0.5, 0.75, 1]) - 0.4))),
    "late": np.array([0, 0.1, 0.25, 0.5, 0.75, 1]) ** 4,
}


def half_dose(curve: str, examples: int) -> Trial:
    def trial(seed: int) -> Ends:
        rng = np.random.default_rng(seed)
        effects = RISES[curve][:, None] * (1 + 0.8 * skewed(rng, examples))
        effects = effects + 0.4 * rng.normal(size=(6, examples)) + rng.normal(size=examples)
        doses = np.array([0, 0.1, 0.25, 0.5, 0.75, 1])
        return ends(dose_response(doses, effects, how=how(seed)).half)

    return trial


def true_half(curve: str) -> float:
    rise = RISES[curve]
    return float(np.interp((rise[0] + rise[-1]) / 2, rise, [0, 0.1, 0.25, 0.5, 0.75, 1]))


GAME = np.random.default_rng(1).normal(size=64) * (np.random.default_rng(2).random(64) < 0.4)


def sampled(pairs_of_orders: int, examples: int) -> Trial:
    def trial(seed: int) -> Ends:
        rng = np.random.default_rng(seed)
        spread = 0.5 * skewed(rng, 64, examples) * (GAME != 0)[:, None]
        values = zeta(GAME[:, None] + spread) if examples else zeta(GAME)
        found = sampled_shapley(
            lambda members: values[members @ (1 << np.arange(6))], 6, pairs_of_orders, how=how(seed)
        )
        return float(found.low[0]), float(found.high[0])

    return trial


def cells(kind: str, count: int, seed: int) -> tuple[Floats, Floats]:
    """Estimated and exact effects of cells of one kind."""
    rng = np.random.default_rng(seed)
    if kind == "normal":
        exact = rng.normal(size=count)
        return exact + rng.normal(size=count), exact
    if kind == "few matter":
        exact = rng.normal(size=count) * np.where(rng.random(count) < 0.2, 3, 0.05)
        return exact + 0.3 * rng.normal(size=count), exact
    if kind == "nearly exact":
        exact = rng.normal(size=count)
        return exact + 0.05 * rng.normal(size=count), exact
    exact = np.round(1.5 * rng.normal(size=count))
    return np.round(exact + rng.normal(size=count)), exact


def correlation(which: str, kind: str, count: int) -> Trial:
    return lambda seed: ends(getattr(agreement(*cells(kind, count, seed)), which))


@cache
def true_correlation(which: str, kind: str) -> float:
    found = [getattr(agreement(*cells(kind, 1000, 10_000 + s)), which).value for s in range(20)]
    return float(np.mean(found))


def cmd(curve: str) -> float:
    return float(np.abs(1 - CURVES[curve]) @ trapezoid_widths(KNOTS))


def cpr(curve: str) -> float:
    return float(CURVES[curve] @ trapezoid_widths(KNOTS))


KINDS = ("normal", "few matter", "nearly exact", "tied")
TRIALS: dict[str, tuple[Callable[[], float], Trial]] = {
    **{
        f"mean of {n}, {method.value}": (lambda: 0.0, mean_of(n, method))
        for n in (15, 40, 200)
        for method in Interval
    },
    "groups": (lambda: 0.0, grouped("named")),
    "share": (lambda: 1 / 3, share_of_a_third),
    **{
        f"cpr {curve}, {n}": (lambda curve=curve: cpr(curve), area("cpr", curve, n))  # type: ignore[misc]
        for curve in CURVES
        for n in (40, 150)
    },
    **{
        f"cmd {curve}, {n}": (lambda curve=curve: cmd(curve), area("cmd", curve, n))  # type: ignore[misc]
        for curve in CURVES
        for n in (40, 150)
    },
    **{
        f"half dose {curve}, {n}": (
            lambda curve=curve: true_half(curve),  # type: ignore[misc]
            half_dose(curve, n),
        )
        for curve in RISES
        for n in (30, 150)
    },
    **{
        f"shapley {orders} orders, {n}": (lambda: float(shapley(zeta(GAME))[0]), sampled(orders, n))
        for orders in (20, 100)
        for n in (0, 30, 200)
    },
    **{
        f"{which} {kind}, {n}": (
            lambda which=which, kind=kind: true_correlation(which, kind),  # type: ignore[misc]
            correlation(which, kind, n),
        )
        for which in ("spearman", "kendall")
        for kind in KINDS
        for n in (50, 200)
    },
}
FAST = ("mean of 40, bca", "groups", "share", "cmd near 1, 40", "half dose late, 30",
        "shapley 20 orders, 30", "kendall few matter, 50")  # fmt: skip


@pytest.mark.parametrize("name", FAST)
def test_interval_covers(name: str) -> None:
    truth, trial = TRIALS[name]
    found = covers(truth(), trial, trials=60)
    assert found.trials > 50
    assert found.at_least(0.95), found


@pytest.mark.slow
@pytest.mark.parametrize("name", TRIALS)
def test_interval_covers_in_all_settings(name: str) -> None:
    """Asked is 93.5 % in the long run: skewed means of few come a point or two short of 95."""
    truth, trial = TRIALS[name]
    found = covers(truth(), trial, trials=300)
    print(f"\n{name:32} {found.share:.3f} of {found.trials}")
    assert found.trials > 270
    assert found.at_least(0.935), found


def test_groups_that_are_not_named_cover_too_little() -> None:
    """The check itself can fail: versions of one prompt taken for prompts are caught."""
    found = covers(0, grouped("not named"), trials=120)
    assert not found.at_least(0.95), found
