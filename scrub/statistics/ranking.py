"""Who recovers most, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from scrub.statistics.bootstrap import replicate_sums
from scrub.statistics.comparison import FLAT, USUALLY, Comparing, Parts
from scrub.statistics.contrast import Contrast, paired
from scrub.statistics.sample import Floats, Integers, Sample


@dataclass(frozen=True, eq=False)
class Ranks:
    """Who recovers most: `shares[k, r]` is the share of replicates in which k has rank r + 1.

    Rows and columns sum to 1; those that tie share their ranks evenly.
    """

    shares: Floats

    @property
    def expected(self) -> Floats:
        """The mean rank of each [K], from 1."""
        found: Floats = self.shares @ np.arange(1, len(self.shares) + 1)
        return found


def ranks(
    samples: Sequence[Sample], how: Comparing = USUALLY, clusters: Integers | None = None
) -> Ranks:
    """The ranks of several scrubs, by one bootstrap of all.

    Each is compared with the mean of all, draw by draw, so that what they have in common moves
    none past another. Raises ValueError as `paired`.
    """
    whole = samples[0]
    for other in samples[1:]:
        whole = paired(whole, other, whole.scrubbed).sample
    middle = np.mean([sample.scrubbed for sample in samples], axis=0)
    better = np.sign(whole.model.mean() - whole.baseline.mean())
    alone, share = np.arange(len(whole.donors)), len(whole.references) / whole.rows
    columns, means = [], []
    for sample in samples:
        values = better * (sample.scrubbed - middle)
        parts = Parts.of(Contrast(replace(whole, scrubbed=values), alone, share), how, clusters)
        means.append(float(values.mean()))
        columns.append(np.zeros(1) if parts is None else parts.along(FLAT).values)
    moved = replicate_sums(np.stack(columns, axis=1), how.replicates, how.seed)
    return Ranks(rank_shares(np.array(means) + moved))


def rank_shares(values: Floats) -> Floats:
    """How often each of K has each rank, [K, K], in rows of values [B, K]: the largest is first.

    >>> rank_shares(np.array([[3.0, 1.0, 1.0]])).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.0, 0.5, 0.5]]
    """
    above = (values[:, None, :] > values[:, :, None]).sum(axis=2)  # [B, K]
    tied = (values[:, None, :] == values[:, :, None]).sum(axis=2)
    place = np.arange(values.shape[1])
    held = (above[..., None] <= place) & (place < (above + tied)[..., None])  # [B, K, rank]
    shares: Floats = (held / tied[..., None]).mean(axis=0)
    return shares
