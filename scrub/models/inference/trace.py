"""How a block's sublayers hang together, settled by the values that passed.

A block adds to a stream. Every norm and every sublayer read something and gave something; which
of these values is the stream, a norm of it, or the stream with an output added says where the
norms stand, whether sublayers follow one another or stand side by side, and by what factor an
output counts. Names are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from scrub.models.inference.seen import Event, Tensor, same
from scrub.models.linear import is_linear

LONGEST_CHAIN = 6
TRANSPARENT = (nn.Dropout, nn.Identity)


@dataclass(frozen=True, eq=False)
class Found:
    """A sublayer as the values show it: modules applied in turn, and the norms around them."""

    chain: tuple[Event, ...]
    read: Tensor  # what the first of them reads
    before: Event | None = None
    after: Event | None = None
    on_sum: Event | None = None
    scaled: Event | None = None
    scale: float = 1.0
    parallel: bool = False
    beside: bool = False
    inner: Event | None = None  # what gives its output, where the module adds it to a stream itself

    @property
    def gave(self) -> Tensor:
        return (self.inner or self.chain[-1]).gave


@dataclass(frozen=True, eq=False)
class _State:
    """How far a block is explained: the stream, and what has been added that nothing has read."""

    start: Tensor
    stream: Tensor
    pending: tuple[Tensor, ...]
    done: tuple[Found, ...]


class Tracer:
    """Explains one block from the events below it."""

    def __init__(self, block: Event, events: Sequence[Event]) -> None:
        self.block = block
        kept = [e for e in events if not isinstance(e.module, TRANSPARENT)]
        self.norms = [e for e in kept if is_norm(e)]
        self.others = [e for e in kept if not is_norm(e)]
        self.reads = [*(e.read for e in kept), block.gave]
        self.nearest = float("inf")  # of the sums that do not fit, the one that came closest
        self.best: tuple[Found, ...] = ()

    def explain(self) -> tuple[Found, ...] | None:
        """The sublayers in order, or None where no reading makes the block's output."""
        start = self.block.read
        return self._walk(_State(start, start, (), ()))

    def _walk(self, state: _State) -> tuple[Found, ...] | None:
        if len(state.done) > len(self.best):
            self.best = state.done
        if state.done and not state.pending and same(state.stream, self.block.gave):
            return state.done
        for found in self._next(state):
            for later in self._added(state, found):
                answer = self._walk(later)
                if answer is not None:
                    return answer
        return None

    def _next(self, state: _State) -> Iterator[Found]:
        """What may come next: it reads the stream, directly or through a norm."""
        last = state.done[-1].chain[-1].end if state.done else 0
        waiting = bool(state.pending)
        again = same(state.stream, state.start)  # what it reads is what the block read
        for norm in (None, *(n for n in self.norms if same(n.read, state.stream))):
            value = state.stream if norm is None else norm.gave
            placed = {"parallel": waiting and again, "beside": waiting and not again}
            events = [e for e in self.others if e.start > last and same(e.read, value)]
            for event in events:
                for chain in self._chains((event,)):
                    yield Found(chain, value, before=norm, **placed)  # type: ignore[arg-type]
            for event in events:
                for inner in self._inner(event):
                    yield Found((event,), value, norm, inner=inner, **placed)  # type: ignore[arg-type]

    def _chains(self, so_far: tuple[Event, ...]) -> Iterator[tuple[Event, ...]]:
        """Modules applied in turn, each to what the one before it gave."""
        last = so_far[-1]
        if last.gave.shape == self.block.read.shape:
            yield so_far
        if len(so_far) < LONGEST_CHAIN:
            for event in self.others:
                if event.start > last.end and same(event.read, last.gave):
                    yield from self._chains((*so_far, event))

    def _inner(self, event: Event) -> Iterator[Event]:
        """Linear maps within a module that give what it may add to a stream by itself (BLOOM)."""
        for one in self.others:
            inside = one.path.startswith(f"{event.path}.") and event.start < one.start < event.end
            if inside and is_linear(one.module) and one.gave.shape == self.block.read.shape:
                yield one

    def _added(self, state: _State, found: Found) -> Iterator[_State]:
        """What becomes of an output: normed or scaled or not, added, and perhaps normed then."""
        for one, added in self._outputs(found):
            pending = (*state.pending, added)
            for value in self._sums(state.stream, pending):
                factors = self.fit(value, state.stream, pending)
                if factors is None:
                    continue
                done = _scaled((*state.done, one), factors)
                yield _State(value, value, (), done)
                for norm in (n for n in self.norms if same(n.read, value)):
                    closed = (*done[:-1], replace(done[-1], on_sum=norm))
                    yield _State(norm.gave, norm.gave, (), closed)
            if len(pending) < 3:
                yield _State(state.start, state.stream, pending, (*state.done, one))

    def _outputs(self, found: Found) -> Iterator[tuple[Found, Tensor]]:
        yield found, found.gave
        for norm in (n for n in self.norms if same(n.read, found.gave)):
            yield replace(found, after=norm), norm.gave
        for event in self.others:
            reads = event.start > found.chain[-1].end and same(event.read, found.gave)
            if reads and by_channel(event):
                yield replace(found, scaled=event), event.gave

    def _sums(self, stream: Tensor, pending: Sequence[Tensor]) -> Iterator[Tensor]:
        """Values that something reads, or that the block gives, each once."""
        tried: list[Tensor] = []
        for value in self.reads:
            if value.shape == stream.shape and not any(torch.equal(value, t) for t in tried):
                tried.append(value)
                yield value

    def fit(
        self, value: Tensor, stream: Tensor, pending: Sequence[Tensor]
    ) -> tuple[float, ...] | None:
        """The factors with which outputs, added to the stream, give a value; None if none do."""
        outputs = torch.stack([p.double().flatten() for p in pending], dim=1)
        gap = (value.double() - stream.double()).flatten()
        factors = torch.linalg.lstsq(outputs.cpu(), gap.cpu()[:, None]).solution[:, 0]
        left = (outputs.cpu() @ factors - gap.cpu()).abs().max()
        eps = torch.finfo(value.dtype).eps
        size = float(outputs.abs().max())
        allowed = eps ** (2 / 3) * size + 8 * eps * float(value.abs().max())
        if float(left) > allowed:
            self.nearest = min(self.nearest, float(left) / max(size, 1e-30))
            return None
        if bool((factors.abs() < 1e-4).any()):
            return None
        return tuple(1.0 if abs(f - 1) < 10 * eps ** (2 / 3) else f for f in factors.tolist())


def _scaled(done: tuple[Found, ...], factors: tuple[float, ...]) -> tuple[Found, ...]:
    kept, late = done[: -len(factors)], done[-len(factors) :]
    return (*kept, *(replace(f, scale=c) for f, c in zip(late, factors, strict=True)))


def is_norm(event: Event) -> bool:
    """By its class: a norm has vectors for weights, if any, and keeps the shape."""
    named = "norm" in type(event.module).__name__.lower()
    small = all(p.ndim <= 1 for p in event.module.parameters())
    return named and small and event.read.shape == event.gave.shape


def by_channel(event: Event) -> bool:
    """Whether a module multiplies each channel by a number and does nothing else."""
    if event.read.shape != event.gave.shape:
        return False
    ratio = (event.gave / event.read).double().flatten(0, -2)
    return bool(torch.isfinite(ratio).all()) and torch.allclose(
        ratio, ratio[:1].expand_as(ratio), rtol=1e-4, atol=1e-6
    )
