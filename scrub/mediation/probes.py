"""Inputs as a user hands them to a probe: token ids with a mask, and findings laid out as they are.

The engine works on rows without their padding. What is found goes back to the positions that the
user counts; where there is only padding stands NaN.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scrub import __version__
from scrub.data.dataset import Dataset, Ints
from scrub.data.fields import DIMENSIONS, MASKS
from scrub.engine.worlds import Layout, World
from scrub.errors import InputRefused, Problem
from scrub.graph import IMAGE, SEQUENCES, TOKENS
from scrub.mediation.subject import TOKENS_AT_ONCE, opened_model
from scrub.models.adapter import TransformersModel
from scrub.models.base import Model
from scrub.models.batches import Inputs
from scrub.models.padding import require_padding_harmless


@dataclass(frozen=True, eq=False)
class Axis:
    """The positions of one space as the user counts them: `size` of them, padding included.

    `first` is each row's first position that is no padding [row], `lengths` how many follow [row].

    >>> axis = Axis("tokens", 3, np.array([1, 0]), np.array([2, 3]))
    >>> axis.last.tolist(), axis.real.tolist()
    ([2, 2], [[False, True, True], [True, True, True]])
    """

    space: str
    size: int
    first: Ints
    lengths: Ints

    @property
    def last(self) -> Ints:
        """Each row's last position that is no padding."""
        found: Ints = self.first + self.lengths - 1
        return found

    @property
    def real(self) -> NDArray[np.bool_]:
        """Where there is no padding, [row, position]."""
        there = np.arange(self.size)[None, :]
        found: NDArray[np.bool_] = (there >= self.first[:, None]) & (there <= self.last[:, None])
        return found

    def spread(self, values: NDArray[Any], rows: slice, into: NDArray[Any]) -> None:
        """Puts values of some rows [row, length, …] at the user's positions of all [row, …]."""
        numbers = range(*rows.indices(len(self.first)))
        for value, row in zip(values, numbers, strict=True):
            first, length = int(self.first[row]), int(self.lengths[row])
            into[row, first : first + length] = value[:length]

    def inner(self, written: Any, option: str) -> Ints:
        """Positions that a user names, as the engine counts them, [row, n].

        One number is that position in every row; a list holds one for each row, or a list of
        equally many. Raises `InputRefused` for what is no position, or is padding.
        """
        where, rows = f"option '{option}'", len(self.first)
        spots = as_array(written)
        if spots.dtype.kind not in "iu" or spots.ndim > 2 or spots.size == 0:
            found = "must be a position, one for each row, or a list for each row [row, n]."
            raise InputRefused(Problem(where, found))
        if spots.ndim == 0:
            spots = np.full(rows, int(spots))
        if len(spots) != rows:
            found = f"names positions of {len(spots)} rows, and there are {rows}."
            raise InputRefused(Problem(where, found))
        table = spots.astype(np.int64).reshape(rows, -1)
        for row in range(rows):
            for spot in table[row].tolist():
                if not self.first[row] <= spot <= self.last[row]:
                    found = f"row {row} has no position {spot}, but {self.first[row]} to "
                    fix = "Count from 0, padding included."
                    raise InputRefused(Problem(where, f"{found}{self.last[row]}.", fix))
        found_at: Ints = table - self.first[:, None]
        return found_at


