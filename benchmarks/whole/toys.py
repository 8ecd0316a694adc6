"""The or-gate toy of causal scrubbing's authors: for scrub, and as a circuit of rust-circuit.

    D = σ(x0 + .1·x1 − .05·x2 − 3) + σ(−.01·x0 + x1 + .2·x2 − 3) + .1·(x0 + x1 + x2)

on the full grid of three numbers from 0 to 9. The claim: A, the first sigmoid, carries x0 > 3, and
B, the second, x1 > 3; the third term is not named.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import networkx as nx
import numpy as np
import torch

from benchmarks.case import Case
from scrub import EXACT, Dataset, Hypothesis, Task, component, handmade, source
from scrub.hypothesis.resolve import resolve

GATES = {"A": (1.0, 0.1, -0.05), "B": (-0.01, 1.0, 0.2)}  # their weights of x0, x1, x2
TERM = (0.1, 0.1, 0.1)
THRESHOLD = 3.0


def or_gate(references: int, draws: int) -> Case:
    """The toy's scrub over the first rows of the grid in a random order."""
    x = np.random.default_rng(0).permutation(np.indices((10, 10, 10)).reshape(3, -1).T)
    columns: dict[str, list[int]] = {f"x{n}": x[:, n].tolist() for n in range(3)}
    columns |= {f"high{n}": (x[:, n] > THRESHOLD).astype(int).tolist() for n in range(2)}
    data = Dataset.from_columns(columns, inputs=["x0", "x1", "x2"])
    model = handmade(
        *(source(f"x{n}", lambda inputs, n=n: inputs[:, n, None, None]) for n in range(3)),
        component("A", lambda a, b, c: _gate("A", a, b, c), a="x0", b="x1", c="x2"),
        component("B", lambda a, b, c: _gate("B", a, b, c), a="x0", b="x1", c="x2"),
        component("C", lambda v: TERM[0] * v, v=["x0", "x1", "x2"]),
        component("D", lambda v: v, v=["A", "B", "C"]),
        output="D",
    )
    claim: nx.DiGraph[str] = nx.DiGraph()
    claim.add_node("answer", component="D", feature=EXACT)
    for number, gate in enumerate(GATES):
        claim.add_node(gate, component=gate, feature=f"high{number}")
        claim.add_edge(gate, "answer")
    task = Task(data, metric=lambda output, columns: output[:, 0, 0], at="all", label=("x0",))
    hypothesis = Hypothesis(claim, task=task, model=model)
    return Case(model, resolve(hypothesis, model.graph, task), references, draws)


def _gate(name: str, *x: torch.Tensor) -> torch.Tensor:
    weighted = [weight * value for weight, value in zip(GATES[name], x, strict=True)]
    return torch.sigmoid(torch.stack(weighted).sum(0) - THRESHOLD)


@dataclass(frozen=True, eq=False)
class OrGate:
    """The same for rust-circuit; `names` are the components that a path may lead through."""

    case: Case
    names: tuple[str, ...] = ("A", "B", "C")

    def circuit(self) -> Any:
        rc: Any = import_module("rust_circuit")
        x = rc.Array(torch.zeros(3, dtype=torch.float64), "xs")
        gates = [
            rc.sigmoid(rc.Add(self._weighted(x, weights), rc.Scalar(-THRESHOLD))).rename(name)
            for name, weights in GATES.items()
        ]
        return rc.Add(*gates, self._weighted(x, TERM).rename("C"), name="D")

    def inputs(self) -> Any:
        """All rows [row, number] under the name that the circuit's input has."""
        rc: Any = import_module("rust_circuit")
        data = self.case.dataset
        x = np.stack([data.inputs[data.sequence[row]] for row in range(len(data))])
        return rc.Array(torch.from_numpy(x).double(), "xs")

    def targets(self, node: Any) -> list[str]:
        """The circuit's names of what a node stands for."""
        return [part.component for part in node.parts]

    def _weighted(self, x: Any, weights: tuple[float, ...]) -> Any:
        rc: Any = import_module("rust_circuit")
        array = rc.Array(torch.tensor(weights, dtype=torch.float64))
        return rc.Einsum.from_einsum_string("i,i->", x, array)
