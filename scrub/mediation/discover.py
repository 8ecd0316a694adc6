"""`discover`: a circuit found by machine, scored on examples that the search has not seen."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from scrub.data.task import Task
from scrub.engine.progress import Progress, Silent
from scrub.errors import InputRefused, Problem
from scrub.graph import ModelGraph
from scrub.graph.circuits import Edge, write_circuit
from scrub.mediation.attribute import named, pair_of, require_count, require_sources
from scrub.mediation.attribution import EdgeIndex, Method, Rule, edge_estimates
from scrub.mediation.circuits import Writers
from scrub.mediation.corruption import Corruption, corruption
from scrub.mediation.corruption import Written as WrittenCorruption
from scrub.mediation.discovery import Criterion, Pruner, Step, Unit, connected
from scrub.mediation.faithfulness import measured
from scrub.mediation.findings import Finding, Row
from scrub.mediation.measuring import Setting
from scrub.mediation.source import Framing, Sources, circuit_source
from scrub.mediation.subject import Subject
from scrub.results.files import write_whole
from scrub.statistics.effects import Shares, mean_effects, shares
from scrub.statistics.recovered import Bounds


class How(enum.Enum):
    """How a circuit is searched for."""

    ACDC = "acdc"  # taken away one after another, from the output back
    TOP = "top"  # the largest estimates of an attribution


SELECTED = (
    "What was kept is what did well on the half that was searched, so that half flatters it; the "
    "other half was not seen by the search."
)


@dataclass(frozen=True, eq=False, repr=False)
class Discovered(Finding):
    """A circuit, what it was searched on, and how it does on other examples.

    - `edges`: in order of evaluation; `steps`: what was tried, for `acdc`.
    - `faithfulness`: on the held-out half; `searched`: on the half that it was searched on.
    - `model`, `circuit`, `empty`: the metric's means on the held-out half.
    """

    KIND: ClassVar[str] = "discovered-circuit"

    edges: tuple[Edge, ...]
    steps: tuple[Step, ...]
    searched: Shares
    faithfulness: Shares
    model: Bounds
    circuit: Bounds
    empty: Bounds
    framing: Framing
    sources: Sources
    graph: ModelGraph

    def as_dict(self) -> dict[str, Any]:
        found = super().as_dict()
        return {**found, "edges": list(map(str, self.edges)), "graph": self.graph.name}

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know before leaning on the figures."""
        refused = self.faithfulness.refusal
        return (SELECTED, *([refused] if refused else []), *self.faithfulness.effects.notes)

    def table(self) -> Sequence[Row]:
        return [{"edge": str(edge)} for edge in self.edges]

    def write_circuit(self, path: str | Path) -> Path:
        """Write the circuit as EAP-IG and MIB read it."""
        write_circuit(path, self.edges, self.graph)
        return Path(path)

    def write_hypothesis(self, path: str | Path) -> Path:
        """Write a hypothesis file that claims these edges, ready for `scrub run`.

        Its model and its task are those that the search was given by name; without a model's,
        `scrub run` takes one with --model. Raises `InputRefused` where the task has none.
        """
        output, framing = self.graph.output, self.framing
        source = circuit_source(self.edges, output, self.sources, framing, self._sentence)
        write_whole(path, source.encode())
        return Path(path)

    @property
    def _sentence(self) -> str:
        said = self.conventions
        share = self.faithfulness.bounds(0)
        score = "" if share is None else f", where its faithfulness is {share}"
        return (
            f"{len(self.edges)} of {self.graph.n_edges} edges, found by {said['how']} under "
            f"{said['corruption']}, carry the behaviour: searched on {said['searched_on']} "
            f"examples, scored on {said['examples']} others{score}."
        )


