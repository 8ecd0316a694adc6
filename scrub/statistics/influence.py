"""Influence: the units that a bootstrap resamples, for any combination of the three means.

A *direction* is three coefficients for (scrubbed, baseline, model). `along(direction)` gives
independent units whose sum deviates from its expectation as that combination of the means does:
its variance is the sum of their squares.

**The population** (`PopulationInfluence`): D is a sample. A row of D counts as a reference and as
a donor, so its unit is the sum of both parts. The textbook for one donor is the pigeonhole
bootstrap (Owen 2007, "The pigeonhole bootstrap", Annals of Applied Statistics 1:386-411): weights
w_reference · w_donor. A product over hundreds of donors degenerates, and it counts the noise of
single draws three times. So the statistic is linearised in the weights of the rows (Efron 1982,
"The jackknife, the bootstrap and other resampling plans", ch. 6; for functions of several
arguments, Hoeffding's projection), which costs one pass over the draws for any number of donors.
The reference part holds the noise of the draws already; the donor part is estimated from a few
draws a row, so that noise is taken off its variance again.

**The data** (`DataInfluence`): D is all there is. Random are the draws, and which rows serve as
references where not all do; the finite-population correction applies to the latter alone
(Cochran 1977, "Sampling techniques", sections 2.6 and 10.3: two stages).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from scrub.statistics.donors import donor_part, line_through
from scrub.statistics.sample import Floats, Integers, Sample

Direction = tuple[float, float, float]  # of scrubbed, baseline, model


CAUTION = 0.25  # of a standard error of the variance: the least that donors may have in common
FEWEST_FREEDOMS = 8.0  # below that, degrees of freedom estimated from noise mean nothing


@dataclass(frozen=True, eq=False)
class Units:
    """Independent units [U] of one direction, from `count` references.

    `doubt` is the standard error of their variance, beyond what `count` says of it.
    """

    values: Floats
    count: int
    doubt: float = 0.0

    @property
    def variance(self) -> float:
        """The variance of that combination of the means."""
        return float(self.values @ self.values)

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the variance, at most count − 1.

        By Satterthwaite (1946): 2 variance² over the variance of the variance, which is `doubt`²
        and what the fourth powers of the units say: heavy tails leave fewer degrees of freedom.
        """
        most = self.count - 1.0
        tails = float((self.values**4).sum()) - self.variance**2 / self.count
        uncertain = max(0.0, tails) + self.doubt**2
        if uncertain == 0:
            return most
        return min(most, max(FEWEST_FREEDOMS, 2 * self.variance**2 / uncertain))


class Influence(Protocol):
    """What the bootstrap needs to know of an estimand."""

    def along(self, direction: Direction) -> Units:
        """The independent units of this combination of the means."""


@dataclass(frozen=True, eq=False)
class PopulationInfluence:
    """Each row's influence, in both its roles.

    - `reference` [N, 3]: as a reference; zero for the rows that are none.
    - `donor` [N, 3], `noise` [N, 3, 3], `separate` [3, 3]: as a donor, see `DonorPart`.
    - `floor` [3, 3]: covariance of the means by the draws alone: less there cannot be.
    - `count`: R.
    """

    reference: Floats
    donor: Floats
    noise: Floats
    separate: Floats
    floor: Floats
    count: int

    @classmethod
    def of(cls, sample: Sample, seed: int, pools: Integers | None = None) -> PopulationInfluence:
        """The influence of every row of the sample's data; `pools` as in `donor_part`."""
        count = len(sample.references)
        reference = np.zeros((sample.rows, 3))
        reference[sample.references] = centred_means(sample) / count
        found = donor_part(sample, seed, pools)
        widen = ((0, 1), (0, 1))  # the model's mean has no donors
        return cls(
            reference,
            np.pad(found.parts, ((0, 0), (0, 1))),
            np.pad(found.noise, ((0, 0), *widen)),
            np.pad(found.separate, widen),
            _within(sample) / sample.scrubbed.size,
            count,
        )

    def along(self, direction: Direction) -> Units:
        """One unit per row of D [N]: what it is as a reference plus what it is as a donor.

        The variance of the sum has three parts, and each is estimated without bias: of the
        reference part (which holds the draws' noise), of the donor part (less its own noise),
        and twice their covariance. The donor part is split once more, into the effects of each
        draw variable and what those effects of one row have in common: the former is known much
        better. What would *lower* the variance is believed only as far as it exceeds its
        standard error, for an interval may be too wide but not too narrow.
        """
        c = np.array(direction)
        own, given = self.reference @ c, self.donor @ c
        noise = np.einsum("jab,a,b->j", self.noise, c, c)
        own_square = float(own @ own)
        covariance = _believed(float(own @ given), float(np.sqrt(own**2 @ noise)))
        separate = max(0.0, float(c @ self.separate @ c))
        common_error = float(np.sqrt(2 * (noise @ noise)))
        common = _believed(float(given @ given - noise.sum()) - separate, common_error)
        common = max(common, CAUTION * common_error)
        donor_square = max(0.0, separate + common)
        least = float(c @ self.floor @ c)
        variance = max(own_square + 2 * covariance + donor_square, least)
        units = _shaped(own, given, covariance, donor_square, variance)
        return Units(units, self.count, common_error)


