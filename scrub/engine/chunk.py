"""One chunk of items at work: its live slots, and what its instructions look up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from scrub.compiler import Mean, MeanOver, Plain, Recorded, Zero, site_of
from scrub.engine.lookups import Handed, Lookups
from scrub.graph import Part, Positions, Site
from scrub.models.base import Batch
from scrub.models.recording import Entries

if TYPE_CHECKING:
    from scrub.engine.executor import Executor  # which runs instructions on this


def accumulator(dtype: torch.dtype) -> torch.dtype:
    """The type in which sums are kept: an unrelated donor's stream minus and plus large
    activations would cost up to 24 % in bfloat16."""
    return torch.promote_types(dtype, torch.float32)


class Chunk:
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
