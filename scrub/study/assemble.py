"""From what was measured to a `Result`: statistics, claims, diagnostics, the worst examples."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scrub.compiler import Stats
from scrub.engine.memory import MemoryPlan
from scrub.engine.metrics import Floats
from scrub.engine.scrubbing import Values
from scrub.hypothesis.claim import Claim
from scrub.results.graph import graph_of
from scrub.results.result import (
    Claims,
    Cost,
    Figure,
    Means,
    NodeResult,
    NullResult,
    PerExample,
    Precision,
    Recovered,
    Result,
)
from scrub.sampling.donors import Donors, diagnose, draw_classes
from scrub.statistics import Bounds, Estimand, Interval, Sample, recovered
from scrub.statistics import Recovered as Estimate
from scrub.study.cautions import cautions
from scrub.study.prepare import Plan
from scrub.study.settings import Settings
from scrub.study.worst import worst


@dataclass(frozen=True, eq=False)
class Measured:
    """What the engine gives: the model's own values [reference], and those of each schedule."""

    model: Floats
    values: Mapping[str, Values]
    donors: Mapping[str, Donors]
    memory: MemoryPlan
    halvings: int
    cost: Stats


@dataclass(frozen=True)
class Provenance:
    """Where a result comes from."""

    model: str
    fingerprints: Mapping[str, str]
    versions: Mapping[str, str]


def assemble(
    plan: Plan,
    measured: Measured,
    precision: Precision,
    provenance: Provenance,
    seconds: Mapping[str, float],
) -> Result:
    """The result of a run."""
    start = time.perf_counter()
    claim = plan.claim.tree.claim
    estimate = estimate_of(plan, measured)
    share = share_of(estimate)
    means = Means(*(figure_of(b) for b in (estimate.model, estimate.scrubbed, estimate.baseline)))
    nodes = _nodes(plan, measured)
    claims = claims_of(claim, nodes, len(plan.claim.tree.occurrences))
    null = _null(measured, means, share)
    scrubbed = measured.values["scrub"]
    return Result(
        name=plan.hypothesis.name,
        claim=plan.hypothesis.claim,
        metric=plan.task.metric_name,
        task=plan.task.name,
        model=provenance.model,
        recovered=share,
        means=means,
        divergence=estimate.divergence,
        kl=None if scrubbed.kl is None else float(scrubbed.kl.mean()),
        null=null,
        claims=claims,
        nodes=nodes,
        cautions=cautions(claim, share, means, estimate.divergence, nodes, null),
        conventions={**conventions_of(plan), "dtype": precision.dtype},
        cost=_cost(plan, measured, {**seconds, "statistics": time.perf_counter() - start}),
        precision=precision,
        worst=worst(
            plan.claim.tree,
            measured.donors["scrub"],
            measured.model,
            scrubbed.metric,
            plan.task.positions,
        ),
        fingerprints=provenance.fingerprints,
        versions=provenance.versions,
        per_example=values_of(plan, measured),
        graph=graph_of(claim),
    )


def sample_of(plan: Plan, measured: Measured) -> Sample:
    """The three sets of values, and the rows that were drawn for them."""
    return sample_again(plan, measured.donors, values_of(plan, measured))


def sample_again(plan: Plan, donors: Mapping[str, Donors], values: PerExample) -> Sample:
    """The same of values that were kept: the draws of a plan are always those that it had."""
    drawn = donors["scrub"].rows[1:]
    shape = values.scrubbed.shape
    other = np.zeros((0, *shape), dtype=np.int64)
    if plan.baseline is not None:
        other = donors["baseline"].rows[1:]
    rows = len(plan.task.dataset)
    return Sample(
        rows=rows,
        references=values.references,
        scrubbed=values.scrubbed,
        baseline=values.baseline,
        model=values.model,
        donors=np.where(drawn < rows, drawn, -1),  # generated donors are no rows of the data
        baseline_donors=np.where(other < rows, other, -1),
        classes=draw_classes(plan.claim.tree)[1:],
        baseline_classes=draw_classes(plan.baseline.tree)[1:] if plan.baseline else None,
    )


