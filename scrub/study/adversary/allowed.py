"""From a strategy and what it did to the result: usual and worst side by side, node by node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from scrub.data.features import EXACT
from scrub.hypothesis.rules.features import roles_below
from scrub.results.adversary import (
    Choice,
    Harm,
    PerExample,
    Searched,
    Singletons,
    WorstAllowed,
)
from scrub.results.result import Precision
from scrub.sampling.chosen import chosen, rows_claimed
from scrub.sampling.samplers import sampler_of
from scrub.study.adversary.allowed_words import Pooled, cautions, verdict
from scrub.study.adversary.ascent import Ascent
from scrub.study.adversary.halves import Half
from scrub.study.adversary.levers import has_classes
from scrub.study.adversary.scoring import Scored, Statistics
from scrub.study.assemble import Provenance, conventions_of
from scrub.study.prepare import Plan


def worst_allowed(
    plan: Plan,
    first: Half,
    found: Ascent,
    scored: Scored,
    precision: Precision,
    provenance: Provenance,
    seconds: Mapping[str, float],
) -> WorstAllowed:
    """The result: `plan` is the whole one, `first` the half that was searched."""
    statistics = Statistics(scored.half, found.chosen)
    usual_sample = statistics.usual
    worst_sample = statistics.sample(scored.worst, found.chosen)
    usual = statistics.sampled(usual_sample, scored.half.measured.values["scrub"])
    worst = statistics.sampled(worst_sample, scored.worst[1])
    harm = statistics.harm(usual_sample, worst_sample)
    choices = tuple(_choices(found, scored, statistics))
    singletons = tuple(_singletons(plan))
    return WorstAllowed(
        name=plan.hypothesis.name,
        claim=plan.hypothesis.claim,
        metric=plan.task.metric_name,
        task=plan.task.name,
        model=provenance.model,
        verdict=verdict(usual, worst, harm, choices),
        usual=usual,
        worst=worst,
        harm=harm,
        searched=_searched(first, found, harm, usual.recovered.value is None),
        choices=choices,
        singletons=singletons,
        cautions=cautions(usual, _pooled(first, scored.half), harm, singletons, _weighted(plan)),
        conventions={
            **conventions_of(plan),
            "dtype": precision.dtype,
            "candidates": found.ground.candidates,
            "searched_on": len(first.plan.references),
            "scored_on": len(scored.half.plan.references),
        },
        seconds={name: round(value, 4) for name, value in seconds.items()},
        fingerprints=provenance.fingerprints,
        versions=provenance.versions,
        per_example=PerExample(
            references=scored.half.plan.references,
            model=usual_sample.model,
            baseline=usual_sample.baseline,
            usual=usual_sample.scrubbed,
            worst=worst_sample.scrubbed,
            donors=scored.worst[0].rows,
        ),
        precision=precision,
    )


def _choices(found: Ascent, scored: Scored, statistics: Statistics) -> Iterator[Choice]:
    for lever in found.levers:
        refined = found.chosen.get(lever.key)
        handed = scored.worst[0].rows[list(lever.handed)]
        claimed = rows_claimed(lever.sampler, handed)
        left, alone, added = claimed, None, None
        if refined is not None:
            left = chosen(lever.sampler, refined.rule).rows_left(handed)
            alone, added = statistics.of(scored, lever.key)
        yield Choice(
            node=lever.node.name,
            of=lever.of,
            feature=lever.feature,
            said="" if refined is None else refined.said,
            rule=() if refined is None else refined.lines,
            rows=float(left.mean()),
            rows_claimed=float(claimed.mean()),
            alone=alone,
            added=added,
            tried=found.tried.get(lever.key, 0),
        )


def _searched(first: Half, found: Ascent, harm: Harm, refused: bool) -> Searched:
    own = float(first.measured.model.mean())
    baseline = float(first.measured.values["baseline"].metric.mean())
    usual = worst = optimism = None
    if not refused and found.first is not None and found.last is not None:
        usual, worst = (
            (float(tried.metric.mean()) - baseline) / (own - baseline)
            for tried in (found.first, found.last)
        )
        if harm.recovered.value is not None:
            optimism = (usual - worst) - harm.recovered.value
    return Searched(
        references=len(first.plan.references),
        usual=usual,
        worst=worst,
        optimism=optimism,
        evaluations=found.evaluations,
        rounds=found.rounds,
    )


def _pooled(*halves: Half) -> Pooled:
    """The usual sampling on all references."""
    measured = [half.measured for half in halves]
    model = np.concatenate([one.model for one in measured])
    scrubbed = np.concatenate([one.values["scrub"].metric for one in measured])
    baseline = np.concatenate([one.values["baseline"].metric for one in measured])
    return Pooled(
        model=float(model.mean()),
        scrubbed=float(scrubbed.mean()),
        baseline=float(baseline.mean()),
        divergence=float(np.abs(scrubbed - model[:, None]).mean()),
    )


def _singletons(plan: Plan) -> Iterator[Singletons]:
    """Nodes at which some references have no other input to draw."""
    claim, below = plan.claim.tree.claim, roles_below(plan.claim.tree.claim)
    members = len(claim.dataset)
    for name in claim.topological:
        node = claim.nodes[name]
        if node.feature is EXACT or not has_classes(node):
            continue
        by_length = claim.by_length(name) and name != claim.sink
        sampler = sampler_of(node, claim.dataset, members, by_length)
        sizes = sampler.class_size(claim.dataset.distinct_at(below[name]))
        alone = int((sizes[plan.references] == 1).sum())
        if alone:
            yield Singletons(name, alone, alone / len(plan.references))


def _weighted(plan: Plan) -> list[str]:
    """Nodes whose donors are weighted, and so not chosen."""
    nodes = plan.claim.tree.claim.nodes.values()
    return [node.name for node in nodes if not has_classes(node)]
