"""What the tests of a circuit found: five verdicts, and the figures that they rest on."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from scrub.engine.metrics import Floats
from scrub.graph.circuits import Edge, parse_edge
from scrub.mediation.findings import Finding, Row, read_finding, require_alike
from scrub.statistics.hsic import Independence
from scrub.statistics.recovered import Bounds
from scrub.statistics.rivals import Rank, Worth
from scrub.statistics.wins import Equivalence

FEW = 20  # of so few units no test says much
SAID = (
    "model", "task", "metric", "scored_at", "examples", "rows", "draws", "seed", "corruption",
    "level", "margin", "ties",
)  # fmt: skip


class Outcome(enum.Enum):
    """What a test says of a circuit: as it should be, not so, or nothing either way."""

    PASSED = "passed"
    FAILED = "failed"
    OPEN = "open"


@dataclass(frozen=True, eq=False)
class Edges:
    """Edges of the circuit, each knocked out, against random edges of inflated circuits.

    `worth` [edge] is the distance of the circuit's score without the edge from its score with it,
    `random` [draw] the same of a random edge in a circuit that random paths were added to.
    """

    edges: tuple[Edge, ...]
    worth: Floats = field(repr=False)
    random: Floats = field(repr=False)
    test: Worth


@dataclass(frozen=True, eq=False, repr=False)
class CircuitTests(Finding):
    """The tests of Shi et al. 2024 on one circuit.

    - `edges`: the circuit's; `share`: of the model graph's edges.
    - `model`, `circuit`, `complement`, `empty`: mean scores, of the whole model, the circuit, all
      other edges, and none.
    - `equivalence`: the share of examples on which the circuit scores higher than the model.
    - `independence`: of the complement's score and the model's.
    - `minimality`: what each edge is worth; None where the circuit holds every path, and no other
      could be added.
    - `sufficiency`: the circuit's distance from the model, the nearer the better, among random
      circuits; `necessity`: the complement's, the farther the better, among their complements.
    - `random_sizes`: edges of the random circuits, the least and the most.
    - `unchanged`: the share of draws of the corruption that put in what was there; None where
      nothing is drawn from the data.

    `per_example` holds the scores [example] of model, circuit, complement and empty circuit, and
    [circuit, example] of the circuits without an edge, and of the random ones.
    """

    KIND: ClassVar[str] = "circuit-tests"

    edges: tuple[Edge, ...]
    share: float
    model: Bounds
    circuit: Bounds
    complement: Bounds
    empty: Bounds
    equivalence: Equivalence
    independence: Independence
    minimality: Edges | None
    sufficiency: Rank
    necessity: Rank
    random_sizes: tuple[int, int]
    unchanged: float | None

    @property
    def alpha(self) -> float:
        """The level at which nulls are rejected."""
        return round(1 - float(self.conventions["level"]), 12)

    @property
    def outcomes(self) -> Mapping[str, Outcome]:
        """Each test's outcome. Independence and minimality pass where nothing speaks against them,
        equivalence where something speaks for it, sufficiency and necessity where the circuit is
        better than random ones."""
        alpha = self.alpha
        equal = {"equivalent": Outcome.PASSED, "not equivalent": Outcome.FAILED}
        return {
            "equivalence": equal.get(self.equivalence.verdict(alpha), Outcome.OPEN),
            "independence": _said(
                None if self.independence.constant else self.independence.p > alpha
            ),
            "minimality": _said(
                None if self.minimality is None else not self.minimality.test.idle(alpha).any()
            ),
            "sufficiency": _said(self.sufficiency.p_quantile <= alpha),
            "necessity": _said(self.necessity.p_quantile <= alpha),
        }

    @property
    def notes(self) -> Sequence[str]:
        """What a reader should know before leaning on the verdicts."""
        return list(self._notes())

    def as_dict(self) -> dict[str, Any]:
        counted = self.equivalence.counts
        found = super().as_dict()
        found["edges"] = list(map(str, self.edges))
        found["outcomes"] = {name: outcome.value for name, outcome in self.outcomes.items()}
        found["notes"] = list(self.notes)
        found["equivalence"] |= {
            "share": counted.share, "low": counted.low, "high": counted.high,
        }  # fmt: skip
        for name in ("sufficiency", "necessity"):
            found[name] |= {"share": getattr(self, name).share}
        if self.minimality is not None:
            found["minimality"]["edges"] = list(map(str, self.minimality.edges))
            found["minimality"]["test"] |= {"share": self.minimality.test.share.tolist()}
        return found

    @staticmethod
    def read_json(path: str | Path) -> CircuitTests:
        """What `write_json` wrote. Raises `InputRefused` for any other file, and a damaged one."""
        found = read_finding(
            CircuitTests,
            path,
            said=SAID,
            values=("model", "empty"),
            texts={Edge: parse_edge},
            derived={"equivalence": ("share", "low", "high")},
        )
        if (told := found.minimality) is not None:
            test = told.test
            held = {"wins": test.wins, "ties": test.ties, "p": test.p, "adjusted": test.adjusted}
            lengths = {name: len(values) for name, values in held.items()}
            require_alike(path, edges=len(told.edges), worth=len(told.worth), **lengths)
        return found

    def table(self) -> Sequence[Row]:
        """One row for each edge that was tested."""
        if self.minimality is None:
            return []
        found, test = self.minimality, self.minimality.test
        return [
            {
                "edge": str(edge),
                "worth": float(found.worth[i]),
                "share of random edges below": float(test.share[i]),
                "p": float(test.p[i]),
                "p adjusted": float(test.adjusted[i]),
            }
            for i, edge in enumerate(found.edges)
        ]

    def _notes(self) -> Iterator[str]:
        units = self.equivalence.counts.units
        if units < FEW:
            yield f"{units} independent examples are few: little can be rejected, or shown."
        if self.independence.constant:
            yield (
                "The score of the model or of the complement is the same on all examples: nothing "
                "could depend on it, and independence says nothing."
            )
        if self.minimality is None:
            yield "The circuit holds every path: there is none to add, so minimality is not tested."
        ties = self.equivalence.counts.ties
        if ties > 0:
            yield f"{ties} of {units} examples tie within rounding, and count half."
        whole = self.per_example["model"]
        if float(np.abs(whole - self.per_example["empty"]).max()) <= self.conventions["ties"]:
            yield "The corruption changes no score: no test can tell one circuit from another."


def _said(passed: bool | None) -> Outcome:
    if passed is None:
        return Outcome.OPEN
    return Outcome.PASSED if passed else Outcome.FAILED
