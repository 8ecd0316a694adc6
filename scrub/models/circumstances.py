"""What else a model hands to an attention or a mixer beside what it reads: tables and masks.

A component is re-run on assembled inputs, but under the circumstances of a forward pass over its
frame. What these depend on is the padded length, and, where a stack is not causal, how long each
row is without its padding. So passes over rows of each such length are made once and remembered,
and a batch's circumstances are put together from them, row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from scrub.models.base import Batch
from scrub.models.families.base import Fit
from scrub.models.sending import sent
from scrub.models.spots import Args, Keywords, Spot, Watch, hidden_of, with_hidden
from scrub.models.substitute import attached, silent

CACHES = ("past_key_values", "past_key_value", "layer_past", "cache_params", "use_cache")


@dataclass(frozen=True, eq=False)
class Circumstances:
    """The arguments of one module, of which only what a module reads is replaced.

    `again` are those in which it is handed what it reads once more (as queries, keys and values).
    """

    args: Args
    kwargs: Mapping[str, Any]
    again: frozenset[str] = frozenset()

    def call(self, module: nn.Module, hidden: torch.Tensor) -> Any:
        """The module on other hidden states, under these circumstances."""
        args, kwargs = with_hidden(self.args, dict(self.kwargs), hidden)
        args = tuple(hidden if f"{i}" in self.again else value for i, value in enumerate(args))
        return module(*args, **{n: hidden if n in self.again else v for n, v in kwargs.items()})

    def tensors(self) -> dict[tuple[str, int], torch.Tensor]:
        """Every tensor among them, by argument and place within it."""
        named = {f"{i}": value for i, value in enumerate(self.args)} | dict(self.kwargs)
        found = {}
        for name, value in named.items():
            parts = value if isinstance(value, (tuple, list)) else [value]
            for i, part in enumerate(parts):
                if isinstance(part, torch.Tensor):
                    found[name, i] = part
        return found

    def with_tensors(self, changed: Mapping[tuple[str, int], torch.Tensor]) -> Circumstances:
        def swapped(name: str, value: Any) -> Any:
            if isinstance(value, (tuple, list)):
                return type(value)(changed.get((name, i), v) for i, v in enumerate(value))
            return changed.get((name, 0), value)

        args = tuple(swapped(f"{i}", value) for i, value in enumerate(self.args))
        kwargs = {name: swapped(name, value) for name, value in self.kwargs.items()}
        return replace(self, args=args, kwargs=kwargs)

    def fitted(self, fits: Mapping[str, Fit], heads: Sequence[int], rows: int) -> Circumstances:
        """The same for some heads and so many rows, where a module minds."""
        if not fits:
            return self
        seen = self.tensors()
        known = [name for name in fits if (name, 0) in seen]
        return self.with_tensors({(n, 0): fits[n](seen[n, 0], heads, rows) for n in known})


Seen = Mapping[str, Circumstances]  # by the group of a step
Lengths = tuple[int, ...]
ByRow = Mapping[str, frozenset[tuple[str, int]]]  # by group: arguments with an entry for each row


@dataclass(eq=False)
class Surroundings:
    """Remembers what each module was handed in passes over dummy rows.

    `forward` makes a pass over a batch; `dummy` makes rows of given padded lengths by space.
    `masked` names the spaces in which padding has to be hidden from what reads it.
    """

    spots: Mapping[str, Spot]  # by the group of a step
    forward: Callable[[Batch], None]
    dummy: Callable[[int, Mapping[str, int]], Batch]
    masked: tuple[str, ...]
    state: Callable[[], object]  # what else decides: the attention implementation
    homes: Mapping[str, torch.device] = field(default_factory=dict)  # where there are several
    _seen: dict[object, Seen] = None  # type: ignore[assignment]
    _by_row: dict[tuple[str, ...], ByRow] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self._seen, self._by_row = {}, {}

    def of(self, group: str, padded: Mapping[str, int], frame: Batch) -> Circumstances:
        """A group's circumstances in a batch of frames, each space padded to its length."""
        lengths = self._lengths(padded, frame)
        if lengths is None:
            return self._widened(group, padded, frame)
        kinds, row_kind = torch.unique(lengths, dim=0, return_inverse=True)
        passes = [self._pass(padded, tuple(kind))[group] for kind in kinds.tolist()]
        by_row = self._rows(padded)[group]
        if not by_row:
            return passes[0]
        changed = {}
        for where in by_row:
            rows = torch.cat([seen.tensors()[where][:1] for seen in passes])
            changed[where] = rows.index_select(0, sent(row_kind, rows.device))
        return passes[0].with_tensors(changed)

    def _widened(self, group: str, padded: Mapping[str, int], frame: Batch) -> Circumstances:
        """Those of one row, for all of them: some modules insist on a mask for each row."""
        seen, rows = self._pass(padded, None)[group], frame.rows
        masks = {w: x for w, x in seen.tensors().items() if "mask" in w[0] and len(x) == 1 < rows}
        if not masks:
            return seen
        return seen.with_tensors({w: x.expand(rows, *x.shape[1:]) for w, x in masks.items()})

    def _lengths(self, padded: Mapping[str, int], frame: Batch) -> torch.Tensor | None:
        """Each row's unpadded lengths where some row has padding to hide, [row, space]."""
        spaces = [space for space in self.masked if space in padded]
        if not spaces:
            return None
        if all(int(frame.lengths[space].min()) == padded[space] for space in spaces):
            return None
        return torch.stack([frame.lengths[space] for space in spaces], dim=1)

    def _pass(self, padded: Mapping[str, int], lengths: Lengths | None) -> Seen:
        """One pass over rows of these lengths, or without any padding."""
        key = (tuple(sorted(padded.items())), lengths, self.state())
        if key not in self._seen:
            self._seen[key] = self._capture(padded, lengths, 1 if lengths is None else 2)
        return self._seen[key]

    def _capture(self, padded: Mapping[str, int], lengths: Lengths | None, rows: int) -> Seen:
        """Where there is padding, a second row of another length sees to it that a mask is made:
        without padding the model may leave it out."""
        batch = self.dummy(rows, padded)
        if lengths is not None:
            spaces = [space for space in self.masked if space in padded]
            known = dict(batch.lengths)
            for space, length in zip(spaces, lengths, strict=True):
                known[space] = known[space].clone()
                known[space][0] = length
                known[space][1:] = max(1, padded[space] - 1)
            batch = replace(batch, lengths=known)
        seen: dict[str, Circumstances] = {}
        handles: list[RemovableHandle]
        with torch.no_grad(), silent(), attached() as handles:
            watch = Watch(handles)
            for group, spot in self.spots.items():
                watch.before(spot, _listener(group, seen))
            self.forward(batch)
        return {group: self._at_home(group, found) for group, found in seen.items()}

    def _at_home(self, group: str, seen: Circumstances) -> Circumstances:
        """A table is made on the first device, and then handed from layer to layer."""
        if group not in self.homes:
            return seen
        found = seen.tensors().items()
        return seen.with_tensors({where: x.to(self.homes[group]) for where, x in found})

    def _rows(self, padded: Mapping[str, int]) -> ByRow:
        """Which arguments have a row for each row of the batch: those that grow with it."""
        spaces = tuple(space for space in self.masked if space in padded)
        if spaces not in self._by_row:
            short = {space: min(length, 3) for space, length in padded.items()}  # it costs less
            shorter = tuple(max(1, short[space] - 1) for space in spaces)
            two, three = (self._capture(short, shorter, rows) for rows in (2, 3))
            self._by_row[spaces] = {
                group: frozenset(
                    where
                    for where, value in seen.tensors().items()
                    if value.ndim
                    and value.shape[0] == 2
                    and three[group].tensors()[where].shape[0] == 3
                )
                for group, seen in two.items()
            }
        return self._by_row[spaces]


def _listener(group: str, seen: dict[str, Circumstances]) -> Callable[[Args, Keywords], None]:
    def listen(args: Args, kwargs: Keywords) -> None:
        hidden = hidden_of(args, kwargs)
        args, kwargs = with_hidden(args, kwargs, None)  # what it reads is no circumstance
        named = {f"{i}": value for i, value in enumerate(args)} | kwargs
        again = frozenset(name for name, value in named.items() if value is hidden)
        args = tuple(None if value is hidden else value for value in args)
        dropped = (*CACHES, *again)
        kept = {name: None if name in dropped else value for name, value in kwargs.items()}
        seen[group] = Circumstances(args, kept, again)

    return listen
