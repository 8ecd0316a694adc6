"""Stopping when the interval is narrow enough leaves it covering as often as it says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest

from scrub.statistics import Estimand, Sample, recovered
from scrub.statistics.recovered import Recovered
from scrub.statistics.sequential import Look, Rule, Sizes, Stop, look, pursue

from .populations import Data, Population
from .test_coverage import Coverage


@dataclass(frozen=True)
class Case:
    """What is scrubbed, with how many draws at most, and how narrow its interval shall be."""

    population: Population
    target: float
    most_draws: int = 32
    estimand: Estimand = Estimand.POPULATION

    def nested(self, data: Data, rng: np.random.Generator) -> Sample:
        """All rows as references, in an order of luck, with the most draws."""
        most = replace(self.population, references=self.population.rows, draws=self.most_draws)
        return most.scrub_data(data, rng)

    def pursue(self, whole: Sample, seed: int) -> tuple[Recovered, Stop]:
        """Look at ever more of it, until the rule stops."""
        found: list[Recovered] = []

        def look_at(sizes: Sizes) -> Look:
            sample = first(whole, sizes)
            found.append(recovered(sample, estimand=self.estimand, seed=seed, replicates=500))
            return look(sample, found[-1], seed)

        rule = Rule(self.target, whole.rows, Sizes(whole.rows, self.most_draws))
        _, why = pursue(rule, Sizes(100, 2), look_at)
        return found[-1], why


def first(whole: Sample, sizes: Sizes) -> Sample:
    """The first references and draws of a sample."""
    r, t = sizes.references, sizes.draws
    return replace(
        whole,
        references=whole.references[:r],
        scrubbed=whole.scrubbed[:r, :t],
        baseline=whole.baseline[:r, :t],
        model=whole.model[:r],
        donors=whole.donors[:, :r, :t],
        baseline_donors=whole.baseline_donors[:, :r, :t],
    )


def covered(case: Case, trials: int) -> tuple[Coverage, Counter[Stop]]:
    """How often the last interval holds the truth, and why the rule stopped."""
    hits, reasons = 0, Counter[Stop]()
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        if case.estimand is Estimand.DATA:  # one dataset, scrubbed again and again
            data = case.population.dataset(np.random.default_rng(5))
            truth = case.population.share_in(data)
        else:
            data = case.population.dataset(rng)
            truth = case.population.true_share
        found, why = case.pursue(case.nested(data, rng), seed)
        reasons[why] += 1
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= truth <= found.high
        if why is Stop.NARROW:
            assert found.high - found.low <= 2 * case.target
    return Coverage(hits, trials), reasons


CASES = {
    "references": Case(Population(rows=1500), 0.05),
    "references in classes": Case(Population(rows=1500, variables=3, classes=3), 0.06),
    "most of the rows": Case(
        Population(rows=300, variables=3, own=0.9, interaction=0.3, role=0.0), 0.09
    ),
    "exhausted data": Case(Population(rows=200, variables=3), 0.03),
    "references for the data as they are": Case(
        Population(rows=1500), 0.05, estimand=Estimand.DATA
    ),
    "draws for the data as they are": Case(
        Population(rows=200, variables=3), 0.04, estimand=Estimand.DATA
    ),
}
FAST = {"exhausted data": (Stop.DATA, 20), "most of the rows": (Stop.NARROW, 15)}


@pytest.mark.parametrize("name", FAST)
def test_the_interval_at_the_end_covers(name: str) -> None:
    reason, trials = FAST[name]
    found, reasons = covered(CASES[name], trials)
    assert found.at_least(0.95), found
    assert reasons.most_common(1)[0][0] is reason


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_interval_at_the_end_covers_every_population(name: str) -> None:
    found, reasons = covered(CASES[name], trials=500)
    print(f"\n{name:40} {found.share:.3f} of {found.trials}", dict(reasons))
    assert found.at_least(0.95), found


@pytest.mark.slow
def test_looking_all_the_time_from_the_start_covers_too_little() -> None:
    """The check itself can fail: a rule that stops at the first narrow width is caught."""

    def naive(seed: int) -> bool:
        values = np.random.default_rng(seed).exponential(size=3000)
        for count in range(5, 3000):
            half = 1.96 * values[:count].std(ddof=1) / np.sqrt(count)
            if half <= 0.3:
                return bool(abs(values[:count].mean() - 1) <= half)
        return False

    hits = sum(naive(seed) for seed in range(600))
    assert not Coverage(hits, 600).at_least(0.95), hits


def seen(references: int, draws: int, upper: float | None, floor: float = 0.0) -> Look:
    half = None if upper is None else 0.9 * upper
    return Look(Sizes(references, draws), 0.5, half, upper, None if upper is None else floor)


RULE = Rule(target=0.01, rows=1000, most=Sizes(1000, 64))


@pytest.mark.parametrize(
    ("given", "first_look"),
    [((256, 4), (256, 4)), ((2, 1), (100, 2)), ((5000, 100), (1000, 64))],
)
def test_the_first_look_is_neither_too_small_nor_too_large(given, first_look):
    assert RULE.start(Sizes(*given)) == Sizes(*first_look)


@pytest.mark.parametrize(
    ("look_at", "reason"),
    [
        (seen(64, 2, 0.01), Stop.NARROW),
        (seen(64, 2, 0.011), None),
        (seen(64, 2, None), None),
        (seen(64, 2, 0.02, floor=0.02), None),  # more references shrink the floor
        (seen(1000, 2, 0.02, floor=0.011), Stop.DATA),
        (seen(1000, 2, 0.02, floor=0.009), None),
        (seen(1000, 64, 0.02, floor=0.009), Stop.CAP),
        (seen(1000, 2, None), Stop.NO_RATIO),
    ],
)
def test_when_to_stop(look_at, reason):
    assert RULE.stop(look_at) is reason


def test_a_limit_on_references_is_no_lack_of_data():
    limited = replace(RULE, most=Sizes(500, 64))
    assert limited.stop(seen(500, 2, 0.02, floor=0.011)) is Stop.CAP


@pytest.mark.parametrize(
    ("look_at", "sizes"),
    [
        (seen(100, 4, 0.015), (225, 4)),  # (0.015 / 0.01)² as many
        (seen(100, 4, 0.0101), (125, 4)),  # at least a quarter more
        (seen(100, 4, 0.5), (400, 4)),  # at most four times
        (seen(100, 4, None), (200, 4)),
        (seen(900, 4, 0.5), (1000, 4)),
        (seen(1000, 4, 0.015), (1000, 9)),
        (seen(1000, 4, 0.015, floor=0.0089), (1000, 16)),
        (seen(1000, 60, 0.5), (1000, 64)),
    ],
)
def test_references_are_added_before_draws(look_at, sizes):
    assert RULE.grown(look_at) == Sizes(*sizes)


def test_the_width_is_judged_by_its_upper_limit():
    case = CASES["most of the rows"]
    rng = np.random.default_rng(0)
    whole = case.nested(case.population.dataset(rng), rng)
    sample = first(whole, Sizes(100, 4))
    found = recovered(sample)
    judged = look(sample, found)
    assert judged.half == (found.high - found.low) / 2
    assert 1.05 * judged.half < judged.upper < 2 * judged.half
    assert 0 < judged.floor < judged.half


def test_endless_draws_leave_nothing_of_the_luck_in_data_as_they_are():
    case = CASES["draws for the data as they are"]
    rng = np.random.default_rng(0)
    whole = case.nested(case.population.dataset(rng), rng)
    sample = first(whole, Sizes(200, 4))
    found = recovered(sample, estimand=Estimand.DATA)
    assert look(sample, found).floor == pytest.approx(0, abs=0.1 * (found.high - found.low))


def test_without_a_ratio_there_is_no_width():
    flat = np.random.default_rng(0).normal(size=(40, 2))
    none = np.zeros((0, 40, 2), int)
    sample = Sample(40, np.arange(40), flat, flat, flat[:, 0].copy(), none, none)
    assert look(sample, recovered(sample)) == Look(Sizes(40, 2))
