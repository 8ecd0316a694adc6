"""A model read as a directed acyclic graph of components: who feeds whom, through which port.

The input at a port is the *sum* of the outputs of the components that feed it. Nothing here
knows a transformer or a tensor: a hand-made graph of three scalars is a model graph too.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from scrub.errors import InputRefused, Problem, nearest


class Reach(enum.Enum):
    """Which positions of its input a component reads through a port, evaluated at one position."""

    SAME = "same"  # queries, MLPs, the output
    CAUSAL = "causal"  # keys and values of a decoder: this position and the earlier ones
    ANY = "any"  # keys and values of an encoder, pooled inputs


@dataclass(frozen=True)
class Port:
    """An input of a component: the sum of its feeders' outputs.

    `stream` names that sum. Ports with the same feeders share a stream, so that it is recorded
    once: all heads of a layer read `resid.5`.
    """

    name: str
    stream: str
    feeders: tuple[str, ...]
    reach: Reach = Reach.SAME


@dataclass(frozen=True)
class Cost:
    """FLOPs of one evaluation on one example, by what they grow with.

    >>> Cost(per_position=10, per_key=3, per_pair=1).flops(positions=2, length=4)
    48
    """

    per_position: int = 0  # each position at which the output is wanted
    per_key: int = 0  # each position of the sequence that keys and values are read from
    per_pair: int = 0  # each (query, key) pair of the whole sequence

    def flops(self, positions: int, length: int) -> int:
        return self.per_position * positions + self.per_key * length + self.per_pair * length**2


@dataclass(frozen=True)
class Component:
    """A part of the model that reads its ports and writes one output.

    `group` is shared by components that can run as one batch (the heads of a layer); `stored` is
    the width in which its activation is recorded (a head's `z`), `width` that of its output, and
    `expand` what turning one stored position into an output costs.
    """

    name: str
    ports: tuple[Port, ...] = ()
    width: int = 1
    stored: int = 1
    group: str = ""
    neurons: int = 0
    cost: Cost = field(default_factory=Cost)
    expand: int = 0

    def port(self, name: str) -> Port:
        return next(port for port in self.ports if port.name == name)

    @property
    def port_names(self) -> tuple[str, ...]:
        return tuple(port.name for port in self.ports)


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
    pass_cost: Cost = field(default_factory=Cost)  # one forward pass over one example
    vocabulary: int = 0  # how many token ids it knows; 0 where its inputs are no tokens
    longest: int = 0  # the most positions it has; 0 where it has no such bound

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
    """What keeps this from being a model graph: names, unknown feeders, order, output."""
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
