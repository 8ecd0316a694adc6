"""auto-circuit 1.0.1 around the case's model: its patched pass and its mask gradients."""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from typing import Any

import torch

from benchmarks.rivals import lens
from benchmarks.rivals.case import Case, edges

Masks = dict[str, torch.Tensor]  # of each module that reads: 1 where an edge is patched


class Patchable:
    """The model made patchable, with `q`, `k` and `v` apart."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.graph: Any = import_module("auto_circuit.utils.graph_utils")
        self.model = self.graph.patchable_model(
            lens.hooked(case),
            factorized=True,
            slice_output="last_seq",
            separate_qkv=True,
            device=torch.device("cpu"),
        )
        self.edges = {_ours(edge): edge for edge in self.model.edges}
        if set(self.edges) != set(edges()):
            raise ValueError(
                f"auto-circuit has {len(self.edges)} edges, and not those of the case."
            )

    def record(self, tokens: torch.Tensor) -> torch.Tensor:
        """What every component writes, [writer, batch, pos, width]."""
        ablations: Any = import_module("auto_circuit.utils.ablation_activations")
        written: torch.Tensor = ablations.src_ablations(self.model, tokens)
        return written

    def masks(self, kept: Collection[str]) -> Masks:
        """1 for every edge that is not kept."""
        masks = {name: torch.ones_like(mask) for name, mask in self.model.patch_masks.items()}
        for name in kept:
            edge = self.edges[name]
            masks[edge.dest.module_name][edge.patch_idx] = 0
        return masks

    @torch.inference_mode()
    def circuit(self, masks: Masks, corrupted: torch.Tensor) -> torch.Tensor:
        """The metric [batch] of the clean run with the masked edges patched."""
        with self.graph.patch_mode(self.model, corrupted):
            for name, mask in masks.items():
                self.model.patch_masks[name].data = mask
            return self.case.metric(self.model(self.case.clean))

    def attribution(self) -> torch.Tensor:
        """`mask_gradient_prune_scores` at mask 0, which is edge attribution patching, [edge].

        Its loss is less the mean logit difference; so its scores have the other sign than ours.
        """
        algorithm: Any = import_module("auto_circuit.prune_algos.mask_gradient")
        scores = algorithm.mask_gradient_prune_scores(
            self.model, self._prompts(), None, "logit", "avg_diff", mask_val=0.0
        )
        ordered = [self.edges[name] for name in edges()]
        return -torch.stack([scores[e.dest.module_name][e.patch_idx] for e in ordered])

    def _prompts(self) -> Any:
        data: Any = import_module("auto_circuit.data")
        case = self.case
        pairs = data.PromptDataset(
            case.clean, case.corrupted, list(case.right[:, None]), list(case.wrong[:, None])
        )
        return data.PromptDataLoader(
            pairs, seq_len=None, diverge_idx=0, batch_size=len(case.clean), shuffle=False
        )


def _ours(edge: Any) -> str:
    """`a0.h3->a5.h1<q>` for its `A0.3->A5.1.Q`."""
    reader = _component(edge.dest.name)
    head, _, port = reader.rpartition(".")
    if head.startswith("a"):
        reader = f"{head}<{port.lower()}>"
    return f"{_component(edge.src.name)}->{reader}"


def _component(name: str) -> str:
    if name.startswith("Resid"):
        return {"Resid Start": "embed", "Resid End": "logits"}[name]
    if name.startswith("MLP "):
        return f"m{name.removeprefix('MLP ')}"
    layer, head = name.removeprefix("A").split(".", 1)
    return f"a{layer}.h{head}"
