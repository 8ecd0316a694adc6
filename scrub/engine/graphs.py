"""Chunks captured in a CUDA graph: hundreds of small launches are handed to a GPU as one.

A schedule is run on chunk after chunk, and a small chunk takes a GPU less time than its launches
take the host. The first chunk is run as ever: it sees to all that is worked out once. The second is
rehearsed: on the stream of captures, as torch asks, and with whatever waits for the GPU refused, so
that a model whose code looks at values never comes to a capture. The third is captured, and it and
all that follow are replayed. The fourth is run as ever too: where the two differ, that was all.

A graph repeats what was done, with what the host decided as it was. All that the host knows of a
chunk's rows comes from `Handed`: rows and fields lie in buffers that are filled anew before each
replay; lengths that were looked at have to be the same again, or the chunk is none like those.

`torch.compile` is not used: each schedule would be another program to compile, and the modules that
are run are shallow copies, new ones at each call, for which what was compiled would not be found.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from scrub.data.dataset import Dataset, Ints
from scrub.engine.executor import Executor
from scrub.engine.lookups import Handed
from scrub.models.base import Batch
from scrub.models.batches import Inputs, Lazy
from scrub.models.exhaustion import is_out_of_memory
from scrub.models.measure import difference, rounding
from scrub.models.recording import Place
from scrub.models.sending import Kept, keeping

BEFORE = 4  # chunks alike: one as ever, one rehearsed, one captured, one held against it
REPAID = 4  # and so many more, to pay for one that is put together and one that is run twice
HOST = torch.device("cpu")

_rehearsing = threading.Lock()  # torch has one mode for all threads
_failed: list[torch.cuda.CUDAGraph] = []  # torch's allocator may ask them again: they stay


def captured(executor: Executor, items: int) -> Callable[[Ints], torch.Tensor]:
    """An executor for so many items, chunk after chunk: where model and recording lie on one GPU,
    with chunks alike captured."""
    homes = getattr(executor.model, "homes", None)  # of a model over several devices
    on_gpu = executor.model.device.type == "cuda" and executor.recording.place is Place.DEVICE
    return Captured(executor, items) if on_gpu and not homes and not _failed else executor


class Captured:
    """An executor for `items` items in all, whose chunks are captured and replayed while they are
    alike and enough of them are left.

    What cannot be captured is run as ever, and from then on nothing is captured. While there is a
    graph, its memory holds what is alive in a chunk; it is dropped before any other chunk is run.
    """

    def __init__(self, executor: Executor, items: int) -> None:
        self.executor, self.left = executor, items
        self.alike: Alike | None = None
        self.given_up = False

    def __call__(self, rows: Ints) -> torch.Tensor:
        """The output [item, position, width] for `rows` [draw, item]."""
        if self.alike is None or not self.alike.fits(rows):
            self.alike = self._begun(rows)
        output = self._alike(rows)
        self.left -= rows.shape[1]
        return output

    def _begun(self, rows: Ints) -> Alike | None:
        """Chunks alike, of which this is the first; None where a capture would not pay."""
        if self.alike is not None and self.alike.taken is not None:
            # the lengths are others, and would be again
            self.given_up |= self.alike.handed.rows.shape == rows.shape
        self.alike = None
        few = self.left < (BEFORE + REPAID) * rows.shape[1]
        return None if self.given_up or few else Alike(self.executor, rows)

    def _alike(self, rows: Ints) -> torch.Tensor:
        """The output by way of those alike; where that fails, as ever."""
        if self.alike is not None:
            try:
                return self.alike(rows)
            except RuntimeError as error:
                trying, self.alike = self.alike.trying, None
                if is_out_of_memory(error) and not trying:
                    raise  # as it would without a graph: the chunk is halved
                self.given_up = True
        return self.executor(rows)  # with the graph, and its memory, gone


@dataclass(frozen=True, eq=False)
class Taken:
    """A captured chunk, and where it leaves its output."""

    graph: torch.cuda.CUDAGraph
    output: torch.Tensor

    def again(self) -> torch.Tensor:
        """The output for what lies in the buffers now, [item, position, width]."""
        self.graph.replay()
        return self.output.clone()  # the next replay writes over it


class Alike:
    """Chunks that are handed alike: each call runs the next of them, the way its turn is."""

    def __init__(self, executor: Executor, rows: Ints) -> None:
        self.executor, self.device = executor, executor.model.device
        self.handed = Held(executor.dataset, executor.inputs, rows, self.device)
        self.kept = Kept()
        self.taken: Taken | None = None
        self.trying = False  # what can be given up, and the chunk run without
        self._turn = Alike._first  # no bound method: a cycle would keep the graph's memory

    def fits(self, rows: Ints) -> bool:
        """Whether a chunk is handed what these were, but for what lies in buffers."""
        return self.handed.fits(rows)

    def __call__(self, rows: Ints) -> torch.Tensor:
        self.handed.fill(rows)
        return self._turn(self)

    def _first(self) -> torch.Tensor:
        self._turn = Alike._rehearsed
        return self.executor.run(self.handed)

    def _rehearsed(self) -> torch.Tensor:
        self._turn = Alike._captured
        here, aside = torch.cuda.current_stream(self.device), beside(self.device)
        torch.cuda.empty_cache()  # what one stream has freed serves no other
        aside.wait_stream(here)
        try:
            with torch.cuda.stream(aside), keeping(self.kept), _nothing_waiting():
                output = self.executor.run(self.handed)
        finally:
            here.wait_stream(aside)  # what it reads may not be written over
        output.record_stream(here)
        return output

    def _captured(self) -> torch.Tensor:
        self.trying = self.kept.closed = self.handed.closed = True
        here, aside = torch.cuda.current_stream(self.device), beside(self.device)
        # a capture that fails may leave its own stream, or its own device, in place of ours
        with torch.cuda.device(self.device), torch.cuda.stream(here), keeping(self.kept):
            graph, pool = torch.cuda.CUDAGraph(), torch.cuda.graph_pool_handle()
            try:
                # what other threads ask of CUDA meanwhile is no error of the capture's
                with torch.cuda.graph(
                    graph, pool=pool, stream=aside, capture_error_mode="thread_local"
                ):
                    output = self.executor.run(self.handed)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    _failed.append(graph)
                    _ended(self.device, pool)
                raise
        self.trying = False
        self.taken, self._turn = Taken(graph, output), Alike._compared
        return self.taken.again()

    def _compared(self) -> torch.Tensor:
        """On rows that it was not captured on: what a graph repeats is the model's own code too."""
        found, self._turn, self.trying = self._replayed(), Alike._replayed, True
        expected = self.executor(self.handed.rows)
        if not difference(found, expected) <= rounding(self.executor.model.dtype):
            raise RuntimeError("a replay gave other values than its chunk has")
        self.trying = False
        return expected

    def _replayed(self) -> torch.Tensor:
        assert self.taken is not None  # its turn was before
        return self.taken.again()


