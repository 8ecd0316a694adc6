"""Any set of edges of the whole model graph, against corrupted inputs, each component run once.

An edge of the circuit carries what its feeder gives in the circuit, every other edge what it gives
in the corrupted world. The inputs of all ports of a group are one contraction over the writers:

    input[port] = corrupted stream + Σ over writers w:  kept[port, w] · (live[w] − corrupted[w])

Sources (embeddings) give what they give in the wild world. This is the evaluation of EAP-IG and
of the MIB benchmark, and of ACDC.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from scrub.engine.executor import accumulator
from scrub.engine.worlds import World, picked
from scrub.errors import InputRefused
from scrub.graph import Component, ModelGraph, Part
from scrub.graph.circuits import Edge, unknown_edge
from scrub.graph.links import groups_of
from scrub.models.base import Call
from scrub.models.blocks import slices_of

Tensor = torch.Tensor
Kept = NDArray[np.float32]
Home = tuple[str, int]  # a position space and a width: where values can be added
Ahead = tuple[Home, bytes]  # where the sum at a port lies, and what it keeps
Begun = tuple[bytes, Tensor, int]  # what a sum keeps; that of the first so many writers alone


@dataclass(frozen=True, eq=False)
class Keeping:
    """Which edges a circuit keeps: for each group, how much of each writer each port reads.

    `groups[g]` is [member, port, writer]; 1 for an edge of the circuit, 0 for any other. Values
    between are blends, which attribution uses.
    """

    groups: Mapping[int, Kept]

    @staticmethod
    def of(edges: Iterable[Edge], index: Writers) -> Keeping:
        """The circuit of these edges. Raises `InputRefused` with the first ten unknown ones."""
        graph, edges = index.graph, list(edges)
        problems = [p for edge in edges if (p := unknown_edge(edge, graph)) is not None]
        if problems:
            raise InputRefused(problems[:10])
        groups = {
            i: np.zeros((len(g), len(g[0].ports), len(index.number)), dtype=np.float32)
            for i, g in enumerate(index.groups)
            if g[0].ports
        }
        for edge in edges:
            group, member = index.place[edge.reader]
            port = graph[edge.reader].port_names.index(edge.port)
            groups[group][member, port, index.number[edge.feeder]] = 1.0
        return Keeping(groups)


class Writers:
    """The components of a graph that write, numbered in order of evaluation, and their groups."""

    def __init__(self, graph: ModelGraph) -> None:
        self.graph = graph
        self.groups = groups_of(graph)
        names = [c.name for group in self.groups for c in group if c.name != graph.output]
        self.number = {name: i for i, name in enumerate(names)}
        self.place = {
            c.name: (g, m) for g, group in enumerate(self.groups) for m, c in enumerate(group)
        }

    @cached_property
    def homes(self) -> Mapping[str, Home]:
        """Where each writer's values lie."""
        return {name: (self.graph[name].space, self.graph[name].width) for name in self.number}

    @cached_property
    def most(self) -> Mapping[Home, int]:
        """The most sums of one group in each home, with one for the group after it."""
        counts = [
            Counter(self.home(port.stream) for c in group for port in c.ports if port.feeders)
            for group in self.groups
        ]
        return {home: 1 + max(found[home] for found in counts) for home in self.homes.values()}

    def home(self, stream: str) -> Home:
        """Where the sums of a stream lie: with what feeds it."""
        return self.homes[self.graph.streams[stream][0]]


class Evaluator:
    """Circuits on one batch of items: what all evaluations share is computed once.

    Holds every component's share in both worlds and in the circuit: three times writers · rows ·
    positions · width floats.
    """

    def __init__(self, wild: World, corrupted: World, index: Writers | None = None) -> None:
        self.model, self.frame = wild.model, wild.frame
        self.index = index or Writers(self.model.graph)
        self.wild, self.corrupted = wild, corrupted
        self.wide = accumulator(self.model.dtype)

    @cached_property
    def fixed(self) -> Mapping[str, Tensor]:
        """Each writer's share in the corrupted world, [row, position, width]."""
        return {name: self.corrupted.shares[name] for name in self.index.number}

    @cached_property
    def whole(self) -> Mapping[str, Tensor]:
        """What each writer differs by between the worlds."""
        return {name: self.wild.shares[name] - fixed for name, fixed in self.fixed.items()}

    @cached_property
    def room(self) -> Mapping[Home, Tensor]:
        """A block for each home, with a slice for the base of a sum and one for every writer."""
        found: dict[Home, Tensor] = {}
        homes = list(self.index.homes.values())
        for name, home in self.index.homes.items():
            if home not in found:
                rows, length, width = self.fixed[name].shape
                found[home] = self.fixed[name].new_empty(
                    rows * length, 1 + homes.count(home), width
                )
        return found

    def output(self, kept: Keeping, at: Tensor | None, start: int = 0) -> Tensor:
        """The circuit's output at positions [row, n] (all, if None): [row, n, width].

        Of the groups before the one numbered `start` all edges are known to be kept: they are as
        in the wild world, and are not evaluated.
        """
        live = _Live(self)
        for number, group in enumerate(self.index.groups):
            if number < start or not group[0].ports:
                for component in group:
                    live.slot(component.name).copy_(self.whole[component.name])
            elif group[0].name == self.index.graph.output:
                return self._read_out(group[0], live, kept.groups[number][0], at)
            else:
                self._run(group, live, kept.groups[number], self._next(number, kept))
        raise ValueError("a model graph ends with its output")

    def _next(self, number: int, kept: Keeping) -> Ahead | None:
        """The sum at the only port of the group after this one; None if that has more."""
        component, *others = self.index.groups[number + 1]
        if others or len(component.ports) != 1:
            return None
        return self.index.home(component.ports[0].stream), kept.groups[number + 1].tobytes()

    def _run(
        self, group: Sequence[Component], live: _Live, kept: Kept, ahead: Ahead | None
    ) -> None:
        """Members that some edge reaches, each port on its own sum; the others are as corrupted."""
        reached = live.reached(kept)
        live.taken.clear()
        ports = group[0].ports
        readers: dict[str, list[tuple[int, int]]] = {}  # by stream: member and port, port by port
        for p, port in enumerate(ports):
            readers.setdefault(port.stream, []).extend((i, p) for i in reached)
        inputs: dict[tuple[int, int], Tensor] = {}
        for stream, some in readers.items():
            sums = live.sums(stream, [kept[one] for one in some], ahead)
            inputs |= zip(some, sums, strict=True)
            ahead = None
        calls = [
            Call(
                Part(group[i].name),
                {port.name: inputs[i, p] for p, port in enumerate(ports)},
                self.frame,
            )
            for i in reached
        ]
        for i, share in zip(reached, self.model.run(calls), strict=True):
            name = group[i].name
            torch.sub(share.to(self.wide), self.fixed[name], out=live.slot(name))

    def _read_out(self, last: Component, live: _Live, kept: Kept, at: Tensor | None) -> Tensor:
        (port,) = last.ports
        (read,) = live.sums(port.stream, [kept[0]])
        call = Call(Part(last.name), {port.name: picked(read, at)}, self.frame, at)
        (value,) = self.model.run([call])
        return value.to(self.wide)


