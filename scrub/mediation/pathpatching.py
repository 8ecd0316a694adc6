"""`path_patch`: another value carried along named paths and nowhere else, in one direction or both.

Noise: in the wild run each path's source is as in the corrupted one; what breaks, the paths are
necessary for. Denoise: in the corrupted run it is as in the wild one; what is repaired, they are
sufficient for. Source: Goldowsky-Dill et al. 2023 ("Localizing model behavior with path patching"),
Wang et al. 2022 ("Interpretability in the wild"), 3.1.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as File
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from scrub.data.task import Task
from scrub.engine.edits import State
from scrub.engine.metrics import Floats
from scrub.engine.progress import Progress, Silent
from scrub.engine.worlds import World
from scrub.errors import InputRefused, Problem
from scrub.graph import ALL
from scrub.mediation.attribute import named, of_task
from scrub.mediation.corruption import Corruption, corruption
from scrub.mediation.corruption import Written as WrittenCorruption
from scrub.mediation.findings import Finding, Row
from scrub.mediation.measuring import Setting, bounds_cells, unchanged
from scrub.mediation.paths import Path, follow, read_path
from scrub.mediation.places import Place
from scrub.mediation.scene import Scene
from scrub.mediation.subject import Subject
from scrub.statistics.effects import Effects, Shares, mean_effects, shares
from scrub.statistics.recovered import Bounds, ratio_refusal

TOGETHER = "all together"


class Direction(enum.Enum):
    """Which run the sources' values are carried into."""

    NOISE = "noise"  # corrupted values into the wild run
    DENOISE = "denoise"  # wild values into the corrupted run
    BOTH = "both"


@dataclass(frozen=True, eq=False)
class Carried:
    """One direction: every path alone, and all together last where there are several.

    - `means` [path]: the metric; `effects`: less that of the run that is patched.
    - `shares`: effects as shares of the way to the other run, a ratio of means: what is broken, or
      what is repaired.
    """

    direction: str
    means: Effects
    effects: Effects
    shares: Shares


@dataclass(frozen=True, eq=False, repr=False)
class PathPatch(Finding):
    """What other values change when they are carried along paths alone.

    - `paths`: as they are written; `wild`, `corrupted`: the metric's means; `total`: corrupted
      less wild.
    - `carried`: noise, denoise or both, in this order.
    - `unchanged`: the share of draws of the corruption that put in what was there; None where
      nothing is drawn from the data.
    """

    KIND: ClassVar[str] = "path-patch"

    paths: tuple[str, ...]
    wild: Bounds
    corrupted: Bounds
    total: Bounds
    carried: tuple[Carried, ...]
    unchanged: float | None

    @property
    def names(self) -> tuple[str, ...]:
        """The paths, and all together last where there are several."""
        return self.paths + ((TOGETHER,) if len(self.paths) > 1 else ())

    def __getitem__(self, direction: str | Direction) -> Carried:
        """One direction, by its name. Raises KeyError for one that was not measured."""
        wanted = Direction(direction).value
        try:
            return next(one for one in self.carried if one.direction == wanted)
        except StopIteration:
            raise KeyError(wanted) from None

    def table(self) -> Sequence[Row]:
        return [
            {
                "direction": one.direction,
                "path": name,
                **bounds_cells("mean", one.means.bounds(i)),
                **bounds_cells("effect", one.effects.bounds(i)),
                **bounds_cells("share", one.shares.bounds(i)),
            }
            for one in self.carried
            for i, name in enumerate(self.names)
        ]


