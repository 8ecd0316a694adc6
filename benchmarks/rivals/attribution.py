"""Edge attribution patching over all edges: what does it cost?

An edge's score estimates what its patching does to the mean metric: (corrupted − clean value of
the writer) · the metric's gradient at the reader, on the clean run, summed over positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any

import torch

from benchmarks.rivals import hooks, lens
from benchmarks.rivals.case import HEADS, LAYERS, PORTS, Case, edges, readers
from benchmarks.rivals.contest import REFEREE, Contestant, Entry, Environment, Part, Question, ours
from benchmarks.rivals.patchable import Patchable

FEEDERS = readers()
PLAIN = (1.0,)  # the clean run alone; see `hooks.attribution`


class Hooks(Contestant):
    """Gradients with respect to zeros that are added to every port's input: the referee."""

    points: Sequence[float] = PLAIN

    def record(self) -> None:
        self.clean = hooks.record(self.case, self.case.clean)
        self.corrupted = hooks.record(self.case, self.case.corrupted)

    def run(self, units: Sequence[int]) -> torch.Tensor:
        return hooks.attribution(self.case, self.clean, self.corrupted, self.points)[None]


class LensHooks(Contestant):
    """As EAP-IG does it: TransformerLens 2.18's split inputs, with a backward hook on each.

    The weights ask for no gradient, which EAP-IG leaves on.
    """

    points: Sequence[float] = PLAIN

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.model = lens.hooked(case)

    @torch.no_grad()
    def record(self) -> None:
        """Every component's corrupted less its clean value, [batch, pos, writer, width]."""
        clean, corrupted = (self._written(t) for t in (self.case.clean, self.case.corrupted))
        self.embeds = clean[:, :, 0], corrupted[:, :, 0]  # without positions, which are alike
        self.change = corrupted - clean

    def _written(self, tokens: torch.Tensor) -> torch.Tensor:
        points = ["hook_embed"]
        for layer in range(LAYERS):
            points += [f"blocks.{layer}.attn.hook_result", f"blocks.{layer}.hook_mlp_out"]
        _, cache = self.model.run_with_cache(tokens, names_filter=points)
        found = [cache[point] for point in points]
        return torch.cat([v if v.ndim == 4 else v[:, :, None] for v in found], 2)

    def run(self, units: Sequence[int]) -> torch.Tensor:
        self.scores: dict[str, torch.Tensor] = {}
        clean, corrupted = self.embeds
        for point in self.points:
            embed = (corrupted + point * (clean - corrupted)).requires_grad_()
            put = ("hook_embed", lambda value, hook: embed)  # noqa: B023
            with self.model.hooks(fwd_hooks=[put], bwd_hooks=self._backward()):
                value = self.case.metric(self.model(self.case.clean)).mean()
                torch.autograd.backward(value)
        every = [self.scores[reader] for reader in FEEDERS]
        return torch.cat(every)[None] / len(self.points)

    def _backward(self) -> list[tuple[str, Any]]:
        at = [(f"blocks.{LAYERS - 1}.hook_resid_post", partial(self._score, "logits"))]
        for layer in range(LAYERS):
            at.append((f"blocks.{layer}.hook_mlp_in", partial(self._score, f"m{layer}")))
            for port in PORTS:
                point = f"blocks.{layer}.hook_{port}_input"
                at.append((point, partial(self._score_heads, layer, port)))
        return at

    def _score(self, reader: str, gradient: torch.Tensor, hook: Any) -> None:
        change = self.change[:, :, : len(FEEDERS[reader])]
        self._add(reader, torch.einsum("bpwd,bpd->w", change, gradient))

    def _score_heads(self, layer: int, port: str, gradient: torch.Tensor, hook: Any) -> None:
        change = self.change[:, :, : len(FEEDERS[f"a{layer}.h0<{port}>"])]
        scores = torch.einsum("bpwd,bphd->hw", change, gradient)
        for head in range(HEADS):
            self._add(f"a{layer}.h{head}<{port}>", scores[head])

    def _add(self, reader: str, scores: torch.Tensor) -> None:
        self.scores[reader] = self.scores[reader] + scores if reader in self.scores else scores


class AutoCircuit(Contestant):
    """`mask_gradient_prune_scores`, which holds its own run on the corrupted inputs."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.patchable = Patchable(case)

    def record(self) -> None:
        """It keeps nothing between two calls."""

    def run(self, units: Sequence[int]) -> torch.Tensor:
        return self.patchable.attribution()[None]


class TransformerLens(Contestant):
    """`tools.analysis.attribution_patch`, which scores every edge at every position by itself.

    It takes the gradient on the run that it calls corrupt, here the clean one, and one example at
    a time.
    """

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.model = lens.bridge(case).requires_grad_(True)
        self.tools: Any = import_module("transformer_lens.tools.analysis.attribution_patching")

    def record(self) -> None:
        """It keeps nothing between two calls."""

    def run(self, units: Sequence[int]) -> torch.Tensor:
        found = self.tools.attribution_patch(
            self.model,
            self.case.corrupted,
            self.case.clean,
            lambda logits: self.case.metric(logits).mean(),
            self.tools.EdgeAttributionConfig(granularity="edge"),
        )
        scores = dict.fromkeys(edges(), 0.0)
        for (writer, reader), score in found.edge_scores.items():
            scores[f"{name_of(writer)}->{name_of(reader)}"] += score
        return torch.tensor([list(scores.values())])


def name_of(node: Any) -> str:
    """Our name of a node of TransformerLens 4.3."""
    head = f"a{node.layer}.h{node.head}"
    if node.kind in ("embed", "logits"):
        return str(node.kind)
    if node.kind in ("mlp_in", "mlp_out"):
        return f"m{node.layer}"
    return head if node.kind == "attn_head_out" else f"{head}<{node.kind[0]}>"


PIECE = Part(rows=1, positions=8)
QUESTION = Question(
    title="edge attribution patching, all edges",
    unit="sweep",
    units=["all edges"],
    bar="≤ 8",
    entries={
        REFEREE: Entry(Environment.TWO, Hooks, timed=None),
        "scrub": Entry(Environment.ONE, ours("Attribution")),
        "TransformerLens 2.18 hooks": Entry(Environment.TWO, LensHooks),
        "auto-circuit 1.0.1": Entry(Environment.TWO, AutoCircuit),
        "TransformerLens 4.3.0": Entry(
            Environment.ONE, TransformerLens, checked=PIECE, timed=Part(rows=1)
        ),
    },
    baseline=lambda case: 0.0,
)
