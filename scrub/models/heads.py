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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from scrub.graph import Kind, Part, Site
from scrub.models.anatomy import Organ, beside_of
from scrub.models.base import Call
from scrub.models.circumstances import Circumstances
from scrub.models.families.base import Attention, Heads, Run
from scrub.models.linear import bias_of, columns, project, weight_of
from scrub.models.pieces import Found, Piece, Tensor, narrow, watch_input
from scrub.models.spots import Watch
from scrub.models.substitute import Bound, Catch, Caught, parametrised, replaced
from scrub.models.traced import traced

PORTS = ("q", "k", "v")
MOST_ELEMENTS = {"cpu": 2**24, "cuda": 2**28}  # of one module call, in queries, keys and values

# What an attention module calls its number of heads, of shared heads, how many queries share
# one, and the width of all heads. An attribute is set where it holds the model's own number.
COUNTS = (
    "num_heads", "num_attention_heads", "num_query_heads", "n_heads", "n_head", "nhead",
    "heads", "num_key_value_heads", "n_kv_heads", "num_kv_heads",
)  # fmt: skip
GROUPS = ("num_key_value_groups", "num_queries_per_kv", "n_rep")
WIDTHS = (
    "embed_dim", "all_head_size", "split_size", "hidden_size", "inner_dim", "q_size", "kv_size",
    "kv_dim", "key_value_dim", "dim", "d_model", "query_dim",
)  # fmt: skip


