"""Schedules run on one recording, each once however many plans have it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from scrub.data.dataset import Dataset
from scrub.engine.memory import MemoryPlan
from scrub.engine.metrics import Floats, Scorer
from scrub.engine.progress import Progress
from scrub.engine.scrubbing import Bench, Values
from scrub.models.base import Model
from scrub.models.recording import Recording
from scrub.sampling.donors import Donors
from scrub.study.identity import said_of_task
from scrub.study.prepare import Plan, Prepared


@dataclass(eq=False)
class Runs:
    """What has been run, by what it computes, on which rows, scored by which task."""

    model: Model
    recording: Recording
    dataset: Dataset
    memory: MemoryPlan
    progress: Progress
    where: str = ""  # by what the bench scores
    bench: Bench | None = None  # of the references and the task that are being measured
    own: dict[str, Floats] = field(default_factory=dict)
    uniform: dict[str, Values] = field(default_factory=dict)
    known: dict[tuple[str, str], Values] = field(default_factory=dict)

    @property
    def halvings(self) -> int:
        return len(self.bench.halvings) if self.bench else 0

    def of(self, plan: Plan, donors: Mapping[str, Donors]) -> tuple[Floats, dict[str, Values]]:
        """The model's own values, and those of each schedule of a plan."""
        where, bench = scored_by(plan), self._bench(plan, donors["model"])
        values = {}
        if not plan.baseline:
            if where not in self.uniform:
                self.uniform[where] = bench.uniform()
            values["baseline"] = self.uniform[where]
        for name in [name for name in plan.prepared if name != "model"]:
            prepared, mine = plan.prepared[name], donors[name]
            key = (where, computation(prepared, mine))
            if key not in self.known:
                self.progress.start(f"running {name}", plan.items(name))
                advance = self.progress.advance
                self.known[key] = bench.measure(prepared.schedule, mine, advance)
            values[name] = self.known[key]
        return self.own[where], values

    def _bench(self, plan: Plan, donors: Donors) -> Bench:
        """The bench of a plan's references and task; one at a time holds the model's outputs."""
        where = scored_by(plan)
        if self.bench is None or self.where != where:
            scorer = Scorer(plan.task, plan.task.dataset, self.model.device)
            chunk, keeps = self.memory.chunk, self.memory.keeps_own
            self.bench = None  # let go of the outputs before there are others
            self.bench = Bench(
                self.model, self.recording, self.dataset, scorer, plan.references, chunk, keeps
            )
            self.where = where
            self.own[where] = self.bench.measure_model(plan.model.schedule, donors)
        return self.bench


def scored_by(plan: Plan) -> str:
    """What a plan's values are scored by: its task, and the rows that are its references."""
    return _digest(repr(said_of_task(plan.task)).encode(), plan.references.tobytes())


def computation(prepared: Prepared, donors: Donors) -> str:
    """What a schedule computes on which rows, whatever its nodes are called."""
    schedule = prepared.schedule
    said = f"{schedule.instructions!r} {schedule.output} {donors.rows.shape}"
    return _digest(said.encode(), donors.rows.tobytes())


def _digest(*contents: bytes) -> str:
    return hashlib.sha256(b"\0".join(contents)).hexdigest()
