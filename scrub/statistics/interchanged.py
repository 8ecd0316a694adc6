"""How often a prediction came true, over pairs of examples that were drawn for one another."""

from __future__ import annotations

import numpy as np

from scrub.statistics.bootstrap import Interval
from scrub.statistics.comparison import Comparing, share_difference
from scrub.statistics.contrast import Contrast
from scrub.statistics.recovered import Bounds, Estimand
from scrub.statistics.sample import Floats, Integers, Sample


def rate(
    hits: Floats,
    among: Floats,
    references: Integers,
    donors: Integers,
    rows: int,
    *,
    classes: Integers | None = None,
    clusters: Integers | None = None,
    method: Interval = Interval.BCA,
    level: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
) -> Bounds | None:
    """Of the pairs that count, the share that hit: Σ hits / Σ among, with its interval.

    - `hits`, `among` [R, T]: 0 or 1 for each base and draw; hits are among those that count.
    - `references` [R] are the rows of the bases, `donors` [V, R, T] those of their sources, drawn
      uniformly from rows of the same `classes` [V, N] (from all, if None) of a data set of N rows.
    - `clusters` [N]: rows with the same number are one unit.

    The interval is about the population that the data were drawn from: a row weighs in as a base
    and as a source. None where no pair counts.

    >>> rng = np.random.default_rng(1)
    >>> hits = (rng.random((50, 4)) < 0.8).astype(float)
    >>> donors = rng.integers(0, 50, (1, 50, 4))
    >>> found = rate(hits, np.ones((50, 4)), np.arange(50), donors, 50)
    >>> found.low < 0.8 < found.high
    True
    """
    sample = Sample(
        rows=rows,
        references=references,
        scrubbed=hits,
        baseline=-among,  # so that model − baseline, the denominator, is the pairs that count
        model=np.zeros(len(references)),
        donors=donors,
        baseline_donors=donors,
        classes=classes,
        baseline_classes=classes,
    )
    contrast = Contrast(sample, np.arange(len(donors)), len(references) / rows)
    how = Comparing(Estimand.POPULATION, method, level, replicates, seed, flips=99)
    found = share_difference(contrast, how, clusters)
    return None if found is None else Bounds(found.value, found.low, found.high)
