"""Inclusion–exclusion: what sets of components do together that they do not do apart.

v(S) is the metric with the members of S knocked out of the wild world, or given back their own
values in the corrupted one. For up to 12 members every subset is run, and its interaction is what
v(S) has beyond what its smaller subsets account for. Beyond 12 Shapley values are sampled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scrub.data.task import Task
from scrub.engine.edits import Edit
from scrub.engine.metrics import Floats
from scrub.engine.progress import Progress, Silent
from scrub.engine.replacements import Replacement
from scrub.engine.replacements import replacement as replaced
from scrub.engine.worlds import World
from scrub.errors import InputRefused, Problem
from scrub.mediation.ablation import require_columns
from scrub.mediation.attribute import named, require_count
from scrub.mediation.corruption import Corruption, corruption, require_apart
from scrub.mediation.corruption import Written as WrittenCorruption
from scrub.mediation.interacting import Interactions, Knocking
from scrub.mediation.measuring import Setting, unchanged
from scrub.mediation.noising import CORRUPTED
from scrub.mediation.scene import Scene
from scrub.mediation.subsets import Member, Written, members, walked
from scrub.statistics.effects import Effects, mean_effects
from scrub.statistics.interactions import MOST_MEMBERS, member_matrix, moebius, shapley
from scrub.statistics.pairs import Members, Others, pairs
from scrub.statistics.permutations import sampled_shapley


def interactions(
    model: object,
    task: Task | str | Path,
    *,
    at: Written,
    corrupt: WrittenCorruption | None = None,
    replacement: str | Replacement = CORRUPTED,
    direction: str | Knocking = Knocking.OUT,
    tolerance: float = 0.1,
    orders: int = 100,
    progress: Progress | None = None,
    **options: Any,
) -> Interactions:
    """What components do together: the interaction of every subset, Shapley values, and for every
    pair whether it is redundant, cancelling, synergistic or independent.

    `at`: members, each a place or a group of places (see `subsets.members`). `knock_out` puts the
    replacement in (that of the corrupted run, or any other), `knock_in` gives members their own
    values back in the corrupted run. What is smaller than `tolerance` of the largest effect of any
    subset counts as nothing in the words for pairs. Beyond 12 members `orders` pairs of joining
    orders are sampled instead. Options: references, draws, seed, batch, dtype, device, folder,
    level, interval, replicates. Raises `InputRefused`.

    >>> found = interactions("induction-redundant", "repeated_tokens(n=64)", at="a1.h0,a1.h1",
    ...                      replacement="zero", references=16)
    >>> found.subsets
    ((), (0,), (1,), (0, 1))
    """
    way = named("direction", direction, Knocking)
    require_count("orders", orders, 2)
    if not isinstance(tolerance, (int, float)) or not 0 <= tolerance < 1:
        found = f"must be a share from 0 to below 1, found {tolerance!r}."
        raise InputRefused(Problem("option 'tolerance'", found))
    setting = Setting.of(model, task, options)
    some = members(at, setting.subject)
    made = _Making.of(setting, way, some, corrupt, replacement)
    run = _Run(setting, some, made, progress or Silent())
    said = setting.conventions(
        direction=way.value,
        corruption=None if made.corruption is None else str(made.corruption),
        replacement=made.name,
        members=len(some),
    )
    if len(some) > MOST_MEMBERS:
        return run.sampled(way, said | {"orders": orders}, orders)
    return run.exact(way, said | {"tolerance": tolerance}, tolerance)


@dataclass(frozen=True, eq=False)
class _Making:
    """What members are given, and where; `given` is None for the corrupted run's values."""

    way: Knocking
    corruption: Corruption | None
    given: Replacement | None

    @staticmethod
    def of(
        setting: Setting,
        way: Knocking,
        some: Sequence[Member],
        corrupt: WrittenCorruption | None,
        written: str | Replacement,
    ) -> _Making:
        given = None if written == CORRUPTED else replaced(written)
        if corrupt is None and (way is Knocking.IN or given is None):
            found = "there is none, and members need values to be given."
            fix = "Name one, e.g. embed=resample"
            fix += "." if way is Knocking.IN else ", or a replacement such as mean."
            raise InputRefused(Problem("corruption", found, fix))
        if way is Knocking.IN and given is not None:
            found = f"'{given}' is put in by knock_out alone; knock_in gives members their own."
            raise InputRefused(Problem("option 'replacement'", found, "Leave it out."))
        made = None if corrupt is None else corruption(corrupt, setting.subject)
        if made is not None:
            require_apart(made, [place.what for member in some for place in member.places])
        if given is not None:
            require_columns(setting.subject, given)
        return _Making(way, made, given)

    @property
    def name(self) -> str:
        if self.way is Knocking.IN:
            return "wild"
        return CORRUPTED if self.given is None else str(self.given)

    def base(self, scene: Scene) -> World:
        if self.way is Knocking.OUT or self.corruption is None:
            return scene.wild
        return scene.changed(self.corruption.changes)

    def edits(self, scene: Scene, some: Sequence[Member]) -> list[list[Edit]]:
        """Each member's."""
        if self.given is not None:
            new = self.given
            return [[scene.edit(place, new) for place in member.places] for member in some]
        assert self.corruption is not None  # refused otherwise
        out = self.way is Knocking.OUT
        source = scene.changed(self.corruption.changes) if out else scene.wild
        return [[scene.restored(place, source) for place in member.places] for member in some]

    def same(self, scene: Scene, some: Sequence[Member]) -> NDArray[np.bool_] | None:
        """Which items are left as they were, whatever is changed."""
        if self.corruption is not None:
            return unchanged(scene, self.corruption.changes)
        assert self.given is not None
        return unchanged(scene, [(p, self.given) for member in some for p in member.places])


