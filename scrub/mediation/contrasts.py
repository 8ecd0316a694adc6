"""The permutation table: every value of a categorical column replaced by every other at one site.

k values give k(k − 1) ordered contrasts. That from `sad` to `glad` need not be the opposite of that
from `glad` to `sad`, and what one contrast shows need not hold for the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from scrub.data.dataset import Dataset, Ints
from scrub.data.task import Task
from scrub.engine.metrics import Floats
from scrub.engine.progress import Progress, Silent
from scrub.engine.replacements import Draws, Toward, permutation_table
from scrub.errors import InputRefused, Problem, nearest
from scrub.mediation.ablation import Written, site
from scrub.mediation.findings import Finding, Row
from scrub.mediation.measuring import (
    Metric,
    Setting,
    bounds_cells,
    metrics,
    scored,
    shown,
    unchanged,
)
from scrub.mediation.places import Place
from scrub.mediation.subject import Subject
from scrub.statistics.effects import Effects, mean_effects
from scrub.statistics.recovered import FEW, Bounds

MOST = 32  # values of a column; more give over a thousand contrasts


@dataclass(frozen=True)
class Given(Toward):
    """`Toward` a value where there is a donor of equal length; elsewhere the item's own."""

    def possible(self, dataset: Dataset, rows: Ints) -> NDArray[np.bool_]:
        """Which rows have another value and a donor, [item]."""
        values = dataset.columns[self.column]
        there = np.array([value == self.value for value in values])
        lengths = np.unique(dataset.frames[there])
        found: NDArray[np.bool_] = ~there[rows] & np.isin(dataset.frames[rows], lengths)
        return found

    def donors(self, dataset: Dataset, draws: Draws) -> Ints:
        found, can = draws.rows.copy(), self.possible(dataset, draws.rows)
        if can.any():
            some = Draws(draws.rows[can], draws.draw[can], draws.seed)
            found[can] = super().donors(dataset, some)
        return found