def values_of(plan: Plan, measured: Measured) -> PerExample:
    """What is kept of every reference and draw; a baseline without draws is the same in each."""
    scrubbed = measured.values["scrub"]
    baseline = np.broadcast_to(measured.values["baseline"].metric, scrubbed.metric.shape)
    return PerExample(
        references=plan.references,
        model=measured.model,
        scrubbed=scrubbed.metric,
        baseline=np.ascontiguousarray(baseline),
        kl=scrubbed.kl,
    )


def estimate_of(plan: Plan, measured: Measured) -> Estimate:
    """The statistics of what was measured."""
    return estimated(sample_of(plan, measured), plan.settings)


def estimated(sample: Sample, settings: Settings) -> Estimate:
    """The statistics of a sample, with the interval that the settings ask for."""
    return recovered(
        sample,
        estimand=Estimand(settings.estimand),
        method=Interval(settings.interval),
        level=settings.level,
        replicates=settings.replicates,
        seed=settings.seed,
    )


def figure_of(bounds: Bounds) -> Figure:
    return Figure(bounds.value, bounds.low, bounds.high)


def share_of(found: Estimate) -> Recovered:
    return Recovered(
        value=found.value,
        low=found.low,
        high=found.high,
        level=found.level,
        method=found.method.value,
        estimand=found.estimand.value,
        replicates=found.replicates,
        refusal=found.refusal,
        notes=found.notes,
    )


def _null(measured: Measured, means: Means, share: Recovered) -> NullResult | None:
    if "null" not in measured.values:
        return None
    mean = float(measured.values["null"].metric.mean())
    model, baseline = means.model.value, means.baseline.value
    assert model is not None  # raw means exist always
    assert baseline is not None
    refused = share.value is None  # what refuses the ratio of the claim refuses that of its null
    ratio = None if refused else (mean - baseline) / (model - baseline)
    return NullResult("features forgotten", ratio, mean)


def _nodes(plan: Plan, measured: Measured) -> tuple[NodeResult, ...]:
    claim = plan.claim.tree.claim
    found = []
    for draws in diagnose(plan.claim.tree, measured.donors["scrub"]):
        node = claim.nodes[draws.node]
        found.append(
            NodeResult(
                name=node.name,
                component=", ".join(map(str, node.parts)),
                positions=str(node.positions),
                feature=draws.feature,
                occurrences=draws.occurrences,
                draws=draws.draws,
                self_share=draws.self_share,
                frame_self_share=draws.frame_self_share,
                classes=draws.classes,
                class_sizes=(draws.smallest, draws.median, draws.largest),
                bits=draws.bits,
            )
        )
    return tuple(found)


def claims_of(claim: Claim, nodes: tuple[NodeResult, ...], occurrences: int) -> Claims:
    """How much a hypothesis says; edges of the model graph are counted per port."""
    return Claims(
        nodes=len(claim.nodes),
        edges=len(claim.edges),
        occurrences=occurrences,
        model_edges=claim.graph.n_edges,
        unimportant=claim.unimportant,
        bits=float(np.mean([node.bits for node in nodes])),
        most_bits=float(np.log2(int(claim.dataset.distinct.max()) + 1)),
    )


def conventions_of(plan: Plan) -> dict[str, object]:
    """Every option and setting by name, and where the output is scored."""
    return {
        **plan.hypothesis.options.as_dict(),
        **plan.settings.as_dict(),
        "references": len(plan.references),
        "rows": len(plan.task.dataset),
        "scored_at": str(plan.task.positions),
    }


def _cost(plan: Plan, measured: Measured, seconds: Mapping[str, float]) -> Cost:
    cost, memory = measured.cost, measured.memory
    items = {name: plan.items(name) for name in plan.prepared}
    each = plan.stats()
    flops = cost.recording_flops + sum(each[name].flops * items[name] for name in items)
    whole = cost.pass_flops * len(plan.references)
    return Cost(
        forward_passes=flops / whole if whole else 0.0,
        flops=flops,
        recording_flops=cost.recording_flops,
        steps=cost.steps,
        recording_bytes=cost.recording_bytes,
        peak_bytes=memory.live_bytes,
        place=memory.place.value,
        chunk=memory.chunk,
        halvings=measured.halvings,
        recorded_once=memory.recorded_once,
        seconds={name: round(value, 4) for name, value in seconds.items()},
    )
