"""Gradients of a metric at every port and every component's output, by walking the graph back.

The model graph is walked from its output to its sources. What a component adds to the streams is
read by later ports alone, so its gradient is the sum of theirs; that of its own ports comes from
one backward step through the component itself. No graph of the whole model is ever held, and each
port of each head has a gradient of its own.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch

from scrub.engine.worlds import Input, World, picked
from scrub.errors import InputRefused, Problem
from scrub.graph import Component, Part
from scrub.models.base import Call
from scrub.models.blocks import slices_of

Tensor = torch.Tensor
Score = Callable[[Tensor], Tensor]  # output [row, n, width] -> a value for each row


class Grain(enum.Enum):
    """For what gradients are wanted."""

    COMPONENTS = "components"  # outputs, and the sums of the streams
    PORTS = "ports"  # each port of each component besides, which costs a run of each


@dataclass(frozen=True, eq=False)
class Slopes:
    """A group of components and the metric's gradients there, each [row, position, width].

    `outputs` are those at what each component adds; `ports` those at each of their inputs alone,
    where these are wanted. `streams` are those at the sums that nothing before the group reads, as
    a state is edited: for all that reads them, or a later stream that extends them.
    """

    members: Sequence[Component]
    outputs: Mapping[str, Tensor]
    ports: Mapping[Input, Tensor]
    streams: Mapping[str, Tensor] = field(default_factory=dict)


def slopes(
    world: World,
    score: Score,
    at: Tensor | None,
    grain: Grain = Grain.COMPONENTS,
    fixed: int | None = None,
) -> Iterator[Slopes]:
    """The gradients of the rows' summed scores in a world, from the last group to the first.

    `at` are the positions [row, n] that the score reads of the output. `fixed` is the number of a
    group whose outputs were put there, whatever it reads: nothing flows back through it. Raises
    `InputRefused` for a score that has no gradient.
    """
    walk = _Walk(world, grain)
    *groups, last = world.layout.groups
    yield walk.told(walk.output(last[0], score, at))
    for number, group in reversed(list(enumerate(groups))):
        yield walk.told(walk.outputs(group) if number == fixed else walk.group(group))


@dataclass(eq=False)
class _Walk:
    """What has been gathered at the streams so far."""

    world: World
    grain: Grain
    gathered: dict[str, Tensor] = field(default_factory=dict)  # by stream, of its own readers
    totals: dict[str, Tensor | None] = field(default_factory=dict)

    def output(self, last: Component, score: Score, at: Tensor | None) -> Slopes:
        """Back from the score to the sum that the output reads."""
        (port,) = last.ports
        stream = self.world.streams[port.stream]
        read = picked(stream, at).detach().requires_grad_(True)
        with torch.enable_grad():
            call = Call(Part(last.name), {port.name: read}, self.world.frame, at)
            (value,) = self.world.model.run([call])
            total = score(value).sum()
        if not total.requires_grad:
            fix = "Compute it with torch, from the output that it is handed."
            raise InputRefused(Problem("metric", "has no gradient.", fix))
        (slope,) = torch.autograd.grad(total, read)
        full = torch.zeros_like(stream)
        if at is None:
            full = slope
        else:
            index = at[:, :, None].expand(-1, -1, stream.shape[2])
            full = full.scatter_add(1, index, slope.to(full))
        self._gather(port.stream, full)
        return Slopes((last,), {}, {Input(last.name, port.name): full})

    def told(self, found: Slopes) -> Slopes:
        """With the gradients at the streams that are complete now: all their readers are done."""
        layout = self.world.layout
        number = layout.group_of[found.members[0].name]
        streams: dict[str, Tensor] = {}
        for name in (port.stream for port in found.members[0].ports):
            if layout.first_reader[name] == number:
                slope = self._total(name)
                streams[name] = (
                    torch.zeros_like(self.world.streams[name]) if slope is None else slope
                )
        return replace(found, streams=streams)

    def outputs(self, members: Sequence[Component]) -> Slopes:
        """The gradients at what a group's members add."""
        return Slopes(members, {c.name: self._at_output(c) for c in members}, {})

    def group(self, members: Sequence[Component]) -> Slopes:
        """Back through a group: from its outputs' gradients to those of its ports."""
        outputs = self.outputs(members).outputs
        if not members[0].ports:
            return Slopes(members, outputs, {})
        if self.grain is Grain.PORTS:
            return Slopes(members, outputs, self._through_each(members, outputs))
        self._through_all(members, outputs[members[0].name])
        return Slopes(members, outputs, {})

    def _at_output(self, component: Component) -> Tensor:
        """The sum over all that reads it: each stream it is added in, and what extends that."""
        slope: Tensor | None = None
        for link in self.world.layout.links.values():
            found = self._total(link.stream) if component.name in link.added else None
            if found is not None:
                slope = found if slope is None else slope + found
        return torch.zeros_like(self.world.shares[component.name]) if slope is None else slope

    def _total(self, stream: str) -> Tensor | None:
        """What all readers of a stream, and of those that extend it, have gathered.

        All of them come later in the order of evaluation, so that this is final when it is asked
        for.
        """
        if stream not in self.totals:
            after = [k.stream for k in self.world.layout.links.values() if k.before == stream]
            terms = [self.gathered.get(stream), *map(self._total, after)]
            found = [term for term in terms if term is not None]
            self.totals[stream] = sum(found[1:], found[0]) if found else None
        return self.totals[stream]

    def _through_each(
        self, members: Sequence[Component], outputs: Mapping[str, Tensor]
    ) -> dict[Input, Tensor]:
        """Each member on inputs of its own, so that each has a gradient of its own.

        Those of one stream are slices of one block.
        """
        readers: dict[str, list[Input]] = {}
        for port in members[0].ports:
            inputs = [Input(component.name, port.name) for component in members]
            readers.setdefault(port.stream, []).extend(inputs)
        blocks: list[Tensor] = []
        ports: dict[Input, Tensor] = {}
        with torch.enable_grad():
            for stream, inputs in readers.items():
                value = self.world.streams[stream].detach()
                block = value.flatten(0, 1)[:, None].repeat(1, len(inputs), 1).requires_grad_(True)
                blocks.append(block)
                ports |= zip(inputs, slices_of(block, len(value)), strict=True)
            values = self.world.model.run([self._call(component, ports) for component in members])
        given = [outputs[c.name].to(v) for c, v in zip(members, values, strict=True)]
        found = torch.autograd.grad(values, blocks, given, allow_unused=True)
        slopes: dict[Input, Tensor] = {}
        for (stream, inputs), block, slope in zip(readers.items(), blocks, found, strict=True):
            whole = torch.zeros_like(block) if slope is None else slope
            rows = len(self.world.streams[stream])
            slopes |= zip(inputs, slices_of(whole, rows), strict=True)
            self._gather(stream, whole.sum(dim=1).view(rows, -1, whole.shape[2]))
        return slopes

    def _call(self, component: Component, values: Mapping[Input, Tensor]) -> Call:
        """A component on these values at its ports."""
        ports = {port.name: values[Input(component.name, port.name)] for port in component.ports}
        return Call(Part(component.name), ports, self.world.frame)

    def _through_all(self, members: Sequence[Component], output: Tensor) -> None:
        """All members at once, on shared streams: their outputs' gradients are one and the same."""
        streams = {port.stream: port.name for port in members[0].ports}
        leaves = {s: self.world.streams[s].detach().requires_grad_(True) for s in streams}
        ports = {port.name: leaves[port.stream] for port in members[0].ports}
        name = members[0].group or members[0].name
        with torch.enable_grad():
            value = self.world.model.whole(name, ports, self.world.frame).total
        found = torch.autograd.grad(
            value, list(leaves.values()), output.to(value), allow_unused=True
        )
        for stream, slope in zip(leaves, found, strict=True):
            if slope is not None:
                self._gather(stream, slope)

    def _gather(self, stream: str, slope: Tensor) -> None:
        """A reader's gradient at what it reads."""
        slope, held = slope.to(self.world.streams[stream]), self.gathered.get(stream)
        self.gathered[stream] = slope if held is None else held + slope
