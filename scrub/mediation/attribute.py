"""`attribute`: estimates for all edges, components, ports or neurons, the largest held against
exact effects, so that the error of the estimate is seen."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from scrub.data.task import Task
from scrub.engine.edits import Edit, Input, State
from scrub.engine.flow import edited
from scrub.engine.metrics import Floats
from scrub.errors import InputRefused, Problem, nearest
from scrub.graph import ModelGraph
from scrub.graph.circuits import Edge
from scrub.mediation.attribution import EdgeIndex, Method, Rule, edge_estimates
from scrub.mediation.circuits import Writers
from scrub.mediation.corruption import Corruption, corruption
from scrub.mediation.corruption import Written as WrittenCorruption
from scrub.mediation.findings import Finding, Row
from scrub.mediation.measuring import Progress, Setting, Silent, bounds_cells
from scrub.mediation.pairs import Pair
from scrub.mediation.scene import Scene
from scrub.statistics.agreement import Agreement, agreement
from scrub.statistics.effects import Effects, mean_effects
from scrub.statistics.recovered import Bounds


@dataclass(frozen=True, eq=False, repr=False)
class EdgeAttribution(Finding):
    """Every edge's estimated effect on the metric, and the exact effects of the largest.

    - `edges`: in order of evaluation; `estimates` [edge] with intervals over examples.
    - `wild`, `corrupted`: the metric's means; `total`: corrupted less wild.
    - `exact`: the measured effect of each edge in `measured` (numbers of edges, the largest
      estimates first): the metric with this edge alone corrupted, less the wild one.
    - `agreement`: estimated against exact over these edges; None for fewer than two.
    """

    KIND: ClassVar[str] = "edge-attribution"

    edges: tuple[Edge, ...]
    estimates: Effects
    wild: Bounds
    corrupted: Bounds
    total: Bounds
    measured: tuple[int, ...]
    exact: Effects | None
    agreement: Agreement | None

    @property
    def order(self) -> tuple[int, ...]:
        """The numbers of the edges, the largest estimates by size first."""
        by_size = np.argsort(-np.abs(self.estimates.mean), kind="stable")
        return tuple(int(i) for i in by_size)

    def top(self, n: int) -> tuple[Edge, ...]:
        """The n edges with the largest estimates by size."""
        return tuple(self.edges[i] for i in self.order[:n])

    def table(self) -> Sequence[Row]:
        exact = dict(zip(self.measured, range(len(self.measured)), strict=True))
        return [
            {
                "edge": str(self.edges[i]),
                **bounds_cells("estimate", self.estimates.bounds(i)),
                **bounds_cells(
                    "exact", self.exact.bounds(exact[i]) if self.exact and i in exact else None
                ),
            }
            for i in self.order
        ]


def attribute(
    model: object,
    task: Task | str | Path,
    *,
    corrupt: WrittenCorruption,
    method: str | Method = Method.EAP,
    steps: int = 5,
    rule: str | Rule = Rule.MIDPOINT,
    exact: int = 20,
    progress: Progress | None = None,
    **options: Any,
) -> EdgeAttribution:
    """What corrupting each edge of the model graph would change, estimated for all, measured for
    the `exact` largest.

    `method`: eap, eap-ig-inputs, eap-ig-activations or clean-corrupted; `steps` blends where it
    has any, at the points of `rule`. Options: references, draws, seed, batch, dtype, device,
    level, interval, replicates. Raises `InputRefused` for what does not exist and for a metric
    that has no gradient.

    >>> found = attribute("induction-2l", "repeated_tokens(n=64)", corrupt="embed=resample",
    ...                   references=16, exact=4)
    >>> len(found.edges), len(found.measured)
    (23, 4)
    """
    chosen, points = named("method", method, Method), named("rule", rule, Rule)
    require_count("steps", steps, 1)
    require_count("exact", exact, 0)
    setting = Setting.of(model, task, options)
    subject, told = setting.subject, progress or Silent()
    made = corruption(corrupt, subject)
    writers = Writers(subject.model.graph)
    index = EdgeIndex(writers)
    told.start("estimate", subject.items)
    found, wild, corrupted = [], [], []
    for scene in subject.scenes():
        pair = pair_of(scene, made, writers)
        found.append(edge_estimates(pair, index, chosen, steps, points))
        wild.append(scene.score(pair.wild))
        corrupted.append(scene.score(pair.corrupted))
        told.advance(len(scene.rows))
    estimates = subject.averaged(np.concatenate(found).T.astype(np.float64))  # [edge, example]
    means = [subject.averaged(np.concatenate(v)) for v in (wild, corrupted)]
    largest = np.argsort(-np.abs(estimates.mean(-1)), kind="stable")[:exact].tolist()
    measured = [index.edges[i] for i in largest]
    effects = subject.averaged(exact_effects(setting, made, measured, told))
    groups, how = setting.units, setting.how
    both = mean_effects(np.stack([*means, means[1] - means[0]]), groups, how)
    return EdgeAttribution(
        conventions=setting.conventions(
            corruption=str(made), method=chosen.value, steps=steps, rule=points.value, exact=exact
        ),
        per_example={"estimate": estimates, "exact": effects, "wild": means[0],
                     "corrupted": means[1]},
        edges=index.edges,
        estimates=mean_effects(estimates, groups, how),
        wild=both.bounds(0),
        corrupted=both.bounds(1),
        total=both.bounds(2),
        measured=tuple(largest),
        exact=mean_effects(effects, groups, how) if largest else None,
        agreement=_agreement(estimates, effects, largest, how.level),
    )  # fmt: skip


def pair_of(scene: Scene, made: Corruption, writers: Writers) -> Pair:
    """The wild and the corrupted world of a scene, with its metric."""

    def score(output: torch.Tensor) -> torch.Tensor:
        return scene.subject.scorer.differentiable(output, scene.own, scene.rows)

    at = scene.at(scene.subject.task.positions)
    return Pair(scene.wild, scene.changed(made.changes), writers, score, at)


def exact_effects(
    setting: Setting, made: Corruption, edges: Sequence[Edge], told: Progress
) -> Floats:
    """The metric with each of these edges alone corrupted, less the wild one: [edge, item]."""
    subject = setting.subject
    told.start("measure", len(edges) * subject.items)
    found: list[Floats] = []
    for scene in subject.scenes():
        other = scene.changed(made.changes)
        wild = scene.score(scene.wild)
        rows = np.zeros((len(edges), len(scene.rows)))
        for i, edge in enumerate(edges):
            delta = other.shares[edge.feeder] - scene.wild.shares[edge.feeder]
            world = edited(scene.wild, [into(edge, subject.model.graph, delta)])
            rows[i] = scene.score(world) - wild
            told.advance(len(scene.rows))
        found.append(rows)
    return np.concatenate(found, axis=1)


def into(edge: Edge, graph: ModelGraph, delta: torch.Tensor) -> Edit:
    """An edit that adds to what one edge brings."""
    stream = graph[edge.reader].port(edge.port).stream
    what = State(stream) if edge.reader == graph.output else Input(edge.reader, edge.port)
    return Edit(what, lambda own: own + delta)


def _agreement(
    estimates: Floats, exact: Floats, numbers: Sequence[int], level: float
) -> Agreement | None:
    if len(numbers) < 2:
        return None
    return agreement(estimates[numbers].mean(-1), exact.mean(-1), level=level)


def named(option: str, written: str | enum.Enum, kind: type[Any]) -> Any:
    """A member of an enum by its name as users write it. Raises `InputRefused`."""
    if isinstance(written, kind):
        return written
    known = [member.value for member in kind]
    if written not in known:
        found = f"'{written}' is no value of it."
        raise InputRefused(Problem(f"option '{option}'", found, nearest(written, known)))
    return kind(written)


def require_count(option: str, value: object, least: int) -> None:
    """Refuse what is no whole number of at least so much. Raises `InputRefused`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        found = f"must be a whole number of at least {least}, found {value!r}."
        raise InputRefused(Problem(f"option '{option}'", found))
