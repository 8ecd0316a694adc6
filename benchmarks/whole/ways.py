"""Who runs a scrub: scrub itself, loops over whole passes in three libraries, rust-circuit.

A loop makes one pass for every node of the unfolded tree and every draw, over all references at
once; a careful one records every head first, looks leaves up and makes passes for inner nodes only.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import import_module
from typing import Any

import torch

from benchmarks import case as cases
from benchmarks.case import Case
from benchmarks.heads import SINK
from benchmarks.hook_loop import HookLoop, Pass, record_heads
from benchmarks.measuring import seconds
from benchmarks.sampled import passes, sample, visit
from benchmarks.whole.cases import VOCABULARY
from scrub.compiler import compile_tree
from scrub.engine.reference import CallableOracle, Reference
from scrub.models.batches import Inputs
from scrub.models.callables import CallableModel
from scrub.models.hooked import HookedModel

CPU = torch.device("cpu")
Values = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Timed:
    """How long a scrub takes: measured, or put together from `timed` of its `passes`."""

    seconds: float
    passes: int = 0
    timed: int = 0


class Way(ABC):
    """One way of running a case's scrub. What is loaded in `__init__` is not timed."""

    def __init__(self, case: Case) -> None:
        self.case = case

    @abstractmethod
    def run(self) -> torch.Tensor:
        """The whole scrub: its output [item, position, width]."""

    def values(self) -> Values:
        """What it computes, by name: the output, and every evaluated node where it tells."""
        return {"output": self.run()}

    def effect(self) -> float:
        """The least that putting explained inputs in changes, of what a referee compares."""
        raise NotImplementedError(f"{type(self).__name__} is no referee")

    def timing(self, sampled: int | None, number: int) -> Timed:
        """The time of a round, of the whole scrub."""
        return Timed(seconds(CPU, self.run))

    def part(self, sampled: int | None) -> None:
        """As much as reaches its peak of memory."""
        self.run()


class Engine(Way):
    """scrub: compiling, recording and running."""

    def run(self) -> torch.Tensor:
        return self.case.scrub(compile_tree(self.case.tree))


class HeadEngine(Engine):
    """The same where every node is of heads, so that each can be compared."""

    def values(self) -> Values:
        return named(cases.by_engine(self.case))


def named(values: cases.Values) -> Values:
    return {f"node {n}, a{layer}.h{head}": v for (n, (layer, head)), v in values.items()}


class Definition(Way):
    """The reference interpreter, one item after another: a referee, too slow to be timed."""

    def run(self) -> torch.Tensor:
        made = self.case
        return torch.stack([self.reference(made.rows[:, item]) for item in range(made.items)])

    @cached_property
    def reference(self) -> Reference:
        model: Any = self.case.model
        handmade = isinstance(model, CallableModel)
        oracle: Any = CallableOracle(model) if handmade else HookedModel(model.module, "parens")
        return Reference(self.case.tree, self.case.dataset, oracle)

    @torch.no_grad()
    def effect(self) -> float:
        """How far the output is from the model's own on the sink's frame."""
        made, oracle = self.case, self.reference.oracle
        inputs = Inputs.of(made.dataset, made.model.graph)
        drawn = made.dataset.sequence[made.rows[made.tree.root.frame]]
        frames = [inputs.batch([int(one)], CPU) for one in drawn]
        own = torch.stack([oracle.outputs(frame)[made.model.graph.output] for frame in frames])
        return cases.error(own, self.run())


