"""From rows as users write them to a `Dataset`: fields read, roles resolved, all checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scrub.data.dataset import Dataset
from scrub.data.fields import (
    DECODER,
    FIELDS,
    MASKS,
    Given,
    Row,
    array,
    content,
    given_fields,
    short,
)
from scrub.errors import InputRefused, Problem
from scrub.graph import IMAGE

ROLES = {"roles": "", "decoder_roles": DECODER, "image_roles": IMAGE}  # "": the main field
RESERVED = (*FIELDS, *MASKS.values(), *ROLES)
MOST_PROBLEMS = 10

Spots = Mapping[str, tuple[int, ...]]


def dataset_from_rows(rows: Sequence[Row], where: str, places: Sequence[str] = ()) -> Dataset:
    """See `Dataset.from_rows`; `places` says where each row stands in a file ("line 3")."""
    if len(rows) == 0:
        raise InputRefused(Problem(where, "holds no examples.", "Give at least two rows."))
    places = [f"{where}, {place}" for place in places or [f"row {i}" for i in range(len(rows))]]
    problems: list[Problem] = []
    gathered = _Gathered()
    for place, row in zip(places, rows, strict=True):
        try:
            gathered.add(row)
        except ValueError as error:
            problems.append(Problem(place, str(error)))
    problems.extend(_columns_problems(rows, places))
    if problems:
        raise InputRefused(_shortened(problems, where))
    names = [name for name in rows[0] if name not in RESERVED]
    return Dataset(
        fields={name: tuple(x[name] for x in gathered.distinct) for name in gathered.distinct[0]},
        sequence=np.array(gathered.sequence, dtype=np.int64),
        columns={name: [_plain(row[name]) for row in rows] for name in names},
        roles={name: [row.get(name, ()) for row in gathered.spots] for name in gathered.spaces},
        role_spaces=gathered.spaces,
    )


@dataclass(eq=False)
class _Gathered:
    """Rows so far: distinct inputs, which of them each row has, and the positions of its roles."""

    distinct: list[Mapping[str, NDArray[Any]]] = field(default_factory=list)
    sequence: list[int] = field(default_factory=list)
    spots: list[Spots] = field(default_factory=list)
    spaces: dict[str, str] = field(default_factory=dict)  # of each role
    _known: dict[bytes, int] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Raises `ValueError` in words."""
        given = given_fields(row)
        self._require_alike(given)
        self.spots.append(dict(self._roles(row, given)))
        key = content(given.fields)
        if key not in self._known:
            self._known[key] = len(self.distinct)
            self.distinct.append(given.fields)
        self.sequence.append(self._known[key])

    def _require_alike(self, given: Given) -> None:
        """All rows have the fields of the first, and images of one shape."""
        if not self.distinct:
            return
        first = self.distinct[0]
        for name in (name for name in FIELDS if (name in first) != (name in given.fields)):
            raise ValueError(
                f"lacks the '{name}' that the first row has."
                if name in first
                else f"has '{name}', which the first row lacks."
            )
        if IMAGE in first and given.fields[IMAGE].shape != first[IMAGE].shape:
            ours, theirs = (_size(x[IMAGE]) for x in (given.fields, first))
            raise ValueError(f"has an image of {ours}, and the first row one of {theirs}.")

    def _roles(self, row: Row, given: Given) -> Iterator[tuple[str, tuple[int, ...]]]:
        seen: dict[str, str] = {}
        for key, named in ROLES.items():
            space = named or given.main
            for name, written in _given_roles(row, key, space, given):
                if name in seen:
                    raise ValueError(f"role '{name}' is in '{seen[name]}' and in '{key}'.")
                if self.spaces.setdefault(name, space) != space:
                    known = self.spaces[name]
                    raise ValueError(f"role '{name}' is in '{space}' here, and in '{known}' above.")
                seen[name] = key
                yield name, _spots(name, written, given, space)


