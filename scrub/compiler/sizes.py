"""Sizes and costs of single instructions, for one item, and of what is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from scrub.compiler.instructions import (
    Gather,
    Instruction,
    Projected,
    Reading,
    Run,
    Step,
    Sum,
    Sums,
    Term,
    Zero,
)
from scrub.compiler.schedule import Schedule
from scrub.graph import (
    ALL,
    Component,
    Everywhere,
    Indices,
    Kind,
    Part,
    Port,
    Positions,
    Projection,
    Reach,
    Role,
    Site,
)

OUTPUTS = 3  # while it is scored: an output, the model's own, and a copy of either
DOUBLES = 7  # float64 values for each of the output's: those of KL, the most of all metrics
MODULE_VALUES = 2**25  # the most in an attention module that is run on several heads in turns
HIDDEN_COPIES = 5  # of an MLP's hidden units, in the middle of its activation function


@dataclass(frozen=True)
class Shape:
    """Sizes that the data gives: the longest input in each position space, how many inputs,
    positions in each role."""

    lengths: Mapping[str, int]
    inputs: int
    roles: Mapping[str, int] = field(default_factory=dict)
    bytes_per_value: int = 4  # of recorded activations
    bytes_per_sum: int = 4  # of sums and differences

    def positions(self, at: Positions, space: str) -> int:
        match at:
            case Everywhere():
                return self.lengths[space]
            case Indices(indices):
                return len(indices)
            case Role(name, item):
                return self.roles[name] if item is None else 1


@dataclass(frozen=True, eq=False)
class Sizes:
    """Sizes and costs of single instructions, for one item."""

    schedule: Schedule
    shape: Shape

    @cached_property
    def widths(self) -> Mapping[int, int]:
        """The width of each slot."""
        found: dict[int, int] = {}
        for instruction in self.schedule.instructions:
            match instruction:
                case Gather(out, what):
                    found[out] = self.width(what)
                case Sums(each):
                    found.update({one.out: self.width(one.stream) for one in each})
                case Run(steps):
                    found.update({step.out: self.kept(step.part) for step in steps})
        return found

    def kept(self, part: Part) -> int:
        """The width of what is kept of a part: of what a linear map reads, or of its output."""
        if not self.schedule.graph.is_linear(part):
            return self.width(part)
        if part.neurons is None:
            return self.schedule.graph[part.component].stored
        return part.neurons[1] - part.neurons[0] + 1

    def width(self, what: str | Part) -> int:
        graph = self.schedule.graph
        if isinstance(what, Part):
            return graph[what.component].width
        return max((graph[feeder].width for feeder in graph.streams[what]), default=1)

    def space(self, what: str | Part) -> str:
        graph = self.schedule.graph
        return graph[what.component].space if isinstance(what, Part) else graph.stream_spaces[what]

    @cached_property
    def spaces(self) -> Mapping[int, str]:
        """The position space of each slot."""
        found: dict[int, str] = {}
        for instruction in self.schedule.instructions:
            match instruction:
                case Gather(out, what):
                    found[out] = self.space(what)
                case Sums(each):
                    found.update({one.out: self.space(one.stream) for one in each})
                case Run(steps):
                    found.update({step.out: self.space(step.part) for step in steps})
        return found

    def slot(self, out: int, at: Positions) -> int:
        positions = self.shape.positions(at, self.spaces[out])
        return self.shape.bytes_per_sum * positions * self.widths[out]

    def slots(self, instruction: Instruction) -> dict[int, int]:
        """Bytes of what an instruction makes."""
        match instruction:
            case Gather(out, _, _, at):
                return {out: self.slot(out, at)}
            case Sums(each):
                return {one.out: self.slot(one.out, one.at) for one in each}
            case Run(steps):
                return {step.out: self.slot(step.out, step.at) for step in steps}
            case _:
                return {}

    def output(self) -> int:
        """Bytes of the schedule's output, the scored positions of one item."""
        made: dict[int, int] = {}
        for instruction in self.schedule.instructions:
            made.update(self.slots(instruction))
        return made[self.schedule.output]

    def scoring(self, output: int) -> int:
        """Bytes while an output is scored: it, the model's own beside it, and their doubles."""
        return OUTPUTS * output + DOUBLES * 8 * output // self.shape.bytes_per_sum

    def scratch(self, instruction: Instruction) -> int:
        """Bytes that exist only while an instruction runs."""
        match instruction:
            case Sums(each):  # all differences, until maps are applied to them at once
                return len(each) * sum(self._apart(each[0], term) for term in each[0].terms)
            case Gather(_, Part() as part, own, at) if not isinstance(own.source, Zero):
                stored = self.schedule.graph[part.component].stored
                positions = self.shape.positions(at, self.space(part))
                return self.shape.bytes_per_value * positions * stored
            case Run(steps):
                ports = [read for step in steps for _, read in step.ports]
                whole = {read for read in ports if isinstance(read, int)}
                put = {spot for read in ports if isinstance(read, Projected) for spot in read.put}
                normed = sum(self.slot(slot, ALL) for slot in whole)
                normed += sum(self.slot(slot, at) for slot, at in put)
                graph = self.schedule.graph
                return normed + self.inside([graph[step.part.component] for step in steps])
            case _:
                return 0

    def _apart(self, total: Sum, term: Term) -> int:
        """Bytes of what a term looks up, and of its output where that is made apart."""
        positions = self.shape.positions(term.at, self.space(term.part))
        one_type = self.shape.bytes_per_value == self.shape.bytes_per_sum
        mapped = self.schedule.graph.is_linear(term.part) and term.part.subspace is None
        added = mapped and one_type and (term.at == total.at or total.at != ALL)
        neurons = self.schedule.graph[term.part.component].neurons
        looked_up = neurons if term.part.neurons else self.kept(term.part)  # all, then theirs alone
        values = 3 * looked_up + (0 if added else self.width(term.part))
        return self.shape.bytes_per_sum * positions * values

    def inside(self, components: Sequence[Component]) -> int:
        """Bytes inside the modules that run these components of one group on one example."""
        graph, lengths = self.schedule.graph, self.shape.lengths
        sizes = [(c, lengths[c.space], lengths[graph.keys_of(c)]) for c in components]
        # queries, keys and values twice (sliced, and laid out for the module), z twice, scores
        mixing = [
            4 * c.stored * (queries + keys) + 2 * queries * keys
            for c, queries, keys in sizes
            if any(port.reach is not Reach.SAME for port in c.ports)
        ]
        # more than MODULE_VALUES are run in turns, but one component at the least
        at_once = min(sum(mixing), max(MODULE_VALUES, max(mixing, default=0)))
        hidden = max((HIDDEN_COPIES * c.neurons * length for c, length, _ in sizes), default=0)
        return self.shape.bytes_per_value * (at_once + hidden)

    def site(self, site: Site) -> int:
        """Bytes that the recording keeps for one site."""
        graph = self.schedule.graph
        if site.kind is Kind.STREAM:
            width = self.width(site.name)
        elif site.kind is Kind.PROJECTED:
            width = _projection(graph[site.name].port(site.port)).width
        else:
            component = graph[site.name]
            width = component.neurons if site.kind is Kind.NEURONS else component.stored
        length = self.shape.lengths[graph.site_space(site)]
        return self.shape.inputs * length * width * self.shape.bytes_per_value

    def flops(self, instruction: Instruction) -> int:
        match instruction:
            case Gather(_, Part() as part, own, at) if not isinstance(own.source, Zero):
                return self._mapped(part, at)
            case Sums(each):
                spots = [
                    (t.part, t.at if one.at == ALL else one.at) for one in each for t in one.terms
                ]
                return sum(self._mapped(part, at) for part, at in spots)
            case Run(steps):
                return sum(self._run(step) for step in steps)
            case _:
                return 0

    def _mapped(self, part: Part, at: Positions) -> int:
        """FLOPs of the linear map that makes a part's output of what is recorded of it."""
        if not self.schedule.graph.is_linear(part):
            return 0
        return 2 * self.kept(part) * self.width(part) * self.shape.positions(at, self.space(part))

    def _run(self, step: Step) -> int:
        """FLOPs of a step: without the linear map, where that is applied by those that read it."""
        component = self.schedule.graph[step.part.component]
        cost = self.evaluation(component, step.at) * (2 if step.part.experts else 1)
        spared = sum(self._spared(step, name, read) for name, read in step.ports)
        if self.schedule.graph.is_linear(step.part):
            spared += self._mapped(replace(step.part, neurons=_all(component)), step.at)
        return cost - spared  # some experts are the difference of two runs

    def evaluation(self, component: Component, at: Positions) -> int:
        """FLOPs of running a component for its output at positions."""
        length = self.shape.lengths[component.space]
        keys = self.shape.lengths[self.schedule.graph.keys_of(component)]
        return component.cost.flops(self.shape.positions(at, component.space), length, keys)

    def _spared(self, step: Step, name: str, reading: Reading) -> int:
        """FLOPs of projecting what was projected beforehand."""
        if not isinstance(reading, Projected):
            return 0
        component = self.schedule.graph[step.part.component]
        port = component.port(name)
        space = self.schedule.graph.stream_spaces[port.stream]
        at = step.at if port.reach is Reach.SAME else ALL
        put = sum(self.shape.positions(spot, space) for _, spot in reading.put)
        spared = self.shape.positions(at, space) - put
        return 2 * component.width * _projection(port).width * spared

    def moved(self, instruction: Instruction) -> int:
        """Bytes read and written: gathers and sums by what they copy, runs by their ports."""
        made = sum(self.slots(instruction).values())
        match instruction:
            case Sums(each):
                read = sum(self._read(term) for term in each[0].terms)
                return made * 2 + len(each) * read
            case Run(steps):
                ports = sum(
                    self._port_bytes(s, name, read) for s in steps for name, read in s.ports
                )
                return made + 3 * ports  # read for the norm, written, read by the projection
            case _:
                return made * 2

    def _read(self, term: Term) -> int:
        """Bytes that a term looks up or reads of a slot, and those of sums that it is added to by
        itself: what maps make is added at once."""
        positions = self.shape.positions(term.at, self.space(term.part))
        values = (2 + (term.minus is not None)) * self.kept(term.part)
        linear = self.schedule.graph.is_linear(term.part)
        alone = 0 if linear else 2 * self.width(term.part)
        return self.shape.bytes_per_value * positions * (values + alone)

    def _port_bytes(self, step: Step, port: str, reading: Reading) -> int:
        if isinstance(reading, int):
            same = self.schedule.graph[step.part.component].port(port).reach is Reach.SAME
            return self.slot(reading, step.at if same else ALL)
        length = self.shape.lengths[self.schedule.graph.site_space(reading.own.site)]
        own = self.shape.bytes_per_value * length * reading.own.width
        return own + sum(self.slot(slot, at) for slot, at in reading.put)


def _all(component: Component) -> tuple[int, int] | None:
    """Every neuron: a run of some makes them all."""
    return (0, component.neurons - 1) if component.neurons else None


def _projection(port: Port) -> Projection:
    assert port.projection is not None  # nothing else is recorded as one
    return port.projection
