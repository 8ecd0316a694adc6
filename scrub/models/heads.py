"""Projection substitution: some heads of a layer, run by the model's own attention module.

A transformers attention module is `core(q_proj, k_proj, v_proj, o_proj)`. In a shallow copy the
projections are bound to values that were computed beforehand, each from its own input; what
arrives at the output projection is then every head's z, and there the run ends. Nothing of the
attention itself (rotary embeddings, norms, masks, windows, soft caps) is written down here.

Which heads these are, and how many, is mostly up to us: each call becomes one *virtual head*, the
same head several times included. Where a module looks at all its heads together, all are run,
and the wanted one is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import nn

from scrub.graph import Kind, Part, Site, queries_run
from scrub.models.alone import alone
from scrub.models.anatomy import beside_of
from scrub.models.attending import PORTS, attended, number_of
from scrub.models.base import Batch, Call, Whole
from scrub.models.batches import Lazy
from scrub.models.circumstances import Circumstances
from scrub.models.families.base import Attention, Heads, Run
from scrub.models.linear import bias_of, columns, gather_each, weight_of
from scrub.models.pieces import Found, Piece, Tensor, narrow, watch_input
from scrub.models.spots import Spot, Watch
from scrub.models.together import together

Turn = Callable[[Sequence[Call], Circumstances], list[Tensor]]
MOST_ELEMENTS = {"cpu": 2**24, "cuda": 2**28}  # of one module call, in queries, keys and values


class HeadsPiece(Piece):
    """The heads of one attention."""

    @cached_property
    def attention(self) -> Attention:
        sublayer = self.organ.step.sublayer
        assert isinstance(sublayer, Attention)
        return sublayer

    @cached_property
    def heads(self) -> Heads:
        return self.organ.step.shape.heads

    @property
    def out(self) -> nn.Module:
        assert self.organ.out is not None  # every attention has one
        return self.organ.out.module

    @cached_property
    def memory_width(self) -> int:
        """The width of the memory that a cross-attention reads."""
        (path, *_) = self.attention.projections["k"]
        return weight_of((self.organ.projections or {})[path]).shape[1]

    def watch(self, watch: Watch, site: Site, found: Found) -> None:
        assert self.organ.out is not None
        if site.kind is Kind.OUTPUT:
            start, stop = self.z(site.name)
            # a copy: a view would keep the z of all heads alive for the sake of one
            watch_input(
                watch, self.organ.out, site, found, lambda z: z[..., start:stop].contiguous()
            )
        elif site.kind is Kind.PROJECTED:
            self._watch_projection(watch, site, found)
        elif site.name == self.organ.step.memory:
            watch.before(self.organ.whole[0], self._memory_listener(site, found))
        else:
            watch_input(watch, self.organ.before or self.organ.whole[0], site, found)

    def _watch_projection(self, watch: Watch, site: Site, found: Found) -> None:
        """A head's slice of what its projection gives when it is first applied: a re-run puts its
        own in the place of the same."""
        module, start, width = self.slice_of(site.name, site.port)

        def keep(output: Tensor) -> None:
            found[site] = output[..., start : start + width].clone()  # some are clamped in place

        watch.after(Spot(module, self.organ.whole[0].turn), keep)

    def slice_of(self, component: str, port: str) -> tuple[nn.Module, int, int]:
        """Where a head's slice at a port lies: its projection, where it starts, and its width."""
        (path,) = self.attention.projections[port]
        start = self.attention.layout(port, number_of(component), self.heads)
        return (self.organ.projections or {})[path], start, self.heads.wide(port)

    def _memory_listener(self, site: Site, found: Found) -> Any:
        def keep(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            name = next((name for name in self.attention.memory if name in kwargs), None)
            found[site] = kwargs[name] if name else args[1]

        return keep

    def output(self, part: Part, stored: Tensor) -> Tensor:
        weight = columns(self.out, *self.z(part.component))
        return self.scaled(nn.functional.linear(stored, weight))

    def map(self, part: Part) -> Tensor | None:
        return self.columns(*self.z(part.component))

    def constant(self) -> Tensor | None:
        own, beside = bias_of(self.out), beside_of(self.organ)
        if own is None or beside is None:
            own = beside if own is None else own
            return None if own is None else self.scaled(own)
        return self.scaled(own + beside)

    def run(self, calls: Sequence[Call]) -> list[Tensor]:
        """Heads in as few module calls as their frames allow, then each one's share."""
        return self._turns(calls, self._shares)

    def stored(self, calls: Sequence[Call]) -> list[Tensor]:
        """The same, but each one's z: what the output projection is applied to."""
        return self._turns(calls, self._zs)

    def _turns(self, calls: Sequence[Call], made: Turn) -> list[Tensor]:
        alike: dict[object, list[int]] = {}
        for i, call in enumerate(calls):
            alike.setdefault(self._likeness(call), []).append(i)
        results: dict[int, Tensor] = {}
        for members in alike.values():
            some = [calls[i] for i in members]
            seen = self._seen(some[0])
            found = [value for batch in self._batches(some) for value in made(batch, seen)]
            results |= zip(members, found, strict=True)
        return [results[i] for i in range(len(calls))]

    def whole(self, ports: Mapping[str, Tensor], frame: Batch) -> Whole:
        """All heads by one call of the module, where its ports are those of a forward pass."""
        names = [component.name for component in self.organ.step.components]
        constant = self.constant()
        shared = PORTS[1:] if self.organ.memory_space else PORTS
        if len({id(ports[port]) for port in shared}) > 1:
            calls = [Call(Part(name), ports, frame) for name in names]
            shares = dict(zip(names, self.run(calls), strict=True))
            total = torch.stack(list(shares.values())).sum(dim=0)
            return Whole(total if constant is None else total + constant, shares, constant)
        call = Call(Part(names[0]), ports, frame)
        z = attended(self, call, self._seen(call))  # [row, length, heads * width of z]

        def share(name: str) -> Tensor:
            start, stop = self.z(name)
            return self.output(Part(name), z[..., start:stop])

        out, beside = self.out, beside_of(self.organ)
        gross = nn.functional.linear(z, weight_of(out), bias_of(out))
        gross = self.scaled(gross if beside is None else gross + beside)
        return Whole(gross, Lazy(names, share), constant)

    def z(self, component: str) -> tuple[int, int]:
        """Where a head's z lies in the input of the output projection."""
        head = number_of(component)
        return head * self.heads.z, (head + 1) * self.heads.z

    def _likeness(self, call: Call) -> object:
        """Calls that share their circumstances can share a call of the module."""
        shape = (call.seen("k").shape[:2], self.length(call), self.few(call))
        masked = [call.frame.lengths[s] for s in self.surroundings.masked if s in self._spaces]
        return shape, tuple(tuple(lengths.tolist()) for lengths in masked)

    def few(self, call: Call) -> int:
        """How many queries a call reads, where they are run by themselves; 0 where all are."""
        if call.at is None:
            return 0
        some, length = call.at.shape[1], self.length(call)
        return some if queries_run(some, length) < length else 0

    def read(self, calls: Sequence[Call]) -> Tensor | None:
        """The queries that calls which read equally many read, [row, call, n]; None for all."""
        if not self.few(calls[0]):
            return None
        return torch.stack([call.at for call in calls if call.at is not None], dim=1)

    @property
    def _spaces(self) -> tuple[str, ...]:
        step = self.organ.step
        return (step.stack.space, self.organ.memory_space or step.stack.space)

    def length(self, call: Call) -> int:
        """The padded length of the queries' own space."""
        if not self.organ.memory_space:
            return call.seen("k").shape[1]
        if call.at is None or "q" in call.given:  # what was recorded has all positions
            return call.seen("q").shape[1]
        field = call.frame.fields.get(self.organ.step.stack.space)
        return int(call.at.max()) + 1 if field is None else field.shape[1]

    def _seen(self, call: Call) -> Circumstances:
        own, other = self._spaces
        padded = {other: call.seen("k").shape[1], own: self.length(call)}
        return self.surroundings.of(self.organ.step.group, padded, call.frame)

    def normed_at(self, port: str, value: Tensor) -> Tensor:
        """What a projection is applied to; a memory is read as it is."""
        value = value.to(weight_of(self.out).dtype)
        return value if self.organ.memory_space and port != "q" else self.before(value)

    def _zs(self, calls: Sequence[Call], seen: Circumstances) -> list[Tensor]:
        """Each call's z at its positions, [row, n, width of z]."""
        if self.attention.run is not Run.ALONE:
            return [together(self, call, seen) for call in calls]
        return list(_narrowed(alone(self, calls, seen), calls))

    def _shares(self, calls: Sequence[Call], seen: Circumstances) -> list[Tensor]:
        """Each call's share at its positions, [row, n, width]."""
        if self.attention.run is Run.ALONE and all(call.at is None for call in calls):
            return self._outputs(calls, alone(self, calls, seen))
        zs = self._zs(calls, seen)
        return [self.output(call.part, z) for call, z in zip(calls, zs, strict=True)]

    def _outputs(self, calls: Sequence[Call], z: Tensor) -> list[Tensor]:
        """Each call's share, of its z [row, length, call, width of z], in one product for all."""
        starts = [self.z(call.part.component)[0] for call in calls]
        shares = gather_each(self.out, z.flatten(0, 1), starts)  # [call, row · position, width]
        return list(self.scaled(shares.view(len(calls), *z.shape[:2], -1)).unbind())

    def _batches(self, calls: Sequence[Call]) -> Iterator[Sequence[Call]]:
        """Calls in turns that fit the memory: per call, its queries, keys, values, z and scores."""
        rows, length, _ = calls[0].seen("k").shape
        each = rows * length * (2 * self.heads.width + 2 * self.heads.z + length)
        most = MOST_ELEMENTS.get(calls[0].seen("k").device.type, 2**24)
        size = max(1, most // each)
        for start in range(0, len(calls), size):
            yield calls[start : start + size]


def _narrowed(z: Tensor, calls: Sequence[Call]) -> Sequence[Tensor]:
    """The positions that each call asks for, of [row, length, call, width of z]; together where all
    ask for equally many."""
    at = [call.at for call in calls if call.at is not None]
    if len(at) < len(calls) or len({one.shape for one in at}) > 1:
        return [narrow(z[:, :, i], call) for i, call in enumerate(calls)]
    where = torch.stack(at, dim=2)[..., None].expand(-1, -1, -1, z.shape[3])  # [row, n, call, …]
    return z.gather(1, where).unbind(2)
