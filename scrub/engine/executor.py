"""The executor: a table from instruction to a short function, with no decision left to it.

It runs a schedule on one chunk of items (a reference and a draw each), given the rows that every
draw takes. Sums and differences are accumulated in float32 at least.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from scrub.compiler import (
    Change,
    Free,
    Gather,
    Mean,
    MeanOver,
    Plain,
    Projected,
    Run,
    Schedule,
    Source,
    Step,
    Sum,
    Zero,
    site_of,
)
from scrub.data.dataset import Dataset, Ints
from scrub.engine.lookups import Handed, Lookups, Tables
from scrub.engine.means import Means
from scrub.graph import ALL, Everywhere, Part, Positions, Reach, Site
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

    def positions(self, at: Positions, draw: int) -> torch.Tensor | None:
        """Positions [item, n] in the frame of a draw, None for all."""
        return self.lookups(self.executor.model.device).positions(at, draw)

    def spots(self, at: Positions, draw: int) -> torch.Tensor:
        """The same where they are not all."""
        found = self.positions(at, draw)
        assert found is not None  # what is put in lies at some positions
        return found

    def recorded(self, gather: Gather) -> torch.Tensor:
        """What a gather looks up, or the difference of what it looks up."""
        if isinstance(gather.source, Change):
            to, of = gather.source.to, gather.source.of
            wide = accumulator(self.executor.model.dtype)
            changed = self.looked_up(gather.what, Plain(to), to, gather.at).to(wide)
            return changed - self.looked_up(gather.what, Plain(of), gather.frame, gather.at)
        return self.looked_up(gather.what, gather.source, gather.frame, gather.at)

    def looked_up(
        self, what: str | Part, source: Source, frame: int, at: Positions
    ) -> torch.Tensor:
        """Recorded (or averaged) activations at positions of a frame."""
        site = site_of(what)
        match source:
            case Plain(draw):
                return self.plain(site, draw, frame, at)
            case Mean():
                return self.averaged(site, None, frame, frame, at)
            case MeanOver(column, draw):
                return self.averaged(site, column, draw, frame, at)
            case Zero() | Change():
                raise ValueError("zeros and changes are not recorded")

    def averaged(
        self, site: Site, column: str | None, draw: int, frame: int, at: Positions
    ) -> torch.Tensor:
        """The mean over the rows of the class that a draw takes, at positions of a frame."""
        means = self.executor.means.over(site, column)
        there = self.lookups(means.home(site))
        return means.at(site, there.classes(column, draw), there.positions(at, frame))

    def entries(self, site: Site, draw: int, at: Positions) -> Entries:
        """What was recorded on the rows that a draw takes, of which a call reads some positions."""
        recording = self.executor.recording
        there = self.lookups(recording.home(site))
        spots = there.positions(at, draw)
        return Entries(recording, site, there.inputs(draw), recording.device, spots)

    def plain(self, site: Site, draw: int, frame: int, at: Positions) -> torch.Tensor:
        """What was recorded on the rows that a draw takes."""
        recording = self.executor.recording
        there = self.lookups(recording.home(site))
        if isinstance(at, Everywhere):
            return recording.at(site, there.inputs(draw), None)
        if recording.is_narrow(site):
            return recording.at(site, there.inputs(draw), there.positions(at, frame))
        running = there.running(at, draw, frame, recording.length(site))
        return recording.running(site, running, self.items)


def _gather(chunk: _Chunk, gather: Gather) -> None:
    """A stream's sum, or a part's output, without running a component."""
    executor, what = chunk.executor, gather.what
    dtype = accumulator(executor.model.dtype)
    if isinstance(gather.source, Zero):
        chunk.slots[gather.out] = _constant(chunk, gather, dtype)
        return
    stored = chunk.recorded(gather)
    if isinstance(what, str):
        chunk.slots[gather.out] = stored.to(dtype)
        return
    if what.neurons:
        stored = stored[..., what.neurons[0] : what.neurons[1] + 1]
    own = executor.recording.values[site_of(what)].dtype  # that of the weights; means are wider
    value = executor.model.output(what, stored.to(own)).to(dtype)
    chunk.slots[gather.out] = _project(executor, what, value)


def _constant(chunk: _Chunk, gather: Gather, dtype: torch.dtype) -> torch.Tensor:
    """The constant terms of a stream (output biases) at every position, for each item."""
    executor, where = chunk.executor, chunk.positions(gather.at, gather.frame)
    assert isinstance(gather.what, str)  # a part replaced by zero is simply not subtracted
    space = executor.model.graph.stream_spaces[gather.what]
    length = executor.inputs.longest[space] if where is None else where.shape[1]
    constant = executor.model.constant(gather.what).to(dtype)
    return constant.expand(chunk.items, length, -1)  # [item, n, width]


def _project(executor: Executor, part: Part, value: torch.Tensor) -> torch.Tensor:
    """A value's share in the part's subspace, if it names one."""
    if part.subspace is None:
        return value
    basis = executor.bases[part.subspace]  # [width, k]
    return (value @ basis) @ basis.T


def _sum(chunk: _Chunk, total: Sum) -> None:
    """The base, plus each explained input's difference at its positions."""
    value = chunk.slots[total.base].clone()  # [item, n, width]
    at = chunk.positions(total.at, total.frame)
    for term in total.terms:
        delta = chunk.slots[term.plus]
        if term.minus is not None:
            delta = delta - chunk.slots[term.minus]
        if term.positions == total.at:
            value += delta
        else:
            _add(value, at, delta, chunk.positions(term.positions, total.frame))
    chunk.slots[total.out] = value


def _add(
    value: torch.Tensor, at: torch.Tensor | None, delta: torch.Tensor, where: torch.Tensor | None
) -> None:
    """Add `delta`, which lies at positions `where`, to `value`, which lies at `at`, in place."""
    items, _, width = value.shape
    if at is None and where is None:
        value += delta
    elif at is None:
        assert where is not None  # the case above
        first = torch.arange(items, device=value.device)[:, None] * value.shape[1]
        value.view(-1, width).index_add_(0, (first + where).flatten(), delta.reshape(-1, width))
    elif where is None:
        value += delta.gather(1, at[:, :, None].expand(-1, -1, width))
    else:
        same = (at[:, :, None] == where[:, None, :]).to(value.dtype)  # [item, n, m]
        value += same @ delta


def _run(chunk: _Chunk, run: Run) -> None:
    """Components of one group on their assembled ports."""
    executor = chunk.executor
    calls = [_call(chunk, step) for step in run.steps]
    dtype = accumulator(executor.model.dtype)
    for step, value in zip(run.steps, executor.model.run(calls), strict=True):
        chunk.slots[step.out] = _project(executor, step.part, value.to(dtype))


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
    Sum: _sum,
    Run: _run,
    Free: _free,
}
