"""A node's pass in TransformerLens 4.3: `run_with_hooks`, a hook at every place in question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.heads import PORTS, Head, Shares, columns, pick
from benchmarks.hook_loop import Pass
from scrub import Dataset


@dataclass(eq=False)
class LensPass(Pass):
    """As `Pass`, for nodes whose heads lie in one layer; `bridge` holds the same weights."""

    bridge: Any = None

    def plain(self, tokens: torch.Tensor, heads: Sequence[Head]) -> Shares:
        found: dict[int, torch.Tensor] = {}
        layers = sorted({layer for layer, _ in heads})
        points = [self._z(layer, lambda n, z: found.update({n: z})) for layer in layers]
        self.bridge.run_with_hooks(tokens, fwd_hooks=points, use_cache=False)
        return {head: self._share(head, found[head[0]], self.at) for head in heads}

    def logits(self, tokens: torch.Tensor) -> torch.Tensor:
        final = len(self.model.transformer.h)

        def change(stream: torch.Tensor, hook: Any) -> torch.Tensor:
            return self._changed(stream, "in", final)

        points = [*self._parents(final), ("ln_final.hook_in", change)]
        logits = self.bridge.run_with_hooks(tokens, fwd_hooks=points, use_cache=False)
        return pick(logits, self.at)

    def heads(self, tokens: torch.Tensor, heads: Sequence[Head]) -> Shares:
        (layer,) = {layer for layer, _ in heads}
        streams: list[torch.Tensor] = []
        found: dict[int, torch.Tensor] = {}
        points = self._parents(layer)
        points.append((f"blocks.{layer}.ln1.hook_in", lambda value, hook: streams.append(value)))
        for port in PORTS:
            point = f"blocks.{layer}.attn.hook_{port}"
            points.append((point, _Replacement(self, layer, port, heads, streams)))
        points.append(self._z(layer, lambda n, z: found.update({n: z})))
        self.bridge.run_with_hooks(tokens, fwd_hooks=points, use_cache=False)
        return {head: self._share(head, found[layer], self.at) for head in heads}

    def _parents(self, before: int) -> list[tuple[str, Any]]:
        layers = sorted({given.head[0] for given in self.given})
        return [self._z(layer, self.compare) for layer in layers if layer < before]

    def _z(self, layer: int, take: Any) -> tuple[str, Any]:
        """Hands a layer's z [item, position, width] to `take`."""

        def hook(z: torch.Tensor, hook: Any) -> None:
            take(layer, z.flatten(2))

        return f"blocks.{layer}.attn.hook_z", hook


@dataclass(frozen=True, eq=False)
class _Replacement:
    """The hook that puts in what the members' queries, keys or values are on the changed stream."""

    run: LensPass
    layer: int
    port: str
    members: Sequence[Head]
    streams: Sequence[torch.Tensor]

    def __call__(self, value: torch.Tensor, hook: Any) -> torch.Tensor | None:
        if not self.run.touched(self.port, self.layer):
            return None
        linear = self.run.model.transformer.h[self.layer].attn.c_attn
        normed = self.run.normed(self.streams[-1], self.port, self.layer)
        replaced = value.clone()  # [item, position, head, size]
        for head in self.members:
            part = columns(self.run.model, head, self.port)
            replaced[:, :, head[1]] = normed @ linear.weight[:, part] + linear.bias[part]
        return replaced


@torch.no_grad()
def record(bridge: Any, dataset: Dataset) -> torch.Tensor:
    """Every head's z on every input, [layer, input, position, width], by `run_with_cache`."""
    tokens = torch.stack([torch.from_numpy(row) for row in dataset.inputs])
    _, cache = bridge.run_with_cache(tokens, names_filter=lambda name: name.endswith("hook_z"))
    layers = range(len(bridge.blocks))
    return torch.stack([cache[f"blocks.{n}.attn.hook_z"].flatten(2) for n in layers])
