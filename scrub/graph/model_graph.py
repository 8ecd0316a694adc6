"""A model read as a directed acyclic graph of components: who feeds whom, through which port.

The input at a port is the *sum* of the outputs of the components that feed it. Nothing here
knows a transformer or a tensor: a hand-made graph of three scalars is a model graph too.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from scrub.errors import InputRefused, Problem, nearest
from scrub.graph.sites import Kind, Projection, Site
from scrub.graph.spaces import TOKENS, Space

if TYPE_CHECKING:
    from scrub.graph.names import Part  # which looks names up in this


class Reach(enum.Enum):
    """Which positions of its input a component reads through a port, evaluated at one position."""

    SAME = "same"  # queries, MLPs, the output
    CAUSAL = "causal"  # keys and values of a decoder: this position and the earlier ones
    ANY = "any"  # keys and values of an encoder, pooled inputs, all that is read across spaces


@dataclass(frozen=True)
class Port:
    """An input of a component: the sum of its feeders' outputs.

    `stream` names that sum. Ports with the same feeders share a stream, so that it is recorded
    once: all heads of a layer read `resid.5`. `projection` is what the component makes of that sum,
    position by position, before it reads it; None where that cannot be recorded by itself.
    """

    name: str
    stream: str
    feeders: tuple[str, ...]
    reach: Reach = Reach.SAME
    projection: Projection | None = None


FEW = 8  # of so many queries one may be read: then it is picked, and else all are run


def queries_run(read: int, length: int) -> int:
    """How many of a row's queries an attention is run for, where so many are read.

    >>> queries_run(1, 16), queries_run(3, 16)
    (1, 16)
    """
    return read if read * FEW <= length else length


@dataclass(frozen=True)
class Cost:
    """FLOPs of one evaluation on one example, by what they grow with.

    >>> Cost(per_position=10, per_key=3, per_pair=1).flops(positions=2, length=4)
    48
    """

    per_position: int = 0  # each position at which the output is wanted
    per_key: int = 0  # each position that keys and values are read from
    per_pair: int = 0  # each (query, key) pair of the whole sequence
    per_pair_read: int = 0  # each pair of a query that is run because it is read

    def flops(self, positions: int, length: int, keys: int | None = None) -> int:
        """For an output at `positions` of `length`, read from `keys` (from `length` if none)."""
        read = length if keys is None else keys
        pairs = self.per_pair * length + self.per_pair_read * queries_run(positions, length)
        return self.per_position * positions + self.per_key * read + pairs * read


@dataclass(frozen=True)
class PassCost:
    """What one forward pass spends in a space, on keys and values of that space or of another."""

    cost: Cost
    space: str = TOKENS
    keys: str = ""  # the space itself, where none is named


@dataclass(frozen=True)
class Component:
    """A part of the model that reads its ports and writes one output.

    `group` is shared by components that can run as one batch (the heads of a layer); `stored` is
    the width in which its activation is recorded (a head's `z`), `width` that of its output, and
    `expand` what turning one stored position into an output costs. `space` is the position space
    that its output lives in. Of its `neurons` and `experts` some can be named; 0 where none can.
    """

    name: str
    ports: tuple[Port, ...] = ()
    width: int = 1
    stored: int = 1
    group: str = ""
    neurons: int = 0
    cost: Cost = field(default_factory=Cost)
    expand: int = 0
    space: str = TOKENS
    experts: int = 0

    def port(self, name: str) -> Port:
        return self._named[name]

    @cached_property
    def port_names(self) -> tuple[str, ...]:
        return tuple(port.name for port in self.ports)

    @cached_property
    def _named(self) -> Mapping[str, Port]:
        return {port.name: port for port in self.ports}


@dataclass(frozen=True)
class ModelGraph:
    """All components of a model in an order of evaluation, and the one that is the output.

    >>> x = Component("x")
    >>> y = Component("y", ports=(Port("in", "y.in", ("x",)),))
    >>> graph = ModelGraph("toy", (x, y), output="y")
    >>> graph.feeds("x", "y", "in"), graph.n_edges
    (True, 1)
    """

    name: str
    components: tuple[Component, ...]
    output: str
    pass_cost: tuple[PassCost, ...] = ()  # one forward pass over one example
    spaces: tuple[Space, ...] = (Space(TOKENS),)

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise InputRefused(problems)

    @cached_property
    def by_name(self) -> Mapping[str, Component]:
        return {component.name: component for component in self.components}

    @cached_property
    def order(self) -> Mapping[str, int]:
        """Each component's place in the order of evaluation."""
        return {component.name: i for i, component in enumerate(self.components)}

    @cached_property
    def streams(self) -> Mapping[str, tuple[str, ...]]:
        """Each stream's feeders."""
        return {p.stream: p.feeders for component in self.components for p in component.ports}

    @cached_property
    def _feeder_sets(self) -> Mapping[str, frozenset[str]]:
        return {stream: frozenset(feeders) for stream, feeders in self.streams.items()}

    @cached_property
    def space(self) -> Mapping[str, Space]:
        """The position spaces by name."""
        return {space.name: space for space in self.spaces}

    @cached_property
    def stream_spaces(self) -> Mapping[str, str]:
        """The position space of each stream: that of its feeders."""
        return {
            port.stream: self[port.feeders[0]].space if port.feeders else component.space
            for component in self.components
            for port in component.ports
        }

    def site_space(self, site: Site) -> str:
        """The position space that a site is recorded in."""
        if site.kind is Kind.STREAM:
            return self.stream_spaces[site.name]
        if site.kind is Kind.PROJECTED:
            return self.stream_spaces[self[site.name].port(site.port).stream]
        return self[site.name].space

    def is_linear(self, part: Part) -> bool:
        """Whether a part's output is a linear map of what is recorded of it: a head's of its `z`,
        some neurons' of what they hold."""
        return part.neurons is not None or self[part.component].expand > 0

    def keys_of(self, component: Component) -> str:
        """The space that a component reads at other positions than its own; its own if none."""
        wide = (self.stream_spaces[p.stream] for p in component.ports if p.reach is not Reach.SAME)
        return next(wide, component.space)

    def pass_flops(self, lengths: Mapping[str, int]) -> int:
        """FLOPs of one forward pass over one example with so many positions in each space."""
        return sum(
            spent.cost.flops(
                lengths[spent.space], lengths[spent.space], lengths[spent.keys or spent.space]
            )
            for spent in self.pass_cost
        )

    def __getitem__(self, name: str) -> Component:
        return self.by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self.by_name

    def feeds(self, feeder: str, component: str, port: str) -> bool:
        """Whether `feeder` is one of the terms summed at that port."""
        return feeder in self._feeder_sets[self[component].port(port).stream]

    @cached_property
    def n_edges(self) -> int:
        """Edges of the whole model graph, counted per port as EAP-IG and MIB count them."""
        return sum(len(p.feeders) for component in self.components for p in component.ports)


def _problems(graph: ModelGraph) -> Iterator[Problem]:
    """What keeps this from being a model graph: names, unknown feeders, order, spaces, output."""
    names = [component.name for component in graph.components]
    known, seen = set(names), set[str]()
    checked: set[tuple[str, ...]] = set()  # the heads of a layer share one tuple of feeders
    for component in graph.components:
        if component.name in seen:
            yield Problem(f"component '{component.name}'", "is declared twice.", "Rename one.")
        for port in component.ports:
            if port.feeders not in checked:
                where = f"component '{component.name}', port '{port.name}'"
                yield from _feeder_problems(where, port.feeders, known, seen)
                checked.add(port.feeders)
        seen.add(component.name)
    if graph.output not in seen:
        yield Problem(f"output '{graph.output}'", "is no component.", nearest(graph.output, names))
    yield from _space_problems(graph)


def _feeder_problems(
    where: str, feeders: tuple[str, ...], known: set[str], seen: set[str]
) -> Iterator[Problem]:
    for feeder in dict.fromkeys(feeders):
        if feeders.count(feeder) > 1:
            fix = "A sum holds each component once; for more of it, multiply in the function."
            yield Problem(where, f"'{feeder}' is named {feeders.count(feeder)} times.", fix)
        if feeder not in known:
            yield Problem(where, f"'{feeder}' is no component.", nearest(feeder, known))
        elif feeder not in seen:
            fix = "Declare components in an order of evaluation; a model graph has no cycle."
            yield Problem(where, f"'{feeder}' is evaluated later.", fix)


def _space_problems(graph: ModelGraph) -> Iterator[Problem]:
    """A component lives in a space of the model; what one port sums lives in one space; and only
    a port that reads any position reads those of another space."""
    names = [space.name for space in graph.spaces]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield Problem(f"space '{name}'", "is declared twice.", "Rename one.")
    lives_in = {component.name: component.space for component in graph.components}
    summed: dict[tuple[str, ...], dict[str, str]] = {}  # by feeders: a feeder in each space
    for component in graph.components:
        if component.space not in names:
            found = f"lives in space '{component.space}', which the model does not have."
            fix = nearest(component.space, names)
            yield Problem(f"component '{component.name}'", found, fix)
        for port in component.ports:
            if port.feeders not in summed:
                known = [feeder for feeder in port.feeders if feeder in lives_in]
                summed[port.feeders] = {lives_in[feeder]: feeder for feeder in reversed(known)}
            yield from _port_problems(component, port, summed[port.feeders])


def _port_problems(
    component: Component, port: Port, feeders: Mapping[str, str]
) -> Iterator[Problem]:
    """`feeders` holds one feeder of the port in each space that it is fed from."""
    where = f"component '{component.name}', port '{port.name}'"
    if len(feeders) > 1:
        shown = " and ".join(f"'{feeder}' in '{space}'" for space, feeder in feeders.items())
        fix = "A sum is taken position by position: give each space a port of its own."
        yield Problem(where, f"is fed from {len(feeders)} position spaces: {shown}.", fix)
    elif component.space not in feeders and feeders and port.reach is not Reach.ANY:
        (space,) = feeders
        found = (
            f"reads space '{space}' with reach '{port.reach.value}', and the component lives in "
            f"'{component.space}'."
        )
        fix = "Positions of two spaces are not compared: declare Reach.ANY."
        yield Problem(where, found, fix)
