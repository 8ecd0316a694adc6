"""Each head's output in turn taken from the corrupted run: what does a cell of the sweep cost?"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import torch

from benchmarks.rivals import hooks, lens
from benchmarks.rivals.case import LAYERS, Case, columns, heads, place
from benchmarks.rivals.contest import REFEREE, Contestant, Entry, Environment, Question, ours

HEADS = heads()


class Hooks(Contestant):
    """A forward pass with one hook for each cell."""

    def record(self) -> None:
        self.corrupted = hooks.record_z(self.case, self.case.corrupted)

    def run(self, units: Sequence[int]) -> torch.Tensor:
        return torch.stack([self._cell(HEADS[unit]) for unit in units])

    def _cell(self, head: str) -> torch.Tensor:
        layer, number = place(head)
        return hooks.patch_heads(self.case, {head: self.corrupted[layer][..., columns(number)]})


class TransformerLens(Contestant):
    """`patching.generic_activation_patch`, as `get_act_patch_attn_head_out_all_pos` calls it.

    What it calls corrupted is the run that is patched, here the clean one.
    """

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.model = lens.bridge(case)
        self.patching: Any = import_module("transformer_lens.patching")
        self.frame: Any = import_module("pandas").DataFrame

    @torch.no_grad()
    def record(self) -> None:
        _, self.corrupted = self.model.run_with_cache(
            self.case.corrupted, names_filter=lambda name: name.endswith("hook_z")
        )

    @torch.no_grad()
    def run(self, units: Sequence[int]) -> torch.Tensor:
        cells = self.frame([place(HEADS[unit]) for unit in units], columns=["layer", "head"])
        found = self.patching.generic_activation_patch(
            self.model,
            self.case.clean,
            self.corrupted,
            self.case.metric,
            self.patching.layer_head_vector_patch_setter,
            "z",
            index_df=cells,
            reduce="none",
        )
        values: torch.Tensor = found.values
        return values


class NNsight(Contestant):
    """A trace for each cell."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.model: Any = import_module("nnsight").NNsight(copy.deepcopy(case.module))

    @torch.no_grad()
    def record(self) -> None:
        model, kept = self.model, []
        with model.trace(self.case.corrupted, use_cache=False):
            for block in model.transformer.h:
                kept.append(block.attn.c_proj.input.save())
        self.corrupted = kept

    @torch.no_grad()
    def run(self, units: Sequence[int]) -> torch.Tensor:
        return torch.stack([self._cell(*place(HEADS[unit])) for unit in units])

    def _cell(self, layer: int, head: int) -> torch.Tensor:
        model, here, corrupted = self.model, columns(head), self.corrupted
        with model.trace(self.case.clean, use_cache=False):
            z = model.transformer.h[layer].attn.c_proj.input
            z[:, :, here] = corrupted[layer][:, :, here]
            logits = model.lm_head.output.save()
        return self.case.metric(logits)


class Pyvene(Contestant):
    """An intervenable model for each layer; it runs the corrupted inputs for every cell."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.pyvene: Any = import_module("pyvene")
        module = copy.deepcopy(case.module)
        self.models = [self._intervenable(module, layer) for layer in range(LAYERS)]

    def _intervenable(self, module: Any, layer: int) -> Any:
        where = {"layer": layer, "component": "head_attention_value_output", "unit": "h"}
        config = self.pyvene.IntervenableConfig(
            [where], intervention_types=self.pyvene.VanillaIntervention
        )
        return self.pyvene.IntervenableModel(config, model=module)

    def record(self) -> None:
        """It keeps nothing between two cells."""

    @torch.no_grad()
    def run(self, units: Sequence[int]) -> torch.Tensor:
        return torch.stack([self._cell(*place(HEADS[unit])) for unit in units])

    def _cell(self, layer: int, head: int) -> torch.Tensor:
        _, output = self.models[layer](
            {"input_ids": self.case.clean},
            [{"input_ids": self.case.corrupted}],
            {"sources->base": head},
        )
        return self.case.metric(output.logits)


QUESTION = Question(
    title="every head's output in turn from the corrupted run",
    unit="head",
    units=HEADS,
    bar="≤ 0.6",
    entries={
        REFEREE: Entry(Environment.ONE, Hooks, sampled=12),
        "scrub": Entry(Environment.ONE, ours("HeadSweep"), sampled=12),
        "TransformerLens 4.3.0": Entry(Environment.ONE, TransformerLens, sampled=12),
        "nnsight 0.8.1": Entry(Environment.ONE, NNsight, sampled=12),
        "pyvene 0.1.8": Entry(Environment.ONE, Pyvene, sampled=12),
    },
)
