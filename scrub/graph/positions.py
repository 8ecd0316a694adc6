"""Where in a sequence: a role, indices, everywhere, or one node for each of these.

A *role* ("end", "subject") is a name that the data set resolves to positions of each example, so
that a value can move from the donor's position of that role to the reference's.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Role:
    """The positions that an example gives to a role; `item` picks one of several.

    >>> str(Role("end")), str(Role("names", item=1))
    ('end', 'names[1]')
    """

    name: str
    item: int | None = None

    def __str__(self) -> str:
        return self.name if self.item is None else f"{self.name}[{self.item}]"


@dataclass(frozen=True, order=True)
class Indices:
    """Fixed positions, counted from the first token that is not padding."""

    indices: tuple[int, ...]

    def __str__(self) -> str:
        return ",".join(map(str, self.indices))


@dataclass(frozen=True, order=True)
class Everywhere:
    """All positions of the sequence."""

    def __str__(self) -> str:
        return "all"


Positions = Role | Indices | Everywhere

ALL = Everywhere()


@dataclass(frozen=True)
class Each:
    """One node per position: its feature is a function of (example, position)."""

    of: Positions


def positions(written: object) -> Positions | Each:
    """What a user writes for positions, as a value. Raises `TypeError` for anything else.

    >>> positions("end"), positions(3), positions([0, 2]), positions(None)
    (Role(name='end', item=None), Indices(indices=(3,)), Indices(indices=(0, 2)), Everywhere())
    """
    if written is None or written == "all":
        return ALL
    if isinstance(written, (Role, Indices, Everywhere, Each)):
        return written
    if isinstance(written, str):
        return Role(written)
    numbers = [written] if isinstance(written, int) else written
    if isinstance(numbers, (list, tuple, range)) and _are_indices(list(numbers)):
        return Indices(tuple(sorted(set(numbers))))
    raise TypeError(
        f"positions must be a role's name, an index, a list of indices, 'all' or each(...), "
        f"not {written!r}."
    )


def _are_indices(numbers: list[object]) -> bool:
    kinds = all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in numbers)
    return kinds and len(numbers) > 0


def each(written: object = None) -> Each:
    """One node for each of these positions.

    >>> each("names")
    Each(of=Role(name='names', item=None))
    """
    inner = positions(written)
    if isinstance(inner, Each):
        raise TypeError("each(each(...)) says nothing more than each(...).")
    return Each(inner)
