"""The reference interpreter: the definition of a scrub, as plain recursion.

It shares the unfolded tree and the draws with the engine, and nothing else: every sum is made term
by term over all feeders, every component is evaluated by whole runs of the model, one example at
a time, unpadded. It is slow, and it is what the engine is held against.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from scrub.data.dataset import Dataset, Ints
from scrub.graph import Indices, Part, Positions, Role
from scrub.hypothesis.claim import Inner
from scrub.hypothesis.options import MeanWithin, Replacement
from scrub.hypothesis.unfold import Occurrence, Tree
from scrub.models.base import Batch
from scrub.models.batches import Inputs

Value = Mapping[Part, torch.Tensor]  # each member's output, [n, width] at its node's positions


class Oracle(Protocol):
    """A model that can be asked, slowly, for everything."""

    def outputs(self, inputs: Batch) -> Mapping[str, torch.Tensor]:
        """Every component's plain output on one input (a batch of one row), [length, width]."""
        ...

    def share(self, part: Part, inputs: Batch) -> torch.Tensor:
        """A part's share of its component's plain output, [length, width]."""
        ...

    def evaluate(
        self, part: Part, inputs: Batch, ports: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        """A component part in the frame of an input, its ports replaced: [length, width]."""
        ...

    def constant(self, stream: str) -> torch.Tensor:
        """The constant terms of a stream's sum, [width]."""
        ...


@dataclass(frozen=True, eq=False)
class Reference:
    """Evaluates one item: `rows[draw]` is the row that each draw takes."""

    tree: Tree
    dataset: Dataset
    oracle: Oracle
    plain: dict[int, Mapping[str, torch.Tensor]] = field(default_factory=dict)

    @torch.no_grad()
    def __call__(self, rows: Ints) -> torch.Tensor:
        """The output [position, width] for one item."""
        (value,) = self.scrub(self.tree.root, rows).values()
        return value

    def scrub(self, occurrence: Occurrence, rows: Ints) -> Value:
        """`scrub(node, x)` of the definition."""
        claim = self.tree.claim
        node, x, x_u = (
            claim.nodes[occurrence.node],
            rows[occurrence.reference],
            rows[occurrence.frame],
        )
        if claim.is_leaf(occurrence.node):
            return {
                part: self._share(part, x, self._spots(node.positions, x)) for part in node.parts
            }
        given = {
            (edge_input.edge, part): value
            for edge_input in occurrence.inputs
            for part, value in self.scrub(
                self.tree.occurrences[edge_input.occurrence], rows
            ).items()
        }
        done: dict[Part, torch.Tensor] = {}
        for member in node.parts:
            ports = {
                port.name: self._port(occurrence, member, port.name, rows, given, done)
                for port in claim.graph[member.component].ports
            }
            whole = self.oracle.evaluate(member, self._inputs(x_u), ports)  # [length, width]
            done[member] = self._project(member, whole)[self._spots(node.positions, x_u)]
        return done

    def _port(
        self,
        occurrence: Occurrence,
        member: Part,
        port: str,
        rows: Ints,
        given: Mapping[Any, torch.Tensor],
        done: Value,
    ) -> torch.Tensor:
        """The sum at a port: v_p for those that the hypothesis names, x_u's for all others."""
        claim, x_u = self.tree.claim, int(rows[occurrence.frame])
        node = claim.nodes[occurrence.node]
        reads = claim.graph[member.component].port(port)
        total = self.oracle.constant(reads.stream)
        named = [
            (part, value, claim.nodes[edge.parent].positions)
            for (edge, part), value in given.items()
            if port in edge.ports and claim.part_feeds(part, member, port)
        ]
        if node.inner is Inner.MERGED:
            named += [
                (part, value, node.positions)
                for part, value in done.items()
                if claim.part_feeds(part, member, port)
            ]
        for feeder in reads.feeders:
            output = self._unimportant(occurrence, feeder, rows).clone()  # [length, width]
            for part, value, where in named:
                if part.component == feeder:
                    spots = self._spots(where, x_u)
                    own = self._unimportant_part(occurrence, part, rows)[spots]
                    output[spots] = output[spots] - own + value
            total = total + output
        return total

    def _unimportant(self, occurrence: Occurrence, feeder: str, rows: Ints) -> torch.Tensor:
        return self._unimportant_part(occurrence, Part(feeder), rows)

    def _unimportant_part(self, occurrence: Occurrence, part: Part, rows: Ints) -> torch.Tensor:
        """What stands in for a part where the hypothesis does not name it, [length, width]."""
        claim = self.tree.claim
        x_u = int(rows[occurrence.feeders.get(part.component, occurrence.frame)])
        replacement = claim.options.replacement
        everywhere = slice(None)
        if not claim.calls_some_unimportant[occurrence.node]:
            return self._share(part, x_u, everywhere)
        if replacement is Replacement.ZERO:
            return torch.zeros_like(self._share(part, x_u, everywhere))
        if replacement is Replacement.MEAN:
            return self._mean(part, range(len(claim.dataset)))
        if isinstance(replacement, MeanWithin):
            column, data = self.dataset.columns[replacement.column], range(len(claim.dataset))
            return self._mean(part, [r for r in data if column[r] == column[x_u]])
        return self._share(part, x_u, everywhere)

    def _mean(self, part: Part, rows: Any) -> torch.Tensor:
        return torch.stack([self._share(part, row, slice(None)) for row in rows]).mean(0)

    def _share(self, part: Part, row: int, spots: Any) -> torch.Tensor:
        """A part's plain activation on a row, at positions."""
        row = int(row)
        if part.place:
            return self.oracle.share(part, self._inputs(row))[spots]
        key = int(self.dataset.sequence[row])
        if key not in self.plain:
            self.plain[key] = self.oracle.outputs(self._inputs(row))
        return self._project(part, self.plain[key][part.component])[spots]

    def _project(self, part: Part, value: torch.Tensor) -> torch.Tensor:
        if part.subspace is None:
            return value
        basis = torch.from_numpy(self.tree.claim.bases[part.subspace]).to(value)
        return value @ basis @ basis.T

    def _inputs(self, row: int) -> Batch:
        """The unpadded input of a row."""
        alone = self.inputs.some([int(self.dataset.sequence[row])])
        return alone.batch([0], torch.device("cpu"))

    @cached_property
    def inputs(self) -> Inputs:
        return Inputs.of(self.dataset, self.tree.claim.graph)

    def _spots(self, where: Positions, row: int) -> Any:
        match where:
            case Indices(indices):
                return list(indices)
            case Role(name, item):
                spots = self.dataset.roles[name][int(row)]
                return list(spots) if item is None else [spots[item]]
            case _:
                return slice(None)


@dataclass(frozen=True, eq=False)
class CallableOracle:
    """A hand-made model, asked one example at a time."""

    model: Any

    def outputs(self, inputs: Batch) -> Mapping[str, torch.Tensor]:
        return {name: value[0] for name, value in self.model.outputs(inputs).items()}

    def share(self, part: Part, inputs: Batch) -> torch.Tensor:
        raise ValueError(f"{part.component} of a hand-made model has no neurons or experts")

    def evaluate(
        self, part: Part, inputs: Batch, ports: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        given = {name: port[None] for name, port in ports.items()}
        value: torch.Tensor = self.model.evaluate(part.component, given, inputs)
        return value[0]

    def constant(self, stream: str) -> torch.Tensor:
        constant: torch.Tensor = self.model.constant(stream)
        return constant


def reference_outputs(
    tree: Tree, rows: NDArray[np.int64], dataset: Dataset, oracle: Oracle
) -> torch.Tensor:
    """The outputs of all items [item, position, width] for `rows` [draw, item]."""
    reference = Reference(tree, dataset, oracle)
    return torch.stack([reference(rows[:, i]) for i in range(rows.shape[1])])
