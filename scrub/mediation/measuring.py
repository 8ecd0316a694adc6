"""What interventions are measured by: the task's metric and others beside it, over all items."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scrub import __version__
from scrub.data.dataset import Ints
from scrub.data.task import METRICS, Task
from scrub.engine.metrics import Floats, Scorer
from scrub.engine.replacements import Blend, Noise, Replacement, Resample, Toward
from scrub.engine.worlds import World
from scrub.errors import InputRefused, Problem, nearest
from scrub.graph import Role
from scrub.mediation.places import Place
from scrub.mediation.scene import Change, Scene
from scrub.mediation.subject import Subject
from scrub.statistics.bootstrap import Interval
from scrub.statistics.examples import Resampling
from scrub.statistics.recovered import Bounds

Metrics = str | Callable[..., Any] | Sequence[str | Callable[..., Any]]
TASK = "task:"  # what stands before the name of a second task


class Aim(Enum):
    """Whether a metric is what the intervention is for, or what it should leave alone."""

    TARGET = "target"
    OFF_TARGET = "off-target"


@dataclass(frozen=True, eq=False)
class Metric:
    """A metric on the scored outputs of a scene."""

    name: str
    aim: Aim
    scorer: Scorer

    def __call__(self, scene: Scene, output: torch.Tensor) -> Floats:
        """One value for each item."""
        return self.scorer(output, scene.own, scene.rows)


@dataclass(frozen=True, eq=False)
class Setting:
    """Where effects are measured: a subject, and how intervals over its examples are made."""

    subject: Subject
    how: Resampling

    @staticmethod
    def of(model: object, task: Task | str | Path, options: Mapping[str, Any]) -> Setting:
        """From what a user gives: `options` are those of `Subject.of` and of `Resampling`.

        Raises `InputRefused` for unknown ones and for values that cannot be used, and
        `ModelRefused` where the probe fails.
        """
        statistics = ("level", "interval", "replicates")
        sizes = [n for n in inspect.signature(Subject.of).parameters if n not in ("model", "task")]
        unknown = [name for name in options if name not in (*sizes, *statistics)]
        if unknown:
            fixes = {name: nearest(name, [*sizes, *statistics]) for name in unknown}
            raise InputRefused(
                [Problem(f"option '{n}'", "does not exist.", fix) for n, fix in fixes.items()]
            )
        how = _resampling(options)
        small = [n for n in ("draws", "batch") if options.get(n) is not None and options[n] < 1]
        if small:
            raise InputRefused([Problem(f"option '{n}'", "must be at least 1.") for n in small])
        given = {name: value for name, value in options.items() if name in sizes}
        return Setting(Subject.of(model, task, **given), how)

    @property
    def units(self) -> NDArray[Any] | None:
        """Which examples share an input, and so are one unit of the bootstrap: [example] or None.

        None where no two do.
        """
        inputs = self.subject.task.dataset.sequence[self.subject.rows]
        return inputs if len(set(inputs.tolist())) < len(inputs) else None

    def conventions(self, **more: object) -> dict[str, object]:
        """All that the figures depend on, by name."""
        subject, units = self.subject, self.units
        name = subject.model.graph.name  # a folder's last name: where it lies is no part of it
        return {
            "model": Path(name).name if Path(name).is_dir() else name,
            "task": subject.task.name,
            "metric": subject.task.metric_name,
            "scored_at": str(subject.task.positions),
            "examples": len(subject.rows),
            "units": len(subject.rows) if units is None else len(set(units.tolist())),
            "rows": len(subject.task.dataset),
            "draws": subject.draws,
            "seed": subject.seed,
            "level": self.how.level,
            "interval": self.how.method.value,
            "replicates": self.how.replicates,
            "dtype": str(subject.model.dtype).removeprefix("torch."),
            "causal-scrub": __version__,
            **more,
        }


def _resampling(options: Mapping[str, Any]) -> Resampling:
    method = options.get("interval", Interval.BCA.value)
    known = [member.value for member in Interval]
    if method not in known:
        found = f"'{method}' is no value of it."
        raise InputRefused(Problem("option 'interval'", found, nearest(str(method), known)))
    given = {k: v for k, v in options.items() if k in ("level", "replicates", "seed")}
    try:
        return Resampling(method=Interval(method), **given)
    except ValueError as error:
        name, _, found = str(error).partition(" ")
        raise InputRefused(Problem(f"option '{name}'", found)) from None


def metrics(subject: Subject, off_target: Metrics = ()) -> tuple[Metric, ...]:
    """The task's own metric, and others on the same outputs: built-in ones by name, or functions.

    Raises `InputRefused` for a metric that does not exist, or that the task's columns do not allow.
    """
    found = [Metric(subject.task.metric_name, Aim.TARGET, subject.scorer)]
    one = isinstance(off_target, str) or callable(off_target)
    for given in [off_target] if one else off_target:  # type: ignore[union-attr]
        if isinstance(given, str) and given.startswith(TASK):
            said = "another task is measured by knock-out alone."
            raise InputRefused(Problem(f"off-target '{given}'", said, "Name a corruption too."))
        if isinstance(given, str) and given not in METRICS:
            fix = f"{nearest(given, METRICS)} A second task is written {TASK}NAME."
            where = f"off-target metric '{given}'"
            raise InputRefused(Problem(where, "does not exist.", fix))
        task = replace(subject.task, metric=given)  # type: ignore[arg-type]
        scorer = Scorer(task, task.dataset, subject.model.device)
        found.append(Metric(task.metric_name, Aim.OFF_TARGET, scorer))
    twice = [m.name for i, m in enumerate(found) if m.name in [o.name for o in found[:i]]]
    if twice:
        where = f"off-target metric '{twice[0]}'"
        raise InputRefused(Problem(where, "is measured already.", "Name each metric once."))
    return tuple(found)


def scored(scene: Scene, world: World, by: Sequence[Metric]) -> Floats:
    """Metrics in a world, [metric, item]."""
    output = scene.output(world)
    return np.stack([metric(scene, output) for metric in by])


def is_random(replacement: Replacement) -> bool:
    """Whether draws of it differ.

    >>> from scrub.engine.replacements import Zero
    >>> is_random(Blend(0.5, Resample())), is_random(Zero())
    (True, False)
    """
    if isinstance(replacement, Blend):
        return is_random(replacement.other)
    return isinstance(replacement, (Resample, Toward, Noise))


def unchanged(scene: Scene, changes: Iterable[Change]) -> NDArray[np.bool_] | None:
    """Which items [item] read their donors at places where these are the items themselves.

    Counted in distinct inputs: donor and item have equal inputs and stand at equal positions.
    None where nothing is read from donors.
    """
    dataset = scene.subject.task.dataset
    found: list[NDArray[np.bool_]] = []
    for place, replacement in changes:
        if replacement.donors(dataset, scene.draws) is None:
            continue
        donors: Ints = scene.donors(replacement)[0]
        roles = frozenset([place.at]) if isinstance(place.at, Role) else frozenset[Role]()
        distinct = dataset.distinct_at(roles)
        found.append(distinct[donors] == distinct[scene.rows])
    return np.logical_and.reduce(found) if found else None


def bounds_cells(name: str, found: Bounds | None) -> dict[str, float | None]:
    """A figure and its interval as cells of a table."""
    ends = (None, None, None) if found is None else (found.value, found.low, found.high)
    cells = [None if end is None else end + 0.0 for end in ends]  # no -0.0
    return dict(zip((name, f"{name} low", f"{name} high"), cells, strict=True))


def shown(places: Iterable[Place]) -> str:
    """Places as one line."""
    return ", ".join(map(str, places))
