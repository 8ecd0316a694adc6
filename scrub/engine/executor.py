"""The executor: a table from instruction to a short function, with no decision left to it.

It runs a schedule on one chunk of items (a reference and a draw each), given the rows that every
draw takes. Sums and differences are accumulated in float32 at least.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from scrub.compiler import (
    Free,
    Gather,
    Mean,
    MeanOver,
    Plain,
    Projected,
    Recorded,
    Run,
    Schedule,
    Step,
    Sums,
    Term,
    Zero,
    site_of,
)
from scrub.data.dataset import Dataset, Ints
from scrub.engine.lookups import Handed, Lookups, Tables
from scrub.engine.means import Means
from scrub.graph import ALL, Part, Positions, Reach, Site
from scrub.models.base import Batch, Call, Given, Model
from scrub.models.batches import Inputs
from scrub.models.recording import Entries, Recording


def accumulator(dtype: torch.dtype) -> torch.dtype:
    """The type in which sums are kept: an unrelated donor's stream minus and plus large
    activations would cost up to 24 % in bfloat16."""
    return torch.promote_types(dtype, torch.float32)


@dataclass(frozen=True, eq=False)
class Executor:
    """What stays the same from chunk to chunk: the schedule, the model and what was recorded.

    The first `members` rows of `dataset` are the data; generated donors may follow.
    """

    schedule: Schedule
    model: Model
    recording: Recording
    dataset: Dataset
    members: int
    means: Means = field(init=False)
    bases: dict[str, torch.Tensor] = field(init=False)
    inputs: Inputs = field(init=False)
    _tables: dict[torch.device, Tables] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        means = Means(self.recording, self.dataset, self.members)
        object.__setattr__(self, "means", means)
        object.__setattr__(self, "inputs", Inputs.of(self.dataset, self.model.graph))
        dtype = accumulator(self.model.dtype)
        bases = {
            name: torch.from_numpy(basis).to(self.model.device, dtype)
            for name, basis in self.schedule.bases.items()
        }
        object.__setattr__(self, "bases", bases)

    def tables(self, home: torch.device) -> Tables:
        """What the rows of the data look up, on the device on which a recording lives."""
        if home not in self._tables:
            self._tables[home] = Tables(self.dataset, self.means, home)
        return self._tables[home]

    def __call__(self, rows: Ints) -> torch.Tensor:
        """The output [item, position, width] for `rows` [draw, item]."""
        return self.run(Handed(self.dataset, self.inputs, rows, self.model.device))

    @torch.no_grad()
    def run(self, handed: Handed) -> torch.Tensor:
        """The output [item, position, width] on what is handed over."""
        chunk = _Chunk(self, handed)
        for instruction in self.schedule.instructions:
            TABLE[type(instruction)](chunk, instruction)
        return chunk.slots[self.schedule.output]


class _Chunk:
    """The live slots of one chunk, and the look-ups that its instructions share."""

    def __init__(self, executor: Executor, handed: Handed) -> None:
        self.executor = executor
        self.handed = handed
        self.items = handed.items
        self.slots: dict[int, torch.Tensor] = {}
        self._lookups: dict[torch.device, Lookups] = {}
        self._frames: dict[int, Batch] = {}

    def lookups(self, home: torch.device) -> Lookups:
        """Where the draws look, on the device on which a recording lives."""
        if home not in self._lookups:
            self._lookups[home] = Lookups(self.executor.tables(home), self.handed.on(home))
        return self._lookups[home]

    def frame(self, draw: int) -> Batch:
        """The rows of a draw; their fields and lengths are made once."""
        if draw not in self._frames:
            self._frames[draw] = self.handed.frame(draw)
        return self._frames[draw]

    def positions(self, at: Positions, *draws: int) -> torch.Tensor | None:
        """Positions [row, n] in the frames of draws, None for all."""
        return self.lookups(self.executor.model.device).positions(at, draws)

    def spots(self, at: Positions, draw: int) -> torch.Tensor:
        """The same where they are not all."""
        found = self.positions(at, draw)
        assert found is not None  # what is put in lies at some positions
        return found

    def recorded(self, what: str | Part, own: Sequence[Recorded], at: Positions) -> torch.Tensor:
        """What was recorded, or averaged, at positions of frames, [row, n, stored]: of all that are
        found in one way at once, one behind the other."""
        site, frames = site_of(what), [one.frame for one in own]
        match own[0].source:
            case Plain():
                recording = self.executor.recording
                there = self.lookups(recording.home(site))
                draws = [one.source.draw for one in own if isinstance(one.source, Plain)]
                inputs = there.inputs(draws)
                return recording.at(site, inputs, there.positions(at, frames))
            case MeanOver(column):
                draws = [one.source.draw for one in own if isinstance(one.source, MeanOver)]
                return self.averaged(site, column, draws, frames, at)
            case Mean():
                return self.averaged(site, None, frames, frames, at)
            case Zero():
                raise ValueError("zeros are not recorded")

    def averaged(
        self,
        site: Site,
        column: str | None,
        draws: Sequence[int],
        frames: Sequence[int],
        at: Positions,
    ) -> torch.Tensor:
        """The mean over the rows of the class that a draw takes, at positions of a frame."""
        means = self.executor.means.over(site, column)
        there = self.lookups(means.home(site))
        return means.at(site, there.classes(column, draws), there.positions(at, frames))

    def entries(self, site: Site, draw: int, at: Positions) -> Entries:
        """What was recorded on the rows that a draw takes, of which a call reads some positions."""
        recording = self.executor.recording
        there = self.lookups(recording.home(site))
        spots = there.positions(at, [draw])
        return Entries(recording, site, there.inputs([draw]), recording.device, spots)

    def summed(self, stream: str, own: Sequence[Recorded], at: Positions) -> torch.Tensor:
        """A stream's sum in frames, [row, n, width]: recorded, or its constant terms alone."""
        wide = accumulator(self.executor.model.dtype)
        if not isinstance(own[0].source, Zero):
            return self.recorded(stream, own, at).to(wide)
        where = self.positions(at, own[0].frame)
        space = self.executor.model.graph.stream_spaces[stream]
        length = self.executor.inputs.longest[space] if where is None else where.shape[1]
        constant = self.executor.model.constant(stream).to(wide)  # output biases
        return constant.repeat(len(own) * self.items, length, 1)

    def kept(self, part: Part, own: Sequence[Recorded], at: Positions) -> torch.Tensor:
        """What was recorded of a part, [row, n, width]: of some neurons theirs alone."""
        stored = self.recorded(part, own, at)
        return stored[..., part.neurons[0] : part.neurons[1] + 1] if part.neurons else stored

    def output(self, part: Part, kept: torch.Tensor) -> torch.Tensor:
        """A part's share of its readers' sums, from what is kept of it."""
        recorded = self.executor.recording.values.get(site_of(part))
        typed = kept if recorded is None else kept.to(recorded.dtype)  # means are wider
        value = self.executor.model.output(part, typed)
        return self.projected(part, value.to(accumulator(self.executor.model.dtype)))

    def projected(self, part: Part, value: torch.Tensor) -> torch.Tensor:
        """A value's share in the part's subspace, if it names one."""
        if part.subspace is None:
            return value
        basis = self.executor.bases[part.subspace]  # [width, k]
        return (value @ basis) @ basis.T


