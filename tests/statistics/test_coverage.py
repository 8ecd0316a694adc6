"""A 95 % interval covers the truth in 95 of 100 datasets, drawn as datasets really are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from scrub.statistics import Estimand, Interval, Sample, recovered
from scrub.statistics.sample import Floats

from .populations import Population

POPULATIONS = {
    "one donor": Population(),
    "one donor, four draws": Population(draws=4),
    "one donor, some rows as references": Population(references=80, draws=4),
    "roles that cancel": Population(role=-0.9, own=0.9, draws=4),
    "roles that add up": Population(role=0.9, own=0.9, draws=4),
    "three donors": Population(variables=3, draws=1),
    "three donors, classes": Population(variables=3, draws=4, classes=4),
    "three donors alike, classes, some rows": Population(
        variables=3, draws=4, classes=4, references=80, alike=0.5
    ),
    "forty donors": Population(variables=40, draws=1),
    "forty donors, four draws": Population(variables=40, draws=4),
    "forty donors, classes": Population(variables=40, draws=4, classes=4),
    "forty donors, some rows": Population(variables=40, draws=4, references=80),
    "forty donors, a little alike": Population(variables=40, draws=4, alike=0.1),
    "forty donors, alike, one draw": Population(variables=40, draws=1, alike=0.15),
    "forty donors, much alike": Population(variables=40, draws=4, alike=0.5),
}
FAST = {"one donor": 150, "three donors, classes": 100}  # trials


@dataclass(frozen=True)
class Coverage:
    """How often the truth lay in the interval."""

    hits: int
    trials: int

    @property
    def share(self) -> float:
        return self.hits / self.trials

    def at_least(self, level: float, chance: float = 1e-3) -> bool:
        """Whether so few hits or fewer have at least this chance if the level holds."""
        return bool(binom.cdf(self.hits, self.trials, level) > chance)


def covers(
    truth: float, interval: Callable[[int], tuple[float | None, float | None]], trials: int
) -> Coverage:
    """The share of seeds whose interval holds the truth; a refused ratio does not count."""
    ends = [interval(seed) for seed in range(trials)]
    kept = [(low, high) for low, high in ends if low is not None and high is not None]
    return Coverage(sum(low <= truth <= high for low, high in kept), len(kept))


def our_interval(
    population: Population, method: Interval
) -> Callable[[int], tuple[float | None, float | None]]:
    def interval(seed: int) -> tuple[float | None, float | None]:
        found = recovered(population.scrub(seed), method=method, seed=seed, replicates=1000)
        return found.low, found.high

    return interval


@pytest.mark.parametrize("name", FAST)
def test_interval_covers_the_population(name: str) -> None:
    population = POPULATIONS[name]
    found = covers(population.true_share, our_interval(population, Interval.BCA), FAST[name])
    assert found.at_least(0.95), found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "method"),
    [(name, Interval.BCA) for name in POPULATIONS] + [(name, Interval.PERCENTILE) for name in FAST],
)
def test_interval_covers_every_population(name: str, method: Interval) -> None:
    population = POPULATIONS[name]
    found = covers(population.true_share, our_interval(population, method), trials=500)
    print(f"\n{name:40} {method.value:10} {found.share:.3f} of {found.trials}")
    assert found.at_least(0.95), found


def weighted_bootstrap(sample: Sample, seed: int, donors_too: bool) -> tuple[float, float]:
    """The textbook for one donor: weights w_reference, times w_donor if `donors_too`."""
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(sample.rows, np.full(sample.rows, 1 / sample.rows), size=500)
    own = weights[:, sample.references].astype(float)  # [B, R]

    def mean(values: Floats) -> Any:
        if not donors_too:
            return own @ values.mean(axis=1) / own.sum(axis=1)
        both = own[:, :, None] * weights[:, sample.donors[0]]  # [B, R, T]
        return (both * values).sum(axis=(1, 2)) / both.sum(axis=(1, 2))

    scrubbed, baseline = mean(sample.scrubbed), mean(sample.baseline)
    model = own @ sample.model / own.sum(axis=1)
    low, high = np.quantile((scrubbed - baseline) / (model - baseline), [0.025, 0.975])
    return float(low), float(high)


DONORS_MATTER = Population(rows=100, references=100, draws=4, own=0.9, interaction=0.2, role=0.0)


def test_weighting_references_alone_covers_too_little() -> None:
    """The check itself can fail: an interval that forgets the donors' role is caught."""
    found = covers(
        DONORS_MATTER.true_share,
        lambda seed: weighted_bootstrap(DONORS_MATTER.scrub(seed), seed, donors_too=False),
        trials=200,
    )
    assert not found.at_least(0.95)
    assert found.share < 0.85, found


def test_same_width_as_product_weights_for_one_donor() -> None:
    """The linearised interval against the pigeonhole bootstrap, which is a little wider."""
    population = Population(draws=8, interaction=0.2)
    ratios = []
    for seed in range(20):
        sample = population.scrub(seed)
        low, high = weighted_bootstrap(sample, seed, donors_too=True)
        ours = recovered(sample, method=Interval.PERCENTILE, seed=seed)
        assert ours.low is not None
        assert ours.high is not None
        ratios.append((ours.high - ours.low) / (high - low))
    assert 0.8 < np.mean(ratios) < 1.05, ratios


@pytest.mark.parametrize("references", [200, 80])
@pytest.mark.parametrize("draws", [1, 4])
def test_data_as_it_is(references: int, draws: int) -> None:
    """One dataset, scrubbed again and again: its own share recovered is covered."""
    population = Population(
        references=references, variables=3, draws=draws, classes=2, interaction=0.3
    )
    data = population.dataset(np.random.default_rng(5))

    def interval(seed: int) -> tuple[float | None, float | None]:
        sample = population.scrub_data(data, np.random.default_rng(seed))
        found = recovered(sample, estimand=Estimand.DATA, seed=seed, replicates=500)
        return found.low, found.high

    found = covers(population.share_in(data), interval, trials=100)
    assert found.at_least(0.95), found
