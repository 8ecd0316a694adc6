"""How well circuits do in place of the model: faithfulness, completeness, minimality, areas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from scrub.data.task import Task
from scrub.engine.metrics import Floats
from scrub.errors import InputRefused, Problem
from scrub.graph.circuits import Edge
from scrub.mediation.circuits import Evaluator, Keeping, Writers
from scrub.mediation.corruption import Corruption, corruption
from scrub.mediation.corruption import Written as WrittenCorruption
from scrub.mediation.findings import Finding, Row
from scrub.mediation.measuring import Progress, Setting, Silent, bounds_cells
from scrub.mediation.written import Written, edges_of
from scrub.statistics.circuits import KNOTS, Areas, Gaps, areas, completeness, minimality
from scrub.statistics.effects import Shares, mean_effects, shares
from scrub.statistics.recovered import Bounds


@dataclass(frozen=True, eq=False)
class Measured:
    """The metric's values of circuits [circuit, example], of the model and of the empty circuit."""

    circuits: Floats
    model: Floats
    empty: Floats


def measured(
    setting: Setting, made: Corruption, circuits: Sequence[Iterable[Edge]], told: Progress
) -> Measured:
    """Every circuit on every example: two forward passes, then each circuit on its own."""
    subject = setting.subject
    writers = Writers(subject.model.graph)
    kept = [Keeping.of(circuit, writers) for circuit in circuits]
    told.start("circuits", len(kept) * subject.items)
    values, model, empty = [], [], []
    for scene in subject.scenes():
        other = scene.changed(made.changes)
        evaluator = Evaluator(scene.wild, other, writers)
        at = scene.at(subject.task.positions)
        model.append(scene.score(scene.wild))
        empty.append(scene.score(other))
        rows = []
        for keeping in kept:
            output = evaluator.output(keeping, at)
            rows.append(subject.scorer(output, scene.own, scene.rows))
            told.advance(len(scene.rows))
        values.append(np.stack(rows) if rows else np.zeros((0, len(scene.rows))))
    parts = (np.concatenate(v, axis=-1) for v in (values, model, empty))
    return Measured(*(subject.averaged(part) for part in parts))


@dataclass(frozen=True, eq=False, repr=False)
class Faithfulness(Finding):
    """One circuit in place of the model.

    - `edges`: those it keeps; `share`: of the model graph's edges.
    - `model`, `circuit`, `empty`: the metric's means.
    - `faithfulness`: (circuit − empty) / (model − empty), a ratio of means.
    - `completeness`: circuit against model with the same components taken out of both, for each
      of `subsets`; `minimality`: what each of `members` adds to the circuit without it.
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
    completeness: Gaps | None

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
    progress: Progress | None = None,
    **options: Any,
) -> Faithfulness:
    """How well a circuit does in place of the model: every other edge carries what it carries in
    the corrupted run.

    The circuit: a JSON file of EAP-IG or MIB, a networkx graph, edges, or components. Completeness
    is measured for the empty set and `subsets` random sets of the circuit's components (each in
    with probability ½, by the seed; Wang et al. 2022, 4.2), minimality for each component with
    nothing else taken out. Options: references, draws, seed, batch, dtype, device, level, interval,
    replicates. Raises `InputRefused`.

    >>> found = faithfulness("induction-2l", "repeated_tokens(n=64)", ["embed", "a0", "a1"],
    ...                      corrupt="embed=resample", references=16)
    >>> round(found.faithfulness.bounds().value, 3), found.minimality.smallest
    (1.0, 1)
    """
    setting = Setting.of(model, task, options)
    subject, told = setting.subject, progress or Silent()
    graph = subject.model.graph
    edges = edges_of(circuit, graph)
    made = corruption(corrupt, subject)
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
        faithfulness=shares(ours[:1], found.model, found.empty, groups, how),
        members=members,
        minimality=minimality(full, ones, groups, how) if members else None,
        subsets=tuple(taken),
        completeness=completeness(ours, theirs, groups, how),
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
    ranking: Sequence[Edge],
    *,
    corrupt: WrittenCorruption,
    knots: Sequence[float] = KNOTS,
    progress: Progress | None = None,
    **options: Any,
) -> CircuitCurve:
    """Faithfulness of the first edges of a ranking, at MIB's knots, with CPR and CMD.

    `ranking` holds every edge of the model graph once, the most important first, for example
    `attribute(...).top(n)` of all. Options and errors as for `faithfulness`.
    """
    setting = Setting.of(model, task, options)
    subject, told = setting.subject, progress or Silent()
    total = subject.model.graph.n_edges
    if len(set(ranking)) != total or len(ranking) != total:
        found = f"must hold each of the {total} edges once, found {len(set(ranking))} of "
        raise InputRefused(Problem("ranking", f"{found}{len(ranking)} different."))
    made = corruption(corrupt, subject)
    sizes = tuple(int(knot * total) for knot in knots)
    found_values = measured(setting, made, [ranking[:size] for size in sizes], told)
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
    )  # fmt: skip


def _subsets(members: Sequence[str], count: int, seed: int) -> list[tuple[str, ...]]:
    """Random sets of a circuit's components, each in with probability one half."""
    drawn = np.random.default_rng(seed).random((count, len(members))) < 0.5
    return [tuple(n for n, taken in zip(members, row, strict=True) if taken) for row in drawn]


def _without(edges: Iterable[Edge], names: Sequence[str]) -> list[Edge]:
    """Edges less those that some components have a part in."""
    gone = set(names)
    return [edge for edge in edges if edge.feeder not in gone and edge.reader not in gone]
