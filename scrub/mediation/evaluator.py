"""Circuits on a batch: turn by turn, each port on its own sum of what the writers give.

What they give lies side by side in a room, less what they give in the corrupted world, so that all
sums of a group are one product.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import torch

from scrub.engine.chunk import accumulator
from scrub.engine.worlds import World, picked
from scrub.mediation.circuits import Home, Keeping, Writers
from scrub.mediation.turns import Sums, Turn, turns_of
from scrub.models.base import Call
from scrub.models.batches import Lazy
from scrub.models.blocks import slices_of

Tensor = torch.Tensor


class Evaluator:
    """Circuits on one batch of items: what all evaluations share is computed once.

    Holds every component's share in the corrupted world and in the circuit, and in the wild world
    where that is needed, at most three times writers · rows · positions · width floats; and the
    streams' sums in the corrupted world.
    """

    def __init__(self, wild: World, corrupted: World, index: Writers | None = None) -> None:
        self.model, self.frame = wild.model, wild.frame
        self.index = index or Writers(self.model.graph)
        self.wild, self.corrupted = wild, corrupted
        self.wide = accumulator(self.model.dtype)

    @cached_property
    def fixed(self) -> Mapping[str, Tensor]:
        """Each writer's share in the corrupted world, [row, position, width]."""
        return {name: self.corrupted.shares[name] for name in self.index.number}

    @cached_property
    def bases(self) -> Mapping[str, Tensor]:
        """Each stream's sum in the corrupted world, [row, position, width]."""
        return Lazy(list(self.model.graph.streams), lambda name: self.corrupted.streams[name])

    @cached_property
    def whole(self) -> Mapping[str, Tensor]:
        """What each writer differs by between the worlds, made where it is asked for."""
        names = list(self.index.number)
        return Lazy(names, lambda name: self.wild.shares[name] - self.fixed[name])

    @cached_property
    def room(self) -> Mapping[Home, Room]:
        """What each home holds: a slice for the base of a sum, and one for every writer."""
        found: dict[Home, Room] = {}
        homes = list(self.index.homes.values())
        for name, home in self.index.homes.items():
            if home not in found:
                rows, length, width = self.fixed[name].shape
                slices = 1 + homes.count(home)
                found[home] = Room(self.fixed[name].new_empty(rows, length, slices, width))
        return found

    def output(self, kept: Keeping, at: Tensor | None, start: int = 0) -> Tensor:
        """The circuit's output at positions [row, n] (all, if None): [row, n, width].

        `start` is that of `turns_of`.
        """
        return self.follow(turns_of(kept, self.index, start), at)

    def follow(self, turns: Sequence[Turn], at: Tensor | None) -> Tensor:
        """The same by the turns of a circuit, which hold for any number of batches.

        What comes after the last group that mixes positions is evaluated at the positions asked
        for alone.
        """
        *before, last = turns
        live = _Live(self, self.room)
        for turn in before:
            if turn.group > self.index.last_mixing:
                live = live.narrowed(at)
            self._take(turn, live)
        if last.group > self.index.last_mixing:
            live = live.narrowed(at)
        (value,) = self.model.run(self._calls(last, live, at))
        return value.to(self.wide)

    def _take(self, turn: Turn, live: _Live) -> None:
        """What the members give goes to its slices."""
        if not turn.sums:
            for part, slot in zip(turn.members, live.slots(turn), strict=True):
                slot.copy_(live.read(self.whole[part.component]))
            return
        shares = self.model.run(self._calls(turn, live, live.at))
        for part, share, slot in zip(turn.members, shares, live.slots(turn), strict=True):
            torch.sub(share.to(self.wide), live.read(self.fixed[part.component]), out=slot)

    def _calls(self, turn: Turn, live: _Live, at: Tensor | None) -> list[Call]:
        """The members of a turn, each port on its own sum."""
        inputs: list[dict[str, Tensor]] = [{} for _ in turn.members]
        for sums in turn.sums:
            totals = live.totals(sums)
            for (member, port), number in zip(sums.places, sums.which, strict=True):
                inputs[member][port] = totals[number]
        return [Call(p, own, self.frame, at) for p, own in zip(turn.members, inputs, strict=True)]


class Room:
    """Values side by side, [row, position, slice, width]. Its views are made once."""

    def __init__(self, values: Tensor) -> None:
        self.values = values
        self.block = values.flatten(0, 1)  # [row · position, slice, width]

    @cached_property
    def slices(self) -> Sequence[Tensor]:
        """Each slice, [row, position, width]."""
        return self.values.unbind(2)


class _Live:
    """What each writer gives in the circuit, less what it gives in the corrupted world.

    With `at` [row, n], the room holds it at these positions alone.
    """

    def __init__(
        self, evaluator: Evaluator, room: Mapping[Home, Room], at: Tensor | None = None
    ) -> None:
        self.evaluator, self.room, self.at = evaluator, room, at
        self.begun: Tensor | None = None  # the sum of the first writers alone, for the next turn
        self.sheets: dict[Home, Tensor] = {}  # where a group's sums lie: fresh memory is slow

    def narrowed(self, at: Tensor | None) -> _Live:
        """The same at some positions of the output's space [row, n]."""
        if at is None or self.at is not None:
            return self
        space = self.evaluator.index.groups[-1][0].space
        rooms = {home: room.values for home, room in self.room.items() if home[0] == space}
        some = {home: Room(picked(values, at)) for home, values in rooms.items()}
        return _Live(self.evaluator, some, at)

    def read(self, value: Tensor) -> Tensor:
        """A value [row, position, width] at the positions that matter."""
        return picked(value, self.at)

    def slots(self, turn: Turn) -> Sequence[Tensor]:
        """Where what the members of a turn give goes, [row, position, width]."""
        assert turn.home is not None  # the output's goes nowhere
        return self.room[turn.home].slices[turn.slot : turn.slot + len(turn.members)]

    def totals(self, sums: Sums) -> Sequence[Tensor]:
        """The sums at ports that read one stream, each [row, position, width]."""
        base = self.read(self.evaluator.bases[sums.stream])
        if sums.weights is None:
            return [base]
        room = self.room[sums.home]
        values = room.block[:, sums.first : sums.first + sums.weights.shape[2]]
        weights = sums.weights.to(values).expand(len(values), -1, -1)
        if sums.first:
            assert self.begun is not None  # by the turn before
            total = torch.baddbmm((base + self.begun).flatten(0, 1)[:, None], weights, values)
            return slices_of(total, len(base))
        room.slices[0].copy_(base)
        found = slices_of(self._product(sums, weights, values), len(base))
        if sums.begun is not None:
            self.begun = found[sums.begun]
        return found

    def _product(self, sums: Sums, weights: Tensor, values: Tensor) -> Tensor:
        """Slices of the room, weighted [row · position, sum, slice]: as a block."""
        n, count, width = len(values), weights.shape[1], values.shape[2]
        if count == 1:  # its reader may hand it on
            return torch.bmm(weights, values)
        if sums.home not in self.sheets:
            most = self.evaluator.index.most[sums.home]
            self.sheets[sums.home] = values.new_empty(n * most * width)
        first = sums.before * n * width
        sheet = self.sheets[sums.home][first : first + n * count * width]
        return torch.bmm(weights, values, out=sheet.view(n, count, width))
