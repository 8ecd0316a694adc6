"""What the host hands to a device while the device is still at work on what it had before."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

AHEAD = 4  # copies that the host may be ahead of a GPU: what they fill is taken until it is read


def sent(values: NDArray[Any] | torch.Tensor, device: torch.device) -> torch.Tensor:
    """Values of the host on a device; to a GPU without waiting for it.

    A copy out of memory that is not pinned would first let the GPU finish all that it was given.
    """
    held = values
    if not isinstance(held, torch.Tensor):
        held = torch.from_numpy(np.ascontiguousarray(held))
    if device.type != "cuda" or held.device.type != "cpu":
        return held.to(device)
    kept = _KEPT.get()
    return _copied(held, device) if kept is None else kept.there(held, device)


def _copied(held: torch.Tensor, device: torch.device) -> torch.Tensor:
    return held.pin_memory().to(device, non_blocking=True)


class Kept:
    """What was sent to a GPU, by its values: the same values are sent once, and then found there.

    While it is `closed` nothing is sent, and values that are not there raise `RuntimeError`: a copy
    into a CUDA graph would read the host's memory again whenever the graph is replayed.
    """

    def __init__(self) -> None:
        self._there: dict[object, torch.Tensor] = {}
        self.closed = False

    def there(self, held: torch.Tensor, device: torch.device) -> torch.Tensor:
        """These values on a device."""
        whole = held.contiguous().flatten().view(torch.uint8).numpy().tobytes()
        key = (device, held.dtype, held.shape, whole)
        if key not in self._there:
            if self.closed:
                raise RuntimeError("a value of the host was not sent before the capture")
            self._there[key] = _copied(held, device)
        return self._there[key]


_KEPT: ContextVar[Kept | None] = ContextVar("kept", default=None)


@contextmanager
def keeping(kept: Kept) -> Iterator[None]:
    """Inside, whatever is sent to a GPU is kept, or found among what was."""
    token = _KEPT.set(kept)
    try:
        yield
    finally:
        _KEPT.reset(token)


class Crossing:
    """Copies of large values to one GPU, on a stream of their own: beside what it computes.

    On the stream that computes, a copy would begin only when all that was handed over before it is
    done. The host is at most `AHEAD` copies ahead: without a bound the memory that they fill would
    grow for as long as it runs ahead.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._read: deque[torch.cuda.Event] = deque()

    def __call__(self, pinned: torch.Tensor) -> torch.Tensor:
        """A pinned tensor of the host on the device, for what is computed there from now on."""
        computing = torch.cuda.current_stream(self.device)
        if len(self._read) == AHEAD:
            self._read.popleft().synchronize()
        with torch.cuda.stream(self.stream):
            found = pinned.to(self.device, non_blocking=True)
        computing.wait_stream(self.stream)
        found.record_stream(computing)  # its memory is the copies', and is free when this is done
        self._read.append(computing.record_event())
        return found


@cache
def crossing(device: torch.device) -> Crossing:
    """The one way of copies to a GPU: each stream has working memory of its own."""
    return Crossing(device)
