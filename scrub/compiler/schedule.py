"""The schedule: what is computed to scrub one chunk of examples, as a few frozen instructions.

A schedule depends on the hypothesis and the model graph alone. Donors are its inputs: instructions
name draws (variables over rows), so that one schedule serves every seed, chunk and data set. Slots
are numbered values [row, position, width]; each is written once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scrub.graph import Everywhere, Kind, ModelGraph, Part, Positions, Projection, Site


@dataclass(frozen=True, slots=True)
class Plain:
    """The activation on the row that a draw takes: an index into the recording."""

    draw: int

    def __str__(self) -> str:
        return f"x{self.draw}"


@dataclass(frozen=True, slots=True)
class Zero:
    """The zero vector; of a stream, its constant terms."""

    def __str__(self) -> str:
        return "zero"


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean over the data, position by position."""

    def __str__(self) -> str:
        return "mean"


@dataclass(frozen=True, slots=True)
class MeanOver:
    """The mean over the rows that share a column's value with the row that a draw takes."""

    column: str
    draw: int

    def __str__(self) -> str:
        return f"mean over {self.column} of x{self.draw}"


@dataclass(frozen=True, slots=True)
class Change:
    """What the activation on the row that one draw takes has beyond that on another's: each at the
    positions of its own row. Of parts whose output is a linear map of what is recorded."""

    to: int
    of: int

    def __str__(self) -> str:
        return f"x{self.to} - x{self.of}"


Source = Plain | Zero | Mean | MeanOver | Change


@dataclass(frozen=True, slots=True)
class Gather:
    """A value that needs no run of a component: a stream's sum, or a part's output."""

    out: int
    what: str | Part  # a stream's name, or a component part
    source: Source
    frame: (
        int  # the draw whose rows say where positions are; of a change, in what it is a change of
    )
    at: Positions


@dataclass(frozen=True, slots=True)
class Term:
    """An explained input put in for a component's own: `plus` at positions, less `minus` there."""

    plus: int
    minus: int | None
    positions: Positions


@dataclass(frozen=True, slots=True)
class Sum:
    """The input at a port: a base, plus the differences that the hypothesis makes."""

    out: int
    base: int
    terms: tuple[Term, ...]
    frame: int
    at: Positions


@dataclass(frozen=True, slots=True)
class Projected:
    """What a step reads through a port where it need not sum and project all of it: what was
    recorded of the projection on the frame as it is, and `put`, slots of sums that are projected
    and put in its place at some positions."""

    own: Projection
    put: tuple[tuple[int, Positions], ...] = ()


Reading = int | Projected
"""What a step reads through a port: the slot of the port's sum, or what is projected already."""


@dataclass(frozen=True, slots=True)
class Step:
    """One component of a `Run`: what its ports read, in a frame, its output at positions."""

    out: int
    part: Part
    ports: tuple[tuple[str, Reading], ...]
    frame: int
    at: Positions


@dataclass(frozen=True, slots=True)
class Run:
    """Components of one group (the heads of a layer) on assembled ports, as one batch."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Free:
    """Slots past their last use."""

    slots: tuple[int, ...]


Instruction = Gather | Sum | Run | Free


@dataclass(frozen=True, eq=False)
class Schedule:
    """Instructions in order, and the slot that holds the model's output.

    >>> from scrub.graph import ALL, Component, Port
    >>> x, y = Component("x"), Component("y", ports=(Port("in", "y.in", ("x",)),))
    >>> read = Gather(0, "y.in", Plain(1), 1, ALL)
    >>> run = Run((Step(1, Part("y"), (("in", 0),), 1, ALL),))
    >>> print(Schedule(ModelGraph("toy", (x, y), "y"), (read, run), output=1).pretty())
       0  gather  y.in @all            x1
       1  run     y(in=0) @all         x1
    """

    graph: ModelGraph
    instructions: tuple[Instruction, ...]
    output: int
    bases: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def sites(self) -> tuple[Site, ...]:
        """What has to be recorded, each place once."""
        return tuple(dict.fromkeys(site for i in self.instructions for site in _sites(i)))

    def steps(self) -> Iterator[Step]:
        return (s for i in self.instructions if isinstance(i, Run) for s in i.steps)

    def pretty(self) -> str:
        """One aligned line for each instruction; a slot is named by the line that makes it."""
        return "\n".join(line for i in self.instructions for line in _lines(i))


def _sites(instruction: Instruction) -> Iterator[Site]:
    """What an instruction looks up."""
    match instruction:
        case Gather(_, what, source) if not isinstance(source, Zero):
            yield site_of(what)
        case Run(steps):
            reads = (read for step in steps for _, read in step.ports)
            yield from (read.own.site for read in reads if isinstance(read, Projected))


def site_of(what: str | Part) -> Site:
    if isinstance(what, str):
        return Site(Kind.STREAM, what)
    if what.experts:
        return Site(Kind.EXPERTS, what.component, what.experts)
    return Site(Kind.NEURONS if what.neurons else Kind.OUTPUT, what.component)


def slots_of(reading: Reading) -> tuple[int, ...]:
    """The slots that a port reads."""
    match reading:
        case Projected(_, put):
            return tuple(slot for slot, _ in put)
        case slot:
            return (slot,)


def reads(instruction: Instruction) -> tuple[int, ...]:
    """The slots that an instruction reads."""
    match instruction:
        case Sum(_, base, terms):
            minus = [t.minus for t in terms if t.minus is not None]
            return (base, *(t.plus for t in terms), *minus)
        case Run(steps):
            return tuple(s for step in steps for _, read in step.ports for s in slots_of(read))
        case _:
            return ()


def writes(instruction: Instruction) -> tuple[int, ...]:
    """The slots that an instruction writes."""
    match instruction:
        case Gather(out) | Sum(out):
            return (out,)
        case Run(steps):
            return tuple(step.out for step in steps)
        case _:
            return ()


def _lines(instruction: Instruction) -> Iterator[str]:
    match instruction:
        case Gather(out, what, source, _, at):
            yield f"{out:>4}  gather  {f'{what} @{at}':<20} {source}"
        case Sum(out, base, terms, frame, at):
            shown = " ".join(_term(term, at) for term in terms)
            yield f"{out:>4}  sum     {f'{base} {shown}':<20} x{frame}"
        case Run(steps):
            for number, step in enumerate(steps):
                ports = ", ".join(f"{name}={_reading(read)}" for name, read in step.ports)
                verb = "run " if number == 0 else "  + "
                text = f"{step.part}({ports}) @{step.at}"
                yield f"{step.out:>4}  {verb}    {text:<20} x{step.frame}"
        case Free(slots):
            yield f"      free    {', '.join(map(str, slots))}"


def _reading(reading: Reading) -> str:
    match reading:
        case Projected(own, put):
            return f"{own}" + "".join(f"<{slot}@{at}" for slot, at in put)
        case slot:
            return f"{slot}"


def _term(term: Term, at: Positions) -> str:
    text = f"+ {term.plus}" if term.minus is None else f"+ ({term.plus} - {term.minus})"
    same = term.positions == at or isinstance(term.positions, Everywhere)
    return text if same else f"{text}@{term.positions}"
