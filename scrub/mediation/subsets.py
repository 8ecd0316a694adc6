"""Sets of members changed together: who they are, and the world of every set.

Members stand in order of evaluation, and a set's world is made of that without its last member, so
that of each set only what lies downstream of its last member is evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from scrub.engine.edits import Edit, Input, State, What, finer
from scrub.engine.flow import edited
from scrub.engine.metrics import Floats
from scrub.engine.worlds import World
from scrub.errors import InputRefused, Problem
from scrub.mediation.places import Place
from scrub.mediation.subject import Subject

One = str | Place | What | Sequence[str | Place | What]
Written = str | Sequence[One] | Mapping[str, One]
Visit = Callable[[World], Floats]


@dataclass(frozen=True)
class Member:
    """What is changed at once, under one name."""

    name: str
    places: tuple[Place, ...]

    def __str__(self) -> str:
        return self.name


def members(written: Written, subject: Subject) -> tuple[Member, ...]:
    """The members that users write, in order of evaluation.

    One text makes a member of each of its places; a list makes one of each entry, which may hold
    several places; a mapping gives them names. Raises `InputRefused` with all that is wrong.
    """
    found: list[Member] = []
    problems: list[Problem] = []
    for name, places in _named(written, subject):
        try:
            found.append(Member(name, subject.places(places)))
        except InputRefused as refused:
            problems += refused.problems
    if not found and not problems:
        fix = "Name places, e.g. at=['a0.h0@end', 'a1.h0,a1.h1']."
        problems = [Problem("members", "there are none.", fix)]
    problems += [
        Problem(f"member '{other}'", f"has something in common with '{one}'.", "Name it once.")
        for one, other in combinations(found, 2)
        if one.name == other.name or _overlap(one, other, subject)
    ]
    if problems:
        raise InputRefused(problems)
    return tuple(sorted(found, key=lambda member: _start(member, subject)))


def _named(written: Written, subject: Subject) -> Iterator[tuple[str, One]]:
    if isinstance(written, Mapping):
        yield from written.items()
    elif isinstance(written, str):
        yield from ((str(place), place) for place in subject.places(written))
    else:
        for one in written:
            many = isinstance(one, Sequence) and not isinstance(one, str)
            yield ", ".join(map(str, one)) if many else str(one), one  # type: ignore[arg-type]


def _start(member: Member, subject: Subject) -> int:
    return min(subject.layout.start(place.what) for place in member.places)


def _overlap(one: Member, other: Member, subject: Subject) -> bool:
    return any(
        _same(a.what, b.what) and _meet(a, b, subject) for a in one.places for b in other.places
    )


def _same(one: What, other: What) -> bool:
    """Whether two things have something in common."""
    if isinstance(one, (State, Input)) or isinstance(other, (State, Input)):
        return one == other
    if one.component != other.component:
        return False
    if finer(one) and finer(other):
        pairs = ((one.neurons, other.neurons), (one.experts, other.experts))
        return any(a and b and a[0] <= b[1] and b[0] <= a[1] for a, b in pairs)
    return True


def _meet(one: Place, other: Place, subject: Subject) -> bool:
    """Whether two places share a position in some example."""
    tables = [subject.task.dataset.positions(place.at) for place in (one, other)]
    if tables[0] is None or tables[1] is None:
        return True
    first, second = (table[subject.rows] for table in tables if table is not None)
    return bool((first[:, :, None] == second[:, None, :]).any())


def walked(
    base: World,
    edits: Sequence[Sequence[Edit]],
    sets: Iterable[Sequence[int]],
    visit: Visit,
    told: Callable[[], None] = lambda: None,
) -> Floats:
    """What `visit` finds in each set's world, [set, item]: of numbers of members, each with its
    edits. `told` is called once for each set."""
    asked = [tuple(sorted(members)) for members in sets]
    found: dict[int, Floats] = {}
    path: list[tuple[int, World]] = []
    for number in sorted(range(len(asked)), key=lambda i: asked[i]):
        wanted = asked[number]
        shared = _shared([member for member, _ in path], wanted)
        del path[shared:]
        for member in wanted[shared:]:
            before = path[-1][1] if path else base
            path.append((member, edited(before, edits[member], before.bases)))
        found[number] = visit(path[-1][1] if path else base)
        told()
    return np.stack([found[number] for number in range(len(asked))])


def _shared(path: Sequence[int], wanted: Sequence[int]) -> int:
    """How many members two sets have in common from the first on.

    >>> _shared([0, 1, 3], [0, 1, 2, 3])
    2
    """
    count = 0
    for one, other in zip(path, wanted, strict=False):
        if one != other:
            break
        count += 1
    return count