@dataclass(frozen=True, eq=False)
class Given:
    """A model and the inputs of a probe, row by row."""

    model: Model
    layout: Layout
    dataset: Dataset
    inputs: Inputs
    padded: Mapping[str, tuple[int, Ints]]  # by space: its size, and where each row begins [row]
    batch: int

    @staticmethod
    def of(
        model: object,
        input_ids: Any,
        attention_mask: Any = None,
        fields: Mapping[str, Any] | None = None,
        batch: int | None = None,
        **how: Any,
    ) -> Given:
        """From what a user has. `how` is where the model is found and run: folder, dtype, device.

        Raises `InputRefused`, and `ModelRefused` where the probe of the model fails.
        """
        if batch is not None and batch < 1:
            raise InputRefused(Problem("option 'batch'", f"must be at least 1, found {batch}."))
        given = {**dict(fields or {}), TOKENS: input_ids, "attention_mask": attention_mask}
        brought = {name: as_array(value) for name, value in given.items() if value is not None}
        if TOKENS in brought and brought[TOKENS].ndim == 1:  # one row, bare
            bare = {n: DIMENSIONS if n == IMAGE else 1 for n in brought}
            brought = {n: x[None] if x.ndim == bare[n] else x for n, x in brought.items()}
        dataset = _dataset(brought)
        folder, dtype = how.get("folder") or Path.cwd(), how.get("dtype", "float32")
        opened = opened_model(model, folder, dtype, how.get("device", "cpu"))
        _require_fields(opened, dataset)
        inputs = Inputs.of(dataset, opened.graph)
        if isinstance(opened, TransformersModel):
            require_padding_harmless(opened, inputs)
        some = batch or max(1, TOKENS_AT_ONCE // max(1, sum(inputs.longest.values())))
        padded = dict(_padded(brought))
        return Given(opened, Layout(opened.graph), dataset, inputs, padded, some)

    def __len__(self) -> int:
        return len(self.dataset)

    def axis(self, space: str) -> Axis:
        """The positions of a space, as the user counts them."""
        lengths = self.dataset.lengths_in(self.model.graph.space[space])
        size, first = self.padded.get(space, (int(lengths.max()), np.zeros_like(lengths)))
        return Axis(space, size, first, lengths)

    def worlds(self) -> Iterator[tuple[slice, World]]:
        """The model as it is, some rows at a time."""
        for start in range(0, len(self), self.batch):
            rows = slice(start, min(start + self.batch, len(self)))
            frame = self.inputs.batch(self.dataset.sequence[rows], self.model.device)
            yield rows, World.plain(self.model, frame, self.layout)

    def tensor(self, values: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.model.device)

    @property
    def kind(self) -> Any:
        """The numbers of what is found: single precision, of a double model double."""
        return np.float64 if self.model.dtype == torch.float64 else np.float32

    def conventions(self, **more: object) -> dict[str, object]:
        """What the figures depend on, by name."""
        name = self.model.graph.name
        return {
            "model": Path(name).name if Path(name).is_dir() else name,
            "rows": len(self),
            "dtype": str(self.model.dtype).removeprefix("torch."),
            "causal-scrub": __version__,
            **more,
        }


def as_array(value: Any) -> NDArray[Any]:
    """Lists, numpy and torch alike. Raises `InputRefused` for rows of different lengths."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
    try:
        return np.asarray(value)
    except ValueError:
        found = "must be a batch [row, length], all rows equally long."
        raise InputRefused(
            Problem("input_ids", found, "Pad the rows and give attention_mask=.")
        ) from None


def _dataset(brought: Mapping[str, NDArray[Any]]) -> Dataset:
    more = {n: x for n, x in brought.items() if n not in (TOKENS, "attention_mask")}
    if TOKENS in brought:
        mask = brought.get("attention_mask")
        return Dataset.from_tokens(brought[TOKENS], attention_mask=mask, fields=more)
    if not more:
        raise InputRefused(Problem("input_ids", "there are none.", "Give token ids."))
    rows = min(len(x) for x in more.values())
    return Dataset.from_rows([{n: x[i] for n, x in more.items()} for i in range(rows)])


def _require_fields(model: Model, dataset: Dataset) -> None:
    """All that the model reads is there."""
    missing = [s.name for s in model.graph.spaces if s.given and s.name not in dataset.fields]
    if missing:
        wanted = "input_ids" if missing[0] == TOKENS else f"fields={{'{missing[0]}': …}}"
        found = f"reads '{missing[0]}', and none are given."
        raise InputRefused(Problem(f"model '{model.graph.name}'", found, f"Give {wanted}."))


def _padded(brought: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, tuple[int, Ints]]]:
    """The length of each sequence as it was handed in, and where its rows begin."""
    for name in SEQUENCES:
        if name in brought:
            mask = brought.get(MASKS[name], np.ones(brought[name].shape))
            yield name, (brought[name].shape[1], mask.astype(bool).argmax(axis=1))
