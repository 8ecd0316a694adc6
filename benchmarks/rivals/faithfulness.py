"""A circuit of nodes, all others ablated: what does its faithfulness cost?

The circuit is the embedding, all MLPs and half of the heads. The other heads' outputs are taken
from the corrupted run, or are the mean over further inputs at the same position.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import torch

from benchmarks.rivals import hooks, lens
from benchmarks.rivals.case import LAYERS, Case, columns, edges, head_circuit, heads, place
from benchmarks.rivals.contest import REFEREE, Contestant, Entry, Environment, Part, Question, ours

CIRCUIT = head_circuit()
ABLATIONS = ("corrupt", "mean")  # as TransformerLens names them


class Hooks(Contestant):
    """One forward pass with a hook on every layer."""

    def record(self) -> None:
        corrupted = hooks.record_z(self.case, self.case.corrupted)
        means = hooks.record_z(self.case, self.case.others)
        self.z = corrupted, [z.mean(0) for z in means]

    def run(self, units: Sequence[int]) -> torch.Tensor:
        return torch.stack([self._ablated(self.z[unit]) for unit in units])

    def _ablated(self, z: Sequence[torch.Tensor]) -> torch.Tensor:
        given = {}
        for head in heads():
            layer, number = place(head)
            if head not in CIRCUIT:
                given[head] = z[layer][..., columns(number)]
        return hooks.patch_heads(self.case, given)


class TransformerLens(Contestant):
    """`tools.analysis.faithfulness`: one pair at a time, every edge at every position by itself.

    Beyond what is asked it takes the circuit apart by classes of edges, up to four passes more,
    and that cannot be turned off. From the share that it reports the metric follows, which is
    compared.
    """

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.model = lens.bridge(case)
        self.tools: Any = import_module("transformer_lens.tools.analysis.attribution_patching")

        self.kept = self._kept()

    def _kept(self) -> list[tuple[Any, Any]]:
        """All edges that no ablated head writes, at every position."""
        gone = set(heads()) - CIRCUIT
        pairs = [edge.split("->") for edge in edges()]
        kept = [(writer, reader) for writer, reader in pairs if writer not in gone]
        return [
            (self._node(writer, "out", position), self._node(reader, "in", position))
            for position in range(self.case.clean.shape[1])
            for writer, reader in kept
        ]

    def _node(self, name: str, side: str, position: int) -> Any:
        if name == "embed":
            return self.tools.Node("embed", position)
        if name == "logits":
            return self.tools.Node("logits", position, LAYERS - 1)
        if name.startswith("m"):
            return self.tools.Node(f"mlp_{side}", position, int(name[1:]))
        head, _, port = name.partition("<")
        kind = f"{port[0]}_input" if port else "attn_head_out"
        return self.tools.Node(kind, position, *place(head))

    def record(self) -> None:
        """It keeps nothing between two calls."""

    def run(self, units: Sequence[int]) -> torch.Tensor:
        rows = range(len(self.case.clean))
        found = [[self._metric(row, ABLATIONS[unit]) for row in rows] for unit in units]
        return torch.tensor(found)

    def _metric(self, row: int, ablation: str) -> float:
        case, here = self.case, slice(row, row + 1)
        result = self.tools.faithfulness(
            self.model,
            case.clean[here],
            case.corrupted[here],
            lambda logits: logits[0, -1, case.right[row]] - logits[0, -1, case.wrong[row]],
            self.kept,
            self.tools.FaithfulnessConfig(ablation=ablation),
            mean_tokens=case.others if ablation == "mean" else None,
        )
        gap = result.full_metric - result.corrupt_metric
        return float(result.corrupt_metric + result.recovered * gap)


QUESTION = Question(
    title="faithfulness of a circuit of nodes, contrast and mean ablation",
    unit="evaluation",
    units=ABLATIONS,
    bar="",
    entries={
        REFEREE: Entry(Environment.ONE, Hooks),
        "scrub": Entry(Environment.ONE, ours("Faithfulness")),
        "TransformerLens 4.3.0": Entry(
            Environment.ONE,
            TransformerLens,
            sampled=1,
            checked=Part(rows=2, positions=4),
            timed=Part(rows=1, positions=8),
        ),
    },
    slow=True,
)
