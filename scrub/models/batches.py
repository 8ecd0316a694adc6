"""The inputs of a data set as a model takes them: stacked, right-padded, with their lengths."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scrub.data.dataset import Dataset
from scrub.graph import IMAGE, SEQUENCES, TOKENS, ModelGraph, Space
from scrub.models.base import Batch
from scrub.models.sending import sent


class Lazy(Mapping[str, torch.Tensor]):
    """Tensors that are made when they are asked for, once: most components ask for none."""

    def __init__(self, names: Sequence[str], make: Callable[[str], torch.Tensor]) -> None:
        self._names, self._make = tuple(names), make
        self._made: dict[str, torch.Tensor] = {}

    def __getitem__(self, name: str) -> torch.Tensor:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True, eq=False)
class Inputs:
    """The distinct inputs of a data set, field by field, and the position spaces of a model.

    >>> inputs = Inputs({"tokens": [np.array([5, 6, 7]), np.array([8, 9])]})
    >>> batch = inputs.batch([1], torch.device("cpu"))
    >>> batch.fields["tokens"].tolist(), batch.lengths["tokens"].tolist()
    ([[8, 9, 8]], [2])
    """

    fields: Mapping[str, Sequence[NDArray[Any]]]
    spaces: tuple[Space, ...] = (Space(TOKENS),)

    @staticmethod
    def of(dataset: Dataset, graph: ModelGraph) -> Inputs:
        return Inputs(dataset.fields, graph.spaces)

    def __len__(self) -> int:
        return len(next(iter(self.fields.values())))

    @cached_property
    def lengths(self) -> Mapping[str, NDArray[np.int64]]:
        """Unpadded positions of each input [input], by space."""
        return {
            space.name: np.full(len(self), space.length, dtype=np.int64)
            if space.fixed
            else np.array([len(x) for x in self.fields[space.name]], dtype=np.int64)
            for space in self.spaces
            if space.fixed or space.name in self.fields
        }

    @cached_property
    def longest(self) -> Mapping[str, int]:
        """The most positions of an input, by space: what all are padded to."""
        return {name: int(lengths.max()) for name, lengths in self.lengths.items()}

    @cached_property
    def sequences(self) -> tuple[str, ...]:
        """The fields whose entries are positions: what padding touches."""
        return tuple(name for name in SEQUENCES if name in self.fields)

    def some(self, which: Sequence[int]) -> Inputs:
        """Some of the inputs, padded to the longest of these alone."""
        return Inputs({n: [x[i] for i in which] for n, x in self.fields.items()}, self.spaces)

    def cut(self, length: int) -> Inputs:
        """The first entries of each sequence."""
        fields = {n: x if n == IMAGE else [y[:length] for y in x] for n, x in self.fields.items()}
        return Inputs(fields, self.spaces)

    def batch(self, which: Sequence[int] | NDArray[np.int64], device: torch.device) -> Batch:
        """These inputs, each field padded to its own longest; `device` is that of the fields."""
        rows = np.asarray(which, dtype=np.int64)

        def lengths(space: str) -> torch.Tensor:
            return torch.from_numpy(self.lengths[space][rows])

        def field(name: str) -> torch.Tensor:
            picked = [self.fields[name][i] for i in rows.tolist()]
            if name == IMAGE:
                return sent(np.stack(picked), device)
            return sent(pad_inputs(picked, max(map(len, self.fields[name]))), device)

        return Batch(Lazy(tuple(self.fields), field), Lazy(tuple(self.lengths), lengths))


def pad_inputs(inputs: Sequence[NDArray[Any]], length: int) -> torch.Tensor:
    """Right-padded inputs [row, length]; padding repeats the first entry."""
    if any(len(x) < length for x in inputs):
        inputs = [np.concatenate([x, np.full(length - len(x), x[0])]) for x in inputs]
    return torch.from_numpy(np.stack(inputs))
