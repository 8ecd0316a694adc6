"""The tests of Shi et al. 2024 on a circuit of whole edges ("Hypothesis testing the circuit
hypothesis in LLMs", NeurIPS), with the faults of their released code avoided.

Equivalence is fed the share of wins, not the mean difference of scores; a permutation p counts the
order that was observed; edges are tested for all of them at once; ties are named.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from scrub.data.task import Task
from scrub.engine.progress import Progress, Silent
from scrub.errors import InputRefused, Problem
from scrub.graph import ModelGraph
from scrub.graph.circuits import Edge, all_edges
from scrub.hypothesis.hypothesis import Hypothesis
from scrub.hypothesis.resolve import resolve
from scrub.mediation.attribute import named, of_task, require_sources
from scrub.mediation.corruption import Corruption, corruption
from scrub.mediation.corruption import Written as WrittenCorruption
from scrub.mediation.faithfulness import Measured, measured
from scrub.mediation.judging import Scores, judged
from scrub.mediation.measuring import Setting
from scrub.mediation.subject import Subject
from scrub.mediation.tested import CircuitTests
from scrub.mediation.trials import Among, Asked, Distance, Trial
from scrub.mediation.walks import Circuit, Walks
from scrub.mediation.written import Written, edges_of
from scrub.statistics.rivals import Correction


def circuit_tests(
    model: object,
    task: Task | str | Path,
    circuit: Written | Hypothesis,
    *,
    corrupt: WrittenCorruption | None = None,
    margin: float = 0.1,
    quantile: float = 0.9,
    random: int = 100,
    permutations: int = 1000,
    edges: int | None = None,
    distance: str | Distance = Distance.SQUARED,
    correction: str | Correction = Correction.HOLM,
    among: str | Among = Among.WHOLE,
    metric: str | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> CircuitTests:
    """Equivalence, independence, minimality, sufficiency and partial necessity of a circuit.

    The circuit is written as for `faithfulness`, or a hypothesis, whose named edges and those into
    its leaves it is. `corrupt` is of sources; without it all are resampled. `margin` is ε of
    equivalence, `quantile` q* of the random circuits and edges, of which there are `random` each,
    made of random walks; `permutations` those of HSIC; `edges` how many of the circuit's edges are
    tested, a random choice, all if None; `among` (whole, complement) is where the random circuits
    of partial necessity come from. Nulls are rejected at 1 − level. Options: references,
    draws, seed, batch, dtype, device, folder, level, interval, replicates. Raises `InputRefused`.

    >>> circuit = "embed->a0.h0<q,k,v>, embed->a1.h0<q,v>, a0.h0->a1.h0<k>, a1.h0->logits"
    >>> found = circuit_tests("induction-exact", "repeated_tokens(n=64)", circuit,
    ...                       references=24, random=10, permutations=99)
    >>> found.equivalence.p_equivalent, found.sufficiency.share
    (1.0, 1.0)
    """
    asked = Asked(
        margin=margin,
        quantile=quantile,
        random=random,
        permutations=permutations,
        edges=edges,
        distance=named("distance", distance, Distance),
        correction=named("correction", correction, Correction),
        among=named("among", among, Among),
    )
    setting = Setting.of(model, of_task(task, metric, options), options)
    subject = setting.subject
    _require_score(subject)
    kept = _edges(circuit, subject)
    made = corruption(corrupt or _resampled(subject.model.graph), subject)
    require_sources(made, subject, "a circuit")
    trial = Trial.of(subject.model.graph, kept, asked, subject.seed)
    found = _measured(setting, made, trial, progress or Silent())
    return judged(Scores(setting, asked, trial, found), made)


def _measured(setting: Setting, made: Corruption, trial: Trial, told: Progress) -> Measured:
    """All circuits' scores, each evaluated without the edges that carry nothing, and once."""
    walks = Walks(setting.subject.model.graph)
    numbers: dict[Circuit, int] = {}
    each = [numbers.setdefault(walks.pruned(c), len(numbers)) for c in trial.circuits]
    found = measured(setting, made, list(numbers), told)
    return replace(found, circuits=found.circuits[each])


def _edges(circuit: Written | Hypothesis, subject: Subject) -> tuple[Edge, ...]:
    """The edges of a circuit, or those that a hypothesis names and those into its leaves."""
    graph = subject.model.graph
    if isinstance(circuit, Hypothesis):
        claim = resolve(circuit, graph, subject.task)
        kept = claim.kept_edges
        found = tuple(
            edge for edge in all_edges(graph) if (edge.feeder, edge.reader, edge.port) in kept
        )
    else:
        found = edges_of(circuit, graph)
    if not found:
        raise InputRefused(Problem("circuit", "has no edges.", "Name some, or components."))
    return found


def _resampled(graph: ModelGraph) -> str:
    return ",".join(c.name for c in graph.components if not c.ports) + "=resample"


def _require_score(subject: Subject) -> None:
    if subject.task.metric == "kl":
        found = "is 0 of the model itself, so that no circuit can score higher."
        fix = "Name another, e.g. loss or logit_difference."
        raise InputRefused(Problem("metric 'kl'", found, fix))