def _gather(chunk: _Chunk, gather: Gather) -> None:
    """A stream's sum, or a part's output, without running a component."""
    if isinstance(gather.what, str):
        chunk.slots[gather.out] = chunk.summed(gather.what, [gather.own], gather.at)
        return
    kept = chunk.kept(gather.what, [gather.own], gather.at)
    chunk.slots[gather.out] = chunk.output(gather.what, kept)


def _sums(chunk: _Chunk, sums: Sums) -> None:
    """What was recorded of a stream, plus each explained input's difference at its positions."""
    form, items = sums.each[0], chunk.items
    own = [one.own for one in sums.each]
    value = chunk.summed(form.stream, own, form.at)  # [sum · item, n, width]
    for terms in zip(*(one.terms for one in sums.each), strict=True):
        _add(chunk, _At(value, form.at, [one.frame for one in own]), terms)
    for number, one in enumerate(sums.each):
        chunk.slots[one.out] = value[number * items : (number + 1) * items]


@dataclass(frozen=True, eq=False)
class _At:
    """Sums [row, n, width] at positions of frames, each the rows of one."""

    value: torch.Tensor
    at: Positions
    frames: Sequence[int]


def _add(chunk: _Chunk, total: _At, terms: Sequence[Term]) -> None:
    """One explained input of each sum, put in for the component's own, in place."""
    part, where, model = terms[0].part, terms[0].at, chunk.executor.model
    plus, minus = _plus(chunk, terms), [term.minus for term in terms if term.minus is not None]
    own = chunk.kept(part, minus, where) if minus else None
    if not model.graph.is_linear(part):
        delta = plus if own is None else plus - chunk.output(part, own)
    else:
        wide = accumulator(model.dtype)
        apart = plus if own is None else (plus.to(wide) - own).to(plus.dtype)
        if where == total.at and part.subspace is None:
            model.add(part, apart, total.value)
            return
        delta = chunk.output(part, apart)
    _put(chunk, total, delta, where)


