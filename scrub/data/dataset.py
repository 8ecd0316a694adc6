"""A data set: inputs, columns and roles, one row per example.

Examples may share an input (say one example per scored position of a text); each distinct input
is stored once, unpadded, whatever padding it came with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scrub.errors import InputRefused, Problem
from scrub.graph import Everywhere, Indices, Positions, Role

Ints = NDArray[np.int64]
Row = Mapping[str, Any]


class Example(Mapping[str, Any]):
    """One row as a feature function sees it: its columns, `tokens` and `roles`; read only."""

    def __init__(self, dataset: Dataset, row: int) -> None:
        self._dataset, self._row = dataset, row

    def __getitem__(self, name: str) -> Any:
        if name == "tokens":
            return tuple(self._dataset.tokens(self._row).tolist())
        if name == "roles":
            return {role: spots[self._row] for role, spots in self._dataset.roles.items()}
        if name not in self._dataset.columns:
            known = ", ".join(self)
            raise KeyError(f"no column '{name}'; an example has {known}")
        return self._dataset.columns[name][self._row]

    def __iter__(self) -> Iterator[str]:
        return iter([*self._dataset.columns, "tokens", "roles"])

    def __len__(self) -> int:
        return len(self._dataset.columns) + 2


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples: `inputs` are the distinct inputs, `sequence[row]` says which one a row has.

    `columns[name]` and `roles[name]` hold one entry per row; a role's entry is a tuple of
    positions, counted from the first token that is not padding.

    >>> data = Dataset.from_rows([{"tokens": [5, 6], "roles": {"end": 1}, "name": "a"},
    ...                           {"tokens": [5, 6], "roles": {"end": 0}, "name": "b"}])
    >>> len(data), len(data.inputs), data.positions(Role("end")).tolist()
    (2, 1, [[1], [0]])
    """

    inputs: tuple[NDArray[Any], ...]  # each [length], int64 token ids or float64 values
    sequence: Ints  # [row] -> index into inputs
    columns: Mapping[str, Sequence[Any]]
    roles: Mapping[str, Sequence[tuple[int, ...]]]

    def __len__(self) -> int:
        return len(self.sequence)

    @staticmethod
    def from_rows(rows: Sequence[Row], where: str = "data") -> Dataset:
        """From one mapping per example: `tokens`, optionally `attention_mask` and `roles`, columns.

        Raises `InputRefused` with every row's problem (the first ten are listed).
        """
        from scrub.data.rows import dataset_from_rows  # the checks, apart from the value

        return dataset_from_rows(rows, where)

    @staticmethod
    def from_tokens(
        tokens: ArrayLike,
        *,
        attention_mask: ArrayLike | None = None,
        roles: Mapping[str, ArrayLike] | None = None,
        columns: Mapping[str, Sequence[Any]] | None = None,
    ) -> Dataset:
        """From a padded batch [row, length]; roles count positions of the batch as it is given.

        >>> data = Dataset.from_tokens([[0, 5, 6], [7, 8, 9]], roles={"end": [2, 2]},
        ...                            attention_mask=[[0, 1, 1], [1, 1, 1]])
        >>> data.lengths.tolist(), data.roles["end"]
        ([2, 3], [(1,), (2,)])
        """
        from scrub.data.batches import rows_of_batch

        return Dataset.from_rows(rows_of_batch(tokens, attention_mask, roles or {}, columns or {}))

    @staticmethod
    def from_text(
        rows: Sequence[Row],
        tokenizer: Callable[..., Mapping[str, Any]],
        answers: Sequence[str] = (),
    ) -> Dataset:
        """From rows with `text` and a tokenizer; a role may be given as a substring of the text.

        The columns `answers` hold words, each of which must be one token.
        """
        from scrub.data.text import tokenize_rows

        return Dataset.from_rows(tokenize_rows(rows, tokenizer, answers=answers))

    @staticmethod
    def from_columns(columns: Mapping[str, Sequence[Any]], inputs: Sequence[str]) -> Dataset:
        """For hand-made models: each example's input is the vector of these numeric columns."""
        from scrub.data.batches import matrix_of_columns

        matrix = matrix_of_columns(columns, inputs)
        distinct, sequence = np.unique(matrix, axis=0, return_inverse=True)
        return Dataset(tuple(distinct), sequence.reshape(-1).astype(np.int64), dict(columns), {})

    @cached_property
    def lengths(self) -> Ints:
        """Unpadded length of each row's input, [row]."""
        return np.array([len(x) for x in self.inputs], dtype=np.int64)[self.sequence]

    @property
    def length(self) -> int:
        """The longest input."""
        return max(len(x) for x in self.inputs)

    def tokens(self, row: int) -> NDArray[Any]:
        return self.inputs[int(self.sequence[row])]

    def example(self, row: int) -> Example:
        return Example(self, row)

    def positions(self, where: Positions) -> Ints | None:
        """Each row's positions, [row, n], or None for all. Roles are known to fit by then."""
        match where:
            case Everywhere():
                return None
            case Indices(indices):
                return np.tile(np.array(indices, dtype=np.int64), (len(self), 1))
            case Role(name, item):
                table = np.array(self.roles[name], dtype=np.int64)
                return table if item is None else table[:, item : item + 1]

    @cached_property
    def distinct(self) -> Ints:
        """The distinct input of each row, [row]: rows with equal tokens and equal roles share one.

        A draw that lands on another row with the same distinct input has changed nothing.
        """
        return self.distinct_at(frozenset(map(Role, self.roles)))

    def distinct_at(self, roles: frozenset[Role]) -> Ints:
        """As `distinct`, but to a reader of these roles alone, [row]; unknown ones tell nothing."""
        if roles not in self._distinct_at:
            spots = [self._spots(role) for role in roles if role.name in self.roles]
            numbers: dict[object, int] = {}
            keys = zip(self.sequence.tolist(), *spots, strict=True)
            found = [numbers.setdefault(key, len(numbers)) for key in keys]
            self._distinct_at[roles] = np.array(found, dtype=np.int64)
        return self._distinct_at[roles]

    @cached_property
    def _distinct_at(self) -> dict[frozenset[Role], Ints]:
        return {}

    def _spots(self, role: Role) -> Sequence[tuple[int, ...]]:
        """A role's positions in each row; at most one of them for an item."""
        spots, item = self.roles[role.name], role.item
        return spots if item is None else [row[item : item + 1] for row in spots]

    def extended(self, rows: Sequence[Row], where: str = "generated donors") -> Dataset:
        """This data set followed by further rows (generated donors), which have its columns.

        A row that repeats an input of the data shares it; a role that it lacks is empty in it.
        """
        more = Dataset.from_rows(rows, where)
        if problems := _columns_differ(self.columns, more.columns, where):
            raise InputRefused(problems)
        known = {_content(x): i for i, x in enumerate(self.inputs)}
        inputs = list(self.inputs)
        moved = []  # the place of each of `more`'s inputs in `inputs`
        for made in more.inputs:
            x = made.astype(self.inputs[0].dtype)
            moved.append(known.setdefault(_content(x), len(inputs)))
            if moved[-1] == len(inputs):
                inputs.append(x)
        missing: list[tuple[int, ...]] = [()] * len(more)
        return Dataset(
            inputs=tuple(inputs),
            sequence=np.concatenate([self.sequence, np.array(moved)[more.sequence]]),
            columns={k: [*v, *more.columns[k]] for k, v in self.columns.items()},
            roles={k: [*v, *more.roles.get(k, missing)] for k, v in self.roles.items()},
        )

    def content_number(self, row: int) -> int:
        """A hash of what a row holds, below 0, whatever its place: what a made row is known by."""
        content = [sorted((k, repr(v[row])) for k, v in t.items()) for t in self._tables]
        digest = hashlib.blake2b(_content(self.tokens(row)) + repr(content).encode(), digest_size=8)
        return -1 - (int.from_bytes(digest.digest(), "little") >> 1)

    @property
    def _tables(self) -> tuple[Mapping[str, Sequence[Any]], ...]:
        return self.columns, self.roles

    def fingerprint(self) -> str:
        """A hash of inputs, columns and roles, in order."""
        digest = hashlib.sha256()
        for x in self.inputs:
            digest.update(_content(x))
        digest.update(self.sequence.tobytes())
        for table in self._tables:
            digest.update(repr(sorted((k, list(map(repr, v))) for k, v in table.items())).encode())
        return digest.hexdigest()


def _content(x: NDArray[Any]) -> bytes:
    return f"{x.dtype}{x.shape}".encode() + x.tobytes()


def _columns_differ(
    expected: Mapping[str, Any], found: Mapping[str, Any], where: str
) -> list[Problem]:
    lacking, extra = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    fix = "Mend the generator: its rows have the columns of the data."
    return [Problem(where, f"lack the column '{n}' that the data has.", fix) for n in lacking] + [
        Problem(where, f"have a column '{n}' that the data lacks.", fix) for n in extra
    ]


def require_rows(dataset: Dataset, least: int = 2) -> None:
    """Refuse a data set in which nothing could be resampled."""
    if len(dataset) < least:
        raise InputRefused(
            Problem(
                "data",
                f"a scrub needs at least {least} examples, found {len(dataset)}.",
                "With fewer, every draw is the reference itself. Add examples.",
            )
        )
