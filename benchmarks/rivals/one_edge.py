"""One edge from a head to a later head's `q` carries the corrupted value: what does it cost?

The norm before the receiver is computed anew, and so is everything after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from benchmarks.rivals import hooks, lens
from benchmarks.rivals.case import Case, place, some_edges
from benchmarks.rivals.contest import REFEREE, Contestant, Entry, Environment, Question, ours

EDGES = some_edges()


class Hooks(Contestant):
    """A forward pass with two hooks for each edge."""

    def record(self) -> None:
        self.clean = hooks.record_z(self.case, self.case.clean)
        self.corrupted = hooks.record_z(self.case, self.case.corrupted)

    def run(self, units: Sequence[int]) -> torch.Tensor:
        return torch.stack([self._edge(EDGES[unit]) for unit in units])

    def _edge(self, edge: str) -> torch.Tensor:
        sender = edge.split("->")[0]
        change = hooks.written(self.case, sender, self.corrupted)
        change = change - hooks.written(self.case, sender, self.clean)
        return hooks.patch_edge(self.case, edge, change)


class TransformerLens(Contestant):
    """What `patching.get_act_patch_direct_path` does for one pair, for the pairs that are asked.

    The function itself takes one sender and goes through all later heads.
    """

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.model = lens.bridge(case)

    @torch.no_grad()
    def record(self) -> None:
        self.model.set_use_split_qkv_input(False)
        kept = {"names_filter": lambda name: name.endswith("hook_z")}
        _, self.clean = self.model.run_with_cache(self.case.clean, **kept)
        _, self.corrupted = self.model.run_with_cache(self.case.corrupted, **kept)
        self.model.set_use_split_qkv_input(True)

    @torch.no_grad()
    def run(self, units: Sequence[int]) -> torch.Tensor:
        return torch.stack([self._edge(*EDGES[unit].split("->")) for unit in units])

    def _edge(self, sender: str, receiver: str) -> torch.Tensor:
        layer, head = place(sender)
        name = f"blocks.{layer}.attn.hook_z"
        change = self.corrupted[name][:, :, head] - self.clean[name][:, :, head]
        change = change @ self.model.blocks[layer].attn.W_O[head]
        layer, reading = place(receiver.removesuffix("<q>"))

        def put(inputs: torch.Tensor, hook: Any) -> torch.Tensor:
            patched = inputs.clone()  # [batch, pos, head, width]
            patched[:, :, reading] += change
            return patched

        point = f"blocks.{layer}.attn.hook_q_input"
        logits = self.model.run_with_hooks(self.case.clean, fwd_hooks=[(point, put)])
        return self.case.metric(logits)


QUESTION = Question(
    title="one edge from a head to a later head's q from the corrupted run",
    unit="edge",
    units=EDGES,
    bar="≤ 0.6",
    entries={
        REFEREE: Entry(Environment.ONE, Hooks, sampled=8),
        "scrub": Entry(Environment.ONE, ours("OneEdge"), sampled=8),
        "TransformerLens 4.3.0": Entry(Environment.ONE, TransformerLens, sampled=8),
    },
)
