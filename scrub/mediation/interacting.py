"""What members do together: the form in which `interactions` reports it."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from scrub.mediation.findings import Finding, Row
from scrub.mediation.measuring import bounds_cells
from scrub.statistics.effects import Effects
from scrub.statistics.pairs import Pair, Relation
from scrub.statistics.recovered import Bounds


class Knocking(enum.Enum):
    """What being in a set does to a member."""

    OUT = "knock_out"  # replaced in the wild world
    IN = "knock_in"  # restored in the corrupted world


@dataclass(frozen=True, eq=False, repr=False)
class Interactions(Finding):
    """What members do together, from the metric of sets of them.

    - `members`: their names, in order of evaluation; `places` the places of each.
    - `nobody`, `everybody`: the metric where no member, and where every member is changed.
    - `shapley` [member]: what changing it adds to the metric, averaged over all orders of joining.
    - `subsets`: for up to 12 members every subset by its members' numbers, the empty one first;
      `values` and `interactions` [subset] the metric and what it has beyond smaller subsets. For
      more members, empty and None.
    - `pairs`: what two members are to each other, the others left as in the unchanged world. Their
      numbers count `members`; effects are those of keeping a member, over keeping neither.
    - `evaluated`: distinct sets that were run; `orders`: joining orders that were sampled, or None.
    - `unchanged`: the share of draws that put in what was there; None where nothing is drawn.
    """

    KIND: ClassVar[str] = "interactions"

    direction: str
    members: tuple[str, ...]
    places: tuple[tuple[str, ...], ...]
    nobody: Bounds
    everybody: Bounds
    shapley: Effects
    subsets: tuple[tuple[int, ...], ...]
    values: Effects | None
    interactions: Effects | None
    pairs: tuple[Pair, ...]
    evaluated: int
    orders: int | None
    unchanged: float | None
    notes: tuple[str, ...]

    def pair(self, one: str, other: str) -> Relation:
        """What two members are to each other, by their names. Raises KeyError for unknown ones."""
        wanted = {one, other}
        for pair in self.pairs:
            if {self.members[pair.first], self.members[pair.second]} == wanted:
                return pair.relation
        raise KeyError(f"no pair of '{one}' and '{other}'; members: {', '.join(self.members)}")

    def interaction(self, *names: str) -> Bounds:
        """The interaction of a subset, by its members' names. Raises KeyError for unknown ones, and
        where there are more than 12 members."""
        wanted = {self.members.index(name) for name in names if name in self.members}
        for number, subset in enumerate(self.subsets):
            if set(subset) == wanted and len(subset) == len(names) and self.interactions:
                return self.interactions.bounds(number)
        raise KeyError(f"no interaction of {', '.join(names)}")

    def table(self) -> Sequence[Row]:
        """Every subset; beyond 12 members each member alone."""
        alone = [(number,) for number in range(len(self.members))]
        rows = []
        for number, subset in enumerate(self.subsets or alone):
            one = self.shapley.bounds(subset[0]) if len(subset) == 1 else None
            value = None if self.values is None else self.values.bounds(number)
            more = None if self.interactions is None else self.interactions.bounds(number)
            rows.append(
                {
                    "members": " × ".join(self.members[i] for i in subset),
                    "size": len(subset),
                    **bounds_cells("value", value),
                    **bounds_cells("interaction", more),
                    **bounds_cells("shapley", one),
                }
            )
        return rows
