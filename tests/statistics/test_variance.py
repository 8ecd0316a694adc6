"""The variance of a share recovered is split without bias into what it comes from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from scrub.statistics import Estimand, Sample, recovered
from scrub.statistics.variance import Again, Part, Split, luck_of_draws, share_units, split

from .populations import Population


@dataclass(frozen=True)
class Effects:
    """Scrubs whose parts are known: own + d + f + together · d · f, with normal effects.

    Model and baseline are 1 and 0, so that the share is the mean of the scrubbed values.
    """

    own: float = 1.0
    donors: float = 2.0
    unimportant: float = 1.0
    together: float = 0.0
    references: int = 60
    draws: int = 3
    pairs: int = 60

    @property
    def parts(self) -> tuple[float, float, float]:
        """The true variances: references, donors, unimportant inputs."""
        jointly = 1 + self.together**2 * self.donors**2
        each = np.array([self.donors**2, self.unimportant**2 * jointly])
        donors, unimportant = each / (self.references * self.draws)
        return self.own**2 / self.references, float(donors), float(unimportant)

    def scrub(self, seed: int) -> tuple[Sample, Again]:
        rng = np.random.default_rng(seed)
        shape = (self.references, self.draws)
        own = self.own * rng.normal(size=(self.references, 1))
        d = self.donors * rng.normal(size=shape)
        f, g = self.unimportant * rng.normal(size=(2, *shape))
        which = rng.permutation(self.references)[: self.pairs]
        none = np.zeros((0, *shape), int)
        sample = Sample(
            rows=self.references,
            references=np.arange(self.references),
            scrubbed=own + d + f + self.together * d * f,
            baseline=np.zeros(shape),
            model=np.ones(self.references),
            donors=none,
            baseline_donors=none,
        )
        other = (own + d + g + self.together * d * g)[which, :1]
        return sample, Again(which, other, np.zeros_like(other))


EFFECTS = {
    "plain": Effects(),
    "that interact": Effects(together=0.5),
    "pairs of some references": Effects(pairs=20),
    "no donors": Effects(donors=0.0),
    "two draws": Effects(draws=2, own=0.0),
}


def splits(effects: Effects, trials: int) -> list[Split]:
    found = [split(*effects.scrub(seed), seed=seed, replicates=100) for seed in range(trials)]
    return [one for one in found if one is not None]


def parts_of(one: Split) -> tuple[Part, Part, Part]:
    return one.references, one.donors, one.unimportant


def bias(effects: Effects, trials: int) -> np.ndarray:
    """How far the mean of each part's estimate is from the truth, in standard errors."""
    found = np.array([[p.variance for p in parts_of(one)] for one in splits(effects, trials)])
    errors = found.std(axis=0, ddof=1) / np.sqrt(trials)
    apart: np.ndarray = (found.mean(axis=0) - effects.parts) / np.maximum(errors, 1e-12)
    return apart


@pytest.mark.parametrize("name", EFFECTS)
def test_each_part_is_estimated_without_bias(name: str) -> None:
    assert np.all(np.abs(bias(EFFECTS[name], trials=100)) < 4)


@pytest.mark.slow
@pytest.mark.parametrize("name", EFFECTS)
def test_each_part_is_estimated_without_bias_in_the_long_run(name: str) -> None:
    apart = bias(EFFECTS[name], trials=3000)
    print(f"\n{name:25} bias in standard errors {apart.round(1)}")
    assert np.all(np.abs(apart) < 4)


def test_a_bias_of_the_parts_would_show() -> None:
    """The check itself can fail: halves that are not shared count the donors twice."""
    effects = Effects()
    found = []
    for seed in range(100):
        sample, again = effects.scrub(seed)
        _, other = effects.scrub(seed + 1000)
        found.append(split(sample, replace(again, scrubbed=other.scrubbed), replicates=100))
    mean = np.mean([one.unimportant.variance for one in found if one])
    assert mean > 3 * effects.parts[2]


