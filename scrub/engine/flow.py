"""What lies downstream of some edits, evaluated anew; everything else is the base world's.

A group of components is evaluated only if something that it reads, or it itself, was edited; the
groups before the first edit cost nothing. A group all of whose ports are those of a forward pass
is one call of the model's own module. After the last edit and the last group that mixes positions,
what is read at some positions is evaluated at these alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch

from scrub.engine.chunk import accumulator
from scrub.engine.edits import (
    Edit,
    Input,
    State,
    by_place,
    finer,
    held,
    ports_under,
    projected,
    require_apart,
)
from scrub.engine.worlds import Made, Sums, World, picked
from scrub.graph import Component, Part
from scrub.models.base import Call

Tensor = torch.Tensor


def edited(base: World, edits: Sequence[Edit], bases: Mapping[str, Tensor] | None = None) -> World:
    """The world in which these places hold other values, and all that follows from it.

    Edits apply in order, after those of the base: of a component's ports first, then of what it
    adds. `bases` holds those of the subspaces that parts name. Raises `InputRefused` where some
    neurons or experts are edited that another edit has replaced in part or with all the others.
    """
    flow = _Flow(base, edits, {**base.bases, **(bases or {})})
    require_apart([*base.edits, *edits])
    flow.until(flow.tail)
    streams = _Sums(flow)
    shares = Made(tuple(base.shares), flow.share)
    return replace(
        base, streams=streams, shares=shares, edits=(*base.edits, *edits), bases=flow.bases
    )


@dataclass(eq=False)
class _Group:
    """A group that differs from the base's: its new sum, or what was added to the old one."""

    shares: Mapping[str, Tensor]  # of those members whose share is known apart
    gross: Tensor | None = None  # with its constant terms [width], if it has any
    constant: Tensor | None = None
    delta: Tensor | None = None


class _Sums(Sums):
    """The sums of a flow, at some positions as far as it goes from the last groups alone."""

    def __init__(self, flow: _Flow) -> None:
        super().__init__(tuple(flow.base.streams), flow.stream)
        self._flow = flow

    def at(self, stream: str, at: Tensor) -> Tensor:
        return _Spots(self._flow, at).stream(stream)


@dataclass(eq=False)
class _Flow:
    base: World
    edits: Sequence[Edit]
    bases: Mapping[str, Tensor]
    streams: dict[str, Tensor | None] = field(default_factory=dict)  # None: as in the base
    groups: dict[int, _Group] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.before, self.new = by_place(self.base.edits), by_place(self.edits)
        self.wide = accumulator(self.base.model.dtype)
        layout = self.base.layout
        starts = [layout.start(edit.what) for edit in self.edits]
        before = [layout.start(edit.what) for edit in self.base.edits]
        self.done = min(starts, default=len(layout.groups))  # groups that stand, as they are now
        self.tail = 1 + max([layout.last_mixing, *starts, *before])

    def until(self, number: int) -> None:
        """Evaluates the groups before this one, those that are not yet."""
        while self.done < number:
            self.advance(self.done)
            self.done += 1

    def stream(self, name: str) -> Tensor:
        """A stream's sum."""
        self.until(1 + self.base.layout.last_feeder[name])
        live = self.live(name)
        return self.base.streams[name] if live is None else live

    def share(self, name: str) -> Tensor:
        """A component's share."""
        self.until(1 + self.base.layout.group_of[name])
        group = self.groups.get(self.base.layout.group_of[name])
        if group is None or name not in group.shares:
            return self.base.shares[name]
        return group.shares[name]

    def live(self, name: str) -> Tensor | None:
        """A stream's sum where it differs from the base's."""
        if name not in self.streams:
            value, new = self._extended(name), self.new.get(State(name), [])
            edits = new if value is None else [*self.before.get(State(name), []), *new]
            for edit in edits:
                value = edit.on(self.base.streams[name] if value is None else value)
            self.streams[name] = value
        return self.streams[name]

    def _extended(self, name: str) -> Tensor | None:
        """The stream before it, and what has been added since; None where both are the base's."""
        before, gains = self.base.layout.links[name].before, self.base.layout.gains[name]
        earlier = self.live(before) if before else None
        changed = [n for n in gains if n in self.groups]
        if earlier is None and not changed:
            return None
        deltas = [self.groups[n].delta if gains[n] else None for n in changed]
        if earlier is None:
            edited_there = State(name) in self.before  # and the sum without these is not known
            if not edited_there and (found := _added(self.base.streams[name], deltas)) is not None:
                return found
            earlier = self.base.streams[before] if before else None
        gross = [self.groups[n].gross if n in changed and gains[n] else None for n in gains]
        if earlier is not None and (found := _added(earlier, gross)) is not None:
            return found
        value = self.constant(name)
        if before and earlier is not None:
            value = earlier + (value - self.constant(before))
        for number in gains:
            value = value + self.total(number, name)
        return value

    def constant(self, stream: str) -> Tensor:
        return self.base.model.constant(stream).to(self.wide)

    def total(self, number: int, stream: str) -> Tensor:
        """The sum of those of a group's members that a stream adds."""
        group, layout = self.groups.get(number), self.base.layout
        if group is not None and group.gross is not None and layout.gains[stream][number]:
            return group.gross if group.constant is None else group.gross - group.constant
        added = layout.links[stream].added
        names = [c.name for c in layout.groups[number] if c.name in added]
        return sum((self.share(name) for name in names[1:]), self.share(names[0]))

    def advance(self, number: int) -> None:
        """Evaluates a group, if something of it is to change."""
        members = self.base.layout.groups[number]
        if members[0].name == self.base.model.graph.output:
            return
        moved = any(self.live(port.stream) is not None for port in members[0].ports)
        if not moved and not any(component.name in self.new for component in members):
            return
        group = self._evaluated(members) if moved else _Group(self.base.shares)
        touched = [c for c in members if c.name in self.new or (moved and c.name in self.before)]
        self.groups[number] = _with(group, {c.name: self._edited(c, group, moved) for c in touched})

    def _evaluated(self, members: Sequence[Component]) -> _Group:
        """All of a group on the streams as they are now."""
        ports = {port.name: self.stream(port.stream) for port in members[0].ports}
        name = members[0].group or members[0].name
        whole = self.base.model.whole(name, ports, self.base.frame)
        wide = self.wide  # of the flow itself it would be a cycle, which frees its tensors late
        shares = Made(tuple(whole.shares), lambda n: whole.shares[n].to(wide))
        return _Group(shares, whole.gross.to(wide), whole.constant)

    def _edited(self, component: Component, group: _Group, moved: bool) -> Tensor:
        """A component's share, its ports edited and then its output."""
        name = component.name
        before, new = (edits.get(name, []) for edits in (self.before, self.new))
        edits = [*before, *new]
        ports = {port.name: self.stream(port.stream) for port in component.ports}
        ports = ports_under(name, ports, edits)
        share, done = group.shares[name], len(before)
        if moved or any(isinstance(edit.what, Input) for edit in new):
            done = 0
            if any(isinstance(edit.what, Input) for edit in edits):
                share = self._run(Part(name), ports)
        for i in range(done, len(edits)):
            if isinstance(edits[i].what, Part):
                share = self._replaced(edits[i], share, ports, edits[:i])
        return share

    def _replaced(
        self, edit: Edit, share: Tensor, ports: Mapping[str, Tensor], before: Sequence[Edit]
    ) -> Tensor:
        """A component's share with that of a part replaced."""
        part = edit.what
        assert isinstance(part, Part)
        if part.whole:
            return edit.on(share)
        if finer(part):
            own = held(self.base.model, part, ports, self.base.frame, before)
            return share + (edit.on(own) - own)
        own = projected(part, share, self.bases)
        return share + (projected(part, edit.on(own), self.bases) - own)

    def _run(self, part: Part, ports: Mapping[str, Tensor]) -> Tensor:
        (value,) = self.base.model.run([Call(part, ports, self.base.frame)])
        return value.to(self.wide)


