"""The instructions of a schedule: frozen values that know what they read, write and look up.

Draws are variables over rows; slots are numbered values [row, position, width], each written once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scrub.graph import Kind, Part, Positions, Projection, Site

Slots = Mapping[int, int]  # the new number of each slot that gets one


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
    frame: int  # the draw whose rows say where positions are; of a change, what it is a change of
    at: Positions

    @property
    def reads(self) -> tuple[int, ...]:
        return ()

    @property
    def writes(self) -> tuple[int, ...]:
        return (self.out,)

    @property
    def sites(self) -> tuple[Site, ...]:
        """What it looks up."""
        return () if isinstance(self.source, Zero) else (site_of(self.what),)

    def on(self, slots: Slots) -> Gather:
        """The same on other slots; those that are not named stay."""
        out = slots.get(self.out, self.out)
        return Gather(out, self.what, self.source, self.frame, self.at)


@dataclass(frozen=True, slots=True)
class Term:
    """An explained input put in for a component's own: `plus` at positions, less `minus` there."""

    plus: int
    minus: int | None
    positions: Positions

    def on(self, slots: Slots) -> Term:
        minus = None if self.minus is None else slots.get(self.minus, self.minus)
        return Term(slots.get(self.plus, self.plus), minus, self.positions)


@dataclass(frozen=True, slots=True)
class Sum:
    """The input at a port: a base, plus the differences that the hypothesis makes."""

    out: int
    base: int
    terms: tuple[Term, ...]
    frame: int
    at: Positions

    @property
    def reads(self) -> tuple[int, ...]:
        minus = [term.minus for term in self.terms if term.minus is not None]
        return (self.base, *[term.plus for term in self.terms], *minus)

    @property
    def writes(self) -> tuple[int, ...]:
        return (self.out,)

    @property
    def sites(self) -> tuple[Site, ...]:
        return ()

    def on(self, slots: Slots) -> Sum:
        """The same on other slots; those that are not named stay."""
        out, base = slots.get(self.out, self.out), slots.get(self.base, self.base)
        terms = tuple([term.on(slots) for term in self.terms])
        return Sum(out, base, terms, self.frame, self.at)


@dataclass(frozen=True, slots=True)
class Projected:
    """What a step reads through a port where it need not sum and project all of it: what was
    recorded of the projection on the frame as it is, and `put`, slots of sums that are projected
    and put in its place at some positions."""

    own: Projection
    put: tuple[tuple[int, Positions], ...] = ()

    def on(self, slots: Slots) -> Projected:
        put = tuple([(slots.get(slot, slot), at) for slot, at in self.put])
        return Projected(self.own, put)


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

    def on(self, slots: Slots) -> Step:
        ports = tuple([(name, _reading_on(read, slots)) for name, read in self.ports])
        return Step(slots.get(self.out, self.out), self.part, ports, self.frame, self.at)


@dataclass(frozen=True, slots=True)
class Run:
    """Components of one group (the heads of a layer) on assembled ports, as one batch."""

    steps: tuple[Step, ...]

    @property
    def reads(self) -> tuple[int, ...]:
        ports = [read for step in self.steps for _, read in step.ports]
        return tuple([slot for read in ports for slot in slots_of(read)])

    @property
    def writes(self) -> tuple[int, ...]:
        return tuple([step.out for step in self.steps])

    @property
    def sites(self) -> tuple[Site, ...]:
        """What it looks up of projections."""
        ports = [read for step in self.steps for _, read in step.ports]
        return tuple([read.own.site for read in ports if isinstance(read, Projected)])

    def on(self, slots: Slots) -> Run:
        """The same on other slots; those that are not named stay."""
        return Run(tuple([step.on(slots) for step in self.steps]))


@dataclass(frozen=True, slots=True)
class Free:
    """Slots past their last use."""

    slots: tuple[int, ...]

    @property
    def reads(self) -> tuple[int, ...]:
        return ()

    @property
    def writes(self) -> tuple[int, ...]:
        return ()

    @property
    def sites(self) -> tuple[Site, ...]:
        return ()

    def on(self, slots: Slots) -> Free:
        """The same on other slots; those that are not named stay."""
        return Free(tuple(sorted(slots.get(slot, slot) for slot in self.slots)))


Instruction = Gather | Sum | Run | Free


def site_of(what: str | Part) -> Site:
    """Where a stream or a part is recorded."""
    if isinstance(what, str):
        return Site(Kind.STREAM, what)
    if what.experts:
        return Site(Kind.EXPERTS, what.component, what.experts)
    return Site(Kind.NEURONS if what.neurons else Kind.OUTPUT, what.component)


def slots_of(reading: Reading) -> tuple[int, ...]:
    """The slots that a port reads."""
    if isinstance(reading, Projected):
        return tuple([slot for slot, _ in reading.put])
    return (reading,)


def _reading_on(reading: Reading, slots: Slots) -> Reading:
    return reading.on(slots) if isinstance(reading, Projected) else slots.get(reading, reading)
