"""How much more is recovered in some references than in all, with what there is to doubt in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scrub.statistics.comparison import USUALLY, Comparing, Difference, difference
from scrub.statistics.contrast import paired
from scrub.statistics.sample import Integers, Sample


def apart(
    sample: Sample,
    members: Integers,
    how: Comparing = USUALLY,
    clusters: Integers | None = None,
) -> Difference | None:
    """recovered(members) − recovered(all), its interval and its p; `members` [M] are places.

    None where model and baseline do not differ, in all or in the members. With r = scrubbed −
    baseline − θ (model − baseline), whose mean over all references is 0 at θ = recovered(all), the
    difference is exactly mean_members(r) / D, where D is model − baseline of the members, less
    mean_all(r) / D of all: that is 0, and carries the noise of θ. The noise of both D counts for
    nothing where there is no difference, which is what p is about.

    >>> rng = np.random.default_rng(0)
    >>> own, luck = rng.normal(size=100), rng.normal(size=(100, 2))
    >>> donors = rng.integers(0, 100, (1, 100, 2))
    >>> good = np.arange(100) < 50
    >>> sample = Sample(rows=100, references=np.arange(100), model=own + 5,
    ...     scrubbed=own[:, None] + np.where(good[:, None], 5, luck), baseline=luck,
    ...     donors=donors, baseline_donors=donors)
    >>> found = apart(sample, np.flatnonzero(good))
    >>> 0.4 < found.low < found.value < found.high < 0.6, found.p < 0.001
    (True, True)
    """
    gaps = sample.model - sample.baseline.mean(axis=1)
    count, whole, there = len(gaps), float(gaps.mean()), float(gaps[members].mean())
    if whole == 0 or there == 0:
        return None
    theta = float((sample.scrubbed - sample.baseline).mean()) / whole
    rest = sample.scrubbed - sample.baseline - theta * (sample.model[:, None] - sample.baseline)
    weights = np.full(count, -1 / whole)
    weights[members] += count / len(members) / there
    drawn = replace(sample, donors=sample.baseline_donors, classes=sample.baseline_classes)
    return difference(paired(sample, drawn, weights[:, None] * rest), how, clusters)