def _given_roles(row: Row, key: str, space: str, given: Given) -> Iterator[tuple[str, Any]]:
    """A role that is None is missing in this row."""
    roles = row.get(key)
    if roles is None:
        return
    if not isinstance(roles, Mapping):
        raise ValueError(f"'{key}' must map names to positions, not {short(roles)}.")
    if space not in given.fields and roles:
        raise ValueError(f"has '{key}', and no '{space}' whose positions they could be.")
    for name, written in roles.items():
        if written is not None and str(name) == "all":
            raise ValueError("a role cannot be called 'all', which stands for all positions.")
        if written is not None:
            yield str(name), written


def _spots(name: str, written: Any, given: Given, space: str) -> tuple[int, ...]:
    """Positions in the unpadded sequence; negative ones count from its end."""
    spots = array(written)
    if spots is not None and spots.size == 0 and spots.ndim == 1:
        return ()  # a role without positions is missing in this row
    if spots is None or spots.ndim > 1 or not np.issubdtype(spots.dtype, np.integer):
        hint = ""
        if isinstance(written, str):
            hint = " A role given by its text needs Dataset.from_text."
        raise ValueError(
            f"role '{name}' must be a position or a list of them, not {short(written)}.{hint}"
        )
    numbers = spots.reshape(-1).tolist()
    moved = _patches(name, numbers) if space == IMAGE else _moved(name, numbers, given, space)
    if len(set(moved)) < len(moved):
        raise ValueError(f"role '{name}' names a position twice: {short(numbers)}.")
    return tuple(moved)


def _moved(name: str, numbers: Sequence[int], given: Given, space: str) -> list[int]:
    length, offset = len(given.fields[space]), given.offsets[space]
    moved = [s + length if s < 0 else s - offset for s in numbers]
    for wanted, spot in zip(numbers, moved, strict=True):
        if not 0 <= spot < length:
            unpadded = f" (after {offset} of padding)" if offset else ""
            unit = "decoder tokens" if space == DECODER else "tokens"
            hint = ""
            if space != DECODER and wanted < len(given.fields.get(DECODER, ())):
                hint = " A role that counts decoder tokens goes into 'decoder_roles'."
            raise ValueError(
                f"role '{name}' is at {wanted}, outside the row's {length} {unit}{unpadded}.{hint}"
            )
    return moved


def _patches(name: str, numbers: Sequence[int]) -> list[int]:
    """Positions of an image are for the model to count: how many there are is not known here."""
    for wanted in numbers:
        if wanted < 0:
            raise ValueError(
                f"role '{name}' is at {wanted}: positions of an image count from 0, and only the "
                "model knows how many there are."
            )
    return list(numbers)


def _size(image: NDArray[Any]) -> str:
    return " × ".join(map(str, image.shape))


def _columns_problems(rows: Sequence[Row], places: Sequence[str]) -> Iterable[Problem]:
    """All rows have the columns of the first."""
    if not all(isinstance(row, Mapping) for row in rows):
        return  # reported with the tokens
    expected = set(rows[0]) - set(RESERVED)
    for place, row in zip(places, rows, strict=True):
        found = set(row) - set(RESERVED)
        if missing := sorted(map(str, expected - found)):
            yield Problem(place, f"lacks the column '{missing[0]}' that the first row has.")
        if extra := sorted(map(str, found - expected)):
            yield Problem(place, f"has a column '{extra[0]}' that the first row lacks.")


def _plain(value: Any) -> Any:
    """Lists become tuples and numpy scalars Python's, so that a column's values can be compared."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, np.ndarray)):
        return tuple(_plain(v) for v in value)
    return value


def _shortened(problems: list[Problem], where: str) -> list[Problem]:
    if len(problems) <= MOST_PROBLEMS:
        return problems
    rest = len(problems) - MOST_PROBLEMS
    return [*problems[:MOST_PROBLEMS], Problem(where, f"and {rest} more problems like these.")]
