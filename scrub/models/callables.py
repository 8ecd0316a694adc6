"""Hand-made models: named torch callables, and who feeds whom.

Toys, teaching examples, compiled programs and small custom nets come in by this door. A source
reads a field of the example itself; any other component takes one tensor for each of its ports, and
the rows themselves if its function has a parameter `frame`.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from scrub.errors import InputRefused, Problem
from scrub.graph import (
    SEQUENCES,
    TOKENS,
    Component,
    Cost,
    Kind,
    ModelGraph,
    Part,
    PassCost,
    Port,
    Reach,
    Site,
    Space,
)
from scrub.models.base import Batch, Call, Shares, Whole
from scrub.models.batches import Lazy
from scrub.models.code import code_text
from scrub.models.sending import sent

Function = Callable[..., torch.Tensor]
FRAME = "frame"  # the parameter that is handed the rows themselves


@dataclass(frozen=True)
class Piece:
    """A component as it is written down: its function, and what feeds each of its ports."""

    name: str
    function: Function
    feeds: Mapping[str, tuple[str, ...]]
    reach: Mapping[str, Reach]
    width: int
    space: str = ""  # "": that of what it reads at its own position
    field: str = ""  # what a source reads
    framed: bool = False  # whether the function takes the rows of the frame too


def source(
    name: str, function: Function, *, width: int = 1, space: str = TOKENS, field: str = ""
) -> Piece:
    """A component that reads the inputs [row, length] and gives [row, position, width].

    It reads the field `field` of the examples (that of its space, if none is named).
    """
    return Piece(name, function, {}, {}, width, space, field or space)


def component(
    name: str,
    function: Function,
    *,
    width: int = 1,
    reach: Mapping[str, Reach] | None = None,
    space: str = "",
    **feeds: str | Sequence[str],
) -> Piece:
    """A component whose ports are its function's parameters, each fed by the sum of others.

    `space` is the position space of its output, that of the first port that reads its own position
    if none is named; ports fed from another space have `Reach.ANY`. A parameter `frame` that
    nothing feeds is handed the rows themselves (a `Batch`, for their lengths).

    >>> sum_ = component("C", lambda x0, x1: 2 * x0 + 3 * x1, x0="x0", x1="x1")
    >>> sum_.feeds
    {'x0': ('x0',), 'x1': ('x1',)}
    """
    parameters = tuple(inspect.signature(function).parameters)
    framed = FRAME in parameters and FRAME not in feeds
    parameters = tuple(p for p in parameters if p != FRAME or not framed)
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
    return Piece(name, function, tuples, reach or {}, width, space, framed=framed)


def handmade(
    *pieces: Piece,
    output: str,
    name: str = "hand-made",
    dtype: torch.dtype = torch.float64,
    spaces: Sequence[Space] = (),
) -> CallableModel:
    """A model from its components, in an order of evaluation.

    `spaces` declares those that no sequence of an example lays out (an image, a pooled output).

    >>> x = source("x", lambda inputs: inputs[:, :, None])
    >>> y = component("y", lambda x: 2 * x, x="x")
    >>> handmade(x, y, output="y").graph.feeds("x", "y", "x")
    True
    """
    lives_in: dict[str, str] = {}
    for piece in pieces:
        lives_in[piece.name] = _space_of(piece, lives_in)
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
            space=lives_in[piece.name],
        )
        for piece in pieces
    )
    declared = {space.name: space for space in spaces}
    used = dict.fromkeys([*(p.field for p in pieces if p.field), *lives_in.values()])
    sequences = [Space(space) for space in used if space in SEQUENCES and space not in declared]
    graph = ModelGraph(
        name,
        components,
        output,
        pass_cost=tuple(PassCost(Cost(per_position=1), c.space) for c in components),
        spaces=(*sequences, *spaces),
    )
    return CallableModel(graph, {piece.name: piece for piece in pieces}, dtype=dtype)


def _space_of(piece: Piece, lives_in: Mapping[str, str]) -> str:
    """That of what a piece reads at its own position, else of all that it reads."""
    if piece.space:
        return piece.space
    for reach in (Reach.SAME, Reach.CAUSAL):
        for port, feeders in piece.feeds.items():
            if piece.reach.get(port, Reach.SAME) is reach and feeders[0] in lives_in:
                return lives_in[feeders[0]]
    read = dict.fromkeys(lives_in[f] for fs in piece.feeds.values() for f in fs if f in lives_in)
    if len(read) > 1:
        found = f"reads any position of {' and '.join(read)}, and says not where its output lives."
        raise InputRefused(Problem(f"component '{piece.name}'", found, "Give space=."))
    return next(iter(read), TOKENS)


@dataclass(eq=False)
class CallableModel:
    """A hand-made model behind the interface that the engine asks for."""

    graph: ModelGraph
    pieces: Mapping[str, Piece]
    dtype: torch.dtype = torch.float64
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def outputs(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Every component's plain output [row, position, width], by a straight run."""
        found: dict[str, torch.Tensor] = {}
        for part in self.graph.components:
            ports = {port.name: sum_of([found[f] for f in port.feeders]) for port in part.ports}
            found[part.name] = self.evaluate(part.name, ports, batch)
        return found

    def evaluate(self, name: str, ports: Mapping[str, torch.Tensor], frame: Batch) -> torch.Tensor:
        """A component's function on its ports, or on its field of the frame's rows."""
        piece = self.pieces[name]
        if piece.field:
            inputs = frame.fields[piece.field]
            floating = inputs.is_floating_point()
            return piece.function(inputs.to(self.dtype) if floating else inputs).to(self.dtype)
        return piece.function(**ports, **({FRAME: self._there(frame)} if piece.framed else {}))

    def _there(self, frame: Batch) -> Batch:
        """The rows with their lengths on the model's device, for a user's function."""
        lengths = Lazy(tuple(frame.lengths), lambda name: sent(frame.lengths[name], self.device))
        return Batch(frame.fields, lengths)

    def record(self, batch: Batch, sites: Sequence[Site]) -> dict[Site, torch.Tensor]:
        found = self.outputs(batch)
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

    def stored(self, calls: Sequence[Call]) -> list[torch.Tensor]:
        raise ValueError(f"'{calls[0].part}' is one function: nothing is before a linear map.")

    def add(self, shares: Shares, to: torch.Tensor) -> None:
        for _, share in shares:
            to += share

    def whole(self, group: str, ports: Mapping[str, torch.Tensor], frame: Batch) -> Whole:
        value = self.evaluate(group, ports, frame)
        return Whole(value, {group: value})

    def neurons(
        self, component: str, ports: Mapping[str, torch.Tensor], frame: Batch
    ) -> torch.Tensor:
        raise ValueError(f"'{component}' has no neurons: it is one function.")

    def _run(self, call: Call) -> torch.Tensor:
        """Where no port reads other positions of the component's own space, narrow inputs give a
        narrow output; a component without inputs of its own positions gives all of them."""
        part = self.graph[call.part.component]
        same = [port.name for port in part.ports if port.reach is Reach.SAME]
        own = [
            call.ports[port.name].shape[1]
            for port in part.ports
            if port.reach is not Reach.SAME and self.graph.stream_spaces[port.stream] == part.space
        ]
        if call.at is None or (same and not own):
            return self.evaluate(part.name, call.ports, call.frame)
        wide = {name: spread(call.ports[name], call.at, own[0]) for name in same}
        return pick(self.evaluate(part.name, {**call.ports, **wide}, call.frame), call.at)

    def constant(self, stream: str) -> torch.Tensor:
        width = max((self.graph[f].width for f in self.graph.streams[stream]), default=1)
        return torch.zeros(width, dtype=self.dtype, device=self.device)

    def fingerprint(self) -> str:
        """Of names, feeders, declarations and what the functions compute."""
        digest = hashlib.sha256(f"{self.graph.name} {self.graph.output} {self.dtype}".encode())
        for name, piece in self.pieces.items():
            declared: tuple[object, ...] = (
                name,
                dict(piece.feeds),
                dict(piece.reach),
                piece.width,
            )
            if (piece.space, piece.field) not in (("", ""), (TOKENS, TOKENS)):
                declared += (piece.space, piece.field)
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
