"""Samplers: given a reference row and random bits, a donor row that agrees with it.

A sampler is made once for a node from the data set and then only looks up. Donors are rows below
`members`: generated rows, which follow these, are references but never drawn from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from scrub.data.dataset import Dataset, Ints
from scrub.data.features import ANY, EXACT, Extent, Near, Unlike, as_floats, class_numbers
from scrub.errors import InputRefused, Problem
from scrub.hypothesis.claim import Node
from scrub.hypothesis.rules.features import node_values
from scrub.sampling.philox import U64, uniform_index, uniform_unit

Words = tuple[U64, U64]


class Sampler(Protocol):
    """Draws one donor for each reference, and tells each row's class."""

    def draw(self, references: Ints, words: Words) -> Ints: ...

    def class_size(self, distinct: Ints) -> NDArray[np.float64]:
        """For each row, how many distinct inputs may stand in for it."""
        ...


@dataclass(frozen=True)
class ByClass:
    """Uniformly among the rows with the reference's class number."""

    order: Ints  # members sorted by class
    start: Ints  # [class]
    size: Ints  # [class], in rows
    of: Ints  # [row] -> class, generated rows included

    @staticmethod
    def from_keys(keys: Sequence[Any], members: int) -> ByClass:
        """Rows with equal keys form a class; only the first `members` rows can be drawn."""
        of = class_numbers(keys)
        count = int(of.max()) + 1
        size = np.bincount(of[:members], minlength=count).astype(np.int64)
        order = np.argsort(of[:members], kind="stable").astype(np.int64)
        return ByClass(order, np.cumsum(size) - size, size, of)

    def draw(self, references: Ints, words: Words) -> Ints:
        classes = self.of[references]
        if not self.size[classes].all():
            row = int(references[np.argmin(self.size[classes])])
            raise InputRefused(
                Problem(
                    f"generated donor {row - len(self.order)}",
                    "no example of the data agrees with it: the class is empty.",
                    "Give the generator values that the data has, or more data.",
                )
            )
        drawn: Ints = self.order[self.start[classes] + uniform_index(words, self.size[classes])]
        return drawn

    def class_size(self, distinct: Ints) -> NDArray[np.float64]:
        members = len(self.order)
        pairs = np.unique(np.stack([self.of[:members], distinct[:members]]), axis=1)
        sizes = np.bincount(pairs[0], minlength=len(self.size)).astype(float)
        found: NDArray[np.float64] = sizes[self.of]
        return found


@dataclass(frozen=True)
class Within:
    """Uniformly among the rows whose value lies within a tolerance, and whose length is equal."""

    order: Ints  # members sorted by (length, value)
    first: Ints  # [row] -> start of its window in `order`
    last: Ints  # [row] -> end of its window

    @staticmethod
    def from_values(
        found: NDArray[np.float64], groups: Ints, tolerance: float, members: int
    ) -> Within:
        order = np.lexsort((found[:members], groups[:members])).astype(np.int64)
        first, last = np.zeros(len(found), dtype=np.int64), np.zeros(len(found), dtype=np.int64)
        for group in np.unique(groups):
            inside = np.nonzero(groups[order] == group)[0]  # contiguous in `order`
            offset = int(inside[0]) if len(inside) else 0
            ranked = found[order[inside]]
            rows = groups == group
            first[rows] = offset + np.searchsorted(ranked, found[rows] - tolerance, "left")
            last[rows] = offset + np.searchsorted(ranked, found[rows] + tolerance, "right")
        return Within(order, first, last)

    def draw(self, references: Ints, words: Words) -> Ints:
        first, last = self.first[references], self.last[references]
        drawn: Ints = self.order[first + uniform_index(words, last - first)]
        return drawn

    def class_size(self, distinct: Ints) -> NDArray[np.float64]:
        windows = zip(self.first.tolist(), self.last.tolist(), strict=True)
        return np.array(
            [len(np.unique(distinct[self.order[a:b]])) for a, b in windows], dtype=float
        )


@dataclass(frozen=True)
class Kernel:
    """Rows of equal length, weighted by a Gaussian of the distance in value."""

    found: NDArray[np.float64]
    groups: Ints
    bandwidth: float
    members: int

    def _weights(self, row: int) -> NDArray[np.float64]:
        apart = (self.found[: self.members] - self.found[row]) / self.bandwidth
        there: NDArray[np.bool_] = self.groups[: self.members] == self.groups[row]
        weights: NDArray[np.float64] = np.exp(-0.5 * apart**2) * there
        return weights

    def draw(self, references: Ints, words: Words) -> Ints:
        units = uniform_unit(words).ravel()
        flat = references.ravel()
        drawn = np.empty(len(flat), dtype=np.int64)
        for row in np.unique(flat):
            mine = np.nonzero(flat == row)[0]
            cumulative = np.cumsum(self._weights(int(row)))
            drawn[mine] = np.searchsorted(cumulative, units[mine] * cumulative[-1], "right")
        return drawn.reshape(references.shape)

    def class_size(self, distinct: Ints) -> NDArray[np.float64]:
        """The effective number of donors, (Σw)² / Σw² (Kish 1965)."""
        rows = [self._weights(row) for row in range(len(self.found))]
        return np.array([w.sum() ** 2 / (w**2).sum() for w in rows])