class Circuit(Way):
    """rust-circuit: drawing nothing, with the circuit built before."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        circuits: Any = import_module("benchmarks.whole.circuits")
        self.scrubber = circuits.Scrubber.of(case)

    def run(self) -> torch.Tensor:
        found: torch.Tensor = self.scrubber()
        return found


class Loop(Way):
    """A loop over passes of a plain model with forward hooks; a referee too."""

    def __init__(self, case: Case, careful: bool) -> None:
        super().__init__(case)
        self.careful = careful

    def passes(self) -> Callable[..., Pass]:
        return Pass

    def record(self) -> torch.Tensor:
        return record_heads(self.case.model.module, self.case.dataset)

    def run(self) -> torch.Tensor:
        made, loop, found = self.case, self._loop(), []
        for first in range(0, made.items, made.references):
            for values in loop(made.rows[:, first : first + made.references]):
                last = values
            found.append(last[SINK])
        return torch.cat(found)

    def values(self) -> Values:
        return named(self.nodes)

    @cached_property
    def nodes(self) -> cases.Values:
        """The heads of every inner node, and the output."""
        return {
            (number, head): value
            for number, shares in enumerate(self._loop()(self.case.rows))
            for head, value in shares.items()
            if not self._leaf(number)
        }

    def effect(self) -> float:
        recorded = record_heads(self.case.model.module, self.case.dataset)
        return min(
            cases.error(cases.unscrubbed(self.case, recorded, number, {head: value})[head], value)
            for (number, head), value in self.nodes.items()
            if head != SINK
        )

    def timing(self, sampled: int | None, number: int) -> Timed:
        if sampled is None:
            return super().timing(sampled, number)
        every = passes(self.case, self.careful)
        order = sample(self.case, self.careful, len(every))
        some = [order[(number * sampled + i) % len(order)] for i in range(sampled)]
        recording = seconds(CPU, self.record) if self.careful else 0.0
        loop = self._loop()
        one = seconds(CPU, lambda: visit(self.case, loop, some)) / len(some)
        return Timed(recording + one * len(every), len(every), len(some))

    def part(self, sampled: int | None) -> None:
        if sampled is None:
            return super().part(sampled)
        visit(self.case, self._loop(), sample(self.case, self.careful, sampled))
        return None

    def _leaf(self, number: int) -> bool:
        return self.case.claim.is_leaf(self.case.tree.occurrences[number].node)

    def _loop(self) -> HookLoop:
        made, recorded = self.case, self.record() if self.careful else None
        return HookLoop(made.model.module, made.tree, made.dataset, recorded, self.passes())


class LensLoop(Loop):
    """The same in TransformerLens 4.3."""

    def __init__(self, case: Case, careful: bool) -> None:
        super().__init__(case, careful)
        self.lens: Any = import_module("benchmarks.whole.lens")
        rivals: Any = import_module("benchmarks.rivals.lens")
        self.bridge = rivals.bridged(case.model.module, VOCABULARY)

    def passes(self) -> Callable[..., Pass]:
        return partial(self.lens.LensPass, bridge=self.bridge)

    def record(self) -> torch.Tensor:
        found: torch.Tensor = self.lens.record(self.bridge, self.case.dataset)
        return found


class TraceLoop(Loop):
    """The same in nnsight 0.8."""

    def __init__(self, case: Case, careful: bool) -> None:
        super().__init__(case, careful)
        self.traces: Any = import_module("benchmarks.whole.traces")
        wrap: Any = import_module("nnsight").NNsight
        self.traced = wrap(copy.deepcopy(case.model.module))

    def passes(self) -> Callable[..., Pass]:
        return partial(self.traces.TracePass, traced=self.traced)

    def record(self) -> torch.Tensor:
        found: torch.Tensor = self.traces.record(self.traced, self.case.dataset)
        return found


Maker = Callable[[Case], Way]
OURS = "scrub"
OF_HEADS: Mapping[str, Maker] = {  # the first is the referee
    "hooks, plain": partial(Loop, careful=False),
    "hooks, careful": partial(Loop, careful=True),
    OURS: HeadEngine,
    "TransformerLens 4.3.0, plain": partial(LensLoop, careful=False),
    "TransformerLens 4.3.0, careful": partial(LensLoop, careful=True),
    "nnsight 0.8.1, plain": partial(TraceLoop, careful=False),
    "nnsight 0.8.1, careful": partial(TraceLoop, careful=True),
}
IN_CIRCUITS: Mapping[str, Maker] = {
    "the definition": Definition,
    OURS: Engine,
    "rust-circuit 0.4.12": Circuit,
}
UNTIMED = frozenset({"the definition"})
WAYS: dict[str, Mapping[str, Maker]] = {
    "classes": OF_HEADS,
    "heads": OF_HEADS,
    "or_gate": IN_CIRCUITS,
    "parens_1": IN_CIRCUITS,
    "parens_1_2": IN_CIRCUITS,
}