@dataclass(frozen=True, eq=False)
class DataInfluence:
    """Deviations of references and of draws, for D as it is.

    - `reference` [R, 3]: deviation of each reference's mean over its draws, over R.
    - `draw` [R·T, 3]: deviation of each draw from its reference's mean, over R·T.
    - `share`: R / N, the share of D that serves as references.
    """

    reference: Floats
    draw: Floats
    share: float

    @classmethod
    def of(cls, sample: Sample) -> DataInfluence:
        """The deviations of the sample's references and draws.

        With one draw the draws' variance cannot be told from the references'. It is at most
        what a line in the model's own value leaves over, and that is taken in its place.
        """
        count, draws = sample.scrubbed.shape
        values = (sample.scrubbed, sample.baseline)
        own = sample.references[:, None]
        random = [bool(np.any(d != own)) for d in (sample.donors, sample.baseline_donors)]
        if draws == 1:
            fits = [line_through(sample.model, v[:, 0])[:, None] for v in values]
            free = (count - 2) / count if count > 2 else 1.0
        else:
            fits = [v.mean(axis=1, keepdims=True) for v in values]
            free = (draws - 1) / draws
        draw = np.zeros((sample.scrubbed.size, 3))
        for channel, (value, fit) in enumerate(zip(values, fits, strict=True)):
            if random[channel]:
                draw[:, channel] = (value - fit).ravel() / (value.size * np.sqrt(free))
        return cls(centred_means(sample) / count, draw, count / sample.rows)

    def along(self, direction: Direction) -> Units:
        """Units [R + R·T]: the choice of references, and the draws."""
        c = np.array(direction)
        chosen = np.sqrt(1 - self.share) * (self.reference @ c)
        drawn = np.sqrt(self.share) * (self.draw @ c)
        return Units(np.concatenate([chosen, drawn]), len(self.reference))


def centred_means(sample: Sample) -> Floats:
    """Scrubbed, baseline and model [R, 3] of each reference, less their means."""
    means = np.stack(
        [sample.scrubbed.mean(axis=1), sample.baseline.mean(axis=1), sample.model], axis=1
    )
    centred: Floats = means - means.mean(axis=0)
    return centred


def _within(sample: Sample) -> Floats:
    """Covariance [3, 3] of the values of one reference over its draws; zero where T is 1."""
    covariance = np.zeros((3, 3))
    if sample.draws > 1:
        pair = np.stack([sample.scrubbed, sample.baseline])  # [2, R, T]
        pair = pair - pair.mean(axis=2, keepdims=True)
        freedom = len(sample.references) * (sample.draws - 1)
        covariance[:2, :2] = np.einsum("art,brt->ab", pair, pair) / freedom
    return covariance


def _believed(found: float, error: float) -> float:
    """What may be believed of a term of the variance: a reduction less what may be chance.

    The positive-part rule of James and Stein (1961), for reductions alone.
    """
    if found >= 0:
        return found
    return found * max(0.0, 1 - (error / found) ** 2)


def _shaped(
    own: Floats, given: Floats, covariance: float, donor_square: float, variance: float
) -> Floats:
    """Units [N] with the stated moments, in the shape of the two noisy parts.

    The donor part is split into what goes with the reference part and the rest, and each is
    scaled to its variance without noise; last, the whole to the variance wanted.
    """
    own_square = float(own @ own)
    if own_square > 0:
        slope = covariance / own_square
        rest = given - float(own @ given) / own_square * own
    else:
        slope, rest = 0.0, given
    rest_square = float(rest @ rest)
    wanted = max(0.0, donor_square - slope**2 * own_square)
    units = (1 + slope) * own
    if rest_square > 0:
        units = units + np.sqrt(wanted / rest_square) * rest
    square = float(units @ units)
    return units * np.sqrt(variance / square) if square > 0 else units
