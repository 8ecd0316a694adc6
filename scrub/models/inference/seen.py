"""What passes through every module of a model in one plain pass: the ground that facts stand on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from scrub.errors import InputRefused, Problem
from scrub.models.base import Batch
from scrub.models.keywords import keywords
from scrub.models.measure import difference
from scrub.models.spots import HIDDEN, Args, Keywords, first
from scrub.models.substitute import attached, evaluating, silent

Tensor = torch.Tensor
ROWS, LENGTH = 2, 10


@dataclass(frozen=True, eq=False)
class Event:
    """One application of a module: what it was handed, what it read of that, what it gave.

    `start` and `end` count the applications as they begin and as they return.
    """

    path: str
    module: nn.Module
    args: Args
    kwargs: Keywords
    read: Tensor
    gave: Tensor
    start: int
    end: int

    def within(self, path: str) -> str:
        """Its path below a module that holds it.

        >>> Event("a.b.c", nn.Identity(), (), {}, torch.empty(0), torch.empty(0), 0, 0).within("a")
        'b.c'
        """
        return self.path[len(path) + 1 :] if path else self.path


@dataclass(eq=False)
class Seen:
    """Every application of every module in a pass, as they began."""

    events: list[Event] = field(default_factory=list)
    output: Tensor | None = None

    def of(self, path: str) -> list[Event]:
        return [event for event in self.events if event.path == path]

    def below(self, path: str) -> list[Event]:
        prefix = f"{path}." if path else ""
        return [event for event in self.events if event.path.startswith(prefix)]


def same(ours: Tensor | None, theirs: Tensor | None) -> bool:
    """Whether two values are one value, up to the last bits."""
    if ours is None or theirs is None or ours.shape != theirs.shape:
        return False
    if torch.equal(ours, theirs):
        return True
    eps = torch.finfo(ours.dtype).eps if ours.is_floating_point() else 0.0
    return ours.is_floating_point() and difference(ours, theirs) <= 8 * eps


def watch(module: nn.Module, batch: Batch, where: str) -> Seen:
    """A plain pass over a batch. Values are copied: a later sum may be made in place."""
    seen, begun, counter = Seen(), [], [0]
    names = {part: name for name, part in module.named_modules()}

    def before(part: nn.Module, args: Args, kwargs: Keywords) -> None:
        counter[0] += 1
        begun.append((part, counter[0], args, kwargs, _copy(_hidden(args, kwargs))))

    def after(part: nn.Module, _: Args, output: Any) -> None:
        counter[0] += 1
        while begun:  # what ended with an exception that was caught leaves its beginning behind
            held, start, args, kwargs, read = begun.pop()
            if held is part:
                break
        gave = _copy(first(output))
        if gave is not None:
            path, nothing = names[part], gave.new_empty(0)
            read = nothing if read is None else _unfolded(read, batch)
            gave = _unfolded(gave, batch)
            seen.events.append(Event(path, part, args, kwargs, read, gave, start, counter[0]))

    with evaluating(tuple(names)), silent(), attached() as handles:
        for part in names:
            handles.append(part.register_forward_pre_hook(before, with_kwargs=True))
            handles.append(part.register_forward_hook(after))
        try:
            module(**keywords(module, batch, ()))
        except Exception as error:
            said = f"{type(error).__name__}: {error}".splitlines()[0]
            found = f"it cannot be run on tokens alone ({said})."
            raise InputRefused(Problem(where, found)) from error
    seen.events.sort(key=lambda event: event.start)
    return seen


def _hidden(args: Args, kwargs: Keywords) -> Any:
    """What a module reads: the first argument, or one of the usual names."""
    if args:
        return args[0]
    return next((kwargs[name] for name in HIDDEN if name in kwargs), None)


def _copy(value: Any) -> Tensor | None:
    return value.detach().clone() if isinstance(value, torch.Tensor) else None


def _unfolded(value: Tensor, batch: Batch) -> Tensor:
    """[row, position, …], also where a model lays the positions of all rows in one line."""
    rows, length = batch.fields["tokens"].shape
    return value.view(rows, length, -1) if value.shape[:-1] == (rows * length,) else value


def random_batch(vocabulary: int, longest: int, device: torch.device, seed: int = 0) -> Batch:
    noise = torch.Generator().manual_seed(seed)
    tokens = torch.randint(vocabulary, (ROWS, min(LENGTH, longest or LENGTH)), generator=noise)
    return Batch.of_tokens(tokens.to(device))
