"""What lies downstream of some edits, evaluated anew; everything else is the base world's.

A group of components is evaluated only if something that it reads, or it itself, was edited; the
groups before the first edit cost nothing. A group all of whose ports are those of a forward pass
is one call of the model's own module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch

from scrub.engine.executor import accumulator
from scrub.engine.worlds import (
    Edit,
    Input,
    Made,
    State,
    World,
    component_of,
    edits_by_group,
    picked,
    projected,
    put,
)
from scrub.graph import Component, Part
from scrub.models.base import Call

Tensor = torch.Tensor


def edited(base: World, edits: Sequence[Edit], bases: Mapping[str, Tensor] | None = None) -> World:
    """The world in which these places hold other values, and all that follows from it.

    Edits of one place apply in order. `bases` holds those of the subspaces that parts name.
    """
    flow = _Flow(base, edits, bases or {})
    for number in range(min(flow.starts, default=len(base.layout.groups)), len(base.layout.groups)):
        flow.advance(number)
    streams = Made(tuple(base.streams), flow.stream)
    shares = Made(tuple(base.shares), flow.share)
    return World(base.model, base.layout, base.frame, streams, shares)


@dataclass(eq=False)
class _Group:
    """A group that differs from the base's: its new sum, or what was added to the old one."""

    shares: Mapping[str, Tensor]  # of those members whose share is known apart
    total: Tensor | None = None
    delta: Tensor | None = None


@dataclass(eq=False)
class _Flow:
    base: World
    edits: Sequence[Edit]
    bases: Mapping[str, Tensor]
    streams: dict[str, Tensor | None] = field(default_factory=dict)  # None: as in the base
    groups: dict[int, _Group] = field(default_factory=dict)

    def __post_init__(self) -> None:
        layout = self.base.layout
        self.by_group = edits_by_group(layout, self.edits)
        self.by_stream: dict[str, list[Edit]] = {}
        for edit in self.edits:
            if isinstance(edit.what, State):
                self.by_stream.setdefault(edit.what.stream, []).append(edit)
        self.starts = [layout.start(edit.what) for edit in self.edits]
        self.wide = accumulator(self.base.model.dtype)

    def stream(self, name: str) -> Tensor:
        """A stream's sum."""
        live = self._live(name)
        return self.base.streams[name] if live is None else live

    def share(self, name: str) -> Tensor:
        """A component's share."""
        group = self.groups.get(self.base.layout.group_of[name])
        if group is None or name not in group.shares:
            return self.base.shares[name]
        return group.shares[name]

    def _live(self, name: str) -> Tensor | None:
        """A stream's sum where it differs from the base's."""
        if name not in self.streams:
            value = self._extended(name)
            for edit in self.by_stream.get(name, ()):
                own = self.base.streams[name] if value is None else value
                value = put(own, edit.at, edit.value(picked(own, edit.at)).to(self.wide))
            self.streams[name] = value
        return self.streams[name]

    def _extended(self, name: str) -> Tensor | None:
        """The stream before it, and what has been added since."""
        layout = self.base.layout
        link = layout.links[name]
        before = self._live(link.before) if link.before else None
        numbers = list(dict.fromkeys(layout.group_of[member] for member in link.added))
        changed = [n for n in numbers if n in self.groups]
        if before is None and not changed:
            return None
        deltas = [delta for n in changed if (delta := self._delta(n, link.added)) is not None]
        if before is None and len(deltas) == len(changed):
            return sum(deltas, self.base.streams[name])
        value = self._constant(name)
        if link.before:
            earlier = self.base.streams[link.before] if before is None else before
            value = earlier + (value - self._constant(link.before))
        for number in numbers:
            value = value + self._total(number, link.added)
        return value

    def _constant(self, stream: str) -> Tensor:
        return self.base.model.constant(stream).to(self.wide)

    def _delta(self, number: int, added: Sequence[str]) -> Tensor | None:
        """What edits added to a group whose ports are the base's; None where they are not."""
        return self.groups[number].delta if self._all_in(number, added) else None

    def _total(self, number: int, added: Sequence[str]) -> Tensor:
        """The sum of those of a group's members that a stream adds."""
        group = self.groups.get(number)
        if group is not None and group.total is not None and self._all_in(number, added):
            return group.total
        names = [c.name for c in self.base.layout.groups[number] if c.name in added]
        total = self.share(names[0])
        for name in names[1:]:
            total = total + self.share(name)
        return total

    def _all_in(self, number: int, added: Sequence[str]) -> bool:
        return {c.name for c in self.base.layout.groups[number]} <= set(added)

    def advance(self, number: int) -> None:
        """Evaluates a group, if something of it is to change."""
        members = self.base.layout.groups[number]
        edits = self.by_group.get(number, [])
        if members[0].name == self.base.model.graph.output:
            return
        moved = any(self._live(port.stream) is not None for port in members[0].ports)
        if moved:
            group = self._evaluated(members)
        elif edits:
            group = _Group(self.base.shares)
        else:
            return
        changed: dict[str, Tensor] = {}
        for component in members:
            if own := [edit for edit in edits if component_of(edit.what) == component.name]:
                changed[component.name] = self._edited(component, group.shares, own)
        self.groups[number] = _with(group, changed)

    def _evaluated(self, members: Sequence[Component]) -> _Group:
        """All of a group on the streams as they are now."""
        ports = {port.name: self.stream(port.stream) for port in members[0].ports}
        name = members[0].group or members[0].name
        whole = self.base.model.whole(name, ports, self.base.frame)
        shares = Made(tuple(whole.shares), lambda n: whole.shares[n].to(self.wide))
        return _Group(shares, total=whole.total.to(self.wide))

    def _edited(
        self, component: Component, shares: Mapping[str, Tensor], edits: Sequence[Edit]
    ) -> Tensor:
        """A component's share with its ports edited, and then its output."""
        ports = {port.name: self.stream(port.stream) for port in component.ports}
        share = shares[component.name]
        for edit in edits:
            if isinstance(edit.what, Input):
                own = ports[edit.what.port]
                new = edit.value(picked(own, edit.at)).to(self.wide)
                ports[edit.what.port] = put(own, edit.at, new)
        if any(isinstance(edit.what, Input) for edit in edits):
            share = self._run(Part(component.name), ports)
        for edit in edits:
            if isinstance(edit.what, Part):
                share = self._replaced(edit, share, ports)
        return share

    def _replaced(self, edit: Edit, share: Tensor, ports: Mapping[str, Tensor]) -> Tensor:
        """A component's share with that of a part replaced."""
        part = edit.what
        assert isinstance(part, Part)
        if part.whole:
            return put(share, edit.at, edit.value(picked(share, edit.at)).to(self.wide))
        finer = part.neurons is not None or part.experts is not None
        own = self._run(part, ports) if finer else projected(part, share, self.bases)
        old = picked(own, edit.at)
        new = projected(part, edit.value(old).to(self.wide), self.bases)
        return put(share, edit.at, picked(share, edit.at) + (new - old))

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
    if group.total is None:
        return _Group(shares, delta=delta)
    return _Group(shares, total=group.total + delta)
