"""Scrubbing: schedules run over all references and draws, outputs scored as they come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from scrub.compiler import Schedule
from scrub.data.dataset import Dataset, Ints
from scrub.engine.executor import Executor
from scrub.engine.graphs import captured
from scrub.engine.memory import in_chunks
from scrub.engine.metrics import Floats, Scorer
from scrub.models.base import Model
from scrub.models.recording import Recording
from scrub.models.sending import sent
from scrub.sampling.donors import Donors

Advance = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Values:
    """Metric values of one scrub: `metric` and `kl` are [reference, draw]; `kl` in nats."""

    metric: Floats
    kl: Floats | None


@dataclass(eq=False)
class Bench:
    """Everything that schedules are run on: a model, its recording, the data, and the scorer.

    `own` holds the model's own output for each reference [reference, position, width], once
    `measure_model` has run; where the budget has no room for it (`keeps_own` is false), it is
    computed anew for each chunk. `chunk` shrinks when memory runs out.
    """

    model: Model
    recording: Recording
    dataset: Dataset  # the data, and generated donors after them
    scorer: Scorer
    references: Ints
    chunk: int
    keeps_own: bool = True
    own: torch.Tensor | None = None
    halvings: list[int] = field(default_factory=list)
    _compute: Callable[[Ints], torch.Tensor] | None = None  # the model's output for references

    def measure_model(self, schedule: Schedule, donors: Donors) -> Floats:
        """The unscrubbed metric for each reference, [reference]; keeps the outputs for KL."""
        executor = self._executor(schedule)
        rows = donors.rows[:, :, 0]  # nothing is drawn: every draw is the same
        self._compute = lambda which: executor(rows[:, which])

        def run(first: int, last: int) -> Floats:
            output = executor(rows[:, first:last])
            if self.keeps_own:
                self._keep(first, output)
            return self.scorer(output, output, rows[0, first:last])

        return np.concatenate(in_chunks(len(self.references), self.chunk, run, self._halved))

    def _keep(self, first: int, output: torch.Tensor) -> None:
        if self.own is None:
            self.own = output.new_empty(len(self.references), *output.shape[1:])
        self.own[first : first + len(output)] = output

    def _own_of(self, which: Ints) -> torch.Tensor:
        """The model's own output for these references, [item, position, width]."""
        if self.own is not None:
            return self.own[sent(which, self.own.device)]
        assert self._compute is not None  # the model is measured first
        some, items = np.unique(which, return_inverse=True)
        output = self._compute(some)
        if np.array_equal(some, which):
            return output
        return output[sent(items, output.device)]

    def measure(
        self, schedule: Schedule, donors: Donors, advance: Advance = lambda n: None
    ) -> Values:
        """The metric under a schedule, for each reference and draw."""
        shape = donors.rows.shape[1:]
        rows = donors.rows.reshape(len(donors.rows), -1)  # [draw, item]
        which = np.repeat(np.arange(shape[0]), shape[1])  # [item] -> reference
        executor = captured(self._executor(schedule), rows.shape[1])

        def run(first: int, last: int) -> tuple[Floats, Floats | None]:
            output = executor(rows[:, first:last])
            scored = self._score(output, rows[0, first:last], which[first:last])
            advance(last - first)
            return scored

        pieces = in_chunks(rows.shape[1], self.chunk, run, self._halved)
        metric = np.concatenate([m for m, _ in pieces]).reshape(shape)
        kls = [k for _, k in pieces if k is not None]
        return Values(metric, np.concatenate(kls).reshape(shape) if kls else None)

    def _executor(self, schedule: Schedule) -> Executor:
        members = len(self.scorer.dataset)
        return Executor(schedule, self.model, self.recording, self.dataset, members)

    def _score(self, output: torch.Tensor, rows: Ints, which: Ints) -> tuple[Floats, Floats | None]:
        own = self._own_of(which)
        metric = self.scorer(output, own, rows)
        if output.shape[-1] < 2:
            return metric, None  # a scalar output is no distribution
        return metric, self.scorer.named("kl", output, own, rows)

    def uniform(self) -> Values:
        """The metric of uniform logits, for each reference."""

        def run(first: int, last: int) -> tuple[Floats, Floats | None]:
            which = np.arange(first, last)
            flat = torch.zeros_like(self._own_of(which))
            return self._score(flat, self.references[first:last], which)

        pieces = in_chunks(len(self.references), self.chunk, run, self._halved)
        metric = np.concatenate([m for m, _ in pieces])
        kls = [k for _, k in pieces if k is not None]
        return Values(metric[:, None], np.concatenate(kls)[:, None] if kls else None)

    def _halved(self, chunk: int) -> None:
        self.chunk = chunk
        self.halvings.append(chunk)
