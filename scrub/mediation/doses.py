"""Dose and response: more and more of a replacement at one site, and what that does.

A dose t of a replacement is (1 − t) · own + t · replacement. Of `noise` without a scale and of
`scale` without a factor, the doses are the scales and the factors themselves.
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
from scrub.engine.replacements import Blend, Noise, Replacement, Scale, replacement
from scrub.engine.worlds import World
from scrub.errors import InputRefused, Problem
from scrub.mediation.ablation import Written, require_columns, site
from scrub.mediation.findings import Finding, Row
from scrub.mediation.measuring import (
    Aim,
    Metric,
    Metrics,
    Setting,
    bounds_cells,
    metrics,
    scored,
    shown,
    unchanged,
)
from scrub.mediation.places import Place
from scrub.mediation.scene import Scene
from scrub.mediation.subject import Subject
from scrub.statistics.dose import DoseResponse
from scrub.statistics.dose import dose_response as curve_of
from scrub.statistics.effects import Effects, Shares, mean_effects, shares
from scrub.statistics.recovered import Bounds

QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)
AS_DOSES: Mapping[str, Callable[[float], Replacement]] = {"noise": Noise, "scale": Scale}


@dataclass(frozen=True, eq=False)
class Curve:
    """One metric over the doses.

    - `means` [dose]: of the metric. `response`: the effects, metric less `start`, with their
      slope per dose, their total, and the dose of half of it.
    - `start`: the mean of the metric where nothing was done; `end`: where all was, or None.
    - `shares` [dose]: of the way from `start` to `end`, None where there is no end.
    """

    metric: str
    aim: Aim
    doses: Floats
    start: Bounds
    end: Bounds | None
    means: Effects
    response: DoseResponse
    shares: Shares | None

    @property
    def effect(self) -> Bounds:
        """The effect of the full dose, which is the last."""
        return self.response.effects.bounds(-1)

    @property
    def share(self) -> Bounds | None:
        """The share of the way at the full dose; None where it is refused or there is no end."""
        return None if self.shares is None else self.shares.bounds(-1)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of the intervals before leaning on them."""
        return self.means.notes

    def rows(self, **more: object) -> list[Row]:
        """One row for each dose."""
        found: list[Row] = []
        for i, dose in enumerate(self.doses.tolist()):
            part = None if self.shares is None else self.shares.bounds(i)
            found.append(
                {
                    **more,
                    "metric": self.metric,
                    "aim": self.aim.value,
                    "dose": dose,
                    **bounds_cells("mean", self.means.bounds(i)),
                    **bounds_cells("effect", self.response.effects.bounds(i)),
                    **bounds_cells("share", part),
                }
            )
        return found


End = tuple[Floats, str, str]  # values [example], what the start is called, and the end


def curve(
    metric: Metric,
    doses: Floats,
    values: Floats,
    start: Floats,
    of: Setting,
    towards: End | None = None,
) -> Curve:
    """A metric's curve: values [dose, example] against a start [example], and towards an end."""
    units, how = of.units, of.how
    end, part = None, None
    if towards is not None:
        end = mean_effects(towards[0], units, how).bounds()
        part = shares(values, towards[0], start, units, how)
        said = part.refusal and part.refusal.replace(
            "wild − corrupted", f"{towards[2]} − {towards[1]}"
        )
        part = replace(part, refusal=said)
    return Curve(
        metric=metric.name,
        aim=metric.aim,
        doses=doses,
        start=mean_effects(start, units, how).bounds(),
        end=end,
        means=mean_effects(values, units, how),
        response=curve_of(doses, values - start, units, how),
        shares=part,
    )


@dataclass(frozen=True, eq=False, repr=False)
class Response(Finding):
    """Curves of the target metric, which is the first, and of others over the doses at a site.

    `unchanged` is the share of draws that put in what was there, None where nothing is drawn from
    the data.
    """

    KIND: ClassVar[str] = "dose-response"

    places: tuple[str, ...]
    replacement: str
    curves: tuple[Curve, ...]
    unchanged: float | None

    @property
    def target(self) -> Curve:
        return self.curves[0]

    def table(self) -> Sequence[Row]:
        return [row for found in self.curves for row in found.rows()]