@dataclass(frozen=True, eq=False, repr=False)
class Permutation(Finding):
    """Effects of giving examples of one value what stands there in examples of another.

    - `values` [k]: of the column, sorted, or as they were named.
    - `effects`, `low`, `high` [own, given]: the metric less the wild metric, means over the
      examples whose own value it is. NaN on the diagonal, and where nothing was measured; `low`
      and `high` also where a single unit leaves no interval.
    - `examples` [own, given]: how many the mean is over. `wild` [own]: the mean of the metric.
    - `unchanged` [own, given]: the share of draws that put in what was there.
    - `absent`: a sentence for each contrast that was not measured, or not on all examples.
    """

    KIND: ClassVar[str] = "permutation"

    places: tuple[str, ...]
    metric: str
    column: str
    values: tuple[str, ...]
    wild: tuple[Bounds | None, ...]
    effects: Floats
    low: Floats
    high: Floats
    examples: Ints
    unchanged: Floats
    absent: tuple[str, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of the intervals before leaning on them."""
        few = int(((self.examples > 0) & (self.examples < FEW)).sum())
        if not few:
            return ()
        said = f"{few} of the contrasts are over fewer than {FEW} examples"
        return (f"{said}: their intervals are rough, and may be too narrow.",)

    def effect(self, own: object, given: object) -> Bounds | None:
        """One contrast; None where it was not measured. Raises KeyError for an unknown value."""
        for value in (own, given):
            if str(value) not in self.values:
                raise KeyError(value)
        at = self.values.index(str(own)), self.values.index(str(given))
        return self._bounds(*at)

    def _bounds(self, i: int, j: int) -> Bounds | None:
        value, low, high = (float(a[i, j]) for a in (self.effects, self.low, self.high))
        if np.isnan(value):
            return None
        return Bounds(value) if np.isnan(low) else Bounds(value, low, high)

    def table(self) -> Sequence[Row]:
        return [
            {
                "own": own,
                "given": given,
                **bounds_cells("effect", self._bounds(i, j)),
                "examples": int(self.examples[i, j]),
                "unchanged": float(self.unchanged[i, j]),
            }
            for i, own in enumerate(self.values)
            for j, given in enumerate(self.values)
            if i != j
        ]


def permutation(
    model: object,
    task: Task | str | Path,
    *,
    at: Written,
    column: str,
    values: Iterable[object] | None = None,
    subspace: object = None,
    progress: Progress | None = None,
    **options: Any,
) -> Permutation:
    """The effects of all ordered contrasts of a column at one site, as a matrix with intervals.

    Each example of one value is given what stands there in an example of another value and of
    equal length, drawn uniformly. `values` restricts the table to some of the column's values.
    Options are those of `sensitivity`. Raises `InputRefused` for an unknown column or value, for
    fewer than two values, and for more than 32.

    >>> found = permutation("induction-2l", "repeated_tokens(n=96)", at="a1.h0@query",
    ...                     column="period", values=[9, 10, 12], references=None)
    >>> found.effects.shape, bool(np.isnan(found.effects.diagonal()).all())
    ((3, 3), True)
    """
    setting = Setting.of(model, task, options)
    subject = setting.subject
    kept = _values(subject.task.dataset, column, values)
    places, by = site(subject, at, subspace), metrics(subject)
    contrasts = [Given(column, value) for value in kept]
    found = _measured(subject, places, by, contrasts, progress or Silent())
    figures = _figures(setting, [contrast.value for contrast in contrasts], column, found)
    if not figures["examples"].any():
        raise InputRefused([Problem(f"column '{column}'", said) for said in figures["absent"]])
    return Permutation(
        conventions=setting.conventions(
            at=shown(places), column=column, replacement=f"toward:{column}=VALUE"
        ),
        per_example={"rows": subject.rows, "wild": found.wild, "given": found.given},
        places=tuple(map(str, places)),
        metric=by[0].name,
        column=column,
        values=tuple(map(str, kept)),
        **figures,
    )


@dataclass(frozen=True, eq=False)
class _Measured:
    """The metric as it is [example] and under each value [given, example, draw], NaN where an
    example has no partner; and which draws changed nothing, alike."""

    wild: Floats
    given: Floats
    same: Floats


def _measured(
    subject: Subject,
    places: Sequence[Place],
    by: Sequence[Metric],
    contrasts: Sequence[Given],
    told: Progress,
) -> _Measured:
    """The wild world is run once for all contrasts, and each value's donors once for all others."""
    told.start("contrasts", subject.items * len(contrasts))
    wild, given, same = [], [], []
    for scene in subject.scenes():
        wild.append(scored(scene, scene.wild, by)[0])
        cells, kin = np.full((2, len(contrasts), len(scene.rows)), np.nan)
        for i, new in enumerate(contrasts):
            can = new.possible(subject.task.dataset, scene.rows)
            if can.any():
                changes = [(place, new) for place in places]
                cells[i, can] = scored(scene, scene.changed(changes), by)[0, can]
                equal = unchanged(scene, changes)
                assert equal is not None  # contrasts have donors
                kin[i, can] = equal[can]
            told.advance(len(scene.rows))
        given.append(cells)
        same.append(kin)
    shape = (len(contrasts), len(subject.rows), subject.draws)
    return _Measured(
        wild=np.concatenate(wild).reshape(shape[1:])[:, 0],
        given=np.concatenate(given, axis=1).reshape(shape),
        same=np.concatenate(same, axis=1).reshape(shape),
    )


def _values(dataset: Dataset, column: str, wanted: Iterable[object] | None) -> list[object]:
    """The values that the table is of. Raises `InputRefused`."""
    permutation_table(dataset, column)  # refuses a column that is unknown, or has a single value
    known = _in_order(dict.fromkeys(dataset.columns[column]))
    where = f"column '{column}'"
    if wanted is not None:
        names = [str(value) for value in wanted]
        written = [str(value) for value in known]
        unknown = [name for name in names if name not in written]
        if unknown:
            found = f"no example has the value '{unknown[0]}'."
            raise InputRefused(Problem(where, found, nearest(unknown[0], written)))
        known = [known[written.index(name)] for name in dict.fromkeys(names)]
        if len(known) < 2:
            found = f"{len(known)} value is named, and a contrast needs two."
            raise InputRefused(Problem(where, found))
    if len(known) > MOST:
        found = f"has {len(known)} values, which make {len(known) * (len(known) - 1):,} contrasts."
        fix = f"Name at most {MOST} of them with values=."
        raise InputRefused(Problem(where, found, fix))
    return known


def _in_order(values: Iterable[Any]) -> list[Any]:
    """Sorted if they can be, else as they come."""
    try:
        return sorted(values)
    except TypeError:
        return list(values)


def _figures(
    setting: Setting, kept: Sequence[object], column: str, found: _Measured
) -> dict[str, Any]:
    """Means and intervals of each contrast, over the examples that have the own value."""
    subject, k = setting.subject, len(kept)
    own = [subject.task.dataset.columns[column][row] for row in subject.rows]
    effects, low, high, shares = np.full((4, k, k), np.nan)
    counts = np.zeros((k, k), dtype=np.int64)
    absent: list[str] = []
    base: list[Bounds | None] = []
    for i, value in enumerate(kept):
        mine = np.array([other == value for other in own])
        base.append(_mean(setting, found.wild, mine).bounds() if mine.any() else None)
        for j in (j for j in range(k) if j != i):
            there = mine & ~np.isnan(found.given[j, :, 0])
            absent += _absence(column, value, kept[j], int(mine.sum()), int(there.sum()))
            counts[i, j] = there.sum()
            if there.any():
                mean = _mean(setting, found.given[j].mean(-1) - found.wild, there)
                effects[i, j], shares[i, j] = mean.mean, found.same[j, there].mean()
                if mean.low is not None and mean.high is not None:
                    low[i, j], high[i, j] = mean.low, mean.high
    figures = {"effects": effects, "low": low, "high": high, "examples": counts}
    said = tuple(dict.fromkeys(absent))
    return {**figures, "wild": tuple(base), "unchanged": shares, "absent": said}


def _mean(setting: Setting, values: Floats, which: NDArray[np.bool_]) -> Effects:
    """The mean of some examples' values [example]."""
    units = None if setting.units is None else setting.units[which]
    return mean_effects(values[which], units, setting.how)


def _absence(column: str, own: object, given: object, have: int, can: int) -> Iterator[str]:
    """Why a contrast was not measured, or not on all examples of its class."""
    if not have:
        yield f"None of the examples that are scored has {column} {own}."
    elif not can:
        yield (
            f"From {own} to {given} there is no figure: no example with {column} {given} has the "
            f"length of one with {column} {own}."
        )
    elif can < have:
        yield (
            f"From {own} to {given} the mean is over {can} of {have} examples: the others have no "
            f"partner of their length."
        )
