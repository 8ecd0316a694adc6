"""The circuits that the tests of one circuit need: with an edge less, inflated, random."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scrub.engine.metrics import Floats
from scrub.errors import InputRefused, Problem
from scrub.graph import ModelGraph
from scrub.graph.circuits import Edge, all_edges
from scrub.mediation.attribute import require_count
from scrub.mediation.walks import Circuit, Walks
from scrub.statistics.rivals import Correction


class Distance(enum.Enum):
    """How far one circuit's scores are from another's: the mean of squared differences, as in the
    released code, or of absolute ones."""

    SQUARED = "squared"
    ABSOLUTE = "absolute"

    def of(self, one: Floats, other: Floats) -> Floats:
        """Means over examples of scores [..., example]."""
        apart = np.abs(one - other)
        found: Floats = (apart**2 if self is Distance.SQUARED else apart).mean(axis=-1)
        return found

    def least(self, tolerance: float) -> float:
        """Distances nearer than this are one that rounded twice."""
        return tolerance**2 if self is Distance.SQUARED else tolerance


class Among(enum.Enum):
    """Where the random circuits of partial necessity are drawn from: the whole graph, as the
    released code does by default, or the complement of the circuit in question."""

    WHOLE = "whole"
    COMPLEMENT = "complement"


@dataclass(frozen=True)
class Asked:
    """How the tests are made, as `circuit_tests` describes it. Raises `InputRefused`."""

    margin: float
    quantile: float
    random: int
    permutations: int
    edges: int | None
    distance: Distance
    correction: Correction
    among: Among

    def __post_init__(self) -> None:
        problems = []
        if not 0 < self.margin < 0.5:
            found = f"must lie between 0 and 0.5, both excluded, found {self.margin}."
            problems.append(Problem("option 'margin'", found))
        if not 0 < self.quantile < 1:
            found = f"must lie between 0 and 1, both excluded, found {self.quantile}."
            problems.append(Problem("option 'quantile'", found))
        if problems:
            raise InputRefused(problems)
        require_count("random", self.random, 10)
        require_count("permutations", self.permutations, 99)
        if self.edges is not None:
            require_count("edges", self.edges, 1)


@dataclass(frozen=True, eq=False)
class Trial:
    """The circuits that the tests need: the one in question, its complement, and these.

    - `without`: it without each of the edges `tested`.
    - `inflated`, `deflated`: it and a random walk; the same without one of the walk's new edges.
    - `rivals`: random circuits of its size; `others`: all but such a random circuit, the same ones
      or some of the complement.
    """

    circuit: tuple[Edge, ...]
    complement: Circuit
    tested: tuple[Edge, ...]
    without: tuple[Circuit, ...]
    inflated: tuple[Circuit, ...]
    deflated: tuple[Circuit, ...]
    rivals: tuple[Circuit, ...]
    others: tuple[Circuit, ...]

    @staticmethod
    def of(graph: ModelGraph, circuit: tuple[Edge, ...], asked: Asked, seed: int) -> Trial:
        """Drawn by the seed, each kind apart."""
        walks, kept, whole = Walks(graph), frozenset(circuit), frozenset(all_edges(graph))
        tested = circuit
        if asked.edges is not None and asked.edges < len(circuit):
            chosen = np.random.default_rng([seed, 11]).permutation(len(circuit))[: asked.edges]
            tested = tuple(circuit[i] for i in np.sort(chosen))
        rng, inflated, deflated = np.random.default_rng([seed, 12]), list[Circuit](), []
        for _ in range(asked.random if walks.edges - kept else 0):
            larger = walks.inflated(kept, rng)
            new = sorted(larger - kept)
            inflated.append(larger)
            deflated.append(larger - {new[rng.integers(len(new))]})
        rivals = removed = _random(walks, len(kept), asked.random, seed)
        if asked.among is Among.COMPLEMENT:
            removed = _random(Walks(graph, kept), len(kept), asked.random, seed)
        return Trial(
            circuit=circuit,
            complement=whole - kept,
            tested=tested if inflated else (),
            without=tuple(kept - {edge} for edge in tested) if inflated else (),
            inflated=tuple(inflated),
            deflated=tuple(deflated),
            rivals=tuple(rivals),
            others=tuple(whole - circuit for circuit in removed),
        )

    @property
    def groups(self) -> Sequence[Sequence[Circuit]]:
        one = [frozenset(self.circuit), self.complement]
        return one, self.without, self.inflated, self.deflated, self.rivals, self.others

    @property
    def circuits(self) -> list[Circuit]:
        """All of them, in order."""
        return [circuit for group in self.groups for circuit in group]

    def parted(self, values: Floats) -> list[Floats]:
        """Values of all circuits [circuit, example], group by group."""
        return np.split(values, np.cumsum([len(group) for group in self.groups])[:-1])


def _random(walks: Walks, size: int, count: int, seed: int) -> list[Circuit]:
    """Random circuits of a size, or of all that can be walked where that is less."""
    if not walks.edges:
        found = "is 'complement', and the circuit leaves no path from a source to the output."
        raise InputRefused(Problem("option 'among'", found, "Draw from the whole."))
    rng = np.random.default_rng([seed, 13])
    return [walks.circuit(min(size, len(walks.edges)), rng) for _ in range(count)]
