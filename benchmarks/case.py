"""One claim on one model, ready for the engine and for the hook loops, which are held together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from benchmarks.heads import SINK, Head, Shares, head_of
from benchmarks.hook_loop import HookLoop, record_heads
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

Values = dict[tuple[int, Head], torch.Tensor]  # by a node's number in the tree, and the head
Key = tuple[str, int, Positions]  # component, frame, positions: what tells one evaluation apart


@dataclass(frozen=True, eq=False)
class Case:
    """A claim, its tree and `draws` draws for each of the first `references` rows."""

    model: Any  # an adapter of a transformers model, or a hand-made one
    claim: Claim
    references: int
    draws: int
    seed: int = 0
    budget: str | None = BUDGET  # None: what is free

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
        return stats(self.schedule, self.shape)

    @cached_property
    def shape(self) -> Shape:
        """The sizes that the data and the model's type give."""
        data, size = self.dataset, self.model.dtype.itemsize
        return Shape(
            lengths={s.name: int(data.lengths_in(s).max()) for s in self.model.graph.spaces},
            inputs=len(data.inputs),
            roles={name: len(spots[0]) for name, spots in data.roles.items()},
            bytes_per_value=size,
            bytes_per_sum=max(size, 4),
        )

    @cached_property
    def memory(self) -> MemoryPlan:
        budget = None if self.budget is None else parse_bytes(self.budget)
        return plan_memory(self.forecast, self.items, self.model.device, budget, None)

    def record(self) -> Recording:
        inputs, sites = Inputs.of(self.dataset, self.model.graph), self.schedule.sites()
        batch = self.memory.inputs  # BATCH, as the rivals', unless the model is a toy
        return record(self.model, inputs, sites, batch=batch, place=self.memory.place)

    def scrub(self, schedule: Schedule, model: Any = None) -> torch.Tensor:
        """Record and run everything: the output [item, position, width]."""
        with self.record() as recording:
            return torch.cat(list(self.run(schedule, recording, model or self.model)))

    def run(self, schedule: Schedule, recording: Recording, model: Any) -> Iterator[torch.Tensor]:
        """The output [item, position, width] of each chunk, on a recording that stands."""
        executor = Executor(schedule, model, recording, self.dataset, len(self.dataset))
        chunk = self.memory.chunk
        for first in range(0, self.items, chunk):
            yield executor(self.rows[:, first : first + chunk])

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

    def stored(self, calls: Sequence[Call]) -> list[torch.Tensor]:
        values = self.model.stored(calls)
        parts = [call.part for call in calls]
        self.found += [self.model.output(*one) for one in zip(parts, values, strict=True)]
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
    loop, ours = case.hook_loop(careful), by_engine(case)
    plain = record_heads(case.model.module, case.dataset)
    apart: list[float] = []
    effects: list[float] = []
    logits = float("nan")
    for number, values in enumerate(loop(case.rows)):
        occurrence = case.tree.occurrences[number]
        if case.claim.is_leaf(occurrence.node):
            continue
        if occurrence is case.tree.root:
            logits = error(ours[number, SINK], values[SINK])
            continue
        untouched = unscrubbed(case, plain, number, values)
        for head, value in values.items():
            apart.append(error(ours[number, head], value))
            effects.append(error(untouched[head], value))
    return Agreement(logits, max(apart), min(effects), len(apart))


def by_engine(case: Case) -> Values:
    """What the engine computed for every inner node of the tree, and for the sink."""
    steps = _evaluated(case)
    found: Values = {}
    for number, occurrence in enumerate(case.tree.occurrences):
        node = case.claim.nodes[occurrence.node]
        for part in () if case.claim.is_leaf(occurrence.node) else node.parts:
            head = SINK if occurrence is case.tree.root else head_of(part.component)
            found[number, head] = steps[part.component, occurrence.frame, node.positions]
    return found


def unscrubbed(case: Case, recorded: torch.Tensor, number: int, values: Shares) -> Shares:
    """The same heads on the node's frame with nothing put in."""
    occurrence = case.tree.occurrences[number]
    loop = HookLoop(case.model.module, case.tree, case.dataset, recorded)
    drawn = case.rows[occurrence.frame]
    where = loop.positions(case.claim.nodes[occurrence.node].positions, drawn)
    return loop.leaf(list(values), drawn, where)


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


def counted_flops(case: Case) -> int:
    """FLOPs of recording and execution as torch counts them, attention on a CPU included."""
    attention = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    count: Any = sdpa_flop_count
    added: Any = torch.ops.aten.addmm_  # which torch leaves out
    formula = {
        attention: lambda q, k, v, *_, **__: count(q, k, v),
        added: lambda _, left, right, **__: 2 * math.prod(left) * right[1],
    }
    with FlopCounterMode(display=False, custom_mapping=formula) as counter:
        case.scrub(case.schedule)
    return int(counter.get_total_flops())


def forecast_flops(case: Case) -> int:
    return case.forecast.recording_flops + case.forecast.flops * case.items
