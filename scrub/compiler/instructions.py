"""The instructions of a schedule: frozen values that know what they read, write and look up.

Draws are variables over rows; slots are numbered values [row, position, width], each written once.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
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


Source = Plain | Zero | Mean | MeanOver


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded, or a mean of it, at positions of the rows that a frame takes."""

    source: Source
    frame: int  # the draw whose rows say where positions are

    def __str__(self) -> str:
        return str(self.source)


@dataclass(frozen=True, slots=True)
class Gather:
    """A value that needs no run of a component: a stream's sum, or a part's output."""

    out: int
    what: str | Part  # a stream's name, or a component part
    own: Recorded
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
        return _sites(self.what, self.own)

    def on(self, slots: Slots) -> Gather:
        """The same on other slots; those that are not named stay."""
        return Gather(slots.get(self.out, self.out), self.what, self.own, self.at)


@dataclass(frozen=True, slots=True)
class Term:
    """An explained input put in for a component's own at some positions: `plus` less `minus`.

    Of a part whose output is a linear map of what is recorded of it (`ModelGraph.is_linear`) both
    are what is recorded, and what they differ by goes through the map, once. Of any other part both
    are outputs.
    """

    part: Part
    plus: int | Recorded  # the slot of a run, or of a leaf what is looked up
    minus: Recorded | None
    at: Positions

    @property
    def looked_up(self) -> tuple[Recorded, ...]:
        return tuple([one for one in (self.plus, self.minus) if isinstance(one, Recorded)])

    @property
    def form(self) -> Hashable:
        """What it has in common with the terms that are added at once with it."""
        return self.part, _kind(self.plus), _kind(self.minus), self.at

    def on(self, slots: Slots) -> Term:
        if isinstance(self.plus, Recorded) or self.plus not in slots:
            return self
        return Term(self.part, slots[self.plus], self.minus, self.at)


@dataclass(frozen=True, slots=True)
class Sum:
    """The input at a port: what was recorded of its stream, plus the differences that the
    hypothesis makes."""

    out: int
    stream: str
    own: Recorded
    terms: tuple[Term, ...]
    at: Positions

    @property
    def form(self) -> Hashable:
        """What it has in common with the sums that are made at once with it."""
        return self.stream, _kind(self.own), self.at, tuple([term.form for term in self.terms])

    def on(self, slots: Slots) -> Sum:
        """The same on other slots; those that are not named stay."""
        terms = tuple([term.on(slots) for term in self.terms])
        return Sum(slots.get(self.out, self.out), self.stream, self.own, terms, self.at)


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of one form, which are made at once: of one stream, with terms of the same parts."""

    each: tuple[Sum, ...]

    @property
    def reads(self) -> tuple[int, ...]:
        return tuple([t.plus for one in self.each for t in one.terms if isinstance(t.plus, int)])

    @property
    def writes(self) -> tuple[int, ...]:
        return tuple([one.out for one in self.each])

    @property
    def sites(self) -> tuple[Site, ...]:
        """What they look up, which is the same for all of one form."""
        one = self.each[0]
        found = _sites(one.stream, one.own)
        for term in one.terms:
            for own in term.looked_up:
                found += _sites(term.part, own)
        return found

    def on(self, slots: Slots) -> Sums:
        """The same on other slots; those that are not named stay."""
        return Sums(tuple([one.on(slots) for one in self.each]))


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


Instruction = Gather | Sums | Run | Free


def site_of(what: str | Part) -> Site:
    """Where a stream or a part is recorded."""
    if isinstance(what, str):
        return Site(Kind.STREAM, what)
    if what.experts:
        return Site(Kind.EXPERTS, what.component, what.experts)
    return Site(Kind.NEURONS if what.neurons else Kind.OUTPUT, what.component)


def _sites(what: str | Part, own: Recorded) -> tuple[Site, ...]:
    return () if isinstance(own.source, Zero) else (site_of(what),)


def _kind(value: int | Recorded | None) -> object:
    """How a value is found: where all are found in one way, they are found at once."""
    if not isinstance(value, Recorded):
        return value is None
    return value.source.column if isinstance(value.source, MeanOver) else type(value.source)


def slots_of(reading: Reading) -> tuple[int, ...]:
    """The slots that a port reads."""
    if isinstance(reading, Projected):
        return tuple([slot for slot, _ in reading.put])
    return (reading,)


def _reading_on(reading: Reading, slots: Slots) -> Reading:
    return reading.on(slots) if isinstance(reading, Projected) else slots.get(reading, reading)
