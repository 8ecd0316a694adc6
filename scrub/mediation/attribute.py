"""`attribute`: estimates for all edges, the largest held against exact effects, so that the error
of the estimate is seen."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scrub.data.task import Task
from scrub.data.tasks import resolve_task
from scrub.engine.edits import Edit, Input, State
from scrub.engine.flow import edited
from scrub.engine.metrics import Floats
from scrub.engine.progress import Progress, Silent
from scrub.engine.worlds import World
from scrub.errors import InputRefused, Problem, nearest
from scrub.graph import ModelGraph, Part
from scrub.graph.circuits import Edge
from scrub.mediation.attributed import EdgeAttribution
from scrub.mediation.attribution import EdgeIndex, Method, Rule, edge_estimates
from scrub.mediation.circuits import Writers
from scrub.mediation.corruption import Corruption, corruption
from scrub.mediation.corruption import Written as WrittenCorruption
from scrub.mediation.measuring import Setting, unchanged
from scrub.mediation.pairs import Pair
from scrub.mediation.scene import Scene
from scrub.mediation.subject import Subject
from scrub.statistics.agreement import agreement
from scrub.statistics.effects import mean_effects

_OTHERWISE = ", or take eap or eap-ig-activations"
BLENDED = (Method.EAP_IG_INPUTS, Method.CLEAN_CORRUPTED)  # gradients in other worlds than the wild


def attribute(
    model: object,
    task: Task | str | Path,
    *,
    corrupt: WrittenCorruption,
    method: str | Method = Method.EAP_IG_INPUTS,
    steps: int = 5,
    rule: str | Rule = Rule.MIDPOINT,
    exact: int = 20,
    metric: str | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> EdgeAttribution:
    """What corrupting each edge of the model graph would change, estimated for all, measured for
    the `exact` largest.

    `method`: eap, eap-ig-inputs, eap-ig-activations or clean-corrupted; `steps` blends where it
    has any, at the points of `rule`. The edges that leave the embedding sum to the total under
    `eap-ig-inputs`; those of later components are weighed with differences of their own and do
    not. `metric` stands for the task's own. Options: references, draws, seed, batch, dtype,
    device, folder, level, interval, replicates. Raises `InputRefused` for what does not exist and
    for a metric that has no gradient there, `ModelRefused` where the probe fails.

    >>> found = attribute("induction-2l", "repeated_tokens(n=64)", corrupt="embed=resample",
    ...                   references=16, exact=4)
    >>> len(found.edges), len(found.measured)
    (23, 4)
    """
    plan = Plan.of(model, task, corrupt, method, steps, rule, exact, metric, options)
    index = EdgeIndex(plan.writers)

    def estimate(scene: Scene) -> Floats:
        pair = pair_of(scene, plan.made, plan.writers)
        found = edge_estimates(pair, index, plan.method, plan.steps, plan.rule)
        return found.T.astype(np.float64)

    def edit(scene: Scene, other: World, number: int) -> Edit:
        edge = index.edges[number]
        delta = other.shares[edge.feeder] - scene.wild.shares[edge.feeder]
        return into(edge, plan.writers.graph, delta)

    figures = plan.figures(estimate, edit, progress or Silent())
    return EdgeAttribution(edges=index.edges, graph=plan.writers.graph, **figures)


@dataclass(frozen=True, eq=False)
class Plan:
    """An attribution that has been read and checked: on what, under which corruption, and how."""

    setting: Setting
    made: Corruption
    method: Method
    steps: int
    rule: Rule
    exact: int
    writers: Writers

    @staticmethod
    def of(
        model: object,
        task: Task | str | Path,
        corrupt: WrittenCorruption,
        method: str | Method,
        steps: int,
        rule: str | Rule,
        exact: int,
        metric: str | None,
        options: Mapping[str, Any],
    ) -> Plan:
        """From what a user writes. Raises `InputRefused`."""
        chosen, points = named("method", method, Method), named("rule", rule, Rule)
        require_count("steps", steps, 1)
        require_count("exact", exact, 0)
        setting = Setting.of(model, of_task(task, metric, options), options)
        made = corruption(corrupt, setting.subject)
        require_slope(setting.subject, chosen)
        if chosen in BLENDED:
            require_sources(made, setting.subject, f"method '{chosen.value}'")
        writers = Writers(setting.subject.model.graph)
        return Plan(setting, made, chosen, steps, points, exact, writers)

    def figures(
        self,
        estimate: Callable[[Scene], Floats],
        edit: Callable[[Scene, World, int], Edit],
        told: Progress,
        **said: object,
    ) -> dict[str, Any]:
        """The fields of an `Attribution`: `estimate` gives [cell, item] for a scene, `edit` what
        corrupts a cell alone, by its number."""
        subject, setting = self.subject, self.setting
        told.start("estimate", subject.items)
        found, runs, same = [], [], list[NDArray[np.bool_]]()
        for scene in subject.scenes():
            found.append(estimate(scene))
            other = scene.changed(self.made.changes)
            runs.append(np.stack([scene.score(scene.wild), scene.score(other)]))
            kept = unchanged(scene, self.made.changes)
            same += [] if kept is None else [kept]
            told.advance(len(scene.rows))
        estimates = subject.averaged(np.concatenate(found, axis=-1))  # [cell, example]
        wild, corrupted = subject.averaged(np.concatenate(runs, axis=-1))
        largest = np.argsort(-np.abs(estimates.mean(-1)), kind="stable")[: self.exact].tolist()
        effects = subject.averaged(self._measured(largest, edit, told))
        groups, how = setting.units, setting.how
        both = mean_effects(np.stack([wild, corrupted, corrupted - wild]), groups, how)
        several = len(largest) > 1
        means = estimates[largest].mean(-1), effects.mean(-1)
        return {
            "conventions": setting.conventions(**self._said, **said),
            "per_example": {"estimate": estimates, "exact": effects, "wild": wild,
                            "corrupted": corrupted},
            "estimates": mean_effects(estimates, groups, how),
            "wild": both.bounds(0),
            "corrupted": both.bounds(1),
            "total": both.bounds(2),
            "measured": tuple(largest),
            "exact": mean_effects(effects, groups, how) if largest else None,
            "agreement": agreement(*means, level=how.level) if several else None,
            "unchanged": float(np.concatenate(same).mean()) if same else None,
        }  # fmt: skip

    @property
    def subject(self) -> Subject:
        return self.setting.subject

    @property
    def _said(self) -> dict[str, object]:
        said: dict[str, object] = {"corruption": str(self.made), "method": self.method.value}
        if self.method in (Method.EAP_IG_INPUTS, Method.EAP_IG_ACTIVATIONS):
            said |= {"steps": self.steps, "rule": self.rule.value}
        return said | {"exact": self.exact}

    def _measured(
        self, numbers: Sequence[int], edit: Callable[[Scene, World, int], Edit], told: Progress
    ) -> Floats:
        """The metric with each of these alone corrupted, less the wild one: [number, item]."""
        subject = self.subject
        told.start("measure", len(numbers) * subject.items)
        found: list[Floats] = []
        for scene in subject.scenes() if numbers else ():
            other = scene.changed(self.made.changes)
            wild = scene.score(scene.wild)
            rows = np.zeros((len(numbers), len(scene.rows)))
            for i, number in enumerate(numbers):
                world = edited(scene.wild, [edit(scene, other, number)], subject.bases)
                rows[i] = scene.score(world) - wild
                told.advance(len(scene.rows))
            found.append(rows)
        return np.concatenate(found, axis=1) if found else np.zeros((0, subject.items))


def pair_of(scene: Scene, made: Corruption, writers: Writers) -> Pair:
    """The wild and the corrupted world of a scene, with its metric."""

    def score(output: torch.Tensor) -> torch.Tensor:
        return scene.subject.scorer.differentiable(output, scene.own, scene.rows)

    at = scene.at(scene.subject.task.positions)
    return Pair(scene.wild, scene.changed(made.changes), writers, score, at)


def into(edge: Edge, graph: ModelGraph, delta: torch.Tensor) -> Edit:
    """An edit that adds to what one edge brings."""
    stream = graph[edge.reader].port(edge.port).stream
    what = State(stream) if edge.reader == graph.output else Input(edge.reader, edge.port)
    return Edit(what, lambda own: own + delta)


def of_task(task: Task | str | Path, metric: str | None, options: Mapping[str, Any]) -> Task:
    """The task, with another metric where one is named."""
    found = resolve_task(task, options.get("folder") or Path.cwd())
    return found if metric is None else replace(found, metric=metric)


def require_slope(subject: Subject, method: Method) -> None:
    """Refuse metrics that say nothing to first order. Raises `InputRefused`."""
    name = subject.task.metric
    fix = "Name another, e.g. loss or logit_difference."
    if name == "accuracy":
        raise InputRefused(Problem("metric 'accuracy'", "is a step, which has no gradient.", fix))
    if name == "kl" and method is Method.EAP:
        found = "is at its least in the wild run, where every gradient is 0."
        fix = "Take the gradients elsewhere, e.g. by method eap-ig-inputs."
        raise InputRefused(Problem("metric 'kl'", found, fix))


def require_sources(made: Corruption, subject: Subject, asked: str) -> None:
    """Refuse a corruption of anything but the model's sources, for what compares two inputs.

    Raises `InputRefused`.
    """
    sources = [c.name for c in subject.model.graph.components if not c.ports]
    problems = [
        Problem(
            f"corruption '{place}={new}'",
            f"is not of a source, and {asked} goes between two inputs.",
            f"Corrupt {' or '.join(sources)}{_OTHERWISE if asked.startswith('method') else ''}.",
        )
        for place, new in made.changes
        if not isinstance(place.what, Part) or place.what.component not in sources
    ]
    if problems:
        raise InputRefused(problems)


def named(option: str, written: str | enum.Enum, kind: type[Any]) -> Any:
    """A member of an enum by its name as users write it. Raises `InputRefused`."""
    if isinstance(written, kind):
        return written
    known = [member.value for member in kind]
    if written not in known:
        found = f"'{written}' is no value of it."
        raise InputRefused(Problem(f"option '{option}'", found, nearest(str(written), known)))
    return kind(written)


def require_count(option: str, value: object, least: int) -> None:
    """Refuse what is no whole number of at least so much. Raises `InputRefused`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        found = f"must be a whole number of at least {least}, found {value!r}."
        raise InputRefused(Problem(f"option '{option}'", found))