def discover(
    model: object,
    task: Task | str | Path,
    *,
    corrupt: WrittenCorruption,
    how: str | How = How.ACDC,
    unit: str | Unit = Unit.EDGES,
    threshold: float = 0.01,
    criterion: str | Criterion = Criterion.KL,
    edges: int = 100,
    method: str | Method = Method.EAP_IG_INPUTS,
    steps: int = 5,
    progress: Progress | None = None,
    **options: Any,
) -> Discovered:
    """A circuit found by machine on one half of the examples, and scored on the other.

    `acdc` takes away what changes the `criterion` by less than `threshold` (edges, or whole
    components by `unit`); `top` keeps the `edges` largest by the attribution `method`, less those
    that lie on no path. Options: references (both halves together), draws, seed, batch, dtype,
    device, level, interval, replicates. Raises `InputRefused`.

    >>> found = discover("induction-2l", "repeated_tokens(n=64)", corrupt="embed=resample",
    ...                  references=32, threshold=0.05)
    >>> "a0.h0->a1.h0<k>" in map(str, found.edges), len(found.edges) < 12
    (True, True)
    """
    chosen, grain = named("how", how, How), named("unit", unit, Unit)
    by, estimate = named("criterion", criterion, Criterion), named("method", method, Method)
    require_count("edges", edges, 1)
    setting = Setting.of(model, task, options)
    told = progress or Silent()
    made = corruption(corrupt, setting.subject)
    require_sources(made, setting.subject, "a circuit")
    search, score = halves(setting)
    tried: tuple[Step, ...] = ()
    if chosen is How.ACDC:
        pruned = Pruner(search.subject, made, by, threshold).run(grain, told)
        found, tried = pruned.edges, pruned.steps
    else:
        found = _largest(search.subject, made, estimate, steps, edges, told)
    graph = setting.subject.model.graph
    seen = measured(search, made, [found], told)
    held = measured(score, made, [found], told)
    means = mean_effects(
        np.stack([held.model, held.circuits[0], held.empty]), score.units, score.how
    )
    said = {"how": chosen.value, "corruption": str(made), "searched_on": len(search.subject.rows)}
    if chosen is How.ACDC:
        said |= {"unit": grain.value, "criterion": by.value, "threshold": threshold}
    else:
        said |= {"method": estimate.value, "steps": steps, "edges": edges}
    return Discovered(
        conventions=score.conventions(**said),
        per_example={"model": held.model, "circuit": held.circuits[0], "empty": held.empty},
        edges=found,
        steps=tried,
        searched=shares(seen.circuits, seen.model, seen.empty, search.units, search.how),
        faithfulness=shares(held.circuits, held.model, held.empty, score.units, score.how),
        model=means.bounds(0),
        circuit=means.bounds(1),
        empty=means.bounds(2),
        framing=Framing.of(setting.subject, made),
        sources=Sources.of(model, task, options.get("folder") or Path.cwd()),
        graph=graph,
    )


def halves(setting: Setting) -> tuple[Setting, Setting]:
    """The examples in two halves, by the seed; rows that share an input stay on one side.

    Raises `InputRefused` where there are not two inputs.
    """
    subject = setting.subject
    inputs = subject.task.dataset.sequence[subject.rows]
    distinct = np.unique(inputs)
    if len(distinct) < 2:
        found = "searching and scoring on different examples needs two, found one."
        raise InputRefused(Problem("option 'references'", found, "Add examples."))
    order = np.random.default_rng(subject.seed).permutation(distinct)
    first = np.isin(inputs, order[: len(order) // 2])
    parts = (subject.rows[first], subject.rows[~first])
    one, other = (replace(setting, subject=replace(subject, rows=rows)) for rows in parts)
    return one, other


def _largest(
    subject: Subject, made: Corruption, method: Method, steps: int, count: int, told: Progress
) -> tuple[Edge, ...]:
    """The largest estimates by size, less what lies on no path."""
    graph = subject.model.graph
    writers = Writers(graph)
    index = EdgeIndex(writers)
    told.start("estimate", subject.items)
    total = np.zeros(len(index.edges))
    for scene in subject.scenes():
        pair = pair_of(scene, made, writers)
        total += edge_estimates(pair, index, method, steps, Rule.MIDPOINT).sum(axis=0)
        told.advance(len(scene.rows))
    order = np.argsort(-np.abs(total), kind="stable")[:count]
    return connected([index.edges[i] for i in sorted(order.tolist())], graph)