@dataclass(frozen=True)
class Differing:
    """Uniformly among the rows of the reference's group that do not agree with it."""

    order: Ints  # members; those of a group side by side, and in it those that agree with a row
    first: Ints  # [row] -> start of its group in `order`
    last: Ints  # [row] -> end of its group
    start: Ints  # [row] -> start of the members that agree with it
    end: Ints  # [row] -> end of them

    @staticmethod
    def from_keys(keys: Sequence[Any], groups: Ints, members: int) -> Differing:
        """Rows differ where their keys do; only the first `members` rows can be drawn."""
        of = class_numbers(keys)
        code = groups * (int(of.max()) + 1) + of  # sorts by group, then by class
        order = np.argsort(code[:members], kind="stable").astype(np.int64)
        placed = code[order]
        start, end = (np.searchsorted(placed, code, side) for side in ("left", "right"))
        return Differing(order, *_group_ends(groups, order), start, end)

    @staticmethod
    def from_windows(within: Within, groups: Ints) -> Differing:
        """Rows differ where one lies outside the other's window."""
        ends = _group_ends(groups, within.order)
        return Differing(within.order, *ends, within.first, within.last)

    def draw(self, references: Ints, words: Words) -> Ints:
        first, start, end = (which[references] for which in (self.first, self.start, self.end))
        free = self.last[references] - first - (end - start)
        if not free.all():
            found = "every example that it could be swapped with agrees with it."
            raise InputRefused(Problem(f"row {int(references[free == 0].flat[0])}", found))
        place = first + uniform_index(words, free)
        drawn: Ints = self.order[np.where(place < start, place, place + end - start)]
        return drawn

    @property
    def without(self) -> int:
        """How many rows have none that they differ from."""
        return int((self.last - self.first == self.end - self.start).sum())

    def class_size(self, distinct: Ints) -> NDArray[np.float64]:
        spans = zip(self.first, self.start, self.end, self.last, strict=True)
        apart = [np.concatenate([self.order[a:b], self.order[c:d]]) for a, b, c, d in spans]
        return np.array([len(np.unique(distinct[rows])) for rows in apart], dtype=float)


def _group_ends(groups: Ints, order: Ints) -> tuple[Ints, Ints]:
    """Where each row's group starts and ends among members sorted by group, [row]."""
    placed = groups[order]
    first, last = (np.searchsorted(placed, groups, side) for side in ("left", "right"))
    return first.astype(np.int64), last.astype(np.int64)


def sampler_of(node: Node, dataset: Dataset, members: int, by_length: bool) -> Sampler:
    """The sampler of a node's donors."""
    groups = dataset.frames if by_length else np.zeros(len(dataset), dtype=np.int64)
    if node.feature is ANY:
        return ByClass.from_keys(groups.tolist(), members)
    if isinstance(node.feature, Unlike):
        return _differing(replace(node, feature=node.feature.of), dataset, members, groups)
    assert not isinstance(node.feature, Extent)  # an EXACT node draws no donor
    found = node_values(node, dataset)
    if not isinstance(node.feature, Near):
        return ByClass.from_keys(list(zip(found, groups.tolist(), strict=True)), members)
    numbers = as_floats(found)
    if node.feature.tolerance is not None:
        return Within.from_values(numbers, groups, node.feature.tolerance, members)
    assert node.feature.bandwidth is not None  # near() takes one of the two
    return Kernel(numbers, groups, node.feature.bandwidth, members)


def _differing(node: Node, dataset: Dataset, members: int, groups: Ints) -> Differing:
    """The sampler of donors that do not agree; by a kernel none agrees, and none differs."""
    if node.feature is EXACT:
        return Differing.from_keys(dataset.distinct.tolist(), groups, members)
    found = node_values(node, dataset)
    if not isinstance(node.feature, Near):
        return Differing.from_keys(found, groups, members)
    if node.feature.tolerance is None:
        where = f"node '{node.name}'"
        raise InputRefused(Problem(where, "a kernel calls no two examples different."))
    within = Within.from_values(as_floats(found), groups, node.feature.tolerance, members)
    return Differing.from_windows(within, groups)


def uniform_sampler(dataset: Dataset, members: int, by_length: bool) -> Sampler:
    """The sampler of frames: all rows, or those of the reference's length."""
    groups = dataset.frames if by_length else np.zeros(len(dataset), dtype=np.int64)
    return ByClass.from_keys(groups.tolist(), members)
