"""A comparison, controls and a drawn claim whose every figure was made up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from scrub.results.adversary import (
    Choice,
    Harm,
    PerExample,
    Sampled,
    Searched,
    Singletons,
    Taken,
    WorstAllowed,
)
from scrub.results.comparison import (
    Apart,
    Comparison,
    Equivalence,
    Pair,
    Refines,
    Split,
    Standing,
    Subgroup,
)
from scrub.results.controls import (
    Anchor,
    Controls,
    Convention,
    Group,
    LeftOut,
    Nulls,
    Percentile,
    Swap,
)
from scrub.results.graph import ClaimGraph, GraphEdge, GraphLayer, GraphNode
from scrub.results.result import Donor, Figure, Result
from tests.report.fixed import RESULT, changed

GRAPH = ClaimGraph(
    output="logits",
    layers=(
        GraphLayer("embed", "", ("embed",)),
        GraphLayer("a0", "", ("a0.h0", "a0.h1")),
        GraphLayer("a1", "", ("a1.h0", "a1.h1")),
        GraphLayer("logits", "", ("logits",)),
    ),
    left_open=("embed", "a0.h0"),
    nodes=(
        GraphNode("current", 0, ("embed",), ("embed",), "query", "current_token", False),
        GraphNode("previous", 1, ("a0.h0",), ("a0.h0",), "after_match", "current_token", True),
        GraphNode("induction", 2, ("a1.h0",), ("a1.h0",), "query", "next_token", False),
        GraphNode("answer", 3, ("logits",), ("logits",), "query", "EXACT", False),
    ),
    edges=(
        GraphEdge("current", "induction", ("q",)),
        GraphEdge("previous", "induction", ("k",)),
        GraphEdge("induction", "answer", ("in",)),
    ),
)

DONORS = (
    Donor("answer", "inputs", "", 12, "1 2 3 4 5 6"),
    Donor("induction", "value", "", 7, "4 17 9 3 8 2", ((2, 4),)),
    Donor("previous", "value", "induction", None, "5 17 9 3 8 2", ((0, 1), (2, 4))),
)

DRAWN = changed(
    graph=GRAPH,
    worst=(
        replace(RESULT.worst[0], marks=((2, 4),), draw=2, at_draw=2.8, donors=DONORS),
        RESULT.worst[1],
    ),
)


def apart(value: float, half: float = 0.1, p: float = 0.01) -> Apart:
    return Apart(value, value - half, value + half, p, 2 * p)


def second(name: str = "naive") -> Result:
    """Another hypothesis of the same behaviour: it recovers more, and claims less."""
    better = replace(RESULT.recovered, value=0.9991, low=0.9957, high=1.0012)
    less = replace(RESULT.claims, nodes=2, edges=1, unimportant=0.3103)
    values = replace(RESULT.per_example, scrubbed=RESULT.per_example.scrubbed / 2)
    return changed(name=name, recovered=better, claims=less, cautions=(), per_example=values)


def comparison(first: str = "induction", other: str = "naive") -> Comparison:
    """Two hypotheses held against each other."""
    return Comparison(
        task="repeated_tokens",
        model="induction-2l",
        metric="loss",
        standings=(
            Standing(first, 2, (2, 2), (0.1, 0.9), True),
            Standing(other, 1, (1, 1), (0.9, 0.1), True),
        ),
        pairs=(
            Pair(
                first=first,
                second=other,
                recovered=apart(-0.026, 0.01),
                equivalence=Equivalence(0.05, 0.003, 0.003),
                metric=apart(0.13),
                divergence=apart(0.15),
                kl=apart(0.08),
                verdict=f"{other} recovers more, by less than 0.05",
                examples=(Split(311, 0.05, 2.75, 0.07, 2.68, "4 17 <b>29</b>"),),
                subgroups=(Subgroup("period", "14", 18, apart(0.4)),),
            ),
        ),
        refinements=(Refines(first, other, 3, 6, ("induction",), ()),),
        notes=(),
        conventions={**RESULT.conventions, "margin": 0.05, "flips": 9999},
        results=(replace(DRAWN, name=first), second(other)),
    )


def refused_comparison() -> Comparison:
    """The same where there is no ratio."""
    found, why = comparison(), "The ratio is refused: its denominator is 0."
    none: dict[str, Any] = {"value": None, "low": None, "high": None, "refusal": why}
    results = tuple(replace(r, recovered=replace(r.recovered, **none)) for r in found.results)
    standings = tuple(Standing(one.name, None, None, None, None) for one in found.standings)
    pairs = tuple(replace(p, recovered=None, equivalence=None) for p in found.pairs)
    return replace(found, results=results, standings=standings, pairs=pairs, notes=(why,))


def controls(name: str = "induction") -> Controls:
    """What the made-up result was held against."""
    return Controls(
        name=name,
        claim=RESULT.claim,
        task=RESULT.task,
        model=RESULT.model,
        metric=RESULT.metric,
        recovered=RESULT.recovered,
        means=RESULT.means,
        nulls=(
            Nulls(
                kind="random",
                says="Claims of the same size.",
                asked=4,
                recovered=(-0.1, 0.02, 0.3, 0.41),
                means=(5.7, 5.1, 3.6, 3.1),
                percentile=Percentile(1.0, 0.398, 1.0, 0.2),
                coincide=0,
                matched=0,
                distinct=4,
                redrawn=1,
            ),
            Nulls("labels", "", 4, (), (), None, 0, 0, 0, 0, "No feature is a column."),
        ),
        left_out=(
            LeftOut("edge", "previous → induction", ("previous",), False, 0.2, 4.1, apart(0.77)),
            LeftOut(
                "edge", "current → induction", (), False, 0.96, 0.21, apart(0.01, 0.02), idle=True
            ),
            LeftOut("node", "induction", (), True, refusal="It is the sink's only parent."),
        ),
        anchors=(Anchor("trivial", "The sink alone.", 0.0, 0.0012, 5.18),),
        swaps=(Swap("induction", "next_token", 0.11, 4.6, apart(0.86), breaks=True),),
        subgroups=(Group("period", "7", 31, Figure(0.91, 0.84, 0.95), apart(-0.06)),),
        sensitivity=(
            Convention("unimportant", "together", True, Figure(0.9731, 0.9514, 0.9866), 0.2089),
            Convention("unimportant", "one", False, Figure(-0.2, -0.3, -0.1), 6.1, fragile=True),
        ),
        cautions=("One claim is idle: current → induction.",),
        conventions=RESULT.conventions,
        fingerprints=RESULT.fingerprints,
        versions=RESULT.versions,
        seconds={"run": 1.0},
        per_example={"references": np.array([45, 311]), "model": np.array([0.06, 0.05])},
    )


def worst_allowed(name: str = "induction") -> WorstAllowed:
    """What the least favourable sampling made of the made-up result."""
    low = replace(RESULT.recovered, value=0.4112, low=0.3551, high=0.4702)
    harm = Harm(Figure(0.562, 0.49, 0.63), Figure(2.9, 2.5, 3.3))
    values = RESULT.per_example
    return WorstAllowed(
        name=name,
        claim=RESULT.claim,
        metric=RESULT.metric,
        task=RESULT.task,
        model=RESULT.model,
        verdict="The claim allows a sampling under which much less is recovered.",
        usual=Sampled(RESULT.recovered, RESULT.means, 0.157, 0.089),
        worst=Sampled(low, RESULT.means, 3.1, 2.8),
        harm=harm,
        searched=Searched(128, 0.97, 0.39, 0.02, 40, 3),
        choices=(
            Choice(
                node="induction",
                of="donors",
                feature="next_token",
                said="where period is 7: donors with period 14",
                rule=(Taken("period 7", "period 14"),),
                rows=3.0,
                rows_claimed=16.0,
                alone=harm,
                added=harm,
                tried=12,
            ),
            Choice("previous", "donors", "current_token", "", (), 16.0, 16.0, None, None, 9),
        ),
        singletons=(Singletons("previous", 2, 0.0078),),
        cautions=("The worst allowed sampling recovers 0.411.",),
        conventions={**RESULT.conventions, "scored_on": 128},
        seconds={"search": 1.0},
        fingerprints=RESULT.fingerprints,
        versions=RESULT.versions,
        per_example=PerExample(
            references=values.references,
            model=values.model,
            baseline=values.baseline,
            usual=values.scrubbed,
            worst=values.scrubbed + 1,
            donors=np.zeros((2, 2, 3), dtype=np.int64),
        ),
    )
