"""What an evaluation of a circuit does, group by group: who is run, and which sums are read.

It follows from the circuit and the graph alone, so that it is worked out once for any number of
batches. Each writer that may give something else than in the corrupted world has a slice of a room
[row, position, slice, width]; the first slice is for the base of a sum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from scrub.graph import Part
from scrub.mediation.circuits import Home, Keeping, Kept, Writers

Tensor = torch.Tensor
Place = tuple[int, str]  # the number of a member, and one of its ports


@dataclass(frozen=True, eq=False)
class Sums:
    """The sums at all ports of a turn that read one stream: one product over the writers so far.

    The base is a writer that everyone keeps, so that each value is read once. Ports that keep the
    same share a sum where that halves them. To read the values is what a product for one port
    costs: the sum at the only port of the next turn is begun here, and ended there.
    """

    stream: str
    home: Home
    places: Sequence[Place]
    which: Sequence[int]  # for each place, its sum
    weights: Tensor | None  # [1, sum, slice]; None where nothing differs: the base is the sum
    first: int = 0  # the first slice that is weighted; more than 0 where a sum is ended
    before: int = 0  # sums of this turn and home before these
    begun: int | None = None  # the sum that is begun for the next turn


@dataclass(frozen=True, eq=False)
class Turn:
    """Those members of a group that an edge reaches, on their sums; all others are as corrupted.

    Where it has no sums, they are as in the wild world. What they give goes to slices of the room,
    from `slot` on; what the output gives, which has no home, goes nowhere.
    """

    group: int
    members: Sequence[Part]
    sums: Sequence[Sums] = ()
    home: Home | None = None
    slot: int = 0


def turns_of(kept: Keeping, index: Writers, start: int = 0) -> tuple[Turn, ...]:
    """All turns of a circuit, the output's last.

    Of the groups before the one numbered `start` all edges are known to be kept: they are as in
    the wild world, and are not evaluated.
    """
    return tuple(_Planning(kept, index).turns(start))


class _Planning:
    """The turns so far: the writers that have a slice, and the sum that the last one began."""

    def __init__(self, kept: Keeping, index: Writers) -> None:
        self.kept, self.index = kept, index
        self.held: dict[Home, list[int]] = {}  # the writers in the order of their slices
        self.begun: tuple[Home, int] | None = None  # and how many writers it is over

    def turns(self, start: int) -> Iterator[Turn]:
        for number, group in enumerate(self.index.groups):
            parts = [Part(component.name) for component in group]
            if number < start or not group[0].ports:
                yield Turn(number, parts, (), *self._slots(parts))
            elif group[0].name == self.index.graph.output:
                yield Turn(number, parts, list(self._sums(number, [0])))
            elif reached := self._reached(number):
                parts, sums = [parts[i] for i in reached], list(self._sums(number, reached))
                yield Turn(number, parts, sums, *self._slots(parts))

    def _slots(self, parts: Sequence[Part]) -> tuple[Home, int]:
        """A home, and the first of the slices for the next writers there, some of one group."""
        home = self.index.homes[parts[0].component]
        held = self.held.setdefault(home, [])
        slot = 1 + len(held)
        held += [self.index.number[part.component] for part in parts]
        return home, slot

    def _reached(self, number: int) -> Sequence[int]:
        """The members of a group some port of which reads a writer that has a slice."""
        differ = [writer for held in self.held.values() for writer in held]
        reads = self.kept.groups[number][:, :, differ].any(axis=(1, 2))
        return [int(i) for i in np.flatnonzero(reads)]

    def _sums(self, number: int, members: Sequence[int]) -> Iterator[Sums]:
        """The sums at these members' ports, stream by stream."""
        ports, before = self.index.groups[number][0].ports, Counter[Home]()
        begun, self.begun = self.begun, None
        for stream in dict.fromkeys(port.stream for port in ports):
            here = [p for p, port in enumerate(ports) if port.stream == stream]
            places = [(i, ports[p].name) for p in here for i in range(len(members))]
            home = self.index.home(stream)
            rows = self._kept(number, home)[members][:, here].swapaxes(0, 1)
            rows = rows.reshape(len(places), -1)  # [sum, slice]
            if not rows.size:
                yield Sums(stream, home, places, [0] * len(places), None)
            elif begun is not None and begun[0] == home:
                later = _tensor(rows[:, begun[1] :])
                yield Sums(stream, home, places, [0], later, first=1 + begun[1])
            else:
                ahead = self._ahead(number, home)
                weights, which = _merged(_based(rows, ahead))
                yield Sums(
                    stream,
                    home,
                    places,
                    which[: len(places)],
                    _tensor(weights),
                    before=before[home],
                    begun=which[-1] if len(ahead) else None,
                )
                before[home] += len(weights)

    def _kept(self, number: int, home: Home) -> Kept:
        """What the ports of a group keep of what has a slice so far, [member, port, slice]."""
        return self.kept.groups[number][:, :, self.held.get(home, [])]

    def _ahead(self, number: int, home: Home) -> Kept:
        """What the only port of the group after this one keeps, [1, slice], where its sum can be
        begun in this turn; [0, slice] where it has several, keeps nothing so far, or is evaluated
        at other positions."""
        held = self.held[home]
        none = np.zeros((0, len(held)), dtype=np.float32)
        if number == self.index.last_mixing or number + 1 == len(self.index.groups):
            return none
        component, *others = self.index.groups[number + 1]
        if others or len(component.ports) != 1:
            return none
        row = self._kept(number + 1, home).reshape(1, -1)
        if self.begun or self.index.home(component.ports[0].stream) != home or not row.any():
            return none
        self.begun = home, len(held)
        return row


def _based(rows: Kept, ahead: Kept) -> Kept:
    """Sums with their base, and those begun, which get theirs where they are ended."""
    base = np.repeat(np.array([1, 0], dtype=np.float32), [len(rows), len(ahead)])
    return np.column_stack([base, np.concatenate([rows, ahead])])


def _merged(rows: Kept) -> tuple[Kept, Sequence[int]]:
    """The distinct rows, and which of them each row is; all of them where that would not halve
    their number."""
    distinct: dict[bytes, int] = {}
    which = [distinct.setdefault(row.tobytes(), len(distinct)) for row in rows]
    if 2 * len(distinct) > len(rows):
        return rows, range(len(rows))
    return rows[[which.index(i) for i in range(len(distinct))]], which


def _tensor(rows: Kept) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(rows))[None]
