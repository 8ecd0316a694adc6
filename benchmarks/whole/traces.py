"""A node's pass in nnsight 0.8: a trace that reads and sets what it names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.heads import PORTS, Head, Shares, columns, pick
from benchmarks.hook_loop import Pass
from scrub import Dataset


@dataclass(eq=False)
class TracePass(Pass):
    """As `Pass`, for nodes whose heads lie in one layer; `traced` wraps the same model."""

    traced: Any = None

    def plain(self, tokens: torch.Tensor, heads: Sequence[Head]) -> Shares:
        traced, found = self.traced, {}
        with traced.trace(tokens, use_cache=False):
            for layer in sorted({layer for layer, _ in heads}):
                found[layer] = traced.transformer.h[layer].attn.c_proj.input.save()
        return {head: self._share(head, found[head[0]], self.at) for head in heads}

    def logits(self, tokens: torch.Tensor) -> torch.Tensor:
        traced, run, final = self.traced, self, len(self.model.transformer.h)
        with traced.trace(tokens, use_cache=False):
            for layer in run.parents(final):
                run.compare(layer, traced.transformer.h[layer].attn.c_proj.input)
            stream = traced.transformer.ln_f.input
            traced.transformer.ln_f.input = run._changed(stream, "in", final)
            logits = traced.lm_head.output.save()
        return pick(logits, self.at)

    def heads(self, tokens: torch.Tensor, heads: Sequence[Head]) -> Shares:
        traced, run = self.traced, self
        (layer,) = {layer for layer, _ in heads}
        with traced.trace(tokens, use_cache=False):
            for parent in run.parents(layer):
                run.compare(parent, traced.transformer.h[parent].attn.c_proj.input)
            block = traced.transformer.h[layer]
            stream = block.ln_1.input
            output = block.attn.c_attn.output
            block.attn.c_attn.output = run.replaced(layer, stream, output, heads)
            z = block.attn.c_proj.input.save()
        return {head: self._share(head, z, self.at) for head in heads}

    def parents(self, before: int) -> list[int]:
        """The layers of the parents, in order."""
        return sorted({given.head[0] for given in self.given if given.head[0] < before})

    def replaced(
        self, layer: int, stream: torch.Tensor, output: torch.Tensor, members: Sequence[Head]
    ) -> torch.Tensor:
        """`c_attn`'s output [item, position, 3 * width] with the members' on the changed stream."""
        value = output.clone()
        linear = self.model.transformer.h[layer].attn.c_attn
        for port in PORTS:
            if self.touched(port, layer):
                normed = self.normed(stream, port, layer)
                for head in members:
                    part = columns(self.model, head, port)
                    value[..., part] = normed @ linear.weight[:, part] + linear.bias[part]
        return value


@torch.no_grad()
def record(traced: Any, dataset: Dataset) -> torch.Tensor:
    """Every head's z on every input, [layer, input, position, width], by one trace."""
    tokens, kept = torch.stack([torch.from_numpy(row) for row in dataset.inputs]), []
    with traced.trace(tokens, use_cache=False):
        for block in traced.transformer.h:
            kept.append(block.attn.c_proj.input.save())
    return torch.stack(kept)
