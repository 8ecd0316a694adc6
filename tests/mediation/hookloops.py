"""What a person would write by hand: whole forward passes of a transformers module, with hooks.

Nothing of scrub is used. It is the oracle that mediation is held to.

    loop = Loop.of("llama")                      # "gpt2", "llama" (grouped queries) or "bert"
    plain = loop.run(tokens)                     # {"logits": …, "resid.1": …, "a0.h1": …, "m0": …}
    other = loop.run(tokens, [Change("a1.h0<q>", value, at)], lengths)

`tokens` [row, position]; `lengths` [row] where rows are right-padded; `at` [row, n] positions, all
if None. A value takes what stands at the place, [row, n, width], and gives what is to stand there;
a tensor stands for itself. Places, as scrub writes them, and two that it has no name for:

    embed, a0.h1, m0             what a component adds to the stream, without its bias
    an0, mn0                     the norms of a post-norm block (bert)
    m0.n3-9                      the share of these neurons (read it with `loop.neurons`)
    a1.h0<q>, m1<in>, an0<in>    what one component alone reads
    resid.1, mid.1, final        the residual state before attention, before the MLP, at the end
    an0.in, mn0.in               the sums that the norms read (bert)
    a0.h1:z, m0:act              a head's mixed values, an MLP's activations

A pass applies changes where its code comes to the place; those of one place in their order.
A head's own input, k or v of a shared key-value head included, takes a pass of its own: there the
projection is made to read the other input, and the head's z is carried into the pass that counts.
Gradients flow to any value that asks for them; the weights ask for none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from tests.mediation.shapes import FACTS, SHAPES, module

__all__ = ["SHAPES", "Change", "Loop", "module"]

Tensor = torch.Tensor


@dataclass(frozen=True, eq=False)
class Change:
    place: str
    value: Callable[[Tensor], Tensor] | Tensor
    at: Tensor | None = None  # [row, n]


class Loop:
    """A module of a known shape; `layers`, `heads` and `names` say what it has."""

    def __init__(self, shape: str, held: nn.Module) -> None:
        self.shape, self.module, self.facts = shape, held, FACTS[shape]
        config: Any = held.config
        self.heads: int = config.num_attention_heads
        self.kv_heads: int = getattr(config, "num_key_value_heads", self.heads)
        self.blocks = list(held.get_submodule(self.facts.blocks).children())
        self.layers = len(self.blocks)
        self.width: int = config.hidden_size
        self.d_head: int = getattr(config, "head_dim", None) or self.width // self.heads

    @staticmethod
    def of(shape: str, seed: int = 0, dtype: torch.dtype = torch.float32) -> Loop:
        return Loop(shape, module(shape, seed, dtype))

    @property
    def names(self) -> list[str]:
        """Every component but the output, in order."""
        found = ["embed"]
        for i in range(self.layers):
            found += [f"a{i}.h{h}" for h in range(self.heads)]
            found += [f"an{i}", f"m{i}", f"mn{i}"] if self.facts.after_mlp else [f"m{i}"]
        return found

    def run(
        self, tokens: Tensor, changes: Sequence[Change] = (), lengths: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Everything that one pass under these changes holds, by name, [row, position, width]."""
        mixed: dict[str, Tensor] = {}  # z of heads that read something else, found layer by layer
        readers = sorted({c.place[:-3] for c in changes if re.fullmatch(r"a.*<[qkv]>", c.place)})
        for head in readers:
            mixed[head] = self._pass(tokens, lengths, changes, mixed, head)[f"{head}:z"]
        return self._pass(tokens, lengths, changes, mixed, "")

    def logits(
        self, tokens: Tensor, changes: Sequence[Change] = (), lengths: Tensor | None = None
    ) -> Tensor:
        return self.run(tokens, changes, lengths)["logits"]

    def neurons(self, seen: dict[str, Tensor], layer: int, first: int, last: int) -> Tensor:
        """What some neurons add, in a pass: `m0.n3-9` is `neurons(seen, 0, 3, 9)`."""
        weight = _weight(self.within(layer, self.facts.down))  # [width, neuron]
        return torch.matmul(
            seen[f"m{layer}:act"][..., first : last + 1], weight[:, first : last + 1].T
        )

    def _pass(
        self,
        tokens: Tensor,
        lengths: Tensor | None,
        changes: Sequence[Change],
        mixed: dict[str, Tensor],
        reader: str,
    ) -> dict[str, Tensor]:
        """One forward pass; `reader` is the head whose projections read its changed inputs."""
        seen: dict[str, Tensor] = {}
        one = _Pass(self, changes, mixed, reader, seen)
        given: dict[str, Tensor] = {}
        if lengths is not None:
            given["attention_mask"] = (torch.arange(tokens.shape[1]) < lengths[:, None]).long()
        with _hooked(one.hooks()):
            seen["logits"] = self.module(tokens, **given).logits
        return seen

    def within(self, layer: int, path: str) -> nn.Module:
        return self.blocks[layer].get_submodule(path)


