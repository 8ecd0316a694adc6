"""Running a model's own modules without changing them: hooks that go away, and shallow copies.

A shallow copy shares every weight with the original; only the submodules that are replaced and
the attributes that are set differ.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle


@contextmanager
def attached() -> Iterator[list[RemovableHandle]]:
    """A list for the handles of hooks: all in it are removed at the end, exceptions included."""
    handles: list[RemovableHandle] = []
    try:
        yield handles
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def evaluating(modules: Sequence[nn.Module]) -> Iterator[None]:
    """Dropout and gradients off inside; as they were afterwards."""
    training = [module for module in modules if module.training]
    try:
        for module in training:
            module.training = False
        with torch.no_grad():
            yield
    finally:
        for module in training:
            module.training = True


@contextmanager
def silent() -> Iterator[None]:
    """No log lines of transformers' inside (on padding without a mask, for one)."""
    logger = logging.getLogger("transformers")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def shallow(module: nn.Module) -> nn.Module:
    """A copy that shares weights and submodules with the original, without its hooks."""
    copy: nn.Module = module.__class__.__new__(module.__class__)
    copy.__dict__.update(module.__dict__)
    copy.__dict__["_modules"] = dict(module._modules)
    for hooks in ("_forward_hooks", "_forward_pre_hooks"):
        copy.__dict__[hooks] = type(module.__dict__[hooks])()
    return copy


def replaced(module: nn.Module, parts: Mapping[str, nn.Module]) -> nn.Module:
    """A shallow copy with other modules at these (dotted) paths."""
    copy = shallow(module)
    below: dict[str, dict[str, nn.Module]] = {}
    for path, part in parts.items():
        child, _, rest = path.partition(".")
        if rest:
            below.setdefault(child, {})[rest] = part
        else:
            copy._modules[child] = part
    for child, inner in below.items():
        copy._modules[child] = replaced(module.get_submodule(child), inner)
    return copy


class Bound(nn.Module):
    """Returns one value, whatever it is called with."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value

    def forward(self, *_: object, **__: object) -> Any:
        return self.value


class TrunkOutput(tuple[torch.Tensor]):
    """What a trunk returns, as its reader takes it: by index or by name, and no extras."""

    def __new__(cls, hidden: torch.Tensor) -> TrunkOutput:
        return super().__new__(cls, (hidden,))

    @property
    def last_hidden_state(self) -> torch.Tensor:
        return self[0]

    def __getattr__(self, name: str) -> None:
        """No cache, no attention weights: whatever else a model passes on is None."""
        if name.startswith("__"):
            raise AttributeError(name)


class Weights(nn.Module):
    """A linear map without bias, over a view of another module's weights."""

    def __init__(self, weight: torch.Tensor, start: int, stop: int) -> None:
        super().__init__()
        self.held = (weight,)  # [out, in]; in a tuple, so that it is not registered again
        self.start, self.stop = start, stop

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(x[..., self.start : self.stop], self.held[0])
