"""Places in a forward pass: which application of which module, and hooks that know the turn.

A module is usually applied once in a pass. Where layers share their weights (ALBERT) it is
applied many times, and each application is a component of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.utils.hooks import RemovableHandle

Args = tuple[Any, ...]
Keywords = dict[str, Any]
Before = Callable[[Args, Keywords], "tuple[Args, Keywords] | None"]
After = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Spot:
    """One application of a module: the `turn`-th in a forward pass."""

    module: nn.Module
    turn: int = 0


class Watch:
    """Hooks for one forward pass: each looks at, or replaces, what passes at one spot.

    The handles go into a list that the caller empties at the end, exceptions included.
    """

    def __init__(self, handles: list[RemovableHandle]) -> None:
        self.handles = handles
        self._before: dict[nn.Module, dict[int, list[Before]]] = {}
        self._after: dict[nn.Module, dict[int, list[After]]] = {}

    def before(self, spot: Spot, do: Before) -> None:
        """`do` sees a spot's arguments; what it returns, if anything, takes their place."""
        if spot.module not in self._before:
            turns = self._before[spot.module] = {}
            hook = _Turns(turns)
            handle = spot.module.register_forward_pre_hook(hook.arguments, with_kwargs=True)
            self.handles.append(handle)
        self._before[spot.module].setdefault(spot.turn, []).append(do)

    def after(self, spot: Spot, do: After) -> None:
        """`do` sees a spot's output; what it returns, if anything, takes its place."""
        if spot.module not in self._after:
            turns = self._after[spot.module] = {}
            self.handles.append(spot.module.register_forward_hook(_Turns(turns).output))
        self._after[spot.module].setdefault(spot.turn, []).append(do)


class _Turns:
    """Counts the applications of one module, and calls what waits for each."""

    def __init__(self, waiting: dict[int, list[Any]]) -> None:
        self.waiting = waiting
        self.turn = -1

    def arguments(self, _: nn.Module, args: Args, kwargs: Keywords) -> tuple[Args, Keywords] | None:
        self.turn += 1
        changed = None
        for do in self.waiting.get(self.turn, ()):
            answer = do(args, kwargs)
            if answer is not None:
                args, kwargs = changed = answer
        return changed

    def output(self, _: nn.Module, args: Args, output: Any) -> Any:
        self.turn += 1
        changed = None
        for do in self.waiting.get(self.turn, ()):
            answer = do(output if changed is None else changed)
            changed = answer if answer is not None else changed
        return changed


def first(value: Any) -> Any:
    """A module's output proper: the first of what it returns."""
    if isinstance(value, (tuple, list)):
        return value[0]
    return value.last_hidden_state if hasattr(value, "last_hidden_state") else value


HIDDEN = ("hidden_states", "hidden_state", "query", "x", "input", "inputs", "inputs_embeds")


def hidden_of(args: Args, kwargs: Keywords) -> Any:
    """What a module is applied to, passed by position or by name."""
    if args:
        return args[0]
    return kwargs[next(name for name in HIDDEN if name in kwargs)]


def with_hidden(args: Args, kwargs: Keywords, value: Any) -> tuple[Args, Keywords]:
    """The same arguments with another value in that place."""
    if args:
        return (value, *args[1:]), kwargs
    return args, kwargs | {next(name for name in HIDDEN if name in kwargs): value}