@pytest.mark.slow
@pytest.mark.parametrize("name", EFFECTS)
def test_intervals_of_the_parts_cover(name: str) -> None:
    """Those of variances are rough at these sizes: nine in ten, where 95 of 100 are claimed."""
    effects = replace(EFFECTS[name], references=150, pairs=150)
    found = [split(*effects.scrub(seed), seed=seed) for seed in range(500)]
    for k, truth in enumerate(effects.parts):
        held = [parts_of(one)[k].low <= truth <= parts_of(one)[k].high for one in found if one]
        print(f"\n{name:25} part {k}: {np.mean(held):.3f} of {len(held)}")
        assert np.mean(held) > 0.9


def test_the_parts_add_up_to_the_variance_of_the_interval():
    sample = Population(rows=300, references=200, variables=3, draws=4).scrub(0)
    found = split(sample)
    units = share_units(sample, Estimand.POPULATION, 0)
    assert found.total == pytest.approx(units.variance, rel=2 / 200)
    assert found.of_draws == pytest.approx(luck_of_draws(sample))
    assert found.data > 0


def test_in_the_data_as_they_are_all_that_is_left_is_the_draws():
    sample = Population(rows=100, references=100, draws=4).scrub(0)
    found = split(sample, estimand=Estimand.DATA)
    assert found.references == Part(0, 0, 0)
    assert found.data == 0
    interval = recovered(sample, estimand=Estimand.DATA)
    half = (interval.high - interval.low) / 2
    assert 1.96 * found.total**0.5 == pytest.approx(half, rel=0.15)


def test_without_pairs_one_of_the_two_has_all_that_is_drawn():
    sample, _ = Effects().scrub(0)
    free, held = split(sample), split(sample, held=True)
    assert free.donors == held.unimportant == Part(0, 0, 0)
    assert free.unimportant == held.donors
    assert free.unimportant.variance == luck_of_draws(sample)


def test_a_forecast_is_what_larger_runs_are_seen_to_have():
    """Four times the rows, or the draws, against what was forecast from few."""
    few = Population(rows=200, references=200, draws=2, interaction=0.1)
    larger = replace(few, rows=800, references=800), replace(few, draws=8)
    forecast, measured = [], []
    for seed in range(6):
        found = split(few.scrub(seed))
        forecast.append([found.forecast(800, 2, 800), found.forecast(200, 8, 200)])
        measured.append([split(one.scrub(seed)).total for one in larger])
    np.testing.assert_allclose(np.mean(forecast, 0), np.mean(measured, 0), rtol=0.2)


def test_a_forecast_of_the_sizes_that_are_is_what_is():
    for estimand in Estimand:
        found = split(Population(references=150, draws=3).scrub(0), estimand=estimand)
        assert found.forecast(150, 3, 200) == pytest.approx(found.total)


def test_there_is_no_share_to_split_where_model_and_baseline_agree():
    sample, again = Effects().scrub(0)
    assert split(replace(sample, model=np.zeros(60)), again) is None


def test_what_cannot_be_split_is_refused_in_a_sentence():
    sample, again = Effects(draws=2).scrub(0)
    one_draw = Population(references=5, draws=1).scrub(0)
    three = Again(again.which, np.zeros((60, 3)), np.zeros((60, 3)))
    for wrong, said in (
        (
            lambda: split(one_draw),
            "a split of the variance needs at least two references of two draws each; found 5 "
            "of 1.",
        ),
        (
            lambda: split(sample, three),
            "half-shared draws pair with the first of the sample's 2 draws; found 3 of them.",
        ),
        (
            lambda: Again(again.which, np.zeros((60, 1)), np.zeros((60, 2))),
            "half-shared draws must be [reference, draw], one row for each of 60 references; "
            "found scrubbed (60, 1), baseline (60, 2).",
        ),
    ):
        with pytest.raises(ValueError) as refused:  # noqa: PT011  # the full text follows
            wrong()
        assert str(refused.value) == said
