"""When to stop adding references and draws: an interval of a stated width, and no wider.

The rule is that of Chow and Robbins (1965, "On the asymptotic theory of fixed-width sequential
confidence intervals for the mean", Annals of Mathematical Statistics 36:457-462): go on until the
interval is as narrow as it was meant to be. Its coverage tends to the level as the target becomes
small, for means and for smooth functions of them, whatever their distribution (Glynn and Whitt
1992, "The asymptotic validity of sequential stopping rules for stochastic simulations", Annals of
Applied Probability 2:180-198). What hurts it at finite sizes is stopping early because the width
was underestimated by chance. Three things stand against that:

- no look is taken below `FEWEST` references of two draws each (all rows, where there are fewer);
- looks are few: each has at least a quarter more than the one before, and at most four times;
- it is not the width that is held against the target but its upper confidence limit.

That the interval at the end covers as often as it says is shown by simulation in
`tests/statistics/test_sequential.py`, for the sizes and shapes of data that are met here.

References are added first: at the same cost they shrink the luck of the draws as much as draws
do, and the luck of the references too. Draws are added where all rows are references.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.special import chdtri

from scrub.statistics.recovered import Recovered
from scrub.statistics.sample import Sample
from scrub.statistics.variance import luck_of_draws, share_units

FEWEST = 100  # references at the first look
SURE = 0.75  # the confidence that the width is no wider than what is held against the target
LEAST_GROWTH, MOST_GROWTH = 1.25, 4.0  # from one look to the next


class Stop(enum.Enum):
    """Why no more is added."""

    NARROW = "narrow"  # the interval is as narrow as asked for
    DATA = "data"  # all rows are references, and no number of draws would make it so
    CAP = "cap"  # references or draws have reached the most that were allowed
    NO_RATIO = "no ratio"  # with all references there are, no interval


@dataclass(frozen=True)
class Sizes:
    """How many references, and how many draws of each.

    >>> Sizes(256, 4).items
    1024
    """

    references: int
    draws: int

    @property
    def items(self) -> int:
        return self.references * self.draws


@dataclass(frozen=True)
class Look:
    """What was seen at some sizes; the widths are None where there is no interval.

    `half` is half the width of the interval; `upper` the upper confidence limit of that, which is
    what the target is held against; `floor` what would remain of `half` after endless draws.
    """

    sizes: Sizes
    value: float | None = None
    half: float | None = None
    upper: float | None = None
    floor: float | None = None


@dataclass(frozen=True)
class Rule:
    """The target half-width, and how far one may go; `rows` are all that could be references.

    >>> rule = Rule(target=0.01, rows=1000, most=Sizes(1000, 64))
    >>> rule.grown(Look(Sizes(256, 4), 0.9, 0.014, 0.015, 0.012))
    Sizes(references=576, draws=4)
    >>> rule.stop(Look(Sizes(1000, 4), 0.9, 0.012, 0.0125, 0.011))
    <Stop.DATA: 'data'>
    """

    target: float
    rows: int
    most: Sizes

    def start(self, given: Sizes) -> Sizes:
        """The sizes of the first look: those given, if they are not too small."""
        return Sizes(
            min(max(given.references, FEWEST), self.most.references),
            min(max(given.draws, 2), self.most.draws),
        )

    def stop(self, look: Look) -> Stop | None:
        """Why to stop after this look, or None."""
        if look.upper is not None and look.upper <= self.target:
            return Stop.NARROW
        if look.sizes.references < self.most.references:
            return None
        if look.upper is None or look.floor is None:
            return Stop.NO_RATIO
        if look.floor > self.target:
            return Stop.DATA if look.sizes.references == self.rows else Stop.CAP
        return None if look.sizes.draws < self.most.draws else Stop.CAP

    def grown(self, look: Look) -> Sizes:
        """The sizes of the next look: what the widths call for, within the limits of growth."""
        references, draws = look.sizes.references, look.sizes.draws
        if references < self.most.references:
            wanted = 2.0 if look.upper is None else (look.upper / self.target) ** 2
            return Sizes(min(_more(references, wanted), self.most.references), draws)
        assert look.upper is not None  # else it would have stopped
        assert look.half is not None
        assert look.floor is not None
        left = (look.floor * look.upper / look.half) ** 2 if look.half else 0.0
        room = self.target**2 - left
        wanted = (look.upper**2 - left) / room if room > 0 else MOST_GROWTH
        return Sizes(references, min(_more(draws, wanted), self.most.draws))


def _more(size: int, wanted: float) -> int:
    return math.ceil(size * min(max(wanted, LEAST_GROWTH), MOST_GROWTH))


def pursue(
    rule: Rule, given: Sizes, look_at: Callable[[Sizes], Look]
) -> tuple[tuple[Look, ...], Stop]:
    """Look, and look again at larger sizes, until the rule says why to stop.

    >>> looks, why = pursue(
    ...     Rule(0.01, 4000, Sizes(4000, 64)), Sizes(256, 4),
    ...     lambda sizes: Look(sizes, 0.9, *3 * [0.3 / sizes.references**0.5]))
    >>> [look.sizes.references for look in looks], why
    ([256, 900], <Stop.NARROW: 'narrow'>)
    """
    looks = [look_at(rule.start(given))]
    while (why := rule.stop(looks[-1])) is None:
        looks.append(look_at(rule.grown(looks[-1])))
    return tuple(looks), why


def look(sample: Sample, found: Recovered, seed: int = 0) -> Look:
    """What a sample and its share recovered say of the width; at least two draws each.

    The limit of the width takes its degrees of freedom from the units that the interval is made
    of, so heavy tails and what is hardly known of the donors make it wider. The floor leaves out
    what is not known for sure: it is passed only by a standard error.
    """
    sizes = Sizes(*sample.scrubbed.shape)
    if found.value is None or found.low is None or found.high is None:
        return Look(sizes)
    units = share_units(sample, found.estimand, seed)
    assert units is not None  # there is a ratio
    half = (found.high - found.low) / 2
    upper = half * math.sqrt(units.freedom / float(chdtri(units.freedom, SURE)))
    left = units.variance - luck_of_draws(sample) - units.doubt
    share = max(0.0, left) / units.variance if units.variance else 0.0
    return Look(sizes, found.value, half, upper, half * math.sqrt(share))
