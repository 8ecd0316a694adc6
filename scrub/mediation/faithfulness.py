"""How well circuits do in place of the model: faithfulness, completeness, minimality, areas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from scrub.data.task import Task
from scrub.engine.metrics import Floats
from scrub.engine.progress import Progress, Silent
from scrub.errors import InputRefused, Problem
from scrub.graph.circuits import Edge
from scrub.mediation.attribute import of_task, require_count, require_sources
from scrub.mediation.budget import circuit_bytes
from scrub.mediation.circuits import Keeping, Writers
from scrub.mediation.corruption import Corruption, corruption
from scrub.mediation.corruption import Written as WrittenCorruption
from scrub.mediation.evaluator import Evaluator
from scrub.mediation.findings import Finding, Row
from scrub.mediation.measuring import Setting, bounds_cells, unchanged
from scrub.mediation.subject import Subject
from scrub.mediation.turns import turns_of
from scrub.mediation.written import Ranking, Written, edges_of, ranking_of
from scrub.statistics.circuits import KNOTS, Areas, Gaps, areas, completeness, minimality
from scrub.statistics.effects import Shares, mean_effects, shares
from scrub.statistics.recovered import Bounds, ratio_refusal


@dataclass(frozen=True, eq=False)
class Measured:
    """The metric's values of circuits [circuit, example], of the model and of the empty circuit.

    `unchanged` is the share of draws of the corruption that put in what was there; None where
    nothing is drawn from the data.
    """

    circuits: Floats
    model: Floats
    empty: Floats
    unchanged: float | None


def measured(
    setting: Setting, made: Corruption, circuits: Sequence[Iterable[Edge]], told: Progress
) -> Measured:
    """Every circuit on every example: two forward passes, then each circuit on its own.

    Raises `InputRefused` where anything but a source is corrupted.
    """
    subject = setting.subject
    require_sources(made, subject, "a circuit")
    writers = Writers(subject.model.graph)
    turns = [turns_of(Keeping.of(circuit, writers), writers) for circuit in circuits]
    told.start("circuits", len(turns) * subject.items)
    values, model, empty, same = [], [], [], list[NDArray[np.bool_]]()
    for scene in subject.scenes(besides=circuit_bytes):
        other = scene.changed(made.changes)
        evaluator = Evaluator(scene.wild, other, writers)
        at = scene.at(subject.task.positions)
        model.append(scene.score(scene.wild))
        empty.append(scene.score(other))
        kept_draws = unchanged(scene, made.changes)
        same += [] if kept_draws is None else [kept_draws]
        rows = []
        for each in turns:
            output = evaluator.follow(each, at)
            rows.append(subject.scorer(output, scene.own, scene.rows))
            told.advance(len(scene.rows))
        values.append(np.stack(rows) if rows else np.zeros((0, len(scene.rows))))
    parts = (np.concatenate(v, axis=-1) for v in (values, model, empty))
    found, whole, nothing = (subject.averaged(part) for part in parts)
    share = float(np.concatenate(same).mean()) if same else None
    return Measured(found, whole, nothing, share)


@dataclass(frozen=True, eq=False, repr=False)
class Faithfulness(Finding):
    """One circuit in place of the model.

    - `edges`: those it keeps; `share`: of the model graph's edges.
    - `model`, `circuit`, `empty`: the metric's means.
    - `faithfulness`: (circuit − empty) / (model − empty), a ratio of means.
    - `completeness`: circuit against model with the same components taken out of both, for each
      of `subsets`; `minimality`: what each of `members` adds to the circuit without it.
    - `unchanged`: the share of draws of the corruption that put in what was there; None where
      nothing is drawn from the data.
    """

    KIND: ClassVar[str] = "faithfulness"

    edges: tuple[Edge, ...]
    share: float
    model: Bounds
    circuit: Bounds
    empty: Bounds
    faithfulness: Shares
    members: tuple[str, ...]
    minimality: Gaps | None
    subsets: tuple[tuple[str, ...], ...]
    completeness: Gaps
    unchanged: float | None

    def as_dict(self) -> dict[str, Any]:
        return {**super().as_dict(), "edges": list(map(str, self.edges))}

    def table(self) -> Sequence[Row]:
        gaps = self.minimality
        return [
            {
                "component": name,
                **bounds_cells("worth", None if gaps is None else gaps.signed.bounds(i)),
            }
            for i, name in enumerate(self.members)
        ]


def faithfulness(
    model: object,
    task: Task | str | Path,
    circuit: Written,
    *,
    corrupt: WrittenCorruption,
    subsets: int = 10,
    metric: str | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Faithfulness:
    """How well a circuit does in place of the model: every other edge carries what it carries in
    the corrupted run.

    The circuit: a JSON file of EAP-IG or MIB, a networkx graph, edges, or components. What is
    corrupted must be a source, `embed`: all edges then give the model, none the corrupted run.
    Completeness is measured for the empty set and `subsets` different random sets of the circuit's
    components (each in with probability ½, by the seed; Wang et al. 2022, 4.2), minimality for each
    component with nothing else taken out. `metric` stands for the task's own. Options: references,
    draws, seed, batch, dtype, device, folder, level, interval, replicates. Raises `InputRefused`.

    >>> found = faithfulness("induction-2l", "repeated_tokens(n=64)", ["embed", "a0", "a1"],
    ...                      corrupt="embed=resample", references=16)
    >>> round(found.faithfulness.bounds(0).value, 3), round(found.share, 2)
    (1.0, 0.52)
    """
    require_count("subsets", subsets, 0)
    setting = Setting.of(model, of_task(task, metric, options), options)
    subject, told = setting.subject, progress or Silent()
    graph = subject.model.graph
    edges, made = _both(lambda: edges_of(circuit, graph), corrupt, subject)
    inside = {name for edge in edges for name in (edge.feeder, edge.reader)} - {graph.output}
    members = tuple(sorted(inside, key=graph.order.__getitem__))
    taken = [(), *_subsets(members, subsets, subject.seed)]
    whole = edges_of([c.name for c in graph.components], graph)
    circuits = [
        *(_without(edges, (name,)) for name in members),
        *(_without(edges, names) for names in taken),
        *(_without(whole, names) for names in taken),
    ]
    found = measured(setting, made, circuits, told)
    ones, ours, theirs = np.split(found.circuits, [len(members), len(members) + len(taken)])
    groups, how = setting.units, setting.how
    means = mean_effects(np.stack([found.model, ours[0], found.empty]), groups, how)
    full = np.broadcast_to(ours[0], ones.shape).copy()
    return Faithfulness(
        conventions=setting.conventions(
            corruption=str(made), others="corrupted", subsets=subsets, edges=len(edges)
        ),
        per_example={"model": found.model, "circuit": ours[0], "empty": found.empty},
        edges=edges,
        share=len(edges) / max(graph.n_edges, 1),
        model=means.bounds(0),
        circuit=means.bounds(1),
        empty=means.bounds(2),
        faithfulness=_faithful(shares(ours[:1], found.model, found.empty, groups, how)),
        members=members,
        minimality=minimality(full, ones, groups, how) if members else None,
        subsets=tuple(taken),
        completeness=completeness(ours, theirs, groups, how),
        unchanged=found.unchanged,
    )


@dataclass(frozen=True, eq=False, repr=False)
class CircuitCurve(Finding):
    """Faithfulness over the share of edges kept, and its areas (MIB's CPR and CMD).

    `sizes` [knot] are the edges kept at each knot: int(knot · all edges), the first of a ranking.
    """

    KIND: ClassVar[str] = "circuit-curve"

    model: Bounds
    empty: Bounds
    sizes: tuple[int, ...]
    areas: Areas
    unchanged: float | None

    def table(self) -> Sequence[Row]:
        return [
            {
                "knot": knot,
                "edges": size,
                **bounds_cells("faithfulness", self.areas.faithfulness.bounds(i)),
            }
            for i, (knot, size) in enumerate(zip(self.areas.knots, self.sizes, strict=True))
        ]


def circuit_curve(
    model: object,
    task: Task | str | Path,
    ranking: Ranking,
    *,
    corrupt: WrittenCorruption,
    knots: Sequence[float] = KNOTS,
    metric: str | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> CircuitCurve:
    """Faithfulness of the first edges of a ranking, at MIB's knots, with CPR and CMD.

    `ranking` holds every edge of the model graph once, the most important first: the first n are
    the circuit of n edges. It may be a JSON file of EAP-IG or MIB, whose scores are ranked by size,
    or what `attribute` found. Options and errors as for `faithfulness`.

    >>> from scrub import attribute
    >>> given = dict(corrupt="embed=resample", references=16)
    >>> ranking = attribute("induction-2l", "repeated_tokens(n=64)", **given, exact=0)
    >>> found = circuit_curve("induction-2l", "repeated_tokens(n=64)", ranking, **given)
    >>> found.sizes[-3:], round(found.areas.faithfulness.bounds(-1).value, 3)
    ((4, 11, 23), 1.0)
    """
    setting = Setting.of(model, of_task(task, metric, options), options)
    subject, told = setting.subject, progress or Silent()
    graph = subject.model.graph
    order, made = _both(lambda: ranking_of(ranking, graph), corrupt, subject)
    _require_knots(knots)
    sizes = tuple(int(knot * graph.n_edges) for knot in knots)
    found_values = measured(setting, made, [order[:size] for size in sizes], told)
    groups, how = setting.units, setting.how
    both = mean_effects(np.stack([found_values.model, found_values.empty]), groups, how)
    return CircuitCurve(
        conventions=setting.conventions(corruption=str(made), knots=list(knots)),
        per_example={"circuits": found_values.circuits, "model": found_values.model,
                     "empty": found_values.empty},
        model=both.bounds(0),
        empty=both.bounds(1),
        sizes=sizes,
        areas=areas(found_values.circuits, found_values.model, found_values.empty, tuple(knots),
                    groups, how),
        unchanged=found_values.unchanged,
    )  # fmt: skip


def _both(
    read: Callable[[], tuple[Edge, ...]], corrupt: WrittenCorruption, subject: Subject
) -> tuple[tuple[Edge, ...], Corruption]:
    """Edges and a corruption, what is wrong with either said at once. Raises `InputRefused`."""
    problems: list[Problem] = []
    edges: tuple[Edge, ...] = ()
    made = Corruption(())
    try:
        edges = read()
    except InputRefused as refused:
        problems += refused.problems
    try:
        made = corruption(corrupt, subject)
        require_sources(made, subject, "a circuit")
    except InputRefused as refused:
        problems += refused.problems
    if problems:
        raise InputRefused(problems)
    return edges, made


def _faithful(found: Shares) -> Shares:
    """Shares whose refusal speaks of the model and the empty circuit."""
    level = found.effects.how.level
    said = ratio_refusal(found.gap, level, "model − empty circuit", "raw effects")
    return replace(found, refusal=said)


def _require_knots(knots: Sequence[float]) -> None:
    if len(knots) < 2 or not all(a < b for a, b in pairwise((0.0, *knots))) or knots[-1] > 1:
        shown = ", ".join(f"{knot:g}" for knot in knots)
        found = f"must be at least two shares that rise within (0, 1], found {shown or 'none'}."
        raise InputRefused(Problem("option 'knots'", found))


def _subsets(members: Sequence[str], count: int, seed: int) -> list[tuple[str, ...]]:
    """Random sets of a circuit's components, each in with probability one half: none twice, none
    empty, and all of them where there are no more."""
    if 2 ** len(members) - 1 <= count:
        sizes = range(1, len(members) + 1)
        return [some for size in sizes for some in combinations(members, size)]
    rng = np.random.default_rng(seed)
    found: dict[tuple[str, ...], None] = {}
    while len(found) < count:
        drawn = rng.random(len(members)) < 0.5
        if drawn.any():
            found[tuple(n for n, taken in zip(members, drawn, strict=True) if taken)] = None
    return list(found)


def _without(edges: Iterable[Edge], names: Sequence[str]) -> list[Edge]:
    """Edges less those that some components have a part in."""
    gone = set(names)
    return [edge for edge in edges if edge.feeder not in gone and edge.reader not in gone]
