"""So many null hypotheses of one kind: drawn, held against the rules, told apart."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from scrub.hypothesis.changed import LABELS, PARTS, Sameness, problem_of
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.randomised import Kind, drawn

TRIES = 50  # for each hypothesis that is asked for


@dataclass(frozen=True, eq=False)
class NullClaims:
    """`which[i]` is the place in `claims` of the i-th hypothesis that was drawn.

    `claims` are distinct; `itself` is the place of the claim that they were made of, None where it
    never came up. `redrawn` draws were refused, the last of them for the reason `refused`.
    """

    claims: tuple[Claim, ...]
    which: tuple[int, ...]
    itself: int | None
    redrawn: int
    refused: str


def draw_nulls(claim: Claim, kind: Kind, count: int, seed: int, same: Sameness) -> NullClaims:
    """`count` hypotheses, or as many as `TRIES` tries for each of them give.

    The i-th try depends on (seed, kind, i) alone: asking for more adds to those that there were.

    >>> from scrub.hypothesis.loading import load_hypothesis
    >>> from scrub.study.check import check
    >>> naive = check(load_hypothesis("induction_naive"))
    >>> found = draw_nulls(naive, Kind.PROFILE, 20, seed=0, same=Sameness())
    >>> len(found.which), len(found.claims), found.itself  # one head in its layer
    (20, 1, 0)
    """
    own = same.key(claim)
    places: dict[str, int] = {}
    claims: list[Claim] = []
    which: list[int] = []
    broken: dict[str, str] = {}  # by key: why the rules refuse it, "" where they do not
    redrawn, refused = 0, ""
    for number in range(TRIES * count):
        if len(which) == count:
            break
        rng = np.random.Generator(np.random.PCG64([seed, zlib.crc32(kind.value.encode()), number]))
        found = drawn(claim, kind, rng)
        if found is None:
            redrawn, refused = redrawn + 1, refused or _dead_end(kind)
            continue
        key = same.key(found)
        if key not in broken:
            rules = LABELS if kind is Kind.LABELS else PARTS
            problem = None if key == own else problem_of(found, rules)
            broken[key] = str(problem) if problem else ""
        if broken[key]:
            redrawn, refused = redrawn + 1, broken[key]
            continue
        if key not in places:
            places[key] = len(claims)
            claims.append(found)
        which.append(places[key])
    return NullClaims(tuple(claims), tuple(which), places.get(own), redrawn, refused)


def _dead_end(kind: Kind) -> str:
    if kind is Kind.LABELS:
        return "no node but the sink has a feature."
    return "no component was left that feeds what the node is read by."
