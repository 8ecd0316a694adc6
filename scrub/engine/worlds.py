"""A world: every activation of a model on some inputs, as they are or under interventions.

An intervened world shares with the one it was made from all that lies upstream of the edits; what
lies downstream is evaluated anew, group by group, by the model's own modules. That is what causal
tracing, patching and attribution are made of.

A world keeps the edits that made it. Edits of an edited world come after its own, and its own hold
wherever something is evaluated anew: what was ablated stays ablated when another place is restored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch

from scrub.engine.chunk import accumulator
from scrub.engine.edits import (
    Edit,
    Input,
    State,
    What,
    finer,
    held,
    picked,
    ports_under,
    projected,
    put,
)
from scrub.graph import Component, Kind, ModelGraph, Part, Port, Reach, Site
from scrub.graph.links import Link, groups_of, last_mixing, links_of
from scrub.models.base import Batch, Call, Model

__all__ = [
    "Edit",
    "Input",
    "Layout",
    "Made",
    "State",
    "What",
    "World",
    "picked",
    "projected",
    "put",
    "reading",
]

Tensor = torch.Tensor


class Made(Mapping[str, Tensor]):
    """Tensors that are made each time they are asked for: keeping them would take the memory."""

    def __init__(self, names: Sequence[str], make: Callable[[str], Tensor]) -> None:
        self._names, self._make = dict.fromkeys(names), make

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._names:
            raise KeyError(name)
        return self._make(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Sums(Made):
    """The sums of streams, which can be had at some positions alone."""

    def at(self, stream: str, at: Tensor) -> Tensor:
        """A stream's sum at positions [row, n]: [row, n, width]."""
        return picked(self[stream], at)


class Layout:
    """How a model graph is evaluated: its groups in order, its streams as extensions."""

    def __init__(self, graph: ModelGraph) -> None:
        self.graph = graph
        self.links: Mapping[str, Link] = links_of(graph)
        self.groups: tuple[tuple[Component, ...], ...] = groups_of(graph)
        self.group_of = {c.name: i for i, group in enumerate(self.groups) for c in group}
        self.last_mixing = last_mixing(self.groups)

    @cached_property
    def gains(self) -> Mapping[str, Mapping[int, bool]]:
        """The groups that each stream adds to the one before it, and whether all of each."""
        added = {s: Counter(self.group_of[name] for name in k.added) for s, k in self.links.items()}
        return {
            stream: {number: n == len(self.groups[number]) for number, n in counts.items()}
            for stream, counts in added.items()
        }

    @cached_property
    def first_reader(self) -> Mapping[str, int]:
        """The first group that reads each stream, or one that extends it."""
        found: dict[str, int] = {}
        for i, group in enumerate(self.groups):
            for port in group[0].ports:
                found.setdefault(port.stream, i)
        return found

    @cached_property
    def last_feeder(self) -> Mapping[str, int]:
        """The last group that feeds each stream; -1 if none does."""
        return {
            stream: max((self.group_of[feeder] for feeder in feeders), default=-1)
            for stream, feeders in self.graph.streams.items()
        }

    def space(self, what: What) -> str:
        """The position space of a place."""
        match what:
            case State(stream):
                return self.graph.stream_spaces[stream]
            case Input(component, port):
                return self.graph.stream_spaces[self.graph[component].port(port).stream]
            case Part(component):
                return self.graph[component].space

    def start(self, what: What) -> int:
        """The first group whose evaluation an edit there changes."""
        match what:
            case Part(component) | Input(component):
                return self.group_of[component]
            case State(stream):
                return self.first_reader[stream]


@dataclass(frozen=True, eq=False)
class World:
    """The streams' sums and the components' shares [row, position, width] on a batch of inputs.

    Shares are made where they are asked for. Sums are in float32 at least. `edits` are all that
    made it of the plain world, `bases` those of the subspaces that they name.
    """

    model: Model
    layout: Layout
    frame: Batch
    streams: Sums
    shares: Mapping[str, Tensor]
    edits: tuple[Edit, ...] = ()
    bases: Mapping[str, Tensor] = field(default_factory=dict)

    @staticmethod
    def plain(model: Model, frame: Batch, layout: Layout | None = None) -> World:
        """The model as it is, by one forward pass."""
        graph = model.graph
        named = [c.name for c in graph.components if c.name != graph.output]
        sites = [Site(Kind.STREAM, stream) for stream in graph.streams]
        outputs = {name: Site(Kind.OUTPUT, name) for name in named}
        recorded = model.record(frame, [*sites, *outputs.values()])
        wide = accumulator(model.dtype)

        def share(name: str) -> Tensor:
            return model.output(Part(name), recorded[outputs[name]]).to(wide)

        streams = Sums(list(graph.streams), lambda s: recorded[Site(Kind.STREAM, s)].to(wide))
        return World(model, layout or Layout(graph), frame, streams, Made(named, share))

    def repeated(self, times: int) -> World:
        """The same rows so many times over, one block after another."""
        if times == 1:
            return self

        def again(table: Mapping[str, Tensor]) -> Callable[[str], Tensor]:
            return lambda name: table[name].repeat(times, *[1] * (table[name].ndim - 1))

        def rows(table: Mapping[str, Tensor]) -> Made:
            return Made(tuple(table), again(table))

        frame = Batch(rows(self.frame.fields), rows(self.frame.lengths))
        return replace(
            self,
            frame=frame,
            streams=Sums(tuple(self.streams), again(self.streams)),
            shares=rows(self.shares),
            edits=tuple(edit.repeated(times) for edit in self.edits),
        )

    def share(self, part: Part, bases: Mapping[str, Tensor] | None = None) -> Tensor:
        """What a part adds to its readers' sums, [row, position, width].

        `bases` holds the bases of the subspaces that parts name. Neurons and experts add what they
        add before an edit of their component as a whole.
        """
        if not finer(part):
            return projected(part, self.shares[part.component], bases or {})
        return held(self.model, part, self.ports(part.component), self.frame, self.edits)

    def ports(self, name: str) -> dict[str, Tensor]:
        """What a component reads, by port [row, position, width]: its streams, its ports edited."""
        component = self.model.graph[name]
        streams = {port.name: self.streams[port.stream] for port in component.ports}
        return ports_under(name, streams, self.edits)

    def output(self, at: Tensor | None) -> Tensor:
        """The model's output at positions [row, n] (all, if None): [row, n, width]."""
        graph = self.model.graph
        read = {port.name: self._read(port, at) for port in graph[graph.output].ports}
        (value,) = self.model.run([Call(Part(graph.output), read, self.frame, at)])
        return value.to(accumulator(self.model.dtype))

    def _read(self, port: Port, at: Tensor | None) -> Tensor:
        """What the output reads at a port: at the positions `at` alone, where it can."""
        here = Input(self.model.graph.output, port.name)
        if at is None or port.reach is not Reach.SAME:
            return self.ports(here.component)[port.name]
        if any(edit.what == here for edit in self.edits):
            return picked(self.ports(here.component)[port.name], at)
        return self.streams.at(port.stream, at)


def reading(world: World, what: What, bases: Mapping[str, Tensor] | None = None) -> Tensor:
    """What stands at a place in a world, [row, position, width]."""
    match what:
        case State(stream):
            return world.streams[stream]
        case Input(component, port):
            return world.ports(component)[port]
        case Part():
            return world.share(what, bases)
