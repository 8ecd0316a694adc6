"""CUDA graphs on pretended devices: what is captured is done again, at the same addresses.

Each operation on a device is written down with its operands and what it gave. A replay does them
again and puts what they give where it was put before: whatever the host decided meanwhile, and
every number of the host's, is as it was. As on a GPU nothing is computed while it is captured (what
was is spoilt at the end), and what CUDA refuses inside a capture is refused. So are copies from the
host out of pinned memory, which CUDA takes, and reads that memory again at each replay.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from tests.devices import pretended, streams
from tests.devices.pretended import COPIES, Pretended
from tests.devices.streams import address

CAPTURING = "operation not permitted when stream is capturing"
SPOILT = "operation failed due to a previous error during capture"
SYNCHRONISING = "called a synchronizing CUDA operation"

_mode: dict[str, int] = {"sync": 0}  # of `set_sync_debug_mode`


@dataclass(frozen=True)
class Step:
    """An operation, what it was done to, and what it gave."""

    operation: Any
    args: Any
    kwargs: Any
    gave: list[Any]

    def again(self) -> None:
        found, _ = tree_flatten(self.operation(*self.args, **self.kwargs))
        for old, new in zip(self.gave, found, strict=True):
            if isinstance(old, Pretended) and old.held.data_ptr() != new.held.data_ptr():
                old.held.copy_(new.held)


class Graph:
    """Stands for `torch.cuda.CUDAGraph`."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.made: dict[int, torch.Tensor] = {}  # storages that it has of its own
        self.broken = self.done = False
        self.replays = 0
        graphs.append(self)

    def replay(self) -> None:
        assert self.done, "replayed before it was captured"
        self.replays += 1
        for step in self.steps:
            step.again()

    def refuse(self, message: str) -> None:
        self.broken = True
        raise RuntimeError(f"CUDA error: {message}")

    def spoil(self) -> None:
        """The memory of its own holds anything."""
        for held in self.made.values():
            anything = torch.nan if held.is_floating_point() else 1 << 7 * held.element_size()
            held.fill_(bool(anything) if held.dtype is torch.bool else anything)


class _Writing(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, graph: Graph) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.graph = graph

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        given, _ = tree_flatten((args, kwargs))
        tensors = [x for x in given if isinstance(x, torch.Tensor)]
        before = {address(x) for x in tensors if isinstance(x, Pretended)}
        found = operation(*args, **kwargs)
        gave, _ = tree_flatten(found)
        ours = [x for x in gave if isinstance(x, Pretended)]
        homes = {x.device.type for x in (*tensors, *gave) if isinstance(x, torch.Tensor)}
        if operation in COPIES and len(homes) > 1:
            self.graph.refuse(CAPTURING)
        if not ours and not before:
            return found  # the host's own business, done once
        if operation._schema.is_mutable:
            assert {address(x) for x in ours} <= self.graph.made.keys(), f"{operation} elsewhere"
        self.graph.made |= {address(x): x.held for x in ours if address(x) not in before}
        frozen_args, frozen = tree_map(_frozen, (args, kwargs))
        self.graph.steps.append(Step(operation, frozen_args, frozen, gave))
        return found


def _frozen(x: Any) -> Any:
    host = isinstance(x, torch.Tensor) and not isinstance(x, Pretended)
    return x.clone() if host else x


graphs: list[Graph] = []
_open: list[Graph] = []  # the graph that is being captured
underway: list[Any] = []  # the pools of captures that the allocator believes to go on
_pools = count(1)


@contextlib.contextmanager
def graph(
    of: Graph, pool: Any, stream: streams.Stream, capture_error_mode: str = "global"
) -> Iterator[None]:
    """Stands for `torch.cuda.graph`, which leaves its stream in place where a capture broke, and
    the allocator (that of older torch) with the belief that it goes on."""
    before = streams.current(stream.device)
    assert stream is not before, "a capture wants a stream of its own"
    stream.wait_stream(before)  # it synchronises
    streams._current[stream.device] = stream
    _open.append(of)
    underway.append(pool)
    try:
        with _Writing(of):
            yield
    finally:
        _open.clear()
        if of.broken:
            raise RuntimeError(f"CUDA error: {SPOILT}")
        underway.remove(pool)
        streams._current[stream.device] = before
        before.wait_stream(stream)  # what it holds is written by replays, on any stream
        of.done = True
        of.spoil()


def _end(device: int, pool: Any) -> None:
    if pool not in underway:
        raise RuntimeError("endAllocatePool: not currently recording to mempool_id")
    underway.remove(pool)


def waited(what: str) -> None:
    """Refuses to wait, inside a capture or where it was asked to."""
    if _open:
        _open[0].refuse(CAPTURING)
    if _mode["sync"] == 2:
        raise RuntimeError(SYNCHRONISING)


def attend(patch: pytest.MonkeyPatch) -> None:
    """Puts graphs in the place of torch's."""
    graphs.clear()
    _open.clear()
    underway.clear()
    _mode["sync"] = 0
    modes: dict[Any, int] = {"default": 0, "warn": 1, "error": 2, 0: 0, 1: 1, 2: 2}
    patch.setattr(torch.cuda, "CUDAGraph", Graph)
    patch.setattr(torch.cuda, "graph", graph)
    patch.setattr(torch.cuda, "graph_pool_handle", lambda: (0, next(_pools)))
    patch.setattr(torch._C, "_cuda_endAllocateToPool", _end, raising=False)
    patch.setattr(torch.cuda, "is_current_stream_capturing", lambda: bool(_open))
    patch.setattr(torch.cuda, "get_sync_debug_mode", lambda: _mode["sync"])
    patch.setattr(torch.cuda, "set_sync_debug_mode", lambda mode: _mode.update(sync=modes[mode]))
    patch.setattr(pretended, "refused", waited)
