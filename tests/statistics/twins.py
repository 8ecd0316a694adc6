"""Pairs of scrubs of one dataset whose shares recovered are known exactly; see `populations`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scrub.statistics import Sample

from .populations import Data, Population


def twins(
    population: Population, seed: int, shift: float = 0.0, data: Data | None = None
) -> tuple[Sample, Sample]:
    """Two scrubs with one draw in common; the first recovers more by `shift` on average.

    They read their reference with different weights, and the donors of all draws but the first
    are each one's own.
    """
    rng = np.random.default_rng(seed)
    data = data or population.dataset(rng)
    first = population.scrub_data(data, rng)
    kinds = data.kind[first.references][:, None]
    shape = first.scrubbed.shape
    donors = first.donors.copy()
    for k in range(1, population.variables):
        donors[k] = data.draw(kinds, shape, rng)
    x = data.x[first.references][:, None]
    given = np.stack([e[drawn] for e, drawn in zip(data.e, donors, strict=True)])
    moved = population.weight * (given * (1 + population.interaction * x)).sum(axis=0)
    scrubbed = 1.3 + (population.own - 0.3) * x + moved - 2 * shift  # the true gap is 2
    return first, replace(first, scrubbed=scrubbed, donors=donors)


def plain(first: np.ndarray, second: np.ndarray, model: np.ndarray) -> tuple[Sample, Sample]:
    """Two scrubs [R] in which nothing is drawn, against a baseline of zeros."""
    count = len(model)
    none = np.zeros((0, count, 1), int)
    samples = [
        Sample(
            rows=count,
            references=np.arange(count),
            scrubbed=values[:, None].astype(np.float64),
            baseline=np.zeros((count, 1)),
            model=model.astype(np.float64),
            donors=none,
            baseline_donors=none,
        )
        for values in (first, second)
    ]
    return samples[0], samples[1]