def path_patch(
    model: object,
    task: Task | str | File,
    *,
    paths: str | Path | Iterable[str | Path],
    corrupt: WrittenCorruption,
    direction: str | Direction = Direction.BOTH,
    metric: str | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> PathPatch:
    """What the values of another run change when paths alone carry them.

    A path is written `a0.h1@end -> a5.h1<q> -> logits`; a source that names several components
    stands for as many paths. Each is measured alone, and all of them together. Every component on
    a path is evaluated anew, norms included; where a path ends before the output, all that follows
    from its end is. `metric` stands for the task's own. Options: references, draws, seed, batch,
    dtype, device, folder, level, interval, replicates.

    Raises `InputRefused` with every path and position that do not exist, `ModelRefused` where the
    probe fails.

    >>> found = path_patch("induction-exact", "repeated_tokens(n=64)", corrupt="embed=resample",
    ...                    paths=["a0.h0 -> a1.h0<k> -> logits", "a0.h1 -> logits"],
    ...                    references=16)
    >>> [round(found["noise"].shares.bounds(i).value, 1) for i in range(2)]
    [0.4, 0.0]
    """
    way = named("direction", direction, Direction)
    setting = Setting.of(model, of_task(task, metric, options), options)
    subject = setting.subject
    ways = [Direction.NOISE, Direction.DENOISE] if way is Direction.BOTH else [way]
    given, made = _read(paths, corrupt, ways, subject)
    run = _Run(subject, made, given, ways)
    run.measure(progress or Silent())
    groups, how = setting.units, setting.how
    wild, corrupted = run.runs
    both = mean_effects(np.stack([wild, corrupted, corrupted - wild]), groups, how)
    return PathPatch(
        conventions=setting.conventions(corruption=str(made), direction=way.value),
        per_example={"wild": wild, "corrupted": corrupted}
        | {one.value: values for one, values in zip(ways, run.values, strict=True)},
        paths=tuple(map(str, given)),
        wild=both.bounds(0),
        corrupted=both.bounds(1),
        total=both.bounds(2),
        carried=tuple(
            _carried(one, values, wild, corrupted, setting)
            for one, values in zip(ways, run.values, strict=True)
        ),
        unchanged=run.unchanged,
    )


def _carried(
    way: Direction, values: Floats, wild: Floats, corrupted: Floats, setting: Setting
) -> Carried:
    base, other = (wild, corrupted) if way is Direction.NOISE else (corrupted, wild)
    groups, how = setting.units, setting.how
    found = shares(values, other, base, groups, how)
    gap = "corrupted − wild" if way is Direction.NOISE else "wild − corrupted"
    refusal = ratio_refusal(found.gap, how.level, gap, "raw effects")
    means = mean_effects(values, groups, how)
    return Carried(way.value, means, found.effects, replace(found, refusal=refusal))


class _Run:
    """The paths on every example: `runs` [wild or corrupted, example], and `values` [path, example]
    for each direction."""

    def __init__(
        self,
        subject: Subject,
        made: Corruption,
        paths: Sequence[Path],
        ways: Sequence[Direction],
    ) -> None:
        self.subject, self.made, self.ways = subject, made, ways
        self.sets = [[path] for path in paths] + ([list(paths)] if len(paths) > 1 else [])

    def measure(self, told: Progress) -> None:
        subject = self.subject
        told.start("paths", len(self.ways) * len(self.sets) * subject.items)
        runs, same = [], list[NDArray[np.bool_]]()
        values: list[list[Floats]] = [[] for _ in self.ways]
        for scene in subject.scenes():
            other = scene.changed(self.made.changes)
            runs.append(np.stack([scene.score(scene.wild), scene.score(other)]))
            kept = unchanged(scene, self.made.changes)
            same += [] if kept is None else [kept]
            for way, found in zip(self.ways, values, strict=True):
                found.append(self._scored(scene, other, way, told))
        self.runs = subject.averaged(np.concatenate(runs, axis=-1))
        self.values = [subject.averaged(np.concatenate(found, axis=-1)) for found in values]
        self.unchanged = float(np.concatenate(same).mean()) if same else None

    def _scored(self, scene: Scene, other: World, way: Direction, told: Progress) -> Floats:
        base, source = (scene.wild, other) if way is Direction.NOISE else (other, scene.wild)
        rows = []
        for some in self.sets:
            world = follow(base, {path.source: source for path in some}, some, scene.at)
            rows.append(scene.score(world))
            told.advance(len(scene.rows))
        return np.stack(rows)


def _read(
    written: str | Path | Iterable[str | Path],
    corrupt: WrittenCorruption,
    ways: Sequence[Direction],
    subject: Subject,
) -> tuple[tuple[Path, ...], Corruption]:
    """Paths, each once, and the corruption. Raises `InputRefused` with all that is wrong."""
    given = [written] if isinstance(written, (str, Path)) else list(written)
    found: dict[Path, None] = {}
    problems: list[Problem] = []
    for one in given:
        try:
            read = read_path(one, subject.model.graph) if isinstance(one, str) else [one]
            found |= dict.fromkeys(read)
            problems += [p for path in read for p in _unplaced(path, subject)]
        except InputRefused as refused:
            of = f"path '{one}'"
            problems += (
                p if p.where.startswith("path ") else replace(p, where=of) for p in refused.problems
            )
    if not given:
        fix = "Write a0.h1 -> a5.h1<q> -> logits."
        problems.append(Problem("paths", "there are none.", fix))
    made = Corruption(())
    try:
        made = corruption(corrupt, subject)
    except InputRefused as refused:
        problems += refused.problems
    if Direction.DENOISE in ways:
        problems += [p for path in found for p in _corrupted(path, made)]
    if problems:
        raise InputRefused(problems)
    return tuple(found), made


def _unplaced(path: Path, subject: Subject) -> Iterator[Problem]:
    """Positions on a path that the data do not have."""
    graph = subject.model.graph
    ports = [graph[hop.component].port(hop.ports[0]) for hop in path.hops]
    read = [Place(State(port.stream), hop.at) for port, hop in zip(ports, path.hops, strict=True)]
    for place in dict.fromkeys([path.source, *read]):
        if place.at != ALL:
            try:
                subject.places(place)
            except InputRefused as refused:
                yield from (replace(p, where=f"path '{path}'") for p in refused.problems)


def _corrupted(path: Path, made: Corruption) -> Iterator[Problem]:
    """Components on a path that the corruption itself replaces: no path could bring these back."""
    hops = [hop.component for hop in path.hops]
    for place, new in made.changes:
        if isinstance(place.what, State):
            found = f"cannot be followed in a run that {place}={new} corrupts."
            yield Problem(f"path '{path}'", found, "Corrupt a component, or take noise alone.")
        else:
            name = place.what.component
            if name in hops:
                found = f"passes {name}, which {place}={new} replaces."
                fix = "Corrupt what comes before the path, or take noise alone."
                yield Problem(f"path '{path}'", found, fix)