class HeadsPiece(Piece):
    """The heads of one attention."""

    @property
    def attention(self) -> Attention:
        sublayer = self.organ.step.sublayer
        assert isinstance(sublayer, Attention)
        return sublayer

    @property
    def heads(self) -> Heads:
        return self.organ.step.shape.heads

    @property
    def out(self) -> nn.Module:
        assert self.organ.out is not None  # every attention has one
        return self.organ.out.module

    def watch(self, watch: Watch, site: Site, found: Found) -> None:
        assert self.organ.out is not None
        if site.kind is Kind.OUTPUT:
            start, stop = self._z(site.name)
            # a copy: a view would keep the z of all heads alive for the sake of one
            watch_input(
                watch, self.organ.out, site, found, lambda z: z[..., start:stop].contiguous()
            )
        elif site.name == self.organ.step.memory:
            watch.before(self.organ.whole[0], _memory_listener(site, found, self.attention.memory))
        else:
            watch_input(watch, self.organ.before or self.organ.whole[0], site, found)

    def output(self, part: Part, stored: Tensor) -> Tensor:
        weight = columns(self.out, *self._z(part.component))
        return self.scaled(nn.functional.linear(stored, weight))

    def constant(self) -> Tensor | None:
        own, beside = bias_of(self.out), beside_of(self.organ)
        if own is None or beside is None:
            own = beside if own is None else own
            return None if own is None else self.scaled(own)
        return self.scaled(own + beside)

    def run(self, calls: Sequence[Call]) -> list[Tensor]:
        """Heads in as few module calls as their frames allow, then each one's share."""
        alike: dict[object, list[int]] = {}
        for i, call in enumerate(calls):
            alike.setdefault(self._likeness(call), []).append(i)
        results: dict[int, Tensor] = {}
        for members in alike.values():
            batch = [calls[i] for i in members]
            results |= zip(members, self._zs(batch, self._seen(batch[0])), strict=True)
        return [self.output(call.part, results[i]) for i, call in enumerate(calls)]

    def _z(self, component: str) -> tuple[int, int]:
        """Where a head's z lies in the input of the output projection."""
        head = number_of(component)
        return head * self.heads.z, (head + 1) * self.heads.z

    def _likeness(self, call: Call) -> object:
        """Calls that share their circumstances can share a call of the module."""
        shape = (call.ports["k"].shape, self._length(call))
        masked = [call.frame.lengths[s] for s in self.surroundings.masked if s in self._spaces]
        return shape, tuple(tuple(lengths.tolist()) for lengths in masked)

    @property
    def _spaces(self) -> tuple[str, ...]:
        step = self.organ.step
        return (step.stack.space, self.organ.memory_space or step.stack.space)

    def _length(self, call: Call) -> int:
        """The padded length of the queries' own space."""
        if not self.organ.memory_space:
            return call.ports["k"].shape[1]
        if call.at is None:
            return call.ports["q"].shape[1]
        field = call.frame.fields.get(self.organ.step.stack.space)
        return int(call.at.max()) + 1 if field is None else field.shape[1]

    def _seen(self, call: Call) -> Circumstances:
        own, other = self._spaces
        padded = {other: call.ports["k"].shape[1], own: self._length(call)}
        return self.surroundings.of(self.organ.step.group, padded, call.frame)

    def _zs(self, calls: Sequence[Call], seen: Circumstances) -> list[Tensor]:
        """Each call's z at its positions, [row, n, width of z]."""
        results: list[Tensor] = []
        for batch in self._batches(calls):
            if self.attention.run is not Run.ALONE:
                results += [self._together(call, seen) for call in batch]
                continue
            z = self._alone(batch, seen)  # [row, length, call, width of z]
            results += [narrow(z[:, :, i], call) for i, call in enumerate(batch)]
        return results

    def _batches(self, calls: Sequence[Call]) -> Iterator[Sequence[Call]]:
        """Calls in turns that fit the memory: per call, its queries, keys, values, z and scores."""
        rows, length, _ = calls[0].ports["k"].shape
        each = rows * length * (2 * self.heads.width + 2 * self.heads.z + length)
        most = MOST_ELEMENTS.get(calls[0].ports["k"].device.type, 2**24)
        size = max(1, most // each)
        for start in range(0, len(calls), size):
            yield calls[start : start + size]

    def _together(self, call: Call, seen: Circumstances) -> Tensor:
        """All heads on one call's ports, of which its own is taken."""
        normed: dict[int, Tensor] = {}
        for port in PORTS:
            value = call.ports[port]
            if id(value) not in normed:
                normed[id(value)] = self._normed(port, value)
        outputs: dict[str, Tensor] = {}
        for port in PORTS:
            for path, value in self._projected(port, normed[id(call.ports[port])], call, seen):
                outputs[path] = self._merged(outputs.get(path), value, port)
        modules = self.organ.projections or {}
        parts: dict[str, nn.Module] = {p: Bound(v, modules[p]) for p, v in outputs.items()}
        everyone = range(self.heads.queries)
        z = self._attend(self.organ.whole[0].module, everyone, parts, call, seen)
        start, stop = self._z(call.part.component)
        return narrow(z[..., start:stop], call)

    def _projected(
        self, port: str, normed: Tensor, call: Call, seen: Circumstances
    ) -> Iterator[tuple[str, Tensor]]:
        """What a port's projections make of its input, at all positions."""
        modules = {p: (self.organ.projections or {})[p] for p in self.attention.projections[port]}
        if self.attention.run is Run.TRACED:
            whole = self._spread(normed, call) if port == "q" else normed
            yield from traced(self.organ.whole[0].module, modules, whole, seen).items()
            return
        for path, module in modules.items():
            value = module(normed)
            yield path, self._spread(value, call) if port == "q" else value

    def _normed(self, port: str, value: Tensor) -> Tensor:
        """What a projection is applied to; a memory is read as it is."""
        value = value.to(weight_of(self.out).dtype)
        return value if self.organ.memory_space and port != "q" else self.before(value)

    def _spread(self, value: Tensor, call: Call) -> Tensor:
        """Values at some positions of a whole sequence; what no one reads stays zero."""
        if call.at is None:
            return value
        whole = value.new_zeros(len(value), self._length(call), value.shape[2])
        whole[torch.arange(len(value), device=value.device)[:, None], call.at] = value
        return whole

    def _merged(self, so_far: Tensor | None, value: Tensor, port: str) -> Tensor:
        """A fused projection's output: each port's slices from the port's own input."""
        if so_far is None:
            return value
        merged = so_far.clone()
        for head in range(self.heads.queries):
            start = self.attention.layout(port, head, self.heads)
            stop = start + self.heads.wide(port)
            merged[..., start:stop] = value[..., start:stop]
        return merged

    def _alone(self, calls: Sequence[Call], seen: Circumstances) -> Tensor:
        """The module's own attention over as many virtual heads as there are calls."""
        slices = self._project(calls)
        virtual = Heads(len(calls), len(calls), self.heads.width, self.heads.values)
        ends: dict[str, int] = {}
        for port, (path,) in self.attention.projections.items():
            end = self.attention.layout(port, len(calls) - 1, virtual) + virtual.wide(port)
            ends[path] = max(end, ends.get(path, 0))
        like = next(iter(slices.values()))
        length, keys = self._length(calls[0]), calls[0].ports["k"].shape[1]
        lengths = {p: length if "q" in _ports(self.attention, p) else keys for p in ends}
        outputs = {p: like.new_zeros(len(like), lengths[p], end) for p, end in ends.items()}
        for i, call in enumerate(calls):
            for port, (path,) in self.attention.projections.items():
                start = self.attention.layout(port, i, virtual)
                into = outputs[path][..., start : start + virtual.wide(port)]
                _put(into, slices[self._slice(call, port)], call.at if port == "q" else None)
        parts: dict[str, nn.Module] = {path: Bound(value) for path, value in outputs.items()}
        numbers = [number_of(call.part.component) for call in calls]
        module = _told(self.organ, numbers)
        z = self._attend(module, numbers, parts, calls[0], seen)  # [row, length, call * width of z]
        return z.reshape(len(z), length, len(calls), self.heads.z)

    def _slice(self, call: Call, port: str) -> _Slice:
        start = self.attention.layout(port, number_of(call.part.component), self.heads)
        (path,) = self.attention.projections[port]
        return _Slice(id(call.ports[port]), path, start, self.heads.wide(port))

    def _project(self, calls: Sequence[Call]) -> Mapping[_Slice, Tensor]:
        """Every wanted slice, one norm per distinct input and one product per input and module."""
        inputs = {
            id(call.ports[port]): (port, call.ports[port]) for call in calls for port in PORTS
        }
        wanted: dict[tuple[int, str, int], set[int]] = {}
        for call in calls:
            for port in PORTS:
                one = self._slice(call, port)
                wanted.setdefault((one.tensor, one.path, one.width), set()).add(one.start)
        normed_id, normed = 0, torch.empty(0)
        found: dict[_Slice, Tensor] = {}
        for tensor, path, width in sorted(wanted):  # by input: one normed one is alive at a time
            if tensor != normed_id:
                normed_id, normed = tensor, self._normed(*inputs[tensor])
            starts = sorted(wanted[tensor, path, width])
            values = project((self.organ.projections or {})[path], normed, starts, width)
            found |= {
                _Slice(tensor, path, s, width): v for s, v in zip(starts, values, strict=True)
            }
        return found

    def _attend(
        self,
        module: nn.Module,
        heads: Sequence[int],
        parts: dict[str, nn.Module],
        call: Call,
        seen: Circumstances,
    ) -> Tensor:
        """What arrives at the output projection, [row, length, heads * width of z]."""
        if self.organ.within:
            parts = parts | {self.organ.within: Catch()}
        copy = replaced(module, parts)
        rows, keys, width = call.ports["k"].shape
        like = call.ports["q"].to(weight_of(self.out).dtype)
        hidden = like.new_zeros(()).expand(rows, self._length(call), like.shape[2])  # its shape
        seen = seen.fitted(self.attention.handed, heads, rows)
        for name in self.attention.memory:
            if name in seen.kwargs:
                memory = like.new_zeros(()).expand(rows, keys, width)
                seen = Circumstances(seen.args, {**seen.kwargs, name: memory})
        try:
            z = seen.call(copy, hidden)
        except Caught as caught:
            z = caught.value
        z = z[0] if isinstance(z, tuple) else z
        return z.reshape(rows, self._length(call), -1)


@dataclass(frozen=True, order=True)
class _Slice:
    """A head's queries, keys or values, computed from one input."""

    tensor: int  # the input's id: ports that are the same tensor are normed and projected once
    path: str
    start: int
    width: int


def number_of(component: str) -> int:
    """The number of a head, from its name.

    >>> number_of("a9.h6")
    6
    """
    return int(component.rpartition(".h")[2])


def _ports(attention: Attention, path: str) -> str:
    return "".join(port for port, paths in attention.projections.items() if path in paths)


def _put(into: Tensor, value: Tensor, at: Tensor | None) -> None:
    """Values at some positions of a whole sequence; what no one reads stays zero."""
    if at is None:
        into.copy_(value)
    else:
        into[torch.arange(len(at), device=at.device)[:, None], at] = value


def _told(organ: Organ, heads: Sequence[int]) -> nn.Module:
    """A copy told how many heads it has, each with keys and values of its own, and which."""
    own, attention = organ.step.shape.heads, organ.step.sublayer
    assert isinstance(attention, Attention)
    n = len(heads)
    counts = {own.queries: n, own.shared: n}
    widths = {count * size: n * size for count in counts for size in (own.width, own.z)}
    groups = {own.queries // own.shared: 1}
    copy = parametrised(organ.whole[0].module, dict.fromkeys(attention.per_head, heads))
    for names, told in ((COUNTS, counts), (GROUPS, groups), (WIDTHS, widths)):
        for name in names:
            value = copy.__dict__.get(name)
            if isinstance(value, int) and value in told:
                copy.__dict__[name] = told[value]
    copy.__dict__.update(attention.told)
    return copy


def _memory_listener(site: Site, found: Found, names: Sequence[str]) -> Any:
    def keep(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        name = next((name for name in names if name in kwargs), None)
        found[site] = kwargs[name] if name else args[1]

    return keep
