"""Every operation as plain hooks on the stock model: the referee that all rivals are held against.

Slow where it must be, and written to be read: a port's input is summed writer by writer, and the
model's own modules compute what follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch

from benchmarks.rivals.case import (
    HEAD,
    HEADS,
    LAYERS,
    PORTS,
    WIDTH,
    Case,
    columns,
    edges,
    place,
    readers,
)

Writers = Mapping[str, torch.Tensor]  # what each component adds to the stream, [batch, pos, width]


@contextmanager
def attached() -> Iterator[list[Any]]:
    """Handles of hooks, which are removed in the end, come what may."""
    handles: list[Any] = []
    try:
        yield handles
    finally:
        for handle in handles:
            handle.remove()


def metric_of(case: Case, tokens: torch.Tensor) -> torch.Tensor:
    """The metric [batch] of a pass over tokens [batch, pos], under the hooks that are there."""
    return case.metric(case.module(tokens, use_cache=False).logits)


@torch.no_grad()
def record_z(case: Case, tokens: torch.Tensor) -> list[torch.Tensor]:
    """Every layer's z, all heads side by side, [batch, pos, width]."""
    found: list[torch.Tensor] = []
    with attached() as handles:
        for block in case.module.transformer.h:
            keep = block.attn.c_proj.register_forward_pre_hook
            handles.append(keep(lambda module, args: found.append(args[0])))
        case.module(tokens, use_cache=False)
    return found