def _plus(chunk: _Chunk, terms: Sequence[Term]) -> torch.Tensor:
    """What is put in: of a run, or of a leaf what was recorded of it; an output, unless a linear
    map makes that of both."""
    found = [term.plus for term in terms if isinstance(term.plus, Recorded)]
    if not found:
        slots = [chunk.slots[term.plus] for term in terms if isinstance(term.plus, int)]
        return torch.cat(slots) if len(slots) > 1 else slots[0]
    part = terms[0].part
    kept = chunk.kept(part, found, terms[0].at)
    return kept if chunk.executor.model.graph.is_linear(part) else chunk.output(part, kept)


def _put(chunk: _Chunk, total: _At, delta: torch.Tensor, there: Positions) -> None:
    """Add `delta`, which lies at other positions of the same frames or at the same, in place."""
    value = total.value
    rows, _, width = value.shape
    at, where = (chunk.positions(spots, *total.frames) for spots in (total.at, there))
    if there == total.at:
        value += delta
    elif at is None:
        assert where is not None  # the case above
        first = torch.arange(rows, device=value.device)[:, None] * value.shape[1]
        value.view(-1, width).index_add_(0, (first + where).flatten(), delta.reshape(-1, width))
    elif where is None:
        value += delta.gather(1, at[:, :, None].expand(-1, -1, width))
    else:
        same = (at[:, :, None] == where[:, None, :]).to(value.dtype)  # [row, n, m]
        value += same @ delta


def _run(chunk: _Chunk, run: Run) -> None:
    """Components of one group on their assembled ports; of those that end in a linear map what it
    is applied to, for it is applied where they are put in."""
    model = chunk.executor.model
    calls = [_call(chunk, step) for step in run.steps]
    linear = model.graph.is_linear(run.steps[0].part)
    values = model.stored(calls) if linear else model.run(calls)
    wide = accumulator(model.dtype)
    for step, value in zip(run.steps, values, strict=True):
        chunk.slots[step.out] = value if linear else chunk.projected(step.part, value.to(wide))


def _call(chunk: _Chunk, step: Step) -> Call:
    ports: dict[str, torch.Tensor] = {}
    given: dict[str, Given] = {}
    component = chunk.executor.model.graph[step.part.component]
    for name, reading in step.ports:
        match reading:
            case Projected(own, put):
                sums = [(chunk.slots[s], chunk.spots(at, step.frame)) for s, at in put]
                read = step.at if component.port(name).reach is Reach.SAME else ALL
                given[name] = Given(chunk.entries(own.site, step.frame, read), sums)
            case slot:
                ports[name] = chunk.slots[slot]
    frame, at = chunk.frame(step.frame), chunk.positions(step.at, step.frame)
    return Call(step.part, ports, frame, at, given)


def _free(chunk: _Chunk, free: Free) -> None:
    for slot in free.slots:
        del chunk.slots[slot]


TABLE: dict[type, Callable[[_Chunk, Any], None]] = {
    Gather: _gather,
    Sums: _sums,
    Run: _run,
    Free: _free,
}
