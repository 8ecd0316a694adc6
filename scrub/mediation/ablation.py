"""The ablation-sensitivity table: one site under every replacement, side by side.

What an ablation shows depends on what is put in its place: zero is off the data, a mean keeps what
all examples share, another example keeps all but what was varied. A finding that only one of them
shows is a finding about that one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from scrub.data.task import Task
from scrub.engine.edits import What
from scrub.engine.metrics import Floats
from scrub.engine.progress import Progress, Silent
from scrub.engine.replacements import Replacement, replacement
from scrub.errors import InputRefused, Problem, nearest
from scrub.mediation.findings import Finding, Row
from scrub.mediation.measuring import (
    Metric,
    Metrics,
    Setting,
    bounds_cells,
    is_random,
    metrics,
    scored,
    shown,
    unchanged,
)
from scrub.mediation.places import Place
from scrub.mediation.subject import Subject
from scrub.statistics.effects import mean_effects
from scrub.statistics.recovered import Bounds

USUAL = ("zero", "mean", "resample", "noise:0.5", "noise:1", "scale:0.5", "scale:2")
Written = str | Place | What | Sequence[str | Place | What]


@dataclass(frozen=True)
class Replaced:
    """One replacement at the site.

    - `mean`: of the task's metric under it. `effect`: that less the wild mean, same units.
    - `divergence`: mean |replaced − wild| over examples and draws: an effect whose sign differs
      from example to example is seen here.
    - `unchanged`: the share of draws that put in what was there, None where nothing is drawn
      from the data.
    - `off_target`: the effect on each further metric, by name.
    - `refusal`: why it was not measured; the figures are then None.
    """

    replacement: str
    mean: Bounds | None = None
    effect: Bounds | None = None
    divergence: float | None = None
    unchanged: float | None = None
    off_target: Mapping[str, Bounds] | None = None
    refusal: str | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Sensitivity(Finding):
    """The effects of all replacements at one site.

    `wild` holds the mean of each metric, the task's own first, where nothing is replaced; `notes`
    are sentences about how far the intervals can be trusted.
    """

    KIND: ClassVar[str] = "sensitivity"

    places: tuple[str, ...]
    metric: str
    wild: Mapping[str, Bounds]
    rows: tuple[Replaced, ...]
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str | Replacement) -> Replaced:
        """The row of a replacement, as it is written. Raises KeyError."""
        for row in self.rows:
            if row.replacement == str(name):
                return row
        raise KeyError(str(name))

    def table(self) -> Sequence[Row]:
        found = []
        for row in self.rows:
            cells: dict[str, object] = {"replacement": row.replacement}
            cells |= bounds_cells("mean", row.mean) | bounds_cells("effect", row.effect)
            cells |= {"divergence": row.divergence, "unchanged": row.unchanged}
            for name in list(self.wild)[1:]:
                side = row.off_target[name] if row.off_target else None
                cells |= bounds_cells(f"effect on {name}", side)
            found.append({**cells, "refusal": row.refusal})
        return found


def sensitivity(
    model: object,
    task: Task | str | Path,
    *,
    at: Written,
    replacements: Iterable[str | Replacement] = USUAL,
    columns: Iterable[str] = (),
    partners: Iterable[str] = (),
    off_target: Metrics = (),
    subspace: object = None,
    progress: Progress | None = None,
    **options: Any,
) -> Sensitivity:
    """The effect of every replacement at one site, which may be several places together.

    After `replacements` come, for each of `columns`, the mean within it and resampling within it,
    and for each of `partners`, the partner that it names. `off_target` metrics are measured on the
    same outputs. `subspace` [width, k] cuts the one component named down to a subspace. Options:
    references, draws, seed, batch, dtype, device, level, interval, replicates.

    A replacement that this site does not allow (a mean at all positions of examples of unequal
    length) is a row that says why; raises `InputRefused` where none can be measured, and for
    names that do not exist.

    >>> found = sensitivity("induction-2l", "repeated_tokens(n=64)", at="a1.h0@query",
    ...                     replacements=["zero", "scale:1"], references=16)
    >>> found["zero"].effect.low > 3, abs(found["scale:1"].effect.value) < 1e-5
    (True, True)
    """
    setting = Setting.of(model, task, options)
    subject = setting.subject
    places = site(subject, at, subspace)
    by = metrics(subject, off_target)
    bench = _Bench(subject, places, by, progress or Silent())
    bench.measure(_read(subject, replacements, columns, partners))
    wild = mean_effects(bench.wild, setting.units, setting.how)
    return Sensitivity(
        conventions=setting.conventions(at=shown(places), off_target=[m.name for m in by[1:]]),
        per_example=bench.arrays(),
        places=tuple(map(str, places)),
        metric=by[0].name,
        wild={metric.name: wild.bounds(i) for i, metric in enumerate(by)},
        rows=tuple(_row(name, bench, setting) for name in bench.refusals),
        notes=wild.notes,
    )


def site(subject: Subject, at: Written, subspace: object = None) -> tuple[Place, ...]:
    """The places of one site, cut down to a subspace if one is given. Raises `InputRefused`."""
    found = subject.places(at)
    if not found:
        raise InputRefused(Problem("places", "there are none.", "Name at least one."))
    if subspace is None:
        return found
    if len(found) > 1:
        names = f"there are {len(found)} places: {shown(found)}."
        raise InputRefused(Problem("subspace", f"belongs to one component's output; {names}"))
    return (subject.subspace(found[0], subspace),)


def require_columns(subject: Subject, new: Replacement) -> None:
    """Refuse a replacement that goes by a column which the data lack."""
    inner: Replacement | None = new
    while inner is not None:
        column = getattr(inner, "column", None)
        if column is not None and column not in subject.task.dataset.columns:
            fix = nearest(column, subject.task.dataset.columns)
            found = f"the data have no column '{column}'."
            raise InputRefused(Problem(f"replacement '{new}'", found, fix))
        inner = getattr(inner, "other", None)


def _read(
    subject: Subject,
    written: Iterable[str | Replacement],
    columns: Iterable[str],
    partners: Iterable[str],
) -> list[Replacement]:
    """All rows of the table, each once."""
    names = [[written] if isinstance(written, (str, Replacement)) else written]
    names += [[f"mean_within:{column}", f"resample:{column}"] for column in columns]
    names += [[f"partner:{column}" for column in partners]]
    problems: list[Problem] = []
    found: dict[str, Replacement] = {}
    for name in (name for group in names for name in group):
        try:
            new = replacement(name)
            require_columns(subject, new)
            found[str(new)] = new
        except InputRefused as refused:
            problems += refused.problems
    if not found and not problems:
        problems = [Problem("replacements", "there are none.", "Name at least one.")]
    if problems:
        raise InputRefused(problems)
    return list(found.values())


@dataclass(eq=False)
class _Bench:
    """What is measured, scene by scene: the wild world is run once for all replacements."""

    subject: Subject
    places: Sequence[Place]
    by: Sequence[Metric]
    told: Progress
    values: dict[str, Floats] = field(default_factory=dict)  # [metric, example, draw]
    same: dict[str, NDArray[np.bool_]] = field(default_factory=dict)  # [item]
    refusals: dict[str, str | None] = field(default_factory=dict)  # of every replacement
    wild: Floats = field(default_factory=lambda: np.zeros(0))  # [metric, example]

    def measure(self, table: Sequence[Replacement]) -> None:
        """All replacements; those that are not random have one draw. Raises `InputRefused`."""
        self.refusals = {str(new): None for new in table}
        draws = {str(new): self.subject.draws if is_random(new) else 1 for new in table}
        passes = sorted(set(draws.values()))
        self.told.start("replacing", len(self.subject.rows) * sum(draws.values()))
        for each in passes:
            self._pass(each, [new for new in table if draws[str(new)] == each])
        if all(self.refusals.values()):
            raise InputRefused(
                [Problem(f"replacement '{name}'", str(why)) for name, why in self.refusals.items()]
            )

    def _pass(self, draws: int, table: Sequence[Replacement]) -> None:
        found: dict[str, list[Floats]] = {str(new): [] for new in table}
        same: dict[str, list[NDArray[np.bool_]]] = {str(new): [] for new in table}
        wild: list[Floats] = []
        for scene in self.subject.scenes(draws):
            wild.append(scored(scene, scene.wild, self.by))
            for new in table:
                name, changes = str(new), [(place, new) for place in self.places]
                if self.refusals[name]:
                    continue
                try:
                    found[name].append(scored(scene, scene.changed(changes), self.by))
                    if (kept := unchanged(scene, changes)) is not None:
                        same[name].append(kept)
                except InputRefused as refused:
                    self.refusals[name] = " ".join(str(refused).split())
                self.told.advance(len(scene.rows))
        shape = (len(self.by), len(self.subject.rows), draws)
        self.wild = np.concatenate(wild, axis=-1).reshape(shape)[:, :, 0]
        done = [name for name in found if not self.refusals[name]]
        self.values |= {n: np.concatenate(found[n], axis=-1).reshape(shape) for n in done}
        self.same |= {n: np.concatenate(same[n]) for n in done if same[n]}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Every value by name, [example] or [example, draw]."""
        found: dict[str, NDArray[Any]] = {"rows": self.subject.rows}
        for i, metric in enumerate(self.by):
            found[f"wild {metric.name}"] = self.wild[i]
            found |= {f"{name} {metric.name}": values[i] for name, values in self.values.items()}
        return found


def _row(name: str, bench: _Bench, setting: Setting) -> Replaced:
    """The figures of one replacement."""
    if bench.refusals[name]:
        return Replaced(name, refusal=bench.refusals[name])
    values = bench.values[name]  # [metric, example, draw]
    changes = values - bench.wild[:, :, None]
    means = mean_effects(values.mean(-1), setting.units, setting.how)
    effects = mean_effects(changes.mean(-1), setting.units, setting.how)
    return Replaced(
        replacement=name,
        mean=means.bounds(0),
        effect=effects.bounds(0),
        divergence=float(np.abs(changes[0]).mean()),
        unchanged=float(bench.same[name].mean()) if name in bench.same else None,
        off_target={m.name: effects.bounds(i) for i, m in enumerate(bench.by) if i},
    )