@dataclass(frozen=True)
class Counted(Batch):
    """Rows that are counted without a look at their lengths."""

    count: int

    @property
    def rows(self) -> int:
        return self.count


class Held(Handed):
    """What is handed to chunks alike: in buffers that stay where they are, and with what the host
    looked at."""

    def __init__(self, dataset: Dataset, inputs: Inputs, rows: Ints, device: torch.device) -> None:
        super().__init__(dataset, inputs, rows, device)
        self._buffers: dict[torch.device | tuple[int, str], torch.Tensor] = {}
        self._seen: dict[tuple[int, str], torch.Tensor] = {}  # lengths, by draw and space
        self.closed = False

    def fits(self, rows: Ints) -> bool:
        """Whether as many rows are of the lengths that were looked at."""
        if rows.shape != self.rows.shape:
            return False
        sequence, lengths = self.dataset.sequence, self.inputs.lengths
        return all(
            np.array_equal(known.numpy(), lengths[space][sequence[rows[draw]]])
            for (draw, space), known in self._seen.items()
        )

    def fill(self, rows: Ints) -> None:
        """Other rows, and all that was asked for of them, in the place of those before."""
        self.rows = rows
        for what, buffer in self._buffers.items():
            buffer.copy_(self._made(what).pin_memory(), non_blocking=True)

    def on(self, device: torch.device) -> torch.Tensor:
        return self._buffer(device, device)

    def frame(self, draw: int) -> Batch:
        given = self._on_host(draw)

        def looked_at(space: str) -> torch.Tensor:
            return self._seen.setdefault((draw, space), given.lengths[space])

        fields = Lazy(tuple(given.fields), lambda name: self._buffer((draw, name), self.device))
        return Counted(fields, Lazy(tuple(given.lengths), looked_at), self.items)

    def _on_host(self, draw: int) -> Batch:
        return self.inputs.batch(self.dataset.sequence[self.rows[draw]], HOST)

    def _made(self, what: torch.device | tuple[int, str]) -> torch.Tensor:
        """The rows for a device, or a field of a draw's frame, on the host."""
        if isinstance(what, torch.device):
            return torch.from_numpy(np.ascontiguousarray(self.rows))
        draw, name = what
        return self._on_host(draw).fields[name]

    def _buffer(self, what: torch.device | tuple[int, str], device: torch.device) -> torch.Tensor:
        if what not in self._buffers:
            if self.closed:
                raise RuntimeError("a chunk asks for what those before it did not")
            made = self._made(what)
            buffer = torch.empty(made.shape, dtype=made.dtype, device=device)
            self._buffers[what] = buffer.copy_(made.pin_memory(), non_blocking=True)
        return self._buffers[what]


@cache
def beside(device: torch.device) -> torch.cuda.Stream:
    """The one stream of captures on a GPU: each stream has working memory of its own."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


def _ended(device: torch.device, pool: tuple[int, int]) -> None:
    """Tells torch's allocator that a capture is over. One that broke may leave it at that (see
    pytorch#180395), and when memory runs out next it would stop with an error of its own."""
    with suppress(AttributeError, RuntimeError):  # it is not there, or knows already
        torch._C._cuda_endAllocateToPool(device.index, pool)


@contextmanager
def _nothing_waiting() -> Iterator[None]:
    """Whatever waits for a GPU raises `RuntimeError` inside: in a capture it could not be."""
    with _rehearsing:  # another thread would take our mode for the one to come back to
        before = torch.cuda.get_sync_debug_mode()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it does not see all there is
            torch.cuda.set_sync_debug_mode("error")
        try:
            yield
        finally:
            torch.cuda.set_sync_debug_mode(before)