class _Live:
    """What each writer gives in the circuit, less what it gives in the corrupted world."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.index = evaluator.index
        self.held: dict[Home, list[int]] = {}  # the writers so far, which the room's slices hold
        self.begun: dict[Home, Begun] = {}
        self.sheets: dict[Home, Tensor] = {}  # where a group's sums lie: fresh memory is slow
        self.taken: Counter[Home] = Counter()  # how many sums each sheet holds

    def slot(self, name: str) -> Tensor:
        """Where the next writer's value goes, [row, position, width]."""
        home = self.index.homes[name]
        held = self.held.setdefault(home, [])
        held.append(self.index.number[name])
        shape = self.evaluator.fixed[name].shape
        return self.evaluator.room[home][:, len(held)].view(shape)

    def reached(self, kept: Kept) -> list[int]:
        """The members of [member, port, writer] some port of which reads a writer that differs."""
        differs = np.zeros(kept.shape[2], dtype=np.float32)
        for numbers in self.held.values():
            differs[numbers] = 1
        return [int(i) for i in np.flatnonzero((kept @ differs).any(axis=1))]

    def sums(self, stream: str, kept: Sequence[Kept], ahead: Ahead | None = None) -> list[Tensor]:
        """The sums at ports that read a stream, each of which says what to keep [writer].

        One product: the base is a writer that everyone keeps, so that each value is read once. The
        sum `ahead`, of the port whose turn is next, is begun in it: to read the values is what a
        product for one port costs. Ports that keep the same share a sum where that halves them.
        """
        base, home = self.evaluator.corrupted.streams[stream], self.index.home(stream)
        numbers = self.held.get(home, [])
        if not kept or not numbers:
            return [base] * len(kept)
        begun = self.begun.pop(home, None)
        if begun and len(kept) == 1 and begun[0] == kept[0].tobytes():
            return [self._ended(base, home, begun)]
        self.evaluator.room[home][:, 0] = base.flatten(0, 1)
        after = [np.frombuffer(ahead[1], dtype=np.float32)] if ahead and ahead[0] == home else []
        rows = np.stack([*kept, *after])[:, [0, *numbers]]
        rows[:, 0] = np.arange(len(rows)) < len(kept)
        distinct: dict[bytes, int] = {}
        which = [distinct.setdefault(row.tobytes(), len(distinct)) for row in rows]
        if 2 * len(distinct) > len(rows):
            which = list(range(len(rows)))
        else:
            rows = rows[[which.index(i) for i in range(len(distinct))]]
        totals = slices_of(self._product(home, rows), len(base))
        if ahead and after:
            self.begun[home] = ahead[1], totals[which[-1]], len(numbers)
        return [totals[i] for i in which[: len(kept)]]

    def _ended(self, base: Tensor, home: Home, begun: Begun) -> Tensor:
        """A sum that was begun, with the base and the writers that came after."""
        keeps, so_far, count = begun
        later = np.frombuffer(keeps, dtype=np.float32)[None, self.held[home][count:]]
        (rest,) = slices_of(self._product(home, later, 1 + count), len(base))
        return rest.add_(base + so_far)

    def _product(self, home: Home, weights: Kept, start: int = 0) -> Tensor:
        """Slices of the room from one on, weighted [sum, slice]: [row · position, sum, width]."""
        values = self.evaluator.room[home][:, start : start + weights.shape[1]]
        given = torch.from_numpy(weights).to(values)
        if len(weights) == 1:  # its reader may hand it on
            return given @ values
        return torch.matmul(given, values, out=self._sheet(home, len(weights)))

    def _sheet(self, home: Home, count: int) -> Tensor:
        """Room for so many sums, [row · position, sum, width], until the next group's turn."""
        n, _, width = self.evaluator.room[home].shape
        if home not in self.sheets:
            most = self.index.most[home]
            self.sheets[home] = self.evaluator.room[home].new_empty(n * most * width)
        first = self.taken[home] * n * width
        self.taken[home] += count
        return self.sheets[home][first : first + n * count * width].view(n, count, width)
