"""The recording: plain activations of every distinct input, at exactly the sites a schedule reads.

It lives on the device where it fits the budget, else in the host's memory (pinned for CUDA), else
in memory-mapped files that are removed afterwards.
"""

from __future__ import annotations

import enum
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from scrub.errors import InputRefused, Problem
from scrub.graph import Site
from scrub.models.base import Model
from scrub.models.batches import Inputs
from scrub.models.exhaustion import is_out_of_memory


class Place(enum.Enum):
    """Where the recording lives."""

    DEVICE = "device"
    HOST = "host"
    DISK = "disk"


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

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.values.clear()
        if self.folder is not None:
            self.folder.cleanup()

    def rows(self, site: Site, inputs: torch.Tensor) -> torch.Tensor:
        """All positions of these inputs, [row, length, width], on the device."""
        value = self.values[site]
        return value.index_select(0, inputs.to(value.device)).to(self.device, non_blocking=True)

    def at(self, site: Site, inputs: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """These positions [row, n] of these inputs, [row, n, width], on the device.

        Raises `InputRefused` for a position that the site does not have.
        """
        value = self.values[site]
        length = value.shape[1]
        # what is read was checked with the data, so only a site narrower than those is looked at
        # again: looking takes its time, and a GPU would be waited for
        if length < self.longest.get(site, length + 1):
            _require_positions(site, positions, length)
        flat = (inputs[:, None] * length + positions).flatten().to(value.device)
        picked = value.view(-1, value.shape[2]).index_select(0, flat)
        return picked.view(*positions.shape, -1).to(self.device, non_blocking=True)

    @property
    def bytes(self) -> int:
        return sum(value.nbytes for value in self.values.values())


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
) -> Recording:
    """Run the model once over every distinct input and keep what the sites name.

    `batch` inputs go through the model at a time; where that runs out of memory it is halved.
    `advance` is told how many inputs each step has done.
    """
    longest = {site: inputs.longest[model.graph.site_space(site)] for site in sites}
    folder = tempfile.TemporaryDirectory(prefix="scrub-") if place is Place.DISK else None
    recording = Recording({}, model.device, place, longest, folder)
    try:
        for first, values in _chunks(model, inputs, sites, batch):
            for site, value in values.items():
                if site not in recording.values:
                    shape = (len(inputs), *value.shape[1:])
                    recording.values[site] = _storage(recording, site, shape, value.dtype)
                recording.values[site][first : first + len(value)].copy_(value)
            advance(len(next(iter(values.values()))) if values else 0)
    except BaseException:
        recording.__exit__()
        raise
    return recording


def _chunks(
    model: Model, inputs: Inputs, sites: Sequence[Site], batch: int
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


def _storage(
    recording: Recording, site: Site, shape: tuple[int, ...], dtype: torch.dtype
) -> torch.Tensor:
    if recording.place is Place.DEVICE:
        return torch.empty(shape, dtype=dtype, device=recording.device)
    if recording.place is Place.HOST:
        return torch.empty(shape, dtype=dtype, pin_memory=recording.device.type == "cuda")
    assert recording.folder is not None  # made together with a place on disk
    path = Path(recording.folder.name) / f"{len(recording.values)}.bin"
    size = int(np.prod(shape))
    return torch.from_file(str(path), shared=True, size=size, dtype=dtype).view(shape)
