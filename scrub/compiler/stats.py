"""What a schedule costs, without running it: FLOPs, bytes, and peak memory."""

from __future__ import annotations

from dataclasses import dataclass

from scrub.compiler.instructions import Free, Gather, Run
from scrub.compiler.passes import pass_bytes, recording_flops, recording_moved
from scrub.compiler.schedule import Schedule
from scrub.compiler.sizes import Shape, Sizes
from scrub.graph import Site


@dataclass(frozen=True)
class Stats:
    """Costs of one schedule: `flops` and `bytes` for one item (a reference and a draw).

    `pass_flops` is one forward pass over one example, `recording_flops` the recording pass over
    all inputs (without the output, which it leaves out where nothing reads it),
    `recording_bytes` what it keeps, `peak_bytes` the live values of one item, its scoring
    included, `output_bytes` its output, `pass_bytes` one input on its way through the recording,
    `recording_moved` the bytes that the recording reads and writes at the least.
    """

    flops: int
    bytes: int
    peak_bytes: int
    pass_flops: int
    recording_flops: int
    recording_bytes: int
    runs: int
    steps: int
    gathers: int
    sums: int
    output_bytes: int = 0
    pass_bytes: int = 0
    recording_moved: int = 0

    def passes(self, items: int, references: int) -> float:
        """The whole cost, recording included, in forward passes over the references."""
        total = self.recording_flops + self.flops * items
        return total / (self.pass_flops * references) if self.pass_flops else float("nan")


def stats(schedule: Schedule, shape: Shape) -> Stats:
    """Costs of a schedule on data of a shape."""
    sizes = Sizes(schedule, shape)
    live = peak = 0
    slots: dict[int, int] = {}
    for instruction in schedule.instructions:
        made = sizes.slots(instruction)
        slots.update(made)
        live += sum(made.values())
        peak = max(peak, live + sizes.scratch(instruction))
        if isinstance(instruction, Free):
            live -= sum(slots.pop(slot) for slot in instruction.slots)
    output_bytes = sizes.output()
    sites = schedule.sites()
    recorded = sum(sizes.site(site) for site in sites)
    count = schedule.instructions
    return Stats(
        flops=sum(map(sizes.flops, count)),
        bytes=sum(map(sizes.moved, count)),
        peak_bytes=max(peak, sizes.scoring(output_bytes)),
        pass_flops=schedule.graph.pass_flops(shape.lengths),
        recording_flops=recording_flops(sizes, sites),
        recording_bytes=recorded,
        runs=sum(isinstance(i, Run) for i in count),
        steps=sum(1 for _ in schedule.steps()),
        gathers=sum(isinstance(i, Gather) for i in count),
        sums=sum(1 for _ in schedule.sums()),
        output_bytes=output_bytes,
        pass_bytes=pass_bytes(sizes) + recorded // max(shape.inputs, 1),
        recording_moved=recording_moved(sizes, sites),
    )


def site_bytes(schedule: Schedule, shape: Shape, site: Site) -> int:
    """Bytes that the recording keeps for one site."""
    return Sizes(schedule, shape).site(site)