def _with(group: _Group, changed: Mapping[str, Tensor]) -> _Group:
    """A group in which some members' shares are others."""
    if not changed:
        return group
    delta = sum(new - group.shares[name] for name, new in changed.items())
    assert isinstance(delta, Tensor)
    shares = Made(tuple(group.shares), lambda n: changed[n] if n in changed else group.shares[n])
    if group.gross is None:
        return _Group(shares, delta=delta)
    return _Group(shares, group.gross + delta, group.constant)


def _added(to: Tensor, terms: Iterable[Tensor | None]) -> Tensor | None:
    """A sum of which all terms are known."""
    for term in terms:
        if term is None:
            return None
        to = to + term
    return to


@dataclass(eq=False)
class _Spots:
    """What the last groups of a flow give at some positions alone, `at` [row, n]."""

    flow: _Flow
    at: Tensor
    shares: dict[int, Mapping[str, Tensor]] = field(default_factory=dict)  # by group

    def stream(self, name: str) -> Tensor:
        """A stream's sum, [row, n, width]."""
        flow, layout = self.flow, self.flow.base.layout
        if layout.last_feeder[name] < flow.done:
            live = flow.live(name)
            return flow.base.streams.at(name, self.at) if live is None else picked(live, self.at)
        link, value = layout.links[name], flow.constant(name)
        if link.before:
            value = self.stream(link.before) + (value - flow.constant(link.before))
        for number in layout.gains[name]:
            value = value + self._total(number, name)
        return value

    def _total(self, number: int, stream: str) -> Tensor:
        """The sum of those of a group's members that a stream adds."""
        layout = self.flow.base.layout
        if number < self.flow.done:
            return picked(self.flow.total(number, stream), self.at)
        if number not in self.shares:
            self.shares[number] = self._evaluated(layout.groups[number])
        added = layout.links[stream].added
        terms = [share for name, share in self.shares[number].items() if name in added]
        return sum(terms[1:], terms[0])

    def _evaluated(self, members: Sequence[Component]) -> Mapping[str, Tensor]:
        """Each member's share; all of its ports read their own position only."""
        base = self.flow.base
        ports = {port.name: self.stream(port.stream) for port in members[0].ports}
        calls = [Call(Part(c.name), ports, base.frame, self.at) for c in members]
        shares = base.model.run(calls)
        return {c.name: s.to(self.flow.wide) for c, s in zip(members, shares, strict=True)}
