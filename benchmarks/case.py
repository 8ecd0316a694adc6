"""One claim on one model, ready for the engine and for the hook loops, which are held together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from benchmarks.hook_loop import SINK, HookLoop, Shares, head_of, record_heads
from scrub import Dataset
from scrub.compiler import Schedule, Shape, Stats, compile_tree, stats
from scrub.engine.budget import parse_bytes
from scrub.engine.executor import Executor
from scrub.engine.memory import MemoryPlan, plan_memory
from scrub.graph import ModelGraph, Positions
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.unfold import Tree, unfold
from scrub.models.adapter import TransformersModel
from scrub.models.base import Call
from scrub.models.batches import Inputs
from scrub.models.recording import Recording, record
from scrub.sampling.donors import draw_donors

BUDGET = "4GiB"
BATCH = 64  # inputs in one forward pass, for scrub's recording and for the rivals alike

Key = tuple[str, int, Positions]  # component, frame, positions: what tells one evaluation apart


@dataclass(frozen=True, eq=False)
class Case:
    """A claim, its tree and `draws` draws for each of the first `references` rows."""

    model: TransformersModel
    claim: Claim
    references: int
    draws: int
    seed: int = 0

    @cached_property
    def tree(self) -> Tree:
        return unfold(self.claim)

    @cached_property
    def rows(self) -> np.ndarray:
        """The row that each draw takes for each item: [draw, item], items draw by draw."""
        found = draw_donors(self.tree, range(self.references), self.draws, self.seed).rows
        return found.transpose(0, 2, 1).reshape(len(found), -1)

    @property
    def dataset(self) -> Dataset:
        return self.claim.dataset

    @property
    def items(self) -> int:
        return self.references * self.draws

    @property
    def nodes(self) -> int:
        return len(self.tree.occurrences)

    @cached_property
    def schedule(self) -> Schedule:
        return compile_tree(self.tree)

    @property
    def head_runs(self) -> int:
        """How many heads the engine runs, each over all references: the sink is none."""
        return (sum(1 for _ in self.schedule.steps()) - 1) * self.draws

    @cached_property
    def forecast(self) -> Stats:
        """What `scrub plan` says."""
        roles = {name: len(spots[0]) for name, spots in self.dataset.roles.items()}
        shape = Shape({"tokens": self.dataset.length}, len(self.dataset.inputs), roles)
        return stats(self.schedule, shape)

    @cached_property
    def memory(self) -> MemoryPlan:
        device = self.model.device
        return plan_memory(self.forecast, self.items, device, parse_bytes(BUDGET), None)

    def record(self) -> Recording:
        inputs, sites = Inputs.of(self.dataset, self.model.graph), self.schedule.sites()
        return record(self.model, inputs, sites, batch=BATCH, place=self.memory.place)

    def scrub(self, schedule: Schedule, model: Any = None) -> torch.Tensor:
        """Record and run everything: the output [item, position, width]."""
        with self.record() as recording:
            executor = Executor(
                schedule, model or self.model, recording, self.dataset, len(self.dataset)
            )
            chunk = self.memory.chunk
            starts = range(0, self.items, chunk)
            return torch.cat([executor(self.rows[:, i : i + chunk]) for i in starts])

    def hook_loop(self, careful: bool) -> HookLoop:
        module = self.model.module
        recorded = record_heads(module, self.dataset) if careful else None
        return HookLoop(module, self.tree, self.dataset, recorded)


class Listening:
    """A model that keeps everything that was run on it."""

    def __init__(self, model: TransformersModel) -> None:
        self.model = model
        self.device, self.dtype = model.device, model.dtype
        self.graph: ModelGraph = model.graph
        self.found: list[torch.Tensor] = []

    def run(self, calls: Sequence[Call]) -> list[torch.Tensor]:
        values = self.model.run(calls)
        self.found += values
        return values

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)


@dataclass(frozen=True)
class Agreement:
    """Largest differences between the engine and a loop, relative to the largest value there.

    `effect` is the least that putting the explained inputs in changes any node, on the same scale:
    were it below the tolerance, an agreement would say nothing.
    """

    logits: float
    nodes: float
    effect: float
    compared: int


def compare(case: Case, careful: bool) -> Agreement:
    """Engine and loop at every evaluated node of the whole tree, and at the output."""
    loop = case.hook_loop(careful)
    ours = _evaluated(case)
    plain = record_heads(case.model.module, case.dataset)
    apart: list[float] = []
    effects: list[float] = []
    logits = float("nan")
    for occurrence, values in zip(case.tree.occurrences, loop(case.rows), strict=True):
        node = case.claim.nodes[occurrence.node]
        if case.claim.is_leaf(occurrence.node):
            continue
        if occurrence is case.tree.root:
            logits = error(ours["logits", occurrence.frame, node.positions], values[SINK])
            continue
        untouched = _plain(case, plain, occurrence.frame, node.positions, values)
        for part in node.parts:
            head = head_of(part.component)
            value = values[head]
            apart.append(error(ours[part.component, occurrence.frame, node.positions], value))
            effects.append(error(untouched[head], value))
    return Agreement(logits, max(apart), min(effects), len(apart))


def error(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """The largest difference, relative to the largest value; infinite where either is no number."""
    assert ours.shape == theirs.shape
    found = float((ours - theirs).abs().max() / theirs.abs().max())
    return found if found == found else float("inf")


def _evaluated(case: Case) -> dict[Key, torch.Tensor]:
    """What the engine computed for every step, all chunks joined."""
    listening = Listening(case.model)
    case.scrub(case.schedule, listening)
    steps = list(case.schedule.steps())
    chunks = len(listening.found) // len(steps)
    return {
        (step.part.component, step.frame, step.at): torch.cat(
            [listening.found[chunk * len(steps) + i] for chunk in range(chunks)]
        )
        for i, step in enumerate(steps)
    }


def _plain(
    case: Case, recorded: torch.Tensor, frame: int, where: Positions, values: Shares
) -> Shares:
    """The same heads on the frame with nothing put in."""
    loop = HookLoop(case.model.module, case.tree, case.dataset, recorded)
    drawn = case.rows[frame]
    return loop.leaf(list(values), drawn, loop.positions(where, drawn))


def counted_flops(case: Case) -> int:
    """FLOPs of recording and execution as torch counts them, attention on a CPU included."""
    attention = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    count: Any = sdpa_flop_count
    formula = {attention: lambda q, k, v, *_, **__: count(q, k, v)}
    with FlopCounterMode(display=False, custom_mapping=formula) as counter:
        case.scrub(case.schedule)
    return int(counter.get_total_flops())


def forecast_flops(case: Case) -> int:
    return case.forecast.recording_flops + case.forecast.flops * case.items