def dose_response(
    model: object,
    task: Task | str | Path,
    *,
    at: Written,
    replacement: str | Replacement,
    doses: Iterable[float] = QUARTERS,
    off_target: Metrics = (),
    subspace: object = None,
    progress: Progress | None = None,
    **options: Any,
) -> Response:
    """How effects grow with the dose of a replacement at one site, with slope and half-dose.

    `off_target` metrics are measured on the same outputs. Options are those of `sensitivity`.
    Raises `InputRefused` for doses that do not rise, and for names that do not exist.

    >>> found = dose_response("induction-2l", "repeated_tokens(n=64)", at="a1.h0@query",
    ...                       replacement="zero", references=16)
    >>> 0.5 < found.target.response.half.value < 1
    True
    """
    setting = Setting.of(model, task, options)
    subject = setting.subject
    places, by = site(subject, at, subspace), metrics(subject, off_target)
    given = Dosing.of(replacement, doses)
    if given.replacement is not None:
        require_columns(subject, given.replacement)
    run = dosed(subject, places, given, by, progress or Silent())
    return Response(
        conventions=setting.conventions(
            at=shown(places), replacement=given.name, doses=given.doses.tolist()
        ),
        per_example={"rows": subject.rows, **run.arrays(by)},
        places=tuple(map(str, places)),
        replacement=given.name,
        curves=run.curves(by, setting),
        unchanged=run.unchanged,
    )


@dataclass(frozen=True, eq=False)
class Dosing:
    """What is given, and how much: a replacement to blend in, or what the doses themselves are."""

    name: str
    doses: Floats
    replacement: Replacement | None  # None: `name` is one of `AS_DOSES`

    @staticmethod
    def of(written: str | Replacement, doses: Iterable[float]) -> Dosing:
        """Raises `InputRefused`.

        >>> Dosing.of("noise", [0, 3]).at(3), Dosing.of("zero", [0, 0.5]).at(0.5)
        (Noise(scale=3), Blend(t=0.5, other=Zero()))
        """
        found = as_doses(doses)
        if isinstance(written, str) and written in AS_DOSES:
            return Dosing(written, found, None)
        new = replacement(written)
        return Dosing(str(new), found, new)

    def at(self, dose: float) -> Replacement:
        """The replacement that a dose of it is."""
        if self.replacement is None:
            return AS_DOSES[self.name](dose)
        return Blend(dose, self.replacement)


def as_doses(written: Iterable[float]) -> Floats:
    """Doses [k], at least two that rise. Raises `InputRefused`."""
    found = np.array(list(written), dtype=np.float64)
    if len(found) < 2 or not np.isfinite(found).all() or (np.diff(found) <= 0).any():
        said = ", ".join(f"{dose:g}" for dose in found.tolist()) or "none"
        fix = "For example 0, 0.25, 0.5, 0.75, 1."
        raise InputRefused(Problem("doses", f"must be at least two that rise, found {said}.", fix))
    return found


@dataclass(eq=False)
class Run:
    """Values of metrics, [metric, example] as it is and [metric, dose, example, draw] dosed."""

    doses: Floats
    wild: Floats
    values: Floats
    same: list[NDArray[np.bool_]] = field(default_factory=list)

    @property
    def unchanged(self) -> float | None:
        return float(np.concatenate(self.same).mean()) if self.same else None

    def arrays(self, by: Sequence[Metric]) -> dict[str, NDArray[Any]]:
        """By name: [example], and [dose, example, draw]."""
        found: dict[str, NDArray[Any]] = {}
        for i, metric in enumerate(by):
            found |= {f"wild {metric.name}": self.wild[i], f"dosed {metric.name}": self.values[i]}
        return found

    def curves(self, by: Sequence[Metric], of: Setting) -> tuple[Curve, ...]:
        means = self.values.mean(-1)
        return tuple(
            curve(metric, self.doses, means[i], self.wild[i], of) for i, metric in enumerate(by)
        )


def dosed(
    subject: Subject, places: Sequence[Place], given: Dosing, by: Sequence[Metric], told: Progress
) -> Run:
    """The metrics under every dose; what no dose changes is run once."""
    told.start("doses", subject.items * len(given.doses))
    wild: list[Floats] = []
    values: list[Floats] = []
    same: list[NDArray[np.bool_]] = []
    for scene in subject.scenes():
        wild.append(scored(scene, scene.wild, by))
        found = []
        for dose in given.doses.tolist():
            found.append(scored(scene, _at_dose(scene, places, given, dose), by))
            told.advance(len(scene.rows))
        values.append(np.stack(found, axis=1))
        kept = unchanged(scene, [(place, given.at(1.0)) for place in places])
        same += [] if kept is None else [kept]
    shape = (len(by), len(subject.rows), subject.draws)
    both = np.concatenate(values, axis=-1).reshape(shape[0], -1, *shape[1:])
    return Run(given.doses, np.concatenate(wild, axis=-1).reshape(shape)[..., 0], both, same)


def _at_dose(scene: Scene, places: Sequence[Place], given: Dosing, dose: float) -> World:
    """The wild world under a dose; no dose of a blend is no change."""
    new = given.at(dose)
    if isinstance(new, Blend) and new.t == 0:
        return scene.wild
    return scene.changed([(place, new) for place in places])
