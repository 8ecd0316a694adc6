"""From plans to measured values: draws, one recording, every schedule run once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

from scrub.compiler import Stats, site_bytes
from scrub.data.dataset import Dataset
from scrub.engine.budget import parse_bytes
from scrub.engine.memory import plan_memory
from scrub.engine.metrics import Floats, Scorer
from scrub.engine.scrubbing import Bench, Values
from scrub.graph import ALL, Site
from scrub.hypothesis.claim import Claim
from scrub.models.base import Model
from scrub.models.batches import Inputs
from scrub.models.callables import CallableModel
from scrub.models.recording import record
from scrub.sampling.donors import Donors, draw_donors
from scrub.study.assemble import Measured
from scrub.study.prepare import Plan, Prepared, sites, whole_cost


class Progress(Protocol):
    """Told what is going on; the command line draws bars."""

    def start(self, stage: str, total: int) -> None: ...

    def advance(self, amount: int) -> None: ...


class Silent:
    """No progress."""

    def start(self, stage: str, total: int) -> None:
        pass

    def advance(self, amount: int) -> None:
        pass


@dataclass(eq=False)
class Clock:
    """Seconds spent in each stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


def measure(
    plan: Plan, model: Model, progress: Progress | None = None, clock: Clock | None = None
) -> Measured:
    """Draw, record, and run every schedule of a plan."""
    return measure_together([plan], model, progress, clock)[0]


def measure_together(
    plans: Sequence[Plan],
    model: Model,
    progress: Progress | None = None,
    clock: Clock | None = None,
) -> list[Measured]:
    """The same for several plans of one model, task and settings, on one recording.

    A schedule that several plans have, on the same draws, is run once: the model itself, mostly
    the baseline, and whatever two hypotheses say alike.
    """
    progress, clock = progress or Silent(), clock or Clock()
    settings, items = plans[0].settings, plans[0].items("scrub")
    with clock("draw"):
        donors, dataset = _draw(plans)
    with clock("probe"):
        inputs = Inputs.of(dataset, model.graph)
        for plan in plans:
            probe_on_data(model, inputs, plan.claim.tree.claim)
    costs = [whole_cost(plan, len(inputs)) for plan in plans]
    every = tuple({site: None for plan in plans for site in sites(plan)})
    budget = parse_bytes(settings.memory) if settings.memory else None
    references = len(plans[0].references)
    memory = plan_memory(
        _together(costs, every, plans, len(inputs)),
        items,
        model.device,
        budget,
        settings.batch,
        references,
    )
    with clock("record"):
        progress.start("recording", len(inputs))
        recording = record(
            model, inputs, every, batch=memory.inputs, place=memory.place, advance=progress.advance
        )
    with recording, clock("run"):
        task = plans[0].task
        scorer = Scorer(task, task.dataset, model.device)
        bench = Bench(
            model, recording, dataset, scorer, plans[0].references, memory.chunk, memory.keeps_own
        )
        runs = _Runs(bench, progress, items)
        found = [runs.of(plan, mine) for plan, mine in zip(plans, donors, strict=True)]
    return [
        Measured(own, values, mine, memory, len(bench.halvings), cost)
        for (own, values), mine, cost in zip(found, donors, costs, strict=True)
    ]


@dataclass(eq=False)
class _Runs:
    """What has been run, by what it computes and on which rows."""

    bench: Bench
    progress: Progress
    items: int
    own: Floats | None = None
    uniform: Values | None = None
    known: dict[tuple[str, bytes], Values] = field(default_factory=dict)

    def of(self, plan: Plan, donors: dict[str, Donors]) -> tuple[Floats, dict[str, Values]]:
        """The model's own values, and those of each schedule of a plan."""
        if self.own is None:  # the same for all, whatever they claim
            self.own = self.bench.measure_model(plan.model.schedule, donors["model"])
        values = {}
        if not plan.baseline:
            self.uniform = self.uniform or self.bench.uniform()
            values["baseline"] = self.uniform
        for name in [name for name in plan.prepared if name != "model"]:
            values[name] = self._run(name, plan.prepared[name], donors[name])
        return self.own, values

    def _run(self, name: str, prepared: Prepared, donors: Donors) -> Values:
        key = computation(prepared, donors)
        if key not in self.known:
            self.progress.start(f"running {name}", self.items)
            self.known[key] = self.bench.measure(prepared.schedule, donors, self.progress.advance)
        return self.known[key]


def computation(prepared: Prepared, donors: Donors) -> tuple[str, bytes]:
    """What a schedule computes on which rows, whatever its nodes are called."""
    schedule = prepared.schedule
    return f"{schedule.instructions!r} {schedule.output}", donors.rows.tobytes()


def _together(
    costs: Sequence[Stats], every: tuple[Site, ...], plans: Sequence[Plan], inputs: int
) -> Stats:
    """The largest needs of all, and the recording of what any of them reads."""
    if len(plans) == 1:
        return costs[0]
    most = max(costs, key=lambda cost: cost.peak_bytes)
    shape = replace(plans[0].shape, inputs=inputs)
    kept = sum(site_bytes(plans[0].claim.schedule, shape, site) for site in every)
    return replace(
        most,
        recording_bytes=kept,
        pass_bytes=most.pass_bytes + (kept - most.recording_bytes) // max(inputs, 1),
    )


def _draw(plans: Sequence[Plan]) -> tuple[list[dict[str, Donors]], Dataset]:
    """The donors of every tree, and the data with all generated donors at its end."""
    dataset, drawn = plans[0].task.dataset, []
    for plan in plans:
        found = {}
        for name, prepared in plan.prepared.items():
            draws = 1 if name == "model" else plan.settings.draws
            references, seed = plan.references.tolist(), plan.settings.seed
            found[name] = draw_donors(prepared.tree, references, draws, seed, dataset)
            dataset = found[name].dataset
        drawn.append(found)
    return drawn, dataset


def probe_on_data(model: Model, inputs: Inputs, claim: Claim) -> None:
    """Look at what depends on the inputs: their lengths, and what hand-made functions make of them.

    Raises `ModelRefused`.
    """
    from scrub.models.adapter import TransformersModel
    from scrub.models.handmade_probe import require_declared
    from scrub.models.padding import require_padding_harmless

    if isinstance(model, TransformersModel):
        require_padding_harmless(model, inputs)
    elif isinstance(model, CallableModel):
        nodes = [node for node in claim.nodes.values() if node.positions != ALL]
        require_declared(model, inputs, {part.component for node in nodes for part in node.parts})
