"""A scene's two worlds, wild and corrupted, and what is carried from one into the other."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch

from scrub.engine.flow import edited
from scrub.engine.metrics import Floats
from scrub.engine.worlds import Edit, State, What, World, picked, reading
from scrub.graph import Component, Part, Reach
from scrub.mediation.cells import Row
from scrub.mediation.columns import Column
from scrub.mediation.corruption import Corruption
from scrub.mediation.scene import Scene, stacked
from scrub.mediation.subject import Subject

Tensor = torch.Tensor


class Direction(enum.Enum):
    """What a cell is carried into."""

    RESTORE = "restore"  # the wild value into the corrupted world: what is repaired
    KNOCK_OUT = "knock_out"  # the corrupted value into the wild world: what is broken


class Carrying:
    """`base` is the world that is changed, `source` the one that values come from.

    The wild world is evaluated as the corrupted one is, from the same places on: what the
    corruption does not reach is then the same to the last bit, and costs nothing.
    """

    def __init__(self, scene: Scene, corruption: Corruption, direction: Direction) -> None:
        self.scene, places = scene, [place for place, _ in corruption.changes]
        kept = [Edit(place.what, lambda own: own, scene.at(place.at)) for place in places]
        self.wild = edited(scene.wild, kept, scene.subject.bases)
        self.corrupted = scene.changed(corruption.changes)
        worlds = [self.corrupted, self.wild]
        if direction is Direction.KNOCK_OUT:
            worlds.reverse()
        self.base, self.source = worlds

    @cached_property
    def score(self) -> Floats:
        """The task's metric in the base world, [item]."""
        return self.scene.score(self.base)

    def row(self, row: Row) -> Carried:
        return Carried(self, row)


@dataclass(eq=False)
class Carried:
    """One row: its values in the source, and how far the base is from them."""

    carrying: Carrying
    row: Row
    values: dict[What, Tensor] = field(init=False)
    differences: dict[What, Tensor] = field(init=False)

    def __post_init__(self) -> None:
        made, whats, bases = self.carrying, self.row.whats, self.subject.bases
        self.values = {what: reading(made.source, what, bases) for what in whats}
        self.differences = {
            what: value - reading(made.base, what, bases) for what, value in self.values.items()
        }

    @property
    def subject(self) -> Subject:
        return self.carrying.scene.subject

    def differs(self, column: Column) -> bool:
        """Whether the two worlds are different there at all."""
        at = self.carrying.scene.at(column.at)
        return any(bool(picked(apart, at).any()) for apart in self.differences.values())

    def total(self, columns: Sequence[Column]) -> World:
        """The base with each column's values carried over, one block of rows for each."""
        some = []
        for column in columns:
            at = self.carrying.scene.at(column.at)
            some.append([_put(what, picked(value, at), at) for what, value in self.values.items()])
        return stacked(self.carrying.scene, some, self.carrying.base)

    @cached_property
    def _chain(self) -> tuple[str, ...]:
        """The final stream and those that it extends."""
        found = [self._final]
        while before := self.subject.layout.links[found[-1]].before:
            found.append(before)
        return tuple(found)

    @property
    def _final(self) -> str:
        graph = self.subject.model.graph
        (port,) = graph[graph.output].ports
        return port.stream

    @cached_property
    def _direct(self) -> tuple[What, ...]:
        """Those of the row's members that the output reads itself."""
        graph = self.subject.model.graph
        feeders = graph.streams[self._final]
        return tuple(
            what
            for what in self.row.whats
            if (isinstance(what, State) and what.stream in self._chain)
            or (isinstance(what, Part) and what.component in feeders)
        )

    def reaches(self, column: Column) -> bool:
        """Whether a difference there can reach the output by no other component."""
        graph, scene = self.subject.model.graph, self.carrying.scene
        (port,) = graph[graph.output].ports
        at, read = scene.at(column.at), scene.at(self.subject.task.positions)
        if not self._direct:
            return False
        if port.reach is not Reach.SAME or at is None or read is None:
            return True
        return bool((at[:, :, None] == read[:, None, :]).any())

    def direct(self, columns: Sequence[Column]) -> World:
        """The base with each column's difference in the final stream alone."""
        scene, final = self.carrying.scene, State(self._final)
        some = []
        for column in columns:
            at = scene.at(column.at)
            apart = {what: picked(self.differences[what], at) for what in self._direct}
            if self._interposed:
                some.append([*self._frozen(), *self._added(apart, at)])
            else:
                some.append([_add(final, torch.stack(list(apart.values())).sum(0), at)])
        return stacked(scene, some, self.carrying.base)

    @cached_property
    def _interposed(self) -> bool:
        """Whether a residual state between the row and the output is replaced in the base: what
        leaves it is not what was added to it."""
        layout = self.subject.layout
        first = min(layout.start(what) for what in self.row.whats)
        states = [e.what for e in self.carrying.base.edits if isinstance(e.what, State)]
        return any(s.stream in self._chain and layout.start(s) > first for s in states)

    def _frozen(self) -> list[Edit]:
        """Every component held at what it gives in the base."""
        graph, shares = self.subject.model.graph, self.carrying.base.shares
        names = [c.name for c in graph.components if c.name != graph.output]
        return [_put(Part(name), shares[name], None) for name in names]

    def _added(self, apart: Mapping[What, Tensor], at: Tensor | None) -> Iterator[Edit]:
        """The row's own differences, where everything else is frozen."""
        for what, difference in apart.items():
            place = Part(what.component) if isinstance(what, Part) else what
            yield _add(place, difference, at)

    @cached_property
    def cost(self) -> float:
        """What running one cell takes at most, in forward passes."""
        layout = self.subject.layout
        first = min(layout.start(what) + isinstance(what, Part) for what in self.row.whats)
        spent = [sum(self._flops(c) for c in group) for group in layout.groups]
        if not sum(spent):  # a hand-made model says nothing of it
            spent = [1] * len(layout.groups)
        return sum(spent[first:]) / sum(spent)

    def _flops(self, component: Component) -> int:
        lengths, graph = self.subject.inputs.longest, self.subject.model.graph
        own = lengths.get(component.space, 1)
        return component.cost.flops(own, own, lengths.get(graph.keys_of(component), own))


def _put(what: What, value: Tensor, at: Tensor | None) -> Edit:
    return Edit(what, lambda _: value, at)


def _add(what: What, value: Tensor, at: Tensor | None) -> Edit:
    return Edit(what, lambda own: own + value.to(own), at)
