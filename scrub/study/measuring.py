"""From plans to measured values: draws, one recording, every schedule run once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scrub.compiler import Stats, site_bytes
from scrub.data.dataset import Dataset
from scrub.engine.budget import parse_bytes
from scrub.engine.memory import MemoryPlan, plan_memory
from scrub.engine.progress import Progress, Silent
from scrub.graph import ALL, TOKENS, Site
from scrub.hypothesis.claim import Claim
from scrub.models.base import Model
from scrub.models.batches import Inputs
from scrub.models.callables import CallableModel
from scrub.models.recording import record
from scrub.sampling.donors import Donors, draw_donors
from scrub.study.assemble import Measured
from scrub.study.prepare import Plan, sites, whole_cost
from scrub.study.running import Runs

if TYPE_CHECKING:
    from scrub.models.prefixes import Prefix


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
    return next(measure_each([plan], model, progress, clock))


def measure_each(
    plans: Sequence[Plan],
    model: Model,
    progress: Progress | None = None,
    clock: Clock | None = None,
    skip: Sequence[bool] = (),
) -> Iterator[Measured]:
    """The same for several plans of one model and data set, on one recording, one after another.

    They may differ in all but where and how the model runs: in their claims, conventions, metrics,
    references, draws and seeds. A schedule that several have, on the same draws, is run once: the
    model itself, mostly the baseline, and whatever two hypotheses say alike. Plans to `skip` are
    not run, and take their place in the recording all the same: what the others come to does not
    depend on which of them are left to do.
    """
    progress, clock = progress or Silent(), clock or Clock()
    with clock("draw"):
        donors, dataset = draw_each(plans)
    with recorded(plans, dataset, model, progress, clock) as (runs, costs):
        left = skip or [False] * len(plans)
        for plan, mine, cost, skipped in zip(plans, donors, costs, left, strict=True):
            if not skipped:
                with clock("run"):
                    own, values = runs.of(plan, mine)
                yield Measured(own, values, mine, runs.memory, runs.halvings, cost)


@contextmanager
def recorded(
    plans: Sequence[Plan], dataset: Dataset, model: Model, progress: Progress, clock: Clock
) -> Iterator[tuple[Runs, list[Stats]]]:
    """The recording of all that some plans read, ready to run them on, and what each costs.

    `dataset` is the plans' own, with generated donors at its end. The recording is gone when the
    block ends.
    """
    with clock("probe"):
        inputs = Inputs.of(dataset, model.graph)
        for plan in plans:
            probe_on_data(model, inputs, plan.claim.tree.claim)
    costs = [whole_cost(plan, len(inputs)) for plan in plans]
    every = tuple({site: None for plan in plans for site in sites(plan)})
    needs = _together(costs, every, plans, len(inputs))
    memory = _memory(plans, model, needs)
    with clock("record"):
        progress.start("recording", len(inputs))
        if (prefix := prefix_of(model, inputs, every)) is not None:
            rows = prefix.rows_at_once(memory.inputs, needs.pass_bytes)
            memory = replace(memory, recorded_once=prefix.length, inputs=rows)
            costs = [without_repeats(cost, inputs, prefix.length) for cost in costs]
        recording = record(
            model,
            inputs,
            every,
            batch=memory.inputs,
            place=memory.place,
            advance=progress.advance,
            prefix=prefix,
        )
    with recording:
        yield Runs(model, recording, dataset, memory, progress), costs


def _memory(plans: Sequence[Plan], model: Model, needs: Stats) -> MemoryPlan:
    """What is kept where, and how many items run at a time: for the largest of the plans."""
    settings = plans[0].settings
    return plan_memory(
        needs,
        max(plan.items("scrub") for plan in plans),
        model.device,
        parse_bytes(settings.memory) if settings.memory else None,
        settings.batch,
        max(len(plan.references) for plan in plans),
    )


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


def prefix_of(model: Model, inputs: Inputs, every: Sequence[Site]) -> Prefix | None:
    """What all inputs begin with, recorded once, where that can be done and pays."""
    from scrub.models.adapter import TransformersModel
    from scrub.models.prefixes import shared_prefix

    return shared_prefix(model, inputs, every) if isinstance(model, TransformersModel) else None


def without_repeats(cost: Stats, inputs: Inputs, once: int) -> Stats:
    """The costs where so many positions go through the model once: as much less of the recording
    as of its positions."""
    longest = inputs.longest[TOKENS]
    left = once + len(inputs) * (longest - once)
    return replace(cost, recording_flops=cost.recording_flops * left // (len(inputs) * longest))


def draw_each(plans: Sequence[Plan]) -> tuple[list[dict[str, Donors]], Dataset]:
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