Hook = tuple[nn.Module, str, Callable[..., Any]]


@dataclass(eq=False)
class _Pass:
    loop: Loop
    changes: Sequence[Change]
    mixed: dict[str, Tensor]
    reader: str
    seen: dict[str, Tensor]

    def hooks(self) -> Iterator[Hook]:
        loop, facts = self.loop, self.loop.facts
        for i, block in enumerate(loop.blocks):
            yield block, "before", self.stream(*["embed"] * (i == 0), f"resid.{i}")
            if self.reader.startswith(f"a{i}."):
                yield from self.projections(i)
            yield loop.within(i, facts.out), "before", self.mixing(i)
            yield loop.within(i, facts.out), "after", self.heads(i)
            if facts.attention:
                yield loop.within(i, facts.attention), "after", self.between(i)
            else:
                yield from self.norm(loop.within(i, facts.after_attention), f"an{i}", f"mid.{i}")
            yield loop.within(i, facts.mlp), "before", self.stream(f"m{i}<in>")
            yield loop.within(i, facts.down), "before", self.stream(f"m{i}:act")
            yield loop.within(i, facts.down), "after", self.mlp(i)
            if facts.after_mlp:
                yield from self.norm(loop.within(i, facts.after_mlp), f"mn{i}")
        yield loop.module.get_submodule(facts.final), "before", self.stream("final")

    def changed(self, place: str, value: Tensor) -> Tensor:
        """A value under the changes of its place; what comes of it is seen."""
        for change in self.changes:
            if change.place == place:
                value = _put(value, change)
        self.seen[place] = value
        return value

    def stream(self, *places: str) -> Callable[..., Any]:
        def hook(_: nn.Module, value: Tensor) -> Tensor:
            for place in places:
                value = self.changed(place, value)
            return value

        return hook

    def norm(self, module: nn.Module, name: str, *states: str) -> Iterator[Hook]:
        yield module, "before", self.stream(f"{name}.in", f"{name}<in>")
        after = self.stream(name, *states)
        yield module, "after", lambda m, _, output: after(m, output)

    def mixing(self, layer: int) -> Callable[..., Any]:
        """Each head's z [row, position, d_head], in the input of the output projection."""

        def hook(_: nn.Module, z: Tensor) -> Tensor:
            own = list(torch.split(z, self.loop.d_head, dim=-1))
            for h in range(self.loop.heads):
                name = f"a{layer}.h{h}"
                own[h] = self.changed(f"{name}:z", self.mixed.get(name, own[h]))
            return torch.cat(own, dim=-1)

        return hook

    def heads(self, layer: int) -> Callable[..., Any]:
        def hook(module: nn.Module, z: Tensor, output: Tensor) -> Tensor:
            weights = torch.split(_weight(module), self.loop.d_head, dim=1)  # [width, d_head] each
            for h, weight in enumerate(weights):
                name = f"a{layer}.h{h}"
                share = self.seen[f"{name}:z"] @ weight.T
                output = output + (self.changed(name, share) - share)
            return output

        return hook

    def between(self, layer: int) -> Callable[..., Any]:
        """The state after attention: what is added to the stream is changed so that it holds."""

        def hook(_: nn.Module, __: Any, output: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            before = self.seen[f"resid.{layer}"]
            after = self.changed(f"mid.{layer}", before + output[0])
            return (after - before, *output[1:])

        return hook

    def mlp(self, layer: int) -> Callable[..., Any]:
        def hook(module: nn.Module, _: Tensor, output: Tensor) -> Tensor:
            assert isinstance(module.bias, Tensor | None)
            bias = torch.zeros(()) if module.bias is None else module.bias
            share = output - bias
            for change in self.changes:
                if found := re.fullmatch(rf"m{layer}\.n(\d+)(?:-(\d+))?", change.place):
                    some = int(found[1]), int(found[2] or found[1])
                    own = self.seen.get(change.place)
                    own = self.loop.neurons(self.seen, layer, *some) if own is None else own
                    self.seen[change.place] = _put(own, change)
                    share = share + (self.seen[change.place] - own)
            return self.changed(f"m{layer}", share) + bias

        return hook

    def projections(self, layer: int) -> Iterator[Hook]:
        """The reader's queries, keys and values, of its changed inputs."""
        loop, facts = self.loop, self.loop.facts
        for port, path in zip("qkv", facts.projections, strict=True):
            if any(change.place == f"{self.reader}<{port}>" for change in self.changes):
                yield loop.within(layer, path), "after", self.projection(layer, port)

    def projection(self, layer: int, port: str) -> Callable[..., Any]:
        loop, head = self.loop, int(self.reader.rpartition(".h")[2])
        slot = head if port == "q" else head * loop.kv_heads // loop.heads
        fused = len(set(loop.facts.projections)) == 1
        start = slot * loop.d_head + ("qkv".index(port) * loop.width if fused else 0)

        def hook(module: nn.Module, _: Tensor, output: Tensor) -> Tensor:
            value = self.changed(f"{self.reader}<{port}>", self.seen[f"resid.{layer}"])
            if loop.facts.norm:
                value = loop.within(layer, loop.facts.norm).forward(value)  # past its hooks
            own = torch.arange(output.shape[-1])
            mine = (own >= start) & (own < start + loop.d_head)
            return torch.where(mine, module.forward(value), output)

        return hook


def _put(own: Tensor, change: Change) -> Tensor:
    """A change at its positions of a value [row, position, width]."""
    rows = torch.arange(len(own))[:, None]
    there = own if change.at is None else own[rows, change.at]
    new = change.value if isinstance(change.value, Tensor) else change.value(there)
    if change.at is None:
        return new
    own = own.clone()
    own[rows, change.at] = new
    return own


def _weight(linear: nn.Module) -> Tensor:
    """[output, input]; GPT-2's is the other way round."""
    weight = linear.weight
    assert isinstance(weight, Tensor)
    return weight if isinstance(linear, nn.Linear) else weight.T


@contextmanager
def _hooked(hooks: Iterator[Hook]) -> Iterator[None]:
    handles = []
    for held, when, act in hooks:
        if when == "before":

            def before(m: nn.Module, args: Any, kwargs: Any, act: Any = act) -> Any:
                if args:
                    return (act(m, args[0]), *args[1:]), kwargs
                return args, {**kwargs, "hidden_states": act(m, kwargs["hidden_states"])}

            handles.append(held.register_forward_pre_hook(before, with_kwargs=True))
        else:

            def after(m: nn.Module, args: Any, output: Any, act: Any = act) -> Any:
                return act(m, args[0] if args else None, output)

            handles.append(held.register_forward_hook(after))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
