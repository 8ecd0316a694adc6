"""Path patching: another value at a source, carried along named paths and nowhere else.

A path runs from a place through ports of later components: `a0.h1@end -> a5.h1<q> -> logits`. Each
component on it is evaluated anew, norms included, on its own inputs and the differences that the
paths bring; what no path names stays as it is. Where a path ends before the output, all that
follows from its end is evaluated as usual. Several paths through one component are followed as
paths, not as the edges they share. Source: Goldowsky-Dill et al. 2023 ("Localizing model behavior
with path patching"), Wang et al. 2022 (IOI), 3.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch

from scrub.engine.chunk import accumulator
from scrub.engine.flow import edited
from scrub.engine.worlds import Edit, Input, State, World, picked, put, reading
from scrub.errors import InputRefused, Problem, nearest
from scrub.graph import ALL, ModelGraph, Part, Positions
from scrub.mediation.places import Place, places
from scrub.models.base import Call

Tensor = torch.Tensor
At = Callable[[Positions], Tensor | None]
_HOP = re.compile(r"^(?P<component>[^<>@\s]+)(?:<(?P<ports>\w+(?:\s*,\s*\w+)*)>)?(?:@(?P<at>.+))?$")


@dataclass(frozen=True)
class Hop:
    """A component that a path passes, the ports by which it enters, and where it is read."""

    component: str
    ports: tuple[str, ...]
    at: Positions = ALL

    def __str__(self) -> str:
        ports = "" if self.ports == ("in",) else f"<{','.join(self.ports)}>"
        return str(Place(Part(self.component + ports), self.at))


@dataclass(frozen=True)
class Path:
    """A source and the components that its difference passes in turn.

    >>> str(Path(Place(Part("a0.h1")), (Hop("a5.h1", ("q",)), Hop("logits", ("in",)))))
    'a0.h1 -> a5.h1<q> -> logits'
    """

    source: Place
    hops: tuple[Hop, ...]

    def __str__(self) -> str:
        return " -> ".join(map(str, (self.source, *self.hops)))


def read_path(written: str, graph: ModelGraph) -> tuple[Path, ...]:
    """The paths that a line stands for: one for each source, where several are named.

    Raises `InputRefused` with every hop that the model graph does not have.
    """
    first, *rest = (piece.strip() for piece in written.split("->"))
    if not rest:
        fix = "Write a0.h1 -> a5.h1<q> -> logits."
        raise InputRefused(Problem(f"path '{written}'", "leads nowhere.", fix))
    sources = places(first, graph)
    hops = tuple(_hop(piece, graph, written) for piece in rest)
    paths = tuple(Path(source, hops) for source in sources)
    problems = [problem for path in paths for problem in _problems(path, graph)]
    if problems:
        raise InputRefused(problems)
    return paths


def follow(base: World, sources: Mapping[Place, World], paths: Sequence[Path], at: At) -> World:
    """A base world in which each path's source is as in another world, along the paths alone.

    `at` gives the rows' positions [row, n] of what a path names (None for all).
    """
    walk = _Walk(base, sources, at)
    edits = [
        walk.arriving(hop, port, before)
        for hop, before in _by_end(paths).items()
        for port in hop.ports
    ]
    return edited(base, edits)


def _by_end(paths: Iterable[Path]) -> Mapping[Hop, list[Path]]:
    """Paths by the hop that they end with, each without it."""
    found: dict[Hop, list[Path]] = {}
    for path in paths:
        found.setdefault(path.hops[-1], []).append(Path(path.source, path.hops[:-1]))
    return found


@dataclass(frozen=True, eq=False)
class _Walk:
    base: World
    sources: Mapping[Place, World]
    at: At

    def arriving(self, hop: Hop, port: str, before: Sequence[Path]) -> Edit:
        """What the paths that end at a port add to what it reads."""
        graph = self.base.model.graph
        delta, at = self._brought(before), self.at(hop.at)
        stream = graph[hop.component].port(port).stream
        what = State(stream) if hop.component == graph.output else Input(hop.component, port)
        return Edit(what, lambda own: own + picked(delta, at), at)

    def _brought(self, paths: Sequence[Path]) -> Tensor:
        """The sum of what the ends of these paths differ by, [row, position, width]."""
        ends: dict[str | Place, list[Path]] = {}
        for path in paths:
            ends.setdefault(path.hops[-1].component if path.hops else path.source, []).append(path)
        found = [
            self._source(end) if isinstance(end, Place) else self._passed(end, some)
            for end, some in ends.items()
        ]
        return sum(found[1:], found[0])

    def _source(self, place: Place) -> Tensor:
        """What a source differs by at its positions, and zero elsewhere."""
        source = self.sources[place]
        own = reading(self.base, place.what, source.bases)
        at = self.at(place.at)
        other = picked(reading(source, place.what), at)
        return put(torch.zeros_like(own), at, other - picked(own, at))

    def _passed(self, name: str, paths: Sequence[Path]) -> Tensor:
        """What a component differs by when these paths, and no others, reach it."""
        ports = self.base.ports(name)
        for hop, before in _by_end(paths).items():
            delta, at = self._brought(before), self.at(hop.at)
            for port in hop.ports:
                own = ports[port]
                ports[port] = put(own, at, picked(own, at) + picked(delta, at))
        (value,) = self.base.model.run([Call(Part(name), ports, self.base.frame)])
        return value.to(accumulator(self.base.model.dtype)) - self.base.shares[name]


def _hop(written: str, graph: ModelGraph, path: str) -> Hop:
    where = f"path '{path}'"
    match = _HOP.match(written)
    if match is None:
        fix = "Write a5.h1<q>@end, m3 or logits."
        raise InputRefused(Problem(where, f"'{written}' is no component with ports.", fix))
    name = match["component"]
    if name not in graph:
        found = f"'{name}' is no component."
        raise InputRefused(Problem(where, found, nearest(name, graph.by_name)))
    known = graph[name].port_names
    ports = tuple(port.strip() for port in match["ports"].split(",")) if match["ports"] else known
    for port in ports:
        if port not in known:
            fix = f"Its ports: {', '.join(known) or 'none'}."
            raise InputRefused(Problem(where, f"{name} has no port '{port}'.", fix))
    if not match["at"]:
        return Hop(name, ports)
    (place,) = places(f"{graph.components[0].name}@{match['at']}", graph)
    return Hop(name, ports, place.at)


def _problems(path: Path, graph: ModelGraph) -> Iterable[Problem]:
    """Each step of a path must be an edge of the model graph."""
    where = f"path '{path}'"
    feeder = path.source.what
    if not isinstance(feeder, Part):
        found = f"starts at {feeder}, and must start at a component or a part of one."
        yield Problem(where, found, "A path follows what a component adds.")
        return
    name = feeder.component
    for hop in path.hops:
        for port in hop.ports:
            if not graph.feeds(name, hop.component, port):
                feeders = graph[hop.component].port(port).feeders
                found = f"{name} does not feed port {port} of {hop.component}."
                yield Problem(where, found, nearest(name, feeders))
        name = hop.component
