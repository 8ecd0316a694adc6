"""Everything about a run that needs no weights: the checked claim, its trees and its schedules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scrub.compiler import Schedule, Shape, Stats, compile_tree, site_bytes, stats
from scrub.data.dataset import Ints
from scrub.data.features import ANY, EXACT
from scrub.data.task import Task
from scrub.graph import ModelGraph, Site
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.counting import count_occurrences
from scrub.hypothesis.hypothesis import Hypothesis
from scrub.hypothesis.options import Baseline, Options, Replacement, Unimportant
from scrub.hypothesis.unfold import Tree, unfold
from scrub.sampling.philox import key_of, uniform_unit, uniform_words
from scrub.study.check import check
from scrub.study.settings import Null, Settings


@dataclass(frozen=True, eq=False)
class Prepared:
    """One tree: what is drawn, and what is computed."""

    tree: Tree
    schedule: Schedule


@dataclass(frozen=True, eq=False)
class Plan:
    """A run before any model is loaded.

    `claim` is the hypothesis; `model` the unscrubbed read-out; `baseline` what recovers 0 (None
    for uniform logits, which need no run); `null` the same graph with its features forgotten.
    """

    hypothesis: Hypothesis
    task: Task
    settings: Settings
    claim: Prepared
    model: Prepared
    baseline: Prepared | None
    null: Prepared | None
    references: Ints
    shape: Shape

    @property
    def prepared(self) -> Mapping[str, Prepared]:
        """What is run, by name, in order."""
        named = {
            "model": self.model,
            "baseline": self.baseline,
            "scrub": self.claim,
            "null": self.null,
        }
        return {name: value for name, value in named.items() if value is not None}

    def stats(self) -> dict[str, Stats]:
        return {name: stats(p.schedule, self.shape) for name, p in self.prepared.items()}

    def items(self, name: str) -> int:
        """How many items (a reference and a draw) a schedule is run on."""
        return len(self.references) * (1 if name == "model" else self.settings.draws)


def prepare(hypothesis: Hypothesis, settings: Settings, graph: ModelGraph | None = None) -> Plan:
    """Check a hypothesis and compile all that a run of it needs.

    Raises `InputRefused` with every problem of the hypothesis at once.
    """
    claim = check(hypothesis, graph)
    task = claim.task
    return Plan(
        hypothesis=hypothesis,
        task=task,
        settings=settings,
        claim=_prepared(claim),
        model=_prepared(_under(sink_alone(claim), unimportant=Unimportant.KEPT)),
        baseline=_baseline(claim),
        null=_null(claim, settings),
        references=choose_references(len(task.dataset), settings),
        shape=_shape(task, claim.graph, settings),
    )


def _prepared(claim: Claim) -> Prepared:
    tree = unfold(claim)
    return Prepared(tree, compile_tree(tree))


def _under(claim: Claim, **changed: Any) -> Claim:
    """A claim under other conventions; the defaults where nothing else is said."""
    base = Options(nodes=claim.options.nodes, limit=claim.options.limit)
    return replace(claim, options=replace(base, **changed))


def sink_alone(claim: Claim) -> Claim:
    """The claim that nothing matters. Made of one that has been checked: no rule can refuse it."""
    sink = replace(claim.nodes[claim.sink], feature=EXACT)
    return replace(claim, nodes={claim.sink: sink}, edges=())


def _baseline(claim: Claim) -> Prepared | None:
    """What recovers 0, by the name in the options."""
    hidden = sink_alone(claim)
    match claim.options.baseline:
        case Baseline.UNIFORM:
            return None
        case Baseline.ZERO:
            return _prepared(_under(hidden, replacement=Replacement.ZERO))
        case Baseline.MEAN:
            return _prepared(_under(hidden, replacement=Replacement.MEAN))
        case Baseline.COMPONENTS:
            return _prepared(_under(_named_parents(claim), unimportant=Unimportant.KEPT))
        case Baseline.RANDOM:
            return _prepared(_under(hidden, unimportant=Unimportant.TOGETHER))


def _named_parents(claim: Claim) -> Claim:
    """The sink and its parents as leaves that carry nothing, all else kept."""
    edges = claim.parents[claim.sink]
    nodes = {edge.parent: replace(claim.nodes[edge.parent], feature=ANY) for edge in edges}
    sink = replace(claim.nodes[claim.sink], feature=EXACT)
    return replace(claim, nodes={**nodes, claim.sink: sink}, edges=edges)


def _null(claim: Claim, settings: Settings) -> Prepared | None:
    """The same graph with every feature but the sink's forgotten: what mere structure recovers.

    None where there is nothing to forget, or where the graph, which shared what drew nothing,
    would now unfold beyond the limit.
    """
    if settings.null == Null.NONE.value or len(claim.nodes) == 1:
        return None
    nodes = {
        name: node if name == claim.sink else replace(node, feature=ANY)
        for name, node in claim.nodes.items()
    }
    forgotten = replace(claim, nodes=nodes)
    return _prepared(forgotten) if count_occurrences(forgotten) <= claim.options.limit else None


def choose_references(rows: int, settings: Settings) -> Ints:
    """A seeded choice of rows, sorted; all of them where there are no more."""
    if settings.references >= rows:
        return np.arange(rows, dtype=np.int64)
    numbers = np.arange(rows, dtype=np.int64)
    luck = uniform_unit(
        uniform_words(numbers, np.zeros_like(numbers), key_of(settings.seed, "references"))
    )
    return np.sort(np.argsort(luck, kind="stable")[: settings.references]).astype(np.int64)


def _shape(task: Task, graph: ModelGraph, settings: Settings) -> Shape:
    data = task.dataset
    sizes = {"float32": 4, "float64": 8, "bfloat16": 2, "float16": 2}
    each = sizes[settings.dtype]
    return Shape(
        lengths={space.name: int(data.lengths_in(space).max()) for space in graph.spaces},
        inputs=len(data.inputs),
        roles={name: max(map(len, spots)) for name, spots in data.roles.items()},
        bytes_per_value=each,
        bytes_per_sum=max(each, 4),
    )


def sites(plan: Plan) -> tuple[Site, ...]:
    """What all schedules of a plan read, each place once."""
    return tuple({site: None for p in plan.prepared.values() for site in p.schedule.sites()})


def whole_cost(plan: Plan, inputs: int) -> Stats:
    """The hypothesis' own costs, with the one recording that all schedules share."""
    shape = replace(plan.shape, inputs=inputs)
    each = {name: stats(p.schedule, shape) for name, p in plan.prepared.items()}
    recorded = {site: site_bytes(plan.claim.schedule, shape, site) for site in sites(plan)}
    scrub, kept = each["scrub"], sum(recorded.values())
    return replace(
        scrub,
        peak_bytes=max(found.peak_bytes for found in each.values()),
        recording_bytes=kept,
        pass_bytes=scrub.pass_bytes + (kept - scrub.recording_bytes) // max(inputs, 1),
    )
