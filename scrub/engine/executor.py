"""The executor: a table from instruction to a short function, with no decision left to it.

It runs a schedule on one chunk of items (a reference and a draw each), given the rows that every
draw takes. Sums and differences are accumulated in float32 at least.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from scrub.compiler import Free, Gather, Projected, Run, Schedule, Step, Sums
from scrub.data.dataset import Dataset, Ints
from scrub.engine import sums
from scrub.engine.chunk import Chunk, accumulator
from scrub.engine.lookups import Handed, Tables
from scrub.engine.means import Means
from scrub.graph import ALL, Reach
from scrub.models.base import Call, Given, Model
from scrub.models.batches import Inputs
from scrub.models.recording import Recording


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
        chunk = Chunk(self, handed)
        for instruction in self.schedule.instructions:
            TABLE[type(instruction)](chunk, instruction)
        return chunk.slots[self.schedule.output]


def _gather(chunk: Chunk, gather: Gather) -> None:
    """A stream's sum, or a part's output, without running a component."""
    if isinstance(gather.what, str):
        chunk.slots[gather.out] = chunk.summed(gather.what, [gather.own], gather.at)
        return
    kept = chunk.kept(gather.what, [gather.own], gather.at)
    chunk.slots[gather.out] = chunk.output(gather.what, kept)


def _run(chunk: Chunk, run: Run) -> None:
    """Components of one group on their assembled ports; of those that end in a linear map what it
    is applied to, for it is applied where they are put in."""
    model = chunk.executor.model
    calls = [_call(chunk, step) for step in run.steps]
    linear = model.graph.is_linear(run.steps[0].part)
    values = model.stored(calls) if linear else model.run(calls)
    wide = accumulator(model.dtype)
    for step, value in zip(run.steps, values, strict=True):
        chunk.slots[step.out] = value if linear else chunk.projected(step.part, value.to(wide))


def _call(chunk: Chunk, step: Step) -> Call:
    ports: dict[str, torch.Tensor] = {}
    given: dict[str, Given] = {}
    component = chunk.executor.model.graph[step.part.component]
    for name, reading in step.ports:
        match reading:
            case Projected(own, put):
                laid = [(chunk.slots[slot], chunk.spots(at, step.frame)) for slot, at in put]
                read = step.at if component.port(name).reach is Reach.SAME else ALL
                given[name] = Given(chunk.entries(own.site, step.frame, read), laid)
            case slot:
                ports[name] = chunk.slots[slot]
    frame, at = chunk.frame(step.frame), chunk.positions(step.at, step.frame)
    return Call(step.part, ports, frame, at, given)


def _free(chunk: Chunk, free: Free) -> None:
    for slot in free.slots:
        del chunk.slots[slot]


TABLE: dict[type, Callable[[Chunk, Any], None]] = {
    Gather: _gather,
    Sums: sums.make,
    Run: _run,
    Free: _free,
}
