"""The recording: plain activations of every distinct input, at exactly the sites a schedule reads.

It lives on the device where it fits the budget, else in the host's memory (pinned for CUDA), else
in memory-mapped files that are removed afterwards.
"""

from __future__ import annotations

import enum
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from scrub.errors import InputRefused, Problem
from scrub.graph import Kind, Site
from scrub.models.base import Model
from scrub.models.batches import Inputs
from scrub.models.exhaustion import is_out_of_memory
from scrub.models.sending import crossing, sent

if TYPE_CHECKING:
    from scrub.models.prefixes import Prefix  # which runs what this records


class Place(enum.Enum):
    """Where the recording lives."""

    DEVICE = "device"
    HOST = "host"
    DISK = "disk"


@dataclass(frozen=True, eq=False)
class Block:
    """Sites of one width that lie one behind the other, [site, input, length, width]: what heads
    read through their ports, which is looked up for many of them at once."""

    values: torch.Tensor
    number: Mapping[Site, int]


@dataclass(eq=False)
class Recording:
    """`values[site]`: [input, length, stored width], right-padded; `place` says where it lives.

    Used as a context manager it removes the files of a recording on disk. `longest` are the most
    positions that an input has in each site's space; a hand-made model may give a site one
    position for all of them.
    """

    values: dict[Site, torch.Tensor]
    device: torch.device
    place: Place
    longest: Mapping[Site, int] = field(default_factory=dict)
    folder: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False)
    blocks: dict[Site, Block] = field(default_factory=dict, repr=False)

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.values.clear()
        self.blocks.clear()
        if self.folder is not None:
            self.folder.cleanup()

    def home(self, site: Site) -> torch.device:
        """Where a site's values lie, and so where what they are looked up by has to be."""
        return self.values[site].device

    def length(self, site: Site) -> int:
        """How many positions a site has in each input."""
        return self.values[site].shape[1]

    def is_narrow(self, site: Site) -> bool:
        """Whether a site has fewer positions than the inputs, so that some may not be there."""
        return self.length(site) < self.longest.get(site, 0)

    def at(self, site: Site, inputs: torch.Tensor, positions: torch.Tensor | None) -> torch.Tensor:
        """These positions [row, n] of these inputs [row], [row, n, width], on the device; None for
        all of them.

        Raises `InputRefused` for a position that the site does not have.
        """
        if positions is None:
            return self.picked(self.values[site], inputs)
        length = self.length(site)
        # what is read was checked with the data, so only a narrow site is looked at again: looking
        # takes its time, and a GPU would be waited for
        if self.is_narrow(site):
            _require_positions(site, positions, length)
        return self.running(site, (inputs[:, None] * length + positions).flatten(), len(inputs))

    def running(self, site: Site, which: torch.Tensor, rows: int) -> torch.Tensor:
        """The same by one index that runs through all positions of all inputs, [row · n]."""
        value = self.values[site]
        return self.picked(value.view(-1, value.shape[2]), which).view(rows, -1, value.shape[2])

    def picked(self, value: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
        """Entries of a value on the device; from the host through pinned memory, for a copy out of
        any other waits for the device, and beside what the device computes meanwhile."""
        if value.is_cuda or self.device.type != "cuda":
            return value.index_select(0, which).to(self.device)
        shape = (len(which), *value.shape[1:])
        rows = torch.empty(shape, dtype=value.dtype, device=value.device, pin_memory=True)
        torch.index_select(value, 0, which, out=rows)
        return crossing(self.device)(rows)

    @property
    def bytes(self) -> int:
        return sum(value.nbytes for value in self.values.values())


@dataclass(frozen=True, eq=False)
class Entries:
    """What was recorded at a site of some inputs [row], [row, length, width]: looked up on a device
    when it is wanted, together with that at other sites.

    `at` are the positions [row, n] that a call reads. They lie where the recording does, as the
    inputs do: a device would be waited for if they came from there.
    """

    recording: Recording
    site: Site
    inputs: torch.Tensor
    device: torch.device
    at: torch.Tensor | None = None

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """Rows, positions and width."""
        length, width = self.recording.values[self.site].shape[1:]
        return len(self.inputs), length, width


def abreast(entries: Sequence[Entries]) -> torch.Tensor:
    """Entries of as many rows and positions side by side, [row, length, width of all].

    One look-up for those of one block.
    """
    recording, device = entries[0].recording, entries[0].device
    if (block := _block_of(entries)) is None:
        found = torch.cat([e.recording.at(e.site, e.inputs, None) for e in entries], dim=2)
        return found.to(device)
    length, width = block.values.shape[2:]
    lines = _lines(entries, block)
    spots = torch.arange(length, device=lines.device)[:, None]
    which = (lines[:, None] * length + spots).flatten()  # [row · position · entry]
    found = recording.picked(block.values.view(-1, width), which)
    return found.view(len(lines), length, -1).to(device)


def among(entries: Sequence[Entries], at: torch.Tensor) -> torch.Tensor:
    """Each entry at its own positions [row, entry, n] alone, [row, entry, n, width]."""
    recording, device = entries[0].recording, entries[0].device
    if (block := _block_of(entries)) is None:
        each = [
            e.recording.at(e.site, e.inputs, at[:, i].to(e.inputs.device) if e.at is None else e.at)
            for i, e in enumerate(entries)
        ]
        return torch.stack(each, dim=1).to(device)
    length, width = block.values.shape[2:]
    lines, known = _lines(entries, block), [e.at for e in entries if e.at is not None]
    spots = torch.stack(known, dim=1) if known else at.to(lines.device)
    which = (lines[..., None] * length + spots).flatten()
    found = recording.picked(block.values.view(-1, width), which)
    return found.view(*at.shape, width).to(device)


def _block_of(entries: Sequence[Entries]) -> Block | None:
    """The one block in which entries lie, if there is one."""
    blocks = [one.recording.blocks.get(one.site) for one in entries]
    return blocks[0] if all(block is blocks[0] for block in blocks) else None


def _lines(entries: Sequence[Entries], block: Block) -> torch.Tensor:
    """Where the inputs of entries lie in a block, counted in inputs, [row, entry]."""
    inputs = block.values.shape[1]
    numbers = torch.tensor([block.number[one.site] * inputs for one in entries])
    return torch.stack([e.inputs for e in entries], dim=1) + sent(numbers, block.values.device)


def _require_positions(site: Site, positions: torch.Tensor, length: int) -> None:
    """What is looked up by one running index would else be another row's."""
    if positions.numel() and not 0 <= int(positions.min()) <= int(positions.max()) < length:
        wrong = positions[(positions < 0) | (positions >= length)][0].item()
        raise InputRefused(
            Problem(
                f"component or stream '{site.name}'",
                f"is read at position {wrong}, and what was recorded of it has {length} "
                f"position{'' if length == 1 else 's'}.",
                "Let its function give every position, or put the node at positions='all'.",
            )
        )


def record(
    model: Model,
    inputs: Inputs,
    sites: Sequence[Site],
    *,
    batch: int,
    place: Place = Place.DEVICE,
    advance: Callable[[int], None] = lambda done: None,
    prefix: Prefix | None = None,
) -> Recording:
    """Run the model once over every distinct input and keep what the sites name.

    `batch` inputs go through the model at a time; where that runs out of memory it is halved.
    `advance` is told how many inputs each step has done. `prefix` is what all inputs begin with,
    where that has been recorded beforehand (`shared_prefix` finds it).
    """
    longest = {site: inputs.longest[model.graph.site_space(site)] for site in sites}
    folder = tempfile.TemporaryDirectory(prefix="scrub-") if place is Place.DISK else None
    recording = Recording({}, model.device, place, longest, folder)
    try:
        before = prefix.length if prefix else 0
        for first, values in _chunks(prefix or model, inputs, sites, batch):
            for site, value in values.items():
                if site not in recording.values:
                    shape = (len(inputs), before + value.shape[1], value.shape[2])
                    _make_room(recording, site, shape, value.dtype, values)
                room = recording.values[site][first : first + len(value)]
                if prefix:
                    prefix.put(site, value, room)
                else:
                    room.copy_(value)
            advance(len(next(iter(values.values()))) if values else 0)
    except BaseException:
        recording.__exit__()
        raise
    return recording


def _chunks(
    model: Model | Prefix, inputs: Inputs, sites: Sequence[Site], batch: int
) -> Iterable[tuple[int, Mapping[Site, torch.Tensor]]]:
    first = 0
    while first < len(inputs):
        rows = range(first, min(first + batch, len(inputs)))
        try:
            values = model.record(inputs.batch(rows, model.device), sites)
        except (RuntimeError, MemoryError) as error:
            if batch == 1 or not is_out_of_memory(error):
                raise
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            batch = (batch + 1) // 2
            continue
        yield first, values
        first += len(rows)


def _make_room(
    recording: Recording,
    site: Site,
    shape: tuple[int, ...],
    dtype: torch.dtype,
    found: Mapping[Site, torch.Tensor],
) -> None:
    """Storage for a site; for projections, in a block with all others of the same shape."""
    if site.kind is not Kind.PROJECTED:
        recording.values[site] = _storage(recording, shape, dtype)
        return
    alike = [
        other
        for other, value in found.items()
        if other.kind is Kind.PROJECTED and value.shape[1:] == found[site].shape[1:]
    ]
    values = _storage(recording, (len(alike), *shape), dtype)
    block = Block(values, {other: i for i, other in enumerate(alike)})
    recording.values |= dict(zip(alike, values.unbind(), strict=True))
    recording.blocks |= dict.fromkeys(alike, block)


def _storage(recording: Recording, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    if recording.place is Place.DEVICE:
        return torch.empty(shape, dtype=dtype, device=recording.device)
    if recording.place is Place.HOST:
        return torch.empty(shape, dtype=dtype, pin_memory=recording.device.type == "cuda")
    assert recording.folder is not None  # made together with a place on disk
    path = Path(recording.folder.name) / f"{len(recording.values)}.bin"
    size = int(np.prod(shape))
    return torch.from_file(str(path), shared=True, size=size, dtype=dtype).view(shape)
