"""Scrubbing: schedules run over all references and draws, outputs scored as they come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from scrub.compiler import Schedule
from scrub.data.dataset import Dataset, Ints
from scrub.engine.executor import Executor
from scrub.engine.memory import in_chunks
from scrub.engine.metrics import Floats, Scorer
from scrub.models.base import Model
from scrub.models.recording import Recording
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
    `measure_model` has run. `chunk` shrinks when memory runs out.
    """

    model: Model
    recording: Recording
    dataset: Dataset  # the data, and generated donors after them
    scorer: Scorer
    references: Ints
    chunk: int
    own: torch.Tensor | None = None
    halvings: list[int] = field(default_factory=list)

    def measure_model(self, schedule: Schedule, donors: Donors) -> Floats:
        """The unscrubbed metric for each reference, [reference]; keeps the outputs for KL."""
        executor = self._executor(schedule)
        rows = donors.rows[:, :, 0]  # nothing is drawn: every draw is the same

        def run(first: int, last: int) -> torch.Tensor:
            return executor(rows[:, first:last])

        self.own = torch.cat(in_chunks(len(self.references), self.chunk, run, self._halved))
        starts = range(0, len(self.own), self.chunk)
        spans = [slice(start, start + self.chunk) for start in starts]
        return np.concatenate([self.scorer(self.own[s], self.own[s], rows[0, s]) for s in spans])

    def measure(
        self, schedule: Schedule, donors: Donors, advance: Advance = lambda n: None
    ) -> Values:
        """The metric under a schedule, for each reference and draw."""
        executor = self._executor(schedule)
        shape = donors.rows.shape[1:]
        rows = donors.rows.reshape(len(donors.rows), -1)  # [draw, item]
        which = np.repeat(np.arange(shape[0]), shape[1])  # [item] -> reference

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
        assert self.own is not None  # the model is measured first
        own = self.own[torch.from_numpy(which).to(self.own.device)]
        metric = self.scorer(output, own, rows)
        if output.shape[-1] < 2:
            return metric, None  # a scalar output is no distribution
        return metric, self.scorer.named("kl", output, own, rows)

    def uniform(self) -> Values:
        """The metric of uniform logits, for each reference."""
        assert self.own is not None  # the model is measured first
        flat = torch.zeros_like(self.own)
        rows = self.references
        metric, kl = self._score(flat, rows, np.arange(len(rows)))
        return Values(metric[:, None], None if kl is None else kl[:, None])

    def _halved(self, chunk: int) -> None:
        self.chunk = chunk
        self.halvings.append(chunk)
