"""Hand-made models: named torch callables, and who feeds whom.

Toys, teaching examples, compiled programs and small custom nets come in by this door. A component
that takes `inputs` reads the example itself; any other takes one tensor for each of its ports.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from scrub.errors import InputRefused, Problem
from scrub.graph import Component, Cost, Kind, ModelGraph, Part, Port, Reach, Site
from scrub.models.base import Call
from scrub.models.code import code_text

Function = Callable[..., torch.Tensor]


@dataclass(frozen=True)
class Piece:
    """A component as it is written down: its function, and what feeds each of its ports."""

    name: str
    function: Function
    feeds: Mapping[str, tuple[str, ...]]
    reach: Mapping[str, Reach]
    width: int


def source(name: str, function: Function, *, width: int = 1) -> Piece:
    """A component that reads the inputs [row, length] and gives [row, position, width]."""
    return Piece(name, function, {}, {}, width)


def component(
    name: str,
    function: Function,
    *,
    width: int = 1,
    reach: Mapping[str, Reach] | None = None,
    **feeds: str | Sequence[str],
) -> Piece:
    """A component whose ports are its function's parameters, each fed by the sum of others.

    >>> sum_ = component("C", lambda x0, x1: 2 * x0 + 3 * x1, x0="x0", x1="x1")
    >>> sum_.feeds
    {'x0': ('x0',), 'x1': ('x1',)}
    """
    parameters = tuple(inspect.signature(function).parameters)
    if set(parameters) != set(feeds):
        raise InputRefused(
            Problem(
                f"component '{name}'",
                f"its function takes {', '.join(parameters) or 'nothing'}, and feeders are given "
                f"for {', '.join(feeds) or 'nothing'}.",
                "Name what feeds each parameter.",
            )
        )
    tuples = {port: (fs,) if isinstance(fs, str) else tuple(fs) for port, fs in feeds.items()}
    return Piece(name, function, tuples, reach or {}, width)


def handmade(
    *pieces: Piece, output: str, name: str = "hand-made", dtype: torch.dtype = torch.float64
) -> CallableModel:
    """A model from its components, in an order of evaluation.

    >>> x = source("x", lambda inputs: inputs[:, :, None])
    >>> y = component("y", lambda x: 2 * x, x="x")
    >>> handmade(x, y, output="y").graph.feeds("x", "y", "x")
    True
    """
    components = tuple(
        Component(
            piece.name,
            ports=tuple(
                Port(port, f"{piece.name}.{port}", feeders, piece.reach.get(port, Reach.SAME))
                for port, feeders in piece.feeds.items()
            ),
            width=piece.width,
            stored=piece.width,
            group=piece.name,
            cost=Cost(per_position=1),
        )
        for piece in pieces
    )
    graph = ModelGraph(name, components, output, pass_cost=Cost(per_position=len(components)))
    return CallableModel(graph, {piece.name: piece for piece in pieces}, dtype=dtype)


@dataclass(eq=False)
class CallableModel:
    """A hand-made model behind the interface that the engine asks for."""

    graph: ModelGraph
    pieces: Mapping[str, Piece]
    dtype: torch.dtype = torch.float64
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def outputs(self, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """Every component's plain output [row, position, width], by a straight run."""
        found: dict[str, torch.Tensor] = {}
        for part in self.graph.components:
            piece = self.pieces[part.name]
            ports = {port.name: sum_of([found[f] for f in port.feeders]) for port in part.ports}
            if not ports:
                found[part.name] = piece.function(self._cast(inputs)).to(self.dtype)
            else:
                found[part.name] = piece.function(**ports)
        return found

    def _cast(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs if not inputs.is_floating_point() else inputs.to(self.dtype)

    def record(
        self, inputs: torch.Tensor, lengths: torch.Tensor, sites: Sequence[Site]
    ) -> dict[Site, torch.Tensor]:
        found = self.outputs(inputs)
        return {
            site: found[site.name]
            if site.kind is Kind.OUTPUT
            else sum_of([found[f] for f in self.graph.streams[site.name]])
            for site in sites
        }

    def output(self, part: Part, stored: torch.Tensor) -> torch.Tensor:
        return stored

    def run(self, calls: Sequence[Call]) -> list[torch.Tensor]:
        return [self._run(call) for call in calls]

    def _run(self, call: Call) -> torch.Tensor:
        """Where every port reads its own position only, narrow inputs give a narrow output."""
        part, function = self.graph[call.part.component], self.pieces[call.part.component].function
        same = [port.name for port in part.ports if port.reach is Reach.SAME]
        if call.at is None or len(same) == len(part.ports):
            return function(**call.ports)
        length = next(x.shape[1] for name, x in call.ports.items() if name not in same)
        wide = {name: spread(call.ports[name], call.at, length) for name in same}
        return pick(function(**{**call.ports, **wide}), call.at)

    def constant(self, stream: str) -> torch.Tensor:
        width = max((self.graph[f].width for f in self.graph.streams[stream]), default=1)
        return torch.zeros(width, dtype=self.dtype, device=self.device)

    def fingerprint(self) -> str:
        """Of names, feeders, declarations and what the functions compute."""
        digest = hashlib.sha256(f"{self.graph.name} {self.graph.output} {self.dtype}".encode())
        for name, piece in self.pieces.items():
            declared = (name, dict(piece.feeds), dict(piece.reach), piece.width)
            digest.update(f"{declared!r} {code_text(piece.function)}".encode())
        return digest.hexdigest()


def sum_of(terms: Sequence[torch.Tensor]) -> torch.Tensor:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def pick(value: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """The positions `at` [row, n] of a value [row, length, width]."""
    return value.gather(1, at[:, :, None].expand(-1, -1, value.shape[2]))  # [row, n, width]


def spread(value: torch.Tensor, at: torch.Tensor, length: int) -> torch.Tensor:
    """A value [row, n, width] put at positions `at` of zeros [row, length, width]."""
    zeros = value.new_zeros(value.shape[0], length, value.shape[2])
    return zeros.scatter(1, at[:, :, None].expand(-1, -1, value.shape[2]), value)
