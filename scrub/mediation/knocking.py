"""Knock-out and knock-in: what breaks without a site, and what the site alone repairs.

Knock-out (noising) replaces the site in the model as it is: what breaks there, the site is
necessary for. Knock-in (denoising) gives the site back its own values in the corrupted run: what is
repaired, the site is sufficient for. The two are not opposites. Of two heads either of which
suffices, neither is necessary and both are sufficient; of a chain each link is necessary, and only
the last may be sufficient. Both are graded by dose, with the effect on other metrics, and on
another task, beside that on the target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from scrub.data.task import Task
from scrub.engine.metrics import Floats
from scrub.engine.progress import Progress, Silent
from scrub.engine.replacements import Replacement
from scrub.errors import InputRefused, Problem
from scrub.mediation.ablation import Written, require_columns, site
from scrub.mediation.corruption import Written as WrittenCorruption
from scrub.mediation.doses import QUARTERS, Curve, Dosing, curve, dosed
from scrub.mediation.findings import Finding, Row
from scrub.mediation.measuring import (
    TASK,
    Aim,
    Metric,
    Metrics,
    Setting,
    metrics,
    scored,
    shown,
    unchanged,
)
from scrub.mediation.noising import CORRUPTED, Plan, Way
from scrub.mediation.places import Place
from scrub.mediation.subject import Subject
from scrub.statistics.recovered import Bounds


@dataclass(frozen=True, eq=False, repr=False)
class Knock(Finding):
    """What a site is necessary and sufficient for, dose by dose.

    - `out`: a curve for each metric, the target first, then off-target metrics and second tasks.
      Its effects are against the wild run, its shares of the way from wild to corrupted: broken.
    - `into`: the same for knock-in. Effects are against the corrupted run, shares of the way
      from corrupted to wild: repaired. A second task has none.
    - `unchanged`: the share of draws of the corruption that put in what was there, `kept` that of
      the replacement; None where nothing is drawn from the data.
    """

    KIND: ClassVar[str] = "knock"

    places: tuple[str, ...]
    corruption: str
    replacement: str
    out: tuple[Curve, ...]
    into: tuple[Curve, ...]
    unchanged: float | None
    kept: float | None

    @property
    def broken(self) -> Bounds | None:
        """The share of the whole damage that knocking the site out does: how necessary it is."""
        return self.out[0].share

    @property
    def repaired(self) -> Bounds | None:
        """The share of the damage that the site alone repairs: how sufficient it is."""
        return self.into[0].share

    def table(self) -> Sequence[Row]:
        both = (("out", self.out), ("in", self.into))
        return [row for way, curves in both for found in curves for row in found.rows(knock=way)]


def knock(
    model: object,
    task: Task | str | Path,
    *,
    at: Written,
    corrupt: WrittenCorruption,
    replacement: str | Replacement = CORRUPTED,
    doses: Iterable[float] = QUARTERS,
    off_target: Metrics | Task | Sequence[Any] = (),
    subspace: object = None,
    progress: Progress | None = None,
    **options: Any,
) -> Knock:
    """Knock-out and knock-in of one site, graded by dose, with side effects beside the target.

    `corrupt` makes the corrupted run: `embed@subject=noise:3`, or several such. Knock-out blends
    the site's own value with `replacement` (the value of the corrupted run, or any other) in the
    wild run; knock-in blends its corrupted value with its own in the corrupted run. `off_target`
    are further metrics on the same outputs, and tasks (a `Task`, or `task:NAME`), in which the
    site is knocked out. Options are those of `sensitivity`.

    Raises `InputRefused` for doses that do not run from 0 to 1, and for a second task without a
    replacement of its own.

    >>> found = knock("induction-2l", "repeated_tokens(n=64)", at="a1.h0@query",
    ...               corrupt="embed=resample", doses=[0, 1], references=16)
    >>> round(found.broken.value, 1), round(found.repaired.value, 1)
    (1.0, 1.0)
    """
    setting = Setting.of(model, task, options)
    subject, told = setting.subject, progress or Silent()
    names, tasks = _off_target(off_target)
    by = metrics(subject, names)
    plan = Plan.of(subject, site(subject, at, subspace), corrupt, replacement, doses)
    sides = [_Side.of(setting, plan, other, subspace, options) for other in tasks]
    run = _Run(subject, plan, by)
    run.measure(told)
    beside = [side.measured(plan, told) for side in sides]
    return Knock(
        conventions=setting.conventions(
            at=shown(plan.places),
            corruption=str(plan.corruption),
            replacement=plan.name,
            doses=plan.doses.tolist(),
            off_target=[*[metric.name for metric in by[1:]], *[side.name for side in sides]],
        ),
        per_example=run.arrays() | {k: v for _, arrays in beside for k, v in arrays.items()},
        places=tuple(map(str, plan.places)),
        corruption=str(plan.corruption),
        replacement=plan.name,
        out=(*run.curves(setting, Way.OUT), *(found for found, _ in beside)),
        into=run.curves(setting, Way.IN),
        unchanged=run.share(run.same),
        kept=run.share(run.kept),
    )


@dataclass(eq=False)
class _Run:
    """The metrics of both ways and doses, [metric, dose, example, draw]."""

    subject: Subject
    plan: Plan
    by: Sequence[Metric]
    values: dict[Way, Floats] = field(default_factory=dict)
    same: list[NDArray[np.bool_]] = field(default_factory=list)
    kept: list[NDArray[np.bool_]] = field(default_factory=list)

    def measure(self, told: Progress) -> None:
        """Scene by scene, a world at a time."""
        plan = self.plan
        told.start("knocking", self.subject.items * 2 * len(plan.doses))
        found: dict[Way, list[Floats]] = {Way.OUT: [], Way.IN: []}
        for scene in self.subject.scenes():
            here: dict[Way, list[Floats]] = {Way.OUT: [], Way.IN: []}
            for way, world in plan.worlds(scene):
                here[way].append(scored(scene, world, self.by))
                told.advance(len(scene.rows))
            for way in Way:
                found[way].append(np.stack(here[way], axis=1))
            _note(self.same, unchanged(scene, plan.corruption.changes))
            if plan.given is not None:
                _note(self.kept, unchanged(scene, [(p, plan.given) for p in plan.places]))
        shape = (len(self.by), len(plan.doses), len(self.subject.rows), self.subject.draws)
        self.values = {w: np.concatenate(v, axis=-1).reshape(shape) for w, v in found.items()}

    def share(self, noted: Sequence[NDArray[np.bool_]]) -> float | None:
        return float(np.concatenate(noted).mean()) if noted else None

    def curves(self, of: Setting, way: Way) -> tuple[Curve, ...]:
        """Each metric's; a way starts where the other's corruption, or its lack, ends."""
        means = {w: values.mean(-1) for w, values in self.values.items()}
        wild, corrupted = means[Way.OUT][:, 0], means[Way.IN][:, 0]
        ends = {Way.OUT: (wild, corrupted), Way.IN: (corrupted, wild)}[way]
        names = {Way.OUT: ("wild", "corrupted"), Way.IN: ("corrupted", "wild")}[way]
        return tuple(
            curve(metric, self.plan.doses, means[way][i], ends[0][i], of, (ends[1][i], *names))
            for i, metric in enumerate(self.by)
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Every value by name, [dose, example, draw]; dose 0 is the wild and the corrupted run."""
        return {
            "rows": self.subject.rows,
            **{
                f"{way.value} {metric.name}": self.values[way][i]
                for way in Way
                for i, metric in enumerate(self.by)
            },
        }