@torch.no_grad()
def patch_heads(case: Case, z: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """The metric [batch] of the clean run in which these heads' z [batch, pos, head] are given."""

    def put(layer: int, module: Any, args: Any) -> Any:
        changed = args[0].clone()
        for head, value in z.items():
            if place(head)[0] == layer:
                changed[..., columns(place(head)[1])] = value
        return (changed,)

    with attached() as handles:
        for layer in {place(head)[0] for head in z}:
            attention = case.module.transformer.h[layer].attn
            handles.append(attention.c_proj.register_forward_pre_hook(partial(put, layer)))
        return metric_of(case, case.clean)


@torch.no_grad()
def patch_edge(case: Case, edge: str, change: torch.Tensor) -> torch.Tensor:
    """The metric [batch] where a head's `q` reads the stream plus a change [batch, pos, width]."""
    layer, head = place(edge.split("->")[1].removesuffix("<q>"))
    block = case.module.transformer.h[layer]
    seen: list[torch.Tensor] = []

    def put(module: Any, args: Any, output: torch.Tensor) -> torch.Tensor:
        normed = block.ln_1(seen[-1] + change)
        changed = output.clone()
        here = columns(head)  # q comes first among q, k and v
        changed[..., here] = normed @ module.weight[:, here] + module.bias[here]
        return changed

    with attached() as handles:
        handles.append(block.register_forward_pre_hook(lambda m, args: seen.append(args[0])))
        handles.append(block.attn.c_attn.register_forward_hook(put))
        return metric_of(case, case.clean)


def written(case: Case, head: str, z: Sequence[torch.Tensor]) -> torch.Tensor:
    """What a head adds to the stream, [batch, pos, width], of all layers' z."""
    layer, number = place(head)
    here = columns(number)
    weight: torch.Tensor = case.module.transformer.h[layer].attn.c_proj.weight
    return z[layer][..., here] @ weight[here]


@dataclass
class Assembled:
    """A pass in which every port's input is the sum of the values that are meant for it.

    `carried` says which value an edge carries, given its writer's value in this pass; `nudges` are
    added to the ports' inputs: zeros, of which a gradient can be asked; `embed` replaces the
    embedding. `values` holds what every component wrote.
    """

    case: Case
    carried: Callable[[str, str, torch.Tensor], torch.Tensor] = lambda writer, reader, own: own
    nudges: Writers = field(default_factory=dict)
    embed: torch.Tensor | None = None
    values: dict[str, torch.Tensor] = field(default_factory=dict)

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        """The metric [batch]."""
        trunk = self.case.module.transformer
        with attached() as handles:
            handles.append(trunk.h[0].register_forward_pre_hook(self._embed))
            for layer, block in enumerate(trunk.h):
                attention, mlp = block.attn, block.mlp
                handles += [
                    attention.c_attn.register_forward_hook(partial(self._ports, layer)),
                    attention.c_proj.register_forward_pre_hook(partial(self._heads, layer)),
                    mlp.register_forward_pre_hook(partial(self._mlp_input, layer)),
                    mlp.register_forward_hook(partial(self._mlp, layer)),
                ]
            handles.append(trunk.ln_f.register_forward_pre_hook(lambda m, a: self._read("logits")))
            return metric_of(self.case, tokens)

    def _embed(self, module: Any, args: Any) -> None:
        self.values["embed"] = args[0] if self.embed is None else self.embed

    def _ports(self, layer: int, module: Any, args: Any, output: Any) -> torch.Tensor:
        norm = self.case.module.transformer.h[layer].ln_1
        pieces = []
        for number, port in enumerate(PORTS):
            for head in range(HEADS):
                start = number * WIDTH + columns(head).start
                here = slice(start, start + HEAD)
                normed = norm(self._read(f"a{layer}.h{head}<{port}>"))
                pieces.append(normed @ module.weight[:, here] + module.bias[here])
        return torch.cat(pieces, -1)

    def _heads(self, layer: int, module: Any, args: Any) -> None:
        for head in range(HEADS):
            here = columns(head)
            self.values[f"a{layer}.h{head}"] = args[0][..., here] @ module.weight[here]

    def _mlp_input(self, layer: int, module: Any, args: Any) -> Any:
        return (self.case.module.transformer.h[layer].ln_2(self._read(f"m{layer}")),)

    def _mlp(self, layer: int, module: Any, args: Any, output: torch.Tensor) -> None:
        self.values[f"m{layer}"] = output

    def _read(self, reader: str) -> torch.Tensor:
        total = self._biases(reader) + self.nudges.get(reader, torch.zeros(()))
        for writer in READERS[reader]:
            total = total + self.carried(writer, reader, self.values[writer])
        return total

    def _biases(self, reader: str) -> torch.Tensor:
        """The output biases of the attention before a port: no head's own."""
        if reader == "logits":
            layers = LAYERS
        elif reader.startswith("m"):
            layers = int(reader[1:]) + 1
        else:
            layers = place(reader.split("<")[0])[0]
        blocks = self.case.module.transformer.h[:layers]
        return torch.stack([torch.zeros(WIDTH), *(b.attn.c_proj.bias for b in blocks)]).sum(0)


READERS = readers()


@torch.no_grad()
def record(case: Case, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
    """What every component writes in a plain run, [batch, pos, width]."""
    run = Assembled(case)
    run(tokens)
    return run.values


@torch.no_grad()
def circuit(case: Case, kept: frozenset[str], corrupted: Writers) -> torch.Tensor:
    """The metric [batch] of the clean run in which all other edges carry the corrupted values."""

    def carried(writer: str, reader: str, own: torch.Tensor) -> torch.Tensor:
        return own if f"{writer}->{reader}" in kept else corrupted[writer]

    return Assembled(case, carried)(case.clean)


def attribution(
    case: Case, clean: Writers, corrupted: Writers, points: Sequence[float]
) -> torch.Tensor:
    """The estimated effect of every edge on the mean metric, in the order of `case.edges`.

    (corrupted − clean value of the writer) · the metric's gradient at the reader, summed over the
    batch and the positions, averaged over points on the way of the embedding from the corrupted
    (0) to the clean one (1). The point 1 alone is edge attribution patching.
    """
    scores = torch.zeros(len(edges()))
    for point in points:
        embed = corrupted["embed"] + point * (clean["embed"] - corrupted["embed"])
        nudges = {r: torch.zeros_like(embed, requires_grad=True) for r in READERS}
        value = Assembled(case, nudges=nudges, embed=embed)(case.clean).mean()
        found = torch.autograd.grad(value, list(nudges.values()))
        gradients = dict(zip(nudges, found, strict=True))
        scores += torch.stack(
            [
                ((corrupted[writer] - clean[writer]) * gradients[reader]).sum()
                for reader, fed in READERS.items()
                for writer in fed
            ]
        )
    return scores / len(points)
