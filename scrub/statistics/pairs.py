"""What two components are to each other, in a word, by a rule over four values.

With e(S) the effect of keeping S intact, over keeping nobody of the pair:

| word | rule |
|---|---|
| cancelling | e(a) and e(b) are opposite, and e(ab) is nothing |
| redundant | e(a) and e(b) have one sign, and neither adds anything to the other |
| synergistic | e(a) and e(b) are nothing, and e(ab) is something |
| independent | e(ab) − e(a) − e(b) is nothing: effects add up (both may be nothing) |
| mixed | all is known, and it is none of these: they overlap or reinforce each other in part |
| undecided | no rule holds for sure: an interval reaches across the tolerance |

The first rule that holds gives the word. "Nothing" and "something" are decided against a
tolerance, a share of the largest |v(S) − v(nobody)| in the table: nothing if the whole interval
lies within it, something if the whole interval lies beyond it. The former is an equivalence test
(Schuirmann 1987, "A comparison of the two one-sided tests procedure"); each is at its own level,
not corrected for the number of pairs.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from scrub.statistics.bootstrap import check_member
from scrub.statistics.effects import mean_effects
from scrub.statistics.examples import USUAL, Groups, Resampling
from scrub.statistics.interactions import members_of
from scrub.statistics.recovered import Bounds
from scrub.statistics.sample import Floats


class Relation(enum.Enum):
    """What two components are to each other; the rules are at the top of this file."""

    CANCELLING = "cancelling"
    REDUNDANT = "redundant"
    SYNERGISTIC = "synergistic"
    INDEPENDENT = "independent"
    MIXED = "mixed"
    UNDECIDED = "undecided"


class Members(enum.Enum):
    """What it means to be in a subset: `KEPT` intact while others are replaced, or `REPLACED`.

    It matters: v(S) of two redundant components is an OR of what is kept, an AND of what is
    replaced.
    """

    KEPT = "kept"
    REPLACED = "replaced"


class Others(enum.Enum):
    """What the rest of the set does while a pair is looked at: all `KEPT`, or all `REPLACED`."""

    KEPT = "kept"
    REPLACED = "replaced"


@dataclass(frozen=True)
class Pair:
    """Two members and what they are to each other.

    `first_alone`, `second_alone` and `together`: the effects of keeping them, over keeping
    neither; `interaction`: together less both alone. `tolerance`: below it, nothing; in the
    metric's unit.
    """

    first: int
    second: int
    relation: Relation
    first_alone: Bounds
    second_alone: Bounds
    together: Bounds
    interaction: Bounds
    tolerance: float

    def __str__(self) -> str:
        return (
            f"{self.first} and {self.second} are {self.relation.value}: alone "
            f"{self.first_alone} and {self.second_alone}, together {self.together}"
        )


def pairs(
    values: Floats,
    members: Members = Members.KEPT,
    others: Others = Others.KEPT,
    tolerance: float = 0.1,
    groups: Groups | None = None,
    how: Resampling = USUAL,
) -> tuple[Pair, ...]:
    """Every pair's relation from values [2^n] or [2^n, example] over all subsets, n from 2 to 12.

    Without examples the values are taken as exact. `tolerance` is a share of the largest effect
    of any subset; what is smaller counts as nothing. See the top of this file for the rules.

    Raises ValueError for values as `moebius` does, fewer than two members, a tolerance outside
    [0, 1), or an option that is no member of its enum.

    >>> print(pairs(np.array([0.0, 1.0, 1.0, 1.0]))[0])
    0 and 1 are redundant: alone 1 and 1, together 1
    >>> print(pairs(np.array([0.0, 1.0, -1.0, 0.0]))[0].relation.value)
    cancelling
    """
    check_member("members", members, Members)
    check_member("others", others, Others)
    if not 0 <= tolerance < 1:
        raise ValueError(f"tolerance must be a share from 0 to below 1; found {tolerance}.")
    count = members_of(values)
    if count < 2 or values.ndim > 2:
        raise ValueError(
            f"values must be [2^n] or [2^n, example] with n at least 2; found shape {values.shape}."
        )
    exact = values.ndim == 1
    kept = (values if members is Members.KEPT else values[::-1]).reshape(len(values), -1)
    means = kept.mean(axis=1)
    least = tolerance * float(np.abs(means - means[0]).max())
    found = list(combinations(range(count), 2))
    quantities = np.stack([_quantities(kept, i, j, others) for i, j in found])  # [pair, 6, example]
    effects = mean_effects(quantities, None if exact else groups, how)
    result = []
    for k, (i, j) in enumerate(found):
        six = [effects.bounds(k, quantity) for quantity in range(6)]
        relation = _relation([_call(bounds, least, exact) for bounds in six])
        first, second, together, _, _, interaction = six
        result.append(Pair(i, j, relation, first, second, together, interaction, least))
    return tuple(result)


def _quantities(kept: Floats, i: int, j: int, others: Others) -> Floats:
    """e(a), e(b), e(ab), e(ab) − e(b), e(ab) − e(a), and their interaction: [6, example]."""
    pair = 1 << i | 1 << j
    rest = len(kept) - 1 - pair if others is Others.KEPT else 0
    neither, first, second, both = (kept[rest | m] for m in (0, 1 << i, 1 << j, pair))
    return np.stack(
        [
            first - neither,
            second - neither,
            both - neither,
            both - second,
            both - first,
            both - first - second + neither,
        ]
    )


class _Call(enum.Enum):
    """What may be said of one quantity."""

    NOTHING = 0
    MORE = 1
    LESS = -1
    UNCLEAR = None


_SOMETHING = (_Call.MORE, _Call.LESS)


def _call(bounds: Bounds, least: float, exact: bool) -> _Call:
    """Nothing within the tolerance, something beyond it; unclear where the interval is on both."""
    low, high = (bounds.value, bounds.value) if exact else (bounds.low, bounds.high)
    if low is None or high is None:
        return _Call.UNCLEAR
    if -least <= low and high <= least:
        return _Call.NOTHING
    if low > least:
        return _Call.MORE
    return _Call.LESS if high < -least else _Call.UNCLEAR


def _relation(calls: list[_Call]) -> Relation:
    """The word of the first rule that holds."""
    for relation, rule in _RULES:
        if rule(*calls):
            return relation
    return Relation.UNDECIDED if _Call.UNCLEAR in calls else Relation.MIXED


_Rule = Callable[[_Call, _Call, _Call, _Call, _Call, _Call], bool]
_N = _Call.NOTHING
_RULES: tuple[tuple[Relation, _Rule], ...] = (
    (Relation.CANCELLING, lambda a, b, ab, _a, _b, _i: {a, b} == {*_SOMETHING} and ab is _N),
    (
        Relation.REDUNDANT,
        lambda a, b, _ab, a_adds, b_adds, _i: (
            a is b and a in _SOMETHING and a_adds is _N and b_adds is _N
        ),
    ),
    (Relation.SYNERGISTIC, lambda a, b, ab, _a, _b, _i: a is _N and b is _N and ab in _SOMETHING),
    (Relation.INDEPENDENT, lambda _a, _b, _ab, _c, _d, i: i is _N),
)