def _note(noted: list[NDArray[np.bool_]], found: NDArray[np.bool_] | None) -> None:
    if found is not None:
        noted.append(found)


@dataclass(frozen=True, eq=False)
class _Side:
    """A second task, in which the site is knocked out: nothing is corrupted there to repair."""

    setting: Setting
    places: tuple[Place, ...]

    @staticmethod
    def of(
        target: Setting, plan: Plan, task: Task | str, subspace: object, options: Mapping[str, Any]
    ) -> _Side:
        """Raises `InputRefused` where the task lacks the site's roles or the columns it needs."""
        setting = Setting.of(target.subject.model, task, options)
        name = setting.subject.task.name
        if plan.given is None:
            found = f"what stands there in the corrupted run means nothing in task '{name}'."
            fix = "Name a replacement such as mean, which a second task has too."
            raise InputRefused(Problem(f"replacement '{CORRUPTED}'", found, fix))
        try:
            require_columns(setting.subject, plan.given)
            setting.subject.bases.update(target.subject.bases)
            return _Side(setting, setting.subject.places(plan.places))
        except InputRefused as refused:
            problems = [replace(p, where=f"task '{name}': {p.where}") for p in refused.problems]
            raise InputRefused(problems) from None

    @property
    def name(self) -> str:
        task = self.setting.subject.task
        return f"{task.metric_name} of {task.name}"

    def measured(self, plan: Plan, told: Progress) -> tuple[Curve, dict[str, NDArray[Any]]]:
        """The task's own metric over the doses of knock-out, and its values by example."""
        assert plan.given is not None  # refused otherwise
        subject = self.setting.subject
        by = [Metric(self.name, Aim.OFF_TARGET, subject.scorer)]
        given = Dosing(plan.name, plan.doses, plan.given)
        run = dosed(subject, self.places, given, by, told)
        (found,) = run.curves(by, self.setting)
        return found, {f"rows {self.name}": subject.rows, f"out {self.name}": run.values[0]}


def _off_target(
    written: Metrics | Task | Sequence[Any],
) -> tuple[list[str | Callable[..., Any]], list[Task | str]]:
    """Further metrics, and second tasks."""
    one = isinstance(written, (str, Task)) or callable(written)
    given: list[Any] = [written] if one else list(written)  # type: ignore[arg-type]
    tasks = [x for x in given if isinstance(x, Task) or (isinstance(x, str) and x.startswith(TASK))]
    names = [x for x in given if not any(x is task for task in tasks)]
    return names, [x.removeprefix(TASK) if isinstance(x, str) else x for x in tasks]
