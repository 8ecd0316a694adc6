"""Streams and events of pretended devices: everything runs at once, and what a stream may not yet
read is refused.

A stream may read what another has written only after it has waited for it. What cannot be pretended
is that memory is reused too early: who was told of it by `record_stream` is written down instead.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
import torch

from tests.devices import pretended
from tests.devices.pretended import Pretended, said, wait

_clock = count(1)


class Stream:
    """One line of work on a device; `seen` is how far each other one had come when it was waited
    for."""

    def __init__(self, device: Any = None) -> None:
        self.device = said("cuda" if device is None else device)
        self.seen: dict[Stream, int] = {}

    def wait_stream(self, other: Stream) -> None:
        self.seen[other] = next(_clock)

    def record_event(self) -> Event:
        return Event(self)

    def synchronize(self) -> None:
        wait("a stream")


@dataclass(eq=False)
class Event:
    """A point in a stream's work, which it has passed already."""

    stream: Stream

    def synchronize(self) -> None:
        synchronised.append(self)


@dataclass(frozen=True)
class Copy:
    """A copy from the host to a device: of what, and on which stream."""

    dtype: torch.dtype
    stream: Stream


@dataclass(frozen=True, eq=False)
class Told:
    """A tensor whose memory is kept until a stream has done with it."""

    tensor: torch.Tensor
    stream: Stream


copies: list[Copy] = []
told: list[Told] = []
synchronised: list[Event] = []
_first: dict[torch.device, Stream] = {}  # on which a device computes where nothing else is said
_current: dict[torch.device, Stream] = {}
_written: dict[int, tuple[Stream, int]] = {}  # by the address of a storage


def current(device: Any = None) -> Stream:
    home = said("cuda" if device is None else device)
    return _current.get(home) or _first.setdefault(home, Stream(home))


@contextlib.contextmanager
def stream(of: Stream) -> Iterator[None]:
    before = current(of.device)
    _current[of.device] = of
    try:
        yield
    finally:
        _current[of.device] = before


def read(operands: list[Any]) -> None:
    """Refuses what the current stream reads without having waited for who wrote it."""
    for tensor in operands:
        if isinstance(tensor, Pretended):
            here = current(tensor.device)
            writer, when = _written.get(address(tensor), (here, 0))
            if writer is not here and here.seen.get(writer, 0) < when:
                raise AssertionError("a stream reads what another may not have written yet")


def wrote(operands: list[Any], gave: list[Any], in_place: bool) -> None:
    """A view of what was there is nothing new."""
    there = {address(x) for x in operands if isinstance(x, Pretended)}
    for tensor in gave:
        if isinstance(tensor, Pretended) and (in_place or address(tensor) not in there):
            _written[address(tensor)] = current(tensor.device), next(_clock)


def address(tensor: Pretended) -> int:
    """That of the memory which it has, with others that share it."""
    return int(tensor.held.untyped_storage().data_ptr())


def _record(tensor: torch.Tensor, of: Stream) -> None:
    told.append(Told(tensor, of))


def attend(patch: pytest.MonkeyPatch) -> None:
    """Puts streams in the place of torch's, and looks at each operation."""
    for kept in (copies, told, synchronised, _first, _current, _written):
        kept.clear()
    patch.setattr(torch.cuda, "Stream", Stream)
    patch.setattr(torch.cuda, "Event", Event)
    patch.setattr(torch.cuda, "stream", stream)
    patch.setattr(torch.cuda, "current_stream", current)
    patch.setattr(torch.Tensor, "record_stream", _record)
    patch.setattr(pretended, "read", read)
    patch.setattr(pretended, "wrote", wrote)
    patch.setattr(pretended, "crossed", lambda of, to: copies.append(Copy(of.dtype, current(to))))
