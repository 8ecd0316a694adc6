"""A data set: inputs, columns and roles, one row per example.

Examples may share an input (say one example per scored position of a text); each distinct input
is stored once, unpadded, whatever padding it came with. An input has one field or several: tokens,
those of a decoder, an image.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scrub.data.fields import Row, content
from scrub.errors import InputRefused, Problem
from scrub.graph import IMAGE, SEQUENCES, TOKENS, Everywhere, Indices, Positions, Role, Space

Ints = NDArray[np.int64]


class Example(Mapping[str, Any]):
    """One row as a feature function sees it: its columns, fields and roles; read only.

    Sequences are tuples of numbers, an image is an array [channel, height, width].
    """

    def __init__(self, dataset: Dataset, row: int) -> None:
        self._dataset, self._row = dataset, row

    @property
    def row(self) -> int:
        """Its number in the data."""
        return self._row

    def __getitem__(self, name: str) -> Any:
        if name in self._dataset.fields:
            value = self._dataset.fields[name][int(self._dataset.sequence[self._row])]
            return value.copy() if name == IMAGE else tuple(value.tolist())
        if name == "roles":
            return {role: spots[self._row] for role, spots in self._dataset.roles.items()}
        if name not in self._dataset.columns:
            known = ", ".join(self)
            raise KeyError(f"no column '{name}'; an example has {known}")
        return self._dataset.columns[name][self._row]

    def __iter__(self) -> Iterator[str]:
        return iter([*self._dataset.columns, *self._dataset.fields, "roles"])

    def __len__(self) -> int:
        return len(self._dataset.columns) + len(self._dataset.fields) + 1


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples: `fields` hold the distinct inputs, `sequence[row]` says which one a row has.

    `columns[name]` and `roles[name]` hold one entry per row; a role's entry is a tuple of
    positions, counted from the first token that is not padding, in the space `role_spaces[name]`
    (that of the main field, `tokens` or else `image`, where nothing is said).

    >>> data = Dataset.from_rows([{"tokens": [5, 6], "roles": {"end": 1}, "name": "a"},
    ...                           {"tokens": [5, 6], "roles": {"end": 0}, "name": "b"}])
    >>> len(data), len(data.inputs), data.positions(Role("end")).tolist()
    (2, 1, [[1], [0]])
    """

    fields: Mapping[str, tuple[NDArray[Any], ...]]  # by name, all aligned; see `content`
    sequence: Ints  # [row] -> index into each field
    columns: Mapping[str, Sequence[Any]]
    roles: Mapping[str, Sequence[tuple[int, ...]]]
    role_spaces: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.sequence)

    @staticmethod
    def from_rows(rows: Sequence[Row], where: str = "data") -> Dataset:
        """From one mapping per example: `tokens`, optionally `attention_mask` and `roles`, columns.

        Beside or instead of `tokens` a row may bring an `image` [channel, height, width] with
        `image_roles`; beside them `token_types`, or `decoder_tokens` with `decoder_roles` and
        `decoder_attention_mask`. Raises `InputRefused` with every row's problem (the first ten
        are listed).
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
        fields: Mapping[str, Any] | None = None,
    ) -> Dataset:
        """From a padded batch [row, length]; roles count positions of the batch as it is given.

        `fields` are the further ones of a row, each with one entry for each row:
        `decoder_tokens`, `decoder_attention_mask`, `token_types`, `image`; under `decoder_roles`
        and `image_roles` it holds mappings like `roles`.

        >>> data = Dataset.from_tokens([[0, 5, 6], [7, 8, 9]], roles={"end": [2, 2]},
        ...                            attention_mask=[[0, 1, 1], [1, 1, 1]])
        >>> data.lengths.tolist(), data.roles["end"]
        ([2, 3], [(1,), (2,)])
        """
        from scrub.data.batches import rows_of_batch

        given = {"attention_mask": attention_mask, "roles": roles, **(fields or {})}
        return Dataset.from_rows(rows_of_batch(tokens, given, columns or {}))

    @staticmethod
    def from_text(
        rows: Sequence[Row],
        tokenizer: Callable[..., Mapping[str, Any]],
        answers: Sequence[str] = (),
    ) -> Dataset:
        """From rows with `text` and a tokenizer; a role may be given as a substring of the text.

        `decoder_text` becomes `decoder_tokens`, and no special token is added to it: it begins
        with what the model's decoder begins with. The columns `answers` hold words, each of which
        must be one token.
        """
        from scrub.data.text import tokenize_rows

        return Dataset.from_rows(tokenize_rows(rows, tokenizer, answers=answers))

    @staticmethod
    def from_columns(columns: Mapping[str, Sequence[Any]], inputs: Sequence[str]) -> Dataset:
        """For hand-made models: each example's input is the vector of these numeric columns."""
        from scrub.data.batches import matrix_of_columns

        matrix = matrix_of_columns(columns, inputs)
        distinct, sequence = np.unique(matrix, axis=0, return_inverse=True)
        rows = sequence.reshape(-1).astype(np.int64)
        return Dataset({TOKENS: tuple(distinct)}, rows, dict(columns), {})

    @property
    def main(self) -> str:
        """The field that `roles` and `tokens` speak of."""
        return TOKENS if TOKENS in self.fields else IMAGE

    @property
    def inputs(self) -> tuple[NDArray[Any], ...]:
        """The main field of each distinct input."""
        return self.fields[self.main]

    def role_space(self, name: str) -> str:
        """The space whose positions a role counts."""
        return self.role_spaces.get(name, self.main)

    def roles_in(self, space: str) -> list[str]:
        return [name for name in self.roles if self.role_space(name) == space]

    def lengths_in(self, space: Space) -> Ints:
        """Unpadded positions of each row in a space, [row]; none where rows lack its field."""
        if space.fixed or space.name not in self._lengths:
            return np.full(len(self), space.length, dtype=np.int64)
        return self._lengths[space.name]

    @cached_property
    def _lengths(self) -> Mapping[str, Ints]:
        """Of each sequence, [row]."""
        there = [name for name in SEQUENCES if name in self.fields]
        lengths = {n: np.array([len(x) for x in self.fields[n]], dtype=np.int64) for n in there}
        return {name: found[self.sequence] for name, found in lengths.items()}

    @cached_property
    def frames(self) -> Ints:
        """A number for each row, [row]: rows with equal lengths in every sequence share one."""
        if not self._lengths:
            return np.zeros(len(self), dtype=np.int64)
        lengths = np.stack(list(self._lengths.values()))  # [sequence, row]
        return np.unique(lengths, axis=1, return_inverse=True)[1].reshape(-1).astype(np.int64)

    @property
    def lengths(self) -> Ints:
        """Unpadded tokens of each row, [row]."""
        return self.lengths_in(Space(TOKENS))

    @property
    def length(self) -> int:
        """The most tokens of a row."""
        return int(self.lengths.max())

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
        from scrub.data.extending import extended

        return extended(self, rows, where)

    def input(self, i: int) -> dict[str, NDArray[Any]]:
        """All fields of a distinct input."""
        return {name: values[i] for name, values in self.fields.items()}

    def content_number(self, row: int) -> int:
        """A hash of what a row holds, below 0, whatever its place: what a made row is known by."""
        told = [sorted((k, repr(v[row])) for k, v in t.items()) for t in self._tables]
        held = content(self.input(int(self.sequence[row])))
        digest = hashlib.blake2b(held + repr(told).encode(), digest_size=8)
        return -1 - (int.from_bytes(digest.digest(), "little") >> 1)

    @property
    def _tables(self) -> tuple[Mapping[str, Sequence[Any]], ...]:
        return self.columns, self.roles

    def fingerprint(self) -> str:
        """A hash of inputs, columns and roles, in order."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256()
        for i in range(len(self.inputs)):
            digest.update(content(self.input(i)))
        digest.update(self.sequence.tobytes())
        for table in self._tables:
            digest.update(repr(sorted((k, list(map(repr, v))) for k, v in table.items())).encode())
        apart = {name: space for name in self.roles if (space := self.role_space(name)) != TOKENS}
        if apart:  # what has tokens only is told as it ever was
            digest.update(repr(sorted(apart.items())).encode())
        return digest.hexdigest()


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
