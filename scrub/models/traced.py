"""Projections behind projections: what a module makes of an input, up to some of its parts.

In multi-head latent attention keys and values are made in two steps with a norm between them, and
share the first. Which steps there are is the module's own business: it is run on the input of one
port, and ends when the last of the wanted projections has been seen.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import torch
from torch import nn

from scrub.models.circumstances import Circumstances
from scrub.models.substitute import Caught, replaced


class Tap(nn.Module):
    """Keeps what a module gives, and ends the run when nothing more is wanted."""

    def __init__(
        self, path: str, module: nn.Module, wanted: int, seen: dict[str, torch.Tensor]
    ) -> None:
        super().__init__()
        self.path, self.wanted, self.seen = path, wanted, seen
        self.module = module

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        value: torch.Tensor = self.module(x)
        self.seen[self.path] = value
        if len(self.seen) == self.wanted:
            raise Caught(value)
        return value


def traced(
    module: nn.Module,
    parts: Mapping[str, nn.Module],
    value: torch.Tensor,
    circumstances: Circumstances,
) -> dict[str, torch.Tensor]:
    """What each of these parts gives when the module is applied to a value."""
    seen: dict[str, torch.Tensor] = {}
    taps = {path: Tap(path, part, len(parts), seen) for path, part in parts.items()}
    with contextlib.suppress(Caught):
        circumstances.call(replaced(module, taps), value)
    return seen
