"""Any set of edges of the whole model graph, against corrupted inputs, each component run once.

An edge of the circuit carries what its feeder gives in the circuit, every other edge what it gives
in the corrupted world. The inputs of all ports of a group are one contraction over the writers:

    input[port] = corrupted stream + Σ over writers w:  kept[port, w] · (live[w] − corrupted[w])

Sources (embeddings) give what they give in the wild world. This is the evaluation of EAP-IG and
of the MIB benchmark, and of ACDC.
"""

from __future__ import annotations

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
                self._run(group, live, kept.groups[number])
        raise ValueError("a model graph ends with its output")

    def _run(self, group: Sequence[Component], live: _Live, kept: Kept) -> None:
        """Members that some edge reaches, each port on its own sum; the others are as corrupted."""
        reached = [i for i in range(len(group)) if live.matters(kept[i])]
        wanted: dict[str, dict[bytes, Kept]] = {}  # by stream: ports that keep the same share a sum
        for p, port in enumerate(group[0].ports):
            rows = {kept[i, p].tobytes(): kept[i, p] for i in reached}
            wanted[port.stream] = wanted.get(port.stream, {}) | rows
        inputs: dict[tuple[str, bytes], Tensor] = {}
        for stream, rows in wanted.items():
            sums = live.sums(stream, list(rows.values()))
            inputs |= {(stream, key): x for key, x in zip(rows, sums, strict=True)}
        calls = [
            Call(
                Part(group[i].name),
                {
                    port.name: inputs[port.stream, kept[i, p].tobytes()]
                    for p, port in enumerate(group[i].ports)
                },
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

    def slot(self, name: str) -> Tensor:
        """Where the next writer's value goes, [row, position, width]."""
        home = self.index.homes[name]
        held = self.held.setdefault(home, [])
        held.append(self.index.number[name])
        rows = len(self.evaluator.fixed[name])
        slot: Tensor = self.evaluator.room[home][:, len(held)]
        return slot.view(rows, -1, slot.shape[1])

    def matters(self, kept: Kept) -> bool:
        """Whether some port [port, writer] reads a writer that differs."""
        return any(bool(kept[:, numbers].any()) for numbers in self.held.values())

    def sums(self, stream: str, kept: Sequence[Kept]) -> list[Tensor]:
        """The sums at ports that read a stream, for each row of writers to keep.

        One product: the base is a writer that everyone keeps, so that each value is read once.
        """
        graph = self.index.graph
        base = self.evaluator.corrupted.streams[stream]
        home = self.index.homes[graph.streams[stream][0]]
        numbers = self.held.get(home, [])
        if not kept or not numbers:
            return [base] * len(kept)
        values = self.evaluator.room[home][:, : len(numbers) + 1]
        values[:, 0] = base.flatten(0, 1)
        weights = np.ones((len(kept), len(numbers) + 1), dtype=np.float32)
        weights[:, 1:] = np.stack(kept)[:, numbers]
        totals = torch.from_numpy(weights).to(values) @ values  # [row · position, sum, width]
        return slices_of(totals, len(base))
