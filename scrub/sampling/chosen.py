"""Donors chosen within the claimed classes: a rule that narrows a draw, and nothing else about it.

A rule knows of a reference what the claim lets the sampler know, a *cell*, and asks for donors
with a *mark*. It narrows what a draw is uniform on; seeds, counters and the order of the draws
stay, so that two strategies share every draw that their rules do not touch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scrub.data.dataset import Ints
from scrub.hypothesis.unfold import DrawKind
from scrub.sampling.philox import uniform_index
from scrub.sampling.samplers import ByClass, Sampler, Within, Words

ANYTHING = -1  # what a cell asks for where all that the claim allows may be drawn


@dataclass(frozen=True, eq=False)
class Rule:
    """A donor for reference x has `marks[donor] == wanted[given[x]]`, if its class has one such.

    `given[row]` is the cell of a reference, `wanted[cell]` a mark or `ANYTHING`, `marks[row]` the
    mark of a donor (`ANYTHING`: never asked for). Where no donor of the class has the mark, the
    draw is as without the rule.
    """

    given: Ints  # [row]
    wanted: Ints  # [cell]
    marks: Ints  # [row]


Strategy = Mapping[tuple[str, DrawKind], Rule]  # by node and kind of draw


@dataclass(frozen=True, eq=False)
class Chosen:
    """A sampler narrowed by a rule; with every mark asked for everywhere, the sampler itself.

    >>> base = ByClass.from_keys(["a", "a", "b", "b"], members=4)
    >>> one = np.zeros(4, dtype=np.int64)
    >>> second = Rule(given=one, wanted=np.array([1]), marks=np.array([0, 1, 0, 1]))
    >>> words = np.arange(4, dtype=np.uint64), np.zeros(4, dtype=np.uint64)
    >>> Chosen(base, second).draw(np.arange(4), words).tolist()
    [1, 1, 3, 3]
    """

    base: ByClass | Within
    rule: Rule

    @cached_property
    def _sorted(self) -> tuple[Ints, Ints]:
        """Rows by (mark, place in the sampler's own order), and those two as one number."""
        order = self.base.order
        keys = self.rule.marks[order] * self._stride + np.arange(len(order))
        ranked = np.argsort(keys, kind="stable")
        return order[ranked], keys[ranked]

    @property
    def _stride(self) -> int:
        return len(self.base.order) + 1

    def draw(self, references: Ints, words: Words) -> Ints:
        """A donor for each reference; `words` as for the sampler itself."""
        rows, _ = self._sorted
        first, last = self._windows(references)
        there = last > first
        usual = self.base.draw(references, words)
        if not there.any():
            return usual
        place = np.minimum(first + uniform_index(words, last - first), len(rows) - 1)
        drawn: Ints = np.where(there, rows[place], usual)
        return drawn

    def rows_left(self, references: Ints) -> Ints:
        """How many rows each draw is uniform on."""
        first, last = self._windows(references)
        left: Ints = np.where(last > first, last - first, rows_claimed(self.base, references))
        return left

    def _windows(self, references: Ints) -> tuple[Ints, Ints]:
        """Where in `_sorted` the donors with the mark stand; empty where there are none."""
        wanted = self.rule.wanted[self.rule.given[references]]
        first, last = _claimed(self.base, references)
        _, keys = self._sorted
        low = np.searchsorted(keys, wanted * self._stride + first)
        high = np.searchsorted(keys, wanted * self._stride + last)
        return low, np.where(wanted == ANYTHING, low, high)

    def class_size(self, distinct: Ints) -> NDArray[np.float64]:
        """What the claim allows, whatever the rule takes of it."""
        return self.base.class_size(distinct)


def chosen(sampler: Sampler, rule: Rule) -> Chosen:
    """A sampler under a rule. Raises TypeError for one without classes."""
    if not isinstance(sampler, (ByClass, Within)):
        raise TypeError(f"a rule narrows classes, and {type(sampler).__name__} has none")
    return Chosen(sampler, rule)


def rows_claimed(sampler: ByClass | Within, references: Ints) -> Ints:
    """How many rows the claim lets each draw be uniform on."""
    first, last = _claimed(sampler, references)
    return last - first


def _claimed(sampler: ByClass | Within, references: Ints) -> tuple[Ints, Ints]:
    """The class of each reference as a window of the sampler's order."""
    if isinstance(sampler, Within):
        return sampler.first[references], sampler.last[references]
    classes = sampler.of[references]
    return sampler.start[classes], sampler.start[classes] + sampler.size[classes]