@dataclass(eq=False)
class _Run:
    """Sets of members on all items."""

    setting: Setting
    members: Sequence[Member]
    making: _Making
    told: Progress
    unchanged: float | None = None

    def values(self, sets: Sequence[Sequence[int]]) -> Floats:
        """The metric's means over draws with each set changed, [set, example]."""
        subject = self.setting.subject
        self.told.start("subsets", len(sets) * subject.items)
        found, same = [], list[NDArray[np.bool_]]()
        for scene in subject.scenes():
            edits = self.making.edits(scene, self.members)
            told = self._teller(len(scene.rows))
            found.append(walked(self.making.base(scene), edits, sets, scene.score, told))
            left = self.making.same(scene, self.members)
            same += [] if left is None else [left]
        self.unchanged = float(np.concatenate(same).mean()) if same else None
        return subject.averaged(np.concatenate(found, axis=1))

    def _teller(self, items: int) -> Callable[[], None]:
        return lambda: self.told.advance(items)

    def exact(self, way: Knocking, said: dict[str, object], tolerance: float) -> Interactions:
        """Every subset."""
        matrix = member_matrix(len(self.members))
        subsets = tuple(tuple(np.nonzero(row)[0].tolist()) for row in matrix)
        values = self.values(subsets)  # [subset, example]
        groups, how = self.setting.units, self.setting.how
        means = mean_effects(values, groups, how)
        out = way is Knocking.OUT
        inside, rest = (Members.REPLACED, Others.KEPT) if out else (Members.KEPT, Others.REPLACED)
        several = len(self.members) > 1
        return Interactions(
            **self._common(way, said),
            per_example={"rows": self.setting.subject.rows, "values": values},
            nobody=means.bounds(0),
            everybody=means.bounds(-1),
            shapley=mean_effects(shapley(values), groups, how),
            subsets=subsets,
            values=means,
            interactions=mean_effects(moebius(values), groups, how),
            pairs=pairs(values, inside, rest, tolerance, groups, how) if several else (),
            evaluated=len(subsets),
            orders=None,
            notes=means.notes,
        )

    def sampled(self, way: Knocking, said: dict[str, object], orders: int) -> Interactions:
        """Sets along random orders of joining."""
        held: dict[str, Floats] = {}

        def value(matrix: NDArray[np.bool_]) -> Floats:
            held["values"] = self.values([np.nonzero(row)[0].tolist() for row in matrix])
            held["sets"] = matrix.astype(np.float64)
            return held["values"]

        groups, how = self.setting.units, self.setting.how
        found = sampled_shapley(value, len(self.members), orders, groups, how)
        units = found.examples if groups is None else len(set(groups.tolist()))
        return Interactions(
            **self._common(way, said),
            per_example={"rows": self.setting.subject.rows, **held},
            nobody=found.nobody,
            everybody=found.everybody,
            shapley=Effects(found.value, found.low, found.high, found.examples, units, how),
            subsets=(),
            values=None,
            interactions=None,
            pairs=(),
            evaluated=found.evaluated,
            orders=found.orders,
            notes=found.notes,
        )

    def _common(self, way: Knocking, said: dict[str, object]) -> dict[str, Any]:
        return {
            "conventions": said,
            "direction": way.value,
            "members": tuple(map(str, self.members)),
            "places": tuple(tuple(map(str, member.places)) for member in self.members),
            "unchanged": self.unchanged,
        }
