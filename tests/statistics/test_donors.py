"""What each row gave as a donor, against worked cases; and that noise is not taken for effects."""

from __future__ import annotations

import time

import numpy as np
import pytest

from scrub.statistics import Estimand, Sample, recovered
from scrub.statistics.donors import donor_part, surprise
from scrub.statistics.sample import Floats, Integers

from .populations import Population


def scrubbed_alone(
    values: Floats, donors: Integers, rows: int, classes: Integers | None = None
) -> Sample:
    """All of D as references, a model that says nothing, and a baseline without donors."""
    return Sample(
        rows=rows,
        references=np.arange(rows),
        scrubbed=values,
        baseline=np.zeros_like(values),
        model=np.ones(rows),
        donors=donors,
        baseline_donors=donors[:0],
        classes=classes,
    )


def test_effects_that_add_are_found_exactly() -> None:
    """Every donor once for every reference: its part is its effect over N, within 1/(T − 1)."""
    rows = 12
    rng = np.random.default_rng(0)
    own, given = rng.normal(size=(2, rows))
    donors = np.tile(np.arange(rows), (1, rows, 1))
    part = donor_part(scrubbed_alone(own[:, None] + given[donors[0]], donors, rows), seed=0)
    factor = part.parts[:, 0] * rows / (given - given.mean())
    assert factor == pytest.approx(np.full(rows, factor[0]))
    assert 1 <= factor[0] <= rows / (rows - 1) + 1e-9
    assert not part.parts[:, 1].any()


def test_effect_counts_within_its_class() -> None:
    """Classes {0, 1} and {2, 3}: what 2 and 3 have in common is no effect of the draw."""
    donors = np.array([[[0, 1], [0, 1], [2, 3], [2, 3]]])
    effects = np.array([1.0, 3.0, 110.0, 114.0])
    classes = np.array([[0, 0, 1, 1]])
    sample = scrubbed_alone(effects[donors[0]], donors, 4, classes)
    parts = donor_part(sample, seed=0).parts[:, 0]
    assert parts / parts[1] == pytest.approx([-1, 1, -2, 2])


@pytest.mark.parametrize("classes", [1, 20, 40])
def test_noise_alone_is_not_taken_for_effects(classes: int) -> None:
    """Values that no donor moves: the variance of the effects comes out as 0 on average."""
    rows, draws, variables = 40, 2, 5
    kind = np.tile(np.arange(rows) % classes, (variables, 1))
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        step = rng.integers(0, rows // classes, (variables, rows, draws))
        donors = (np.arange(rows)[:, None] + classes * step) % rows
        values = 10 * np.arange(rows)[:, None] + rng.normal(size=(rows, draws))
        part = donor_part(scrubbed_alone(values, donors, rows, kind), seed)
        together = (part.parts.T @ part.parts - part.noise.sum(axis=0))[0, 0]
        found.append([part.separate[0, 0], together, part.noise[:, 0, 0].sum()])
    separate, together, noise = np.array(found).T
    if classes == rows:  # every row alone in its class: nothing is drawn
        assert np.abs(found).max() == pytest.approx(0, abs=1e-12)
        return
    for measured in (separate, together):
        error = measured.std(ddof=1) / np.sqrt(len(measured))
        assert abs(measured.mean()) < 3.5 * error
        assert abs(measured.mean()) < 0.25 * noise.mean()


def test_surprise_uses_the_other_draws_of_a_reference() -> None:
    """References far apart, draws close together: each draw is foretold by the others."""
    values = np.array([[0.0, 1.0, 2.0], [100.0, 101.0, 102.0], [-50.0, -49.0, -48.0]])
    left = surprise(values, np.zeros(3))
    assert left == pytest.approx(np.tile([-1.5, 0.0, 1.5], (3, 1)), abs=0.02)


def test_surprise_of_a_line_in_the_model_is_nothing() -> None:
    model = np.array([1.0, 2.0, 5.0])
    assert surprise(3 - 2 * model[:, None], model) == pytest.approx(np.zeros((3, 1)), abs=1e-12)


@pytest.mark.slow
def test_eight_hundred_variables_take_seconds() -> None:
    sample = Population(rows=1000, references=1000, variables=800, draws=16, classes=5).scrub(0)
    start = time.perf_counter()
    recovered(sample, estimand=Estimand.POPULATION)
    assert time.perf_counter() - start < 15
