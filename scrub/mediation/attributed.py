"""What an attribution found: an estimate for everything, and exact effects of the largest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from scrub.graph import ModelGraph
from scrub.graph.circuits import Edge, circuit_json
from scrub.mediation.findings import Finding, Row
from scrub.mediation.measuring import bounds_cells
from scrub.results.files import write_whole
from scrub.statistics.agreement import Agreement
from scrub.statistics.effects import Effects
from scrub.statistics.recovered import Bounds


@dataclass(frozen=True, eq=False, repr=False)
class Attribution(Finding):
    """Estimated effects on the metric, and the exact effects of the largest.

    - `estimates`: of each edge or cell, with intervals over examples.
    - `wild`, `corrupted`: the metric's means; `total`: corrupted less wild.
    - `exact`: the measured effect of each in `measured` (their numbers, the largest estimates
      first): the metric with this one alone corrupted, less the wild one.
    - `agreement`: estimated against exact over these; None for fewer than two.
    - `unchanged`: the share of draws of the corruption that put in what was there; None where
      nothing is drawn from the data.
    """

    estimates: Effects
    wild: Bounds
    corrupted: Bounds
    total: Bounds
    measured: tuple[int, ...]
    exact: Effects | None
    agreement: Agreement | None
    unchanged: float | None

    @property
    def names(self) -> Sequence[str]:
        """What was attributed, one name each."""
        raise NotImplementedError

    def labels(self, number: int) -> Row:
        """The cells of a table that say what one is."""
        raise NotImplementedError

    @property
    def order(self) -> tuple[int, ...]:
        """The numbers of all, the largest estimates by size first."""
        by_size = np.argsort(-np.abs(self.estimates.mean), kind="stable")
        return tuple(int(i) for i in by_size)

    def exact_of(self, number: int) -> Bounds | None:
        """The measured effect of one; None where it was not measured."""
        if self.exact is None or number not in self.measured:
            return None
        return self.exact.bounds(self.measured.index(number))

    def table(self) -> Sequence[Row]:
        return [
            {
                **self.labels(i),
                **bounds_cells("estimate", self.estimates.bounds(i)),
                **bounds_cells("exact", self.exact_of(i)),
            }
            for i in self.order
        ]


@dataclass(frozen=True, eq=False, repr=False)
class EdgeAttribution(Attribution):
    """Every edge's estimated effect on the metric; `edges` are in order of evaluation."""

    KIND: ClassVar[str] = "edge-attribution"

    edges: tuple[Edge, ...]
    graph: ModelGraph

    @property
    def names(self) -> Sequence[str]:
        return [str(edge) for edge in self.edges]

    def labels(self, number: int) -> Row:
        return {"edge": str(self.edges[number])}

    @property
    def scores(self) -> Mapping[Edge, float]:
        """Each edge's estimate."""
        return dict(zip(self.edges, self.estimates.mean.tolist(), strict=True))

    def top(self, n: int) -> tuple[Edge, ...]:
        """The n edges with the largest estimates by size."""
        return tuple(self.edges[i] for i in self.order[:n])

    def as_dict(self) -> dict[str, Any]:
        return {**super().as_dict(), "edges": list(self.names), "graph": self.graph.name}

    def write_circuit(self, path: str | Path, n: int) -> Path:
        """Write all edges with their estimates as EAP-IG and MIB read them, the n largest by size
        marked as the circuit.

        A score is signed as an estimate is: where the metric falls with an edge, it is negative.
        The file is complete or absent. Raises `InputRefused` where it cannot be written.
        """
        write_whole(path, circuit_json(self.top(n), self.graph, self.scores).encode())
        return Path(path)


@dataclass(frozen=True)
class Spot:
    """A component, port or neuron at a position, or at several as one.

    `token` is what stands there in every example, "" where that differs; `role` the roles that
    cover the index in every example.
    """

    place: str
    position: str
    space: str
    token: str = ""
    role: str = ""

    def __str__(self) -> str:
        return self.place if self.position == TOGETHER else f"{self.place}@{self.position}"


TOGETHER = "together"  # all positions at once


@dataclass(frozen=True, eq=False, repr=False)
class PlaceAttribution(Attribution):
    """The estimated effect of every component, port or neuron at every position.

    `of` says which of them; `spots` are these, all positions of one place after another.
    """

    KIND: ClassVar[str] = "place-attribution"

    of: str
    spots: tuple[Spot, ...]

    @property
    def names(self) -> Sequence[str]:
        return [str(spot) for spot in self.spots]

    def labels(self, number: int) -> Row:
        spot = self.spots[number]
        named = {"place": spot.place, "position": spot.position}
        return {**named, "token": spot.token or None, "role": spot.role or None}

    def top(self, n: int) -> tuple[Spot, ...]:
        """The n spots with the largest estimates by size."""
        return tuple(self.spots[i] for i in self.order[:n])
