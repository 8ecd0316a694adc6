"""One shard, run in whatever process this is: jobs on one recording, and no error costs another."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scrub.engine.threads import threaded
from scrub.errors import InputRefused, Problem
from scrub.hypothesis.loading import resolve_model_source
from scrub.models.base import Model
from scrub.study.assemble import Measured, assemble
from scrub.study.experiment import open_model, precision_of, probe_model, provenance_of, run
from scrub.study.measuring import Clock, measure_each
from scrub.study.prepare import Plan
from scrub.study.settings import Settings
from scrub.study.suites.addresses import address
from scrub.study.suites.jobs import Job, Kind, Reader
from scrub.study.suites.messages import (
    Advanced,
    Began,
    Ended,
    Failed,
    Finished,
    Outcome,
    Stage,
    Task,
    Tell,
)
from scrub.study.suites.shards import is_alone
from scrub.study.suites.weights import told

CHANGED = "what it is about has changed since the suite was started. Start the suite again."


@dataclass(eq=False)
class Workshop:
    """What a process keeps between shards: what it has read, and the last model it loaded."""

    reader: Reader = field(default_factory=Reader)
    held: tuple[Any, Model, str] | None = None  # what it was loaded from, and its fingerprint

    def run(self, task: Task, tell: Tell) -> None:
        """Run the jobs of a shard that are left, telling what comes of each."""
        with threaded(task.threads):
            _Work(self, task, tell).run()
        for job in task.shard.jobs:
            self.reader.plans.pop(job, None)
        tell(Ended(task.shard.number))

    def model(self, plan: Plan, settings: Settings) -> tuple[Model, str]:
        """The model of a plan, loaded and probed, and its fingerprint; one at a time is held.

        Raises what loading and probing raise.
        """
        source = resolve_model_source(plan.hypothesis.model, plan.hypothesis.folder)
        key = (source, settings.dtype, settings.device)
        if self.held is None or self.held[0] != key:
            self.held = None  # let go of one before the next is loaded
            model = open_model(plan.hypothesis, settings)
            fingerprint = model.fingerprint()
            probe_model(model, fingerprint)
            self.held = (key, model, fingerprint)
        return self.held[1], self.held[2]


@dataclass(eq=False)
class _Work:
    """A shard while it is run. It is its own progress: what the engine tells goes on to the driver,
    and with the first schedule that is run a job has begun."""

    shop: Workshop
    task: Task
    tell: Tell
    at: int | None = None  # the job that is next or at hand
    began: bool = False

    def start(self, stage: str, total: int) -> None:
        if stage != "recording":
            self._begin()
        self.tell(Stage(self.task.shard.number, stage, total))

    def advance(self, amount: int) -> None:
        self.tell(Advanced(self.task.shard.number, amount))

    def run(self) -> None:
        jobs = self.task.shard.jobs
        if is_alone(jobs[0]):
            for i in self.task.left:
                self._turn_to(i)
                try:
                    self._finish(i, self._alone(i))
                except Exception as error:
                    self._fail(i, told(error))
            return
        plans = {i: plan for i, job in enumerate(jobs) if (plan := self._plan(i, job))}
        left = [i for i in self.task.left if i in plans]
        if not left:
            return
        try:
            model, fingerprint = self.shop.model(plans[left[0]], jobs[left[0]].settings)
        except Exception as error:
            for i in left:
                self._fail(i, told(error))
            return
        same = [i for i in left if self._is_same(i, plans[i], fingerprint)]
        self._together(plans, same, model, fingerprint)

    def _plan(self, i: int, job: Job) -> Plan | None:
        try:
            return self.shop.reader.plan(job)
        except Exception as error:
            if not self.task.skip[i]:
                self._fail(i, told(error))
            return None

    def _is_same(self, i: int, plan: Plan, fingerprint: str) -> bool:
        if address(self.task.shard.jobs[i], plan, fingerprint) == self.task.shard.addresses[i]:
            return True
        self._fail(i, CHANGED)
        return False

    def _together(
        self, plans: Mapping[int, Plan], left: Sequence[int], model: Model, fingerprint: str
    ) -> None:
        """All on one recording. Where one raises, the rest go on without it, on another one."""
        waiting = list(left)
        while waiting:
            clock, recorded = Clock(), False
            skip = [i not in waiting for i in plans]
            found: Any = measure_each(list(plans.values()), model, self, clock, skip)
            try:
                for i in list(waiting):
                    self._turn_to(i)
                    measured = next(found)
                    recorded = True
                    self._finish(i, _outcome(plans[i], model, measured, fingerprint, clock))
                    waiting.remove(i)
            except Exception as error:
                found.close()
                if recorded or self.began or len(plans) == 1:
                    self._fail(waiting.pop(0), told(error))
                    continue
                for i in waiting:  # drawing and recording are for all: which job cannot have them?
                    self._together({i: plans[i]}, [i], model, fingerprint)
                return

    def _alone(self, i: int) -> Outcome:
        job, start = self.task.shard.jobs[i], time.perf_counter()
        plan = self.shop.reader.plan(job)
        model, fingerprint = self.shop.model(plan, job.settings)
        if address(job, plan, fingerprint) != self.task.shard.addresses[i]:
            raise InputRefused(Problem("", CHANGED))
        found = RUNS[job.kind](plan.hypothesis.with_model(model), job.settings, progress=self)
        return outcome_of(found, time.perf_counter() - start)

    def _turn_to(self, i: int) -> None:
        self.at, self.began = i, False

    def _begin(self) -> None:
        if self.at is not None and not self.began:
            self.began = True
            self.tell(Began(self.task.shard.number, self.at))

    def _finish(self, i: int, outcome: Outcome) -> None:
        self._begin()  # one whose schedules have all been run for others begins and ends at once
        self.tell(Finished(self.task.shard.number, i, outcome))

    def _fail(self, i: int, why: str) -> None:
        self.tell(Failed(self.task.shard.number, i, why))


def _outcome(
    plan: Plan, model: Model, measured: Measured, fingerprint: str, clock: Clock
) -> Outcome:
    """What was measured, as a result; the seconds of a run are its own, those of what is drawn and
    recorded are for all that share it."""
    start, run_for = time.perf_counter(), clock.seconds.pop("run", 0.0)
    precision = precision_of(plan, model, measured, plan.settings)
    provenance = provenance_of(plan, model, fingerprint)
    seconds = {**clock.seconds, "run": run_for}
    result = assemble(plan, measured, precision, provenance, seconds)
    return outcome_of(result, run_for + time.perf_counter() - start)


def outcome_of(found: Any, seconds: float) -> Outcome:
    """A result as it is sent and kept: its JSON form, and its values of every example."""
    values = found.per_example
    arrays = values if isinstance(values, Mapping) else vars(values)
    kept = {name: value for name, value in arrays.items() if value is not None}
    return Outcome(found.schema, found.as_dict(), kept, seconds)


def _controls(*args: Any, **kwargs: Any) -> Any:
    from scrub.study.controls.controls import controls

    return controls(*args, **kwargs)


def _adversary(*args: Any, **kwargs: Any) -> Any:
    from scrub.study.adversary.adversary import adversary

    return adversary(*args, **kwargs)


RUNS: dict[Kind, Callable[..., Any]] = {
    Kind.SCRUB: run,
    Kind.CONTROLS: _controls,
    Kind.ADVERSARY: _adversary,
}
