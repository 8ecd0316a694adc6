"""From the samples of several hypotheses to what sets them apart, pair by pair."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from scrub.data.dataset import Dataset, Ints
from scrub.engine.metrics import Floats
from scrub.results.comparison import Apart, Equivalence, Pair, Split, Subgroup
from scrub.statistics import Sample
from scrub.statistics.comparison import (
    Comparing,
    Difference,
    ShareDifference,
    difference,
    share_difference,
)
from scrub.statistics.contrast import Contrast, paired
from scrub.statistics.multiplicity import holm
from scrub.statistics.recovered import FEW
from scrub.study.worst import shown

MOST_SHOWN = 8  # examples and subgroups of a pair
MOST_VALUES = 12  # of a column that is taken value by value; numbers beyond that by quarters


@dataclass(frozen=True, eq=False)
class Measure:
    """One hypothesis as it was measured: its name, its sample, KL [reference, draw] if any."""

    name: str
    sample: Sample
    kl: Floats | None


@dataclass(frozen=True, eq=False)
class Ground:
    """What all have in common: the data, how they are compared, and whether there is a ratio.

    `told` are the columns by whose values each pair is told apart; all, where it is None.
    """

    dataset: Dataset
    how: Comparing
    ratio: bool
    told: Collection[str] | None = None

    @property
    def clusters(self) -> Ints | None:
        """Rows that share an input, by number; None where none do."""
        inputs = self.dataset.sequence
        return inputs if len(np.unique(inputs)) < len(inputs) else None


def contrasts(measures: Sequence[Measure], ground: Ground) -> tuple[Pair, ...]:
    """Every pair, with p-values adjusted for all of them."""
    return _adjusted([_pair(a, b, ground) for a, b in combinations(measures, 2)], ground.how.level)


def _pair(first: Measure, second: Measure, ground: Ground) -> Pair:
    a, b = first.sample, second.sample
    how, clusters = ground.how, ground.clusters
    contrast = paired(a, b, a.scrubbed - b.scrubbed)
    own = a.model[:, None]
    strayed = paired(a, b, np.abs(a.scrubbed - own) - np.abs(b.scrubbed - own))
    kl = None
    if first.kl is not None and second.kl is not None:
        kl = _apart(difference(paired(a, b, first.kl - second.kl), how, clusters))
    share = share_difference(contrast, how, clusters) if ground.ratio else None
    return Pair(
        first=first.name,
        second=second.name,
        recovered=None if share is None else _apart(share),
        equivalence=None if share is None else _equivalent(share, how.margin),
        metric=_apart(difference(contrast, how, clusters)),
        divergence=_apart(difference(strayed, how, clusters)),
        kl=kl,
        verdict="" if contrast.sample.scrubbed.any() else "the same values in every draw",
        examples=_examples(contrast, a, b, ground.dataset),
        subgroups=_subgroups(contrast, ground),
    )


def _equivalent(found: ShareDifference, margin: float) -> Equivalence:
    return Equivalence(margin, found.equivalence, found.equivalence)


def _apart(found: Difference | ShareDifference, adjusted: float | None = None) -> Apart:
    p = found.p
    return Apart(found.value, found.low, found.high, p, p if adjusted is None else adjusted)


def _adjusted(pairs: list[Pair], level: float) -> tuple[Pair, ...]:
    """Each figure's p-values, adjusted for all pairs; then what they say in words."""
    for name in ("recovered", "equivalence", "metric", "divergence", "kl"):
        found = [getattr(pair, name) for pair in pairs]
        if None in found:
            continue
        adjusted = holm(np.array([one.p for one in found])).tolist()
        pairs = [
            replace(pair, **{name: replace(one, holm=p)})
            for pair, one, p in zip(pairs, found, adjusted, strict=True)
        ]
    return tuple(replace(p, verdict=p.verdict or _verdict(p, 1 - level)) for p in pairs)


def _verdict(pair: Pair, alpha: float) -> str:
    if pair.recovered is None or pair.equivalence is None:
        return "undecided: the ratio is refused"
    more = pair.first if pair.recovered.value > 0 else pair.second
    margin = pair.equivalence.margin
    apart, equal = pair.recovered.holm <= alpha, pair.equivalence.holm <= alpha
    if apart and equal:
        return f"{more} recovers more, by less than {margin:g}"
    if apart:
        return f"{more} recovers more"
    return f"equivalent: they differ by less than {margin:g}" if equal else "undecided"


def _examples(contrast: Contrast, a: Sample, b: Sample, dataset: Dataset) -> tuple[Split, ...]:
    """The references on which the two differ most, over their draws."""
    apart = contrast.sample.scrubbed.mean(axis=1)
    order = np.argsort(-np.abs(apart), kind="stable")[:MOST_SHOWN]
    return tuple(
        Split(
            row=int(a.references[i]),
            model=float(a.model[i]),
            first=float(a.scrubbed[i].mean()),
            second=float(b.scrubbed[i].mean()),
            difference=float(apart[i]),
            shown=shown(dataset, int(a.references[i])),
        )
        for i in order
        if apart[i] != 0
    )


def _subgroups(contrast: Contrast, ground: Ground) -> tuple[Subgroup, ...]:
    """Those with the largest differences; all that were looked at count for the p-values."""
    if not contrast.sample.scrubbed.any():
        return ()
    clusters = ground.clusters
    found = [
        (column, value, len(members), difference(contrast.within(members), ground.how, clusters))
        for column, value, members in subgroups(
            ground.dataset, contrast.sample.references, ground.told
        )
    ]
    adjusted = holm(np.array([one.p for *_, one in found])).tolist() if found else []
    every = [
        Subgroup(column, value, count, _apart(one, p))
        for (column, value, count, one), p in zip(found, adjusted, strict=True)
    ]
    return tuple(sorted(every, key=lambda one: -abs(one.difference.value))[:MOST_SHOWN])


def subgroups(
    dataset: Dataset, references: Any, told: Collection[str] | None = None
) -> Iterator[tuple[str, str, Any]]:
    """Each column's values with the places of their references, at least `FEW` of them.

    Of the columns `told`; of all, where it is None. A column with more than `MOST_VALUES` values is
    taken by quarters if it holds numbers, and not at all otherwise; so is one that has the same
    value everywhere.
    """
    for column, held in dataset.columns.items():
        if told is not None and column not in told:
            continue
        values = [held[int(row)] for row in references]
        try:
            distinct = list(dict.fromkeys(values))
        except TypeError:  # lists and arrays are no values that could be told apart
            continue
        if len(distinct) > MOST_VALUES:
            yield from _quarters(column, values)
        elif len(distinct) > 1:
            for value in distinct:
                members = np.flatnonzero([one == value for one in values])
                if len(members) >= FEW:
                    yield column, str(value), members


def _quarters(column: str, values: Sequence[Any]) -> Iterator[tuple[str, str, Any]]:
    if not all(isinstance(v, (int, float)) and np.isfinite(v) for v in values):
        return
    numbers = np.array(values, dtype=np.float64)
    edges = np.quantile(numbers, [0.25, 0.5, 0.75])
    quarter = np.searchsorted(edges, numbers)
    for number in range(4):
        members = np.flatnonzero(quarter == number)
        if len(members) >= FEW:
            some = numbers[members]
            yield column, f"{some.min():g} to {some.max():g}", members
