"""What the engine asks of a model, whatever it is made of.

Two kinds answer: a transformers module behind its adapter, and a table of torch callables.
Activations are laid out [row, position, width]; rows are right-padded and start at position 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from scrub.graph import Kind, ModelGraph, Part, Site

__all__ = ["Call", "Kind", "Model", "Site"]


@dataclass(frozen=True)
class Call:
    """One component evaluated on assembled ports.

    `ports` holds one tensor for each port: for ports that read the same position only,
    [row, n, width] at the positions `at` (or [row, length, width] if `at` is None); for all
    others [row, length, width]. `lengths` [row] are the frame's unpadded lengths.
    """

    part: Part
    ports: Mapping[str, torch.Tensor]
    lengths: torch.Tensor
    at: torch.Tensor | None = None  # [row, n] positions, int64


class Model(Protocol):
    """A model that can be scrubbed."""

    graph: ModelGraph
    device: torch.device
    dtype: torch.dtype

    def record(
        self, inputs: torch.Tensor, lengths: torch.Tensor, sites: Sequence[Site]
    ) -> dict[Site, torch.Tensor]:
        """One forward pass over plain inputs [row, length]: each site's [row, length, stored]."""
        ...

    def output(self, part: Part, stored: torch.Tensor) -> torch.Tensor:
        """A component part's share of its readers' sums, [..., width], from what was recorded."""
        ...

    def run(self, calls: Sequence[Call]) -> list[torch.Tensor]:
        """Evaluate components of one group on assembled ports: [row, n, width] for each call."""
        ...

    def constant(self, stream: str) -> torch.Tensor:
        """The constant terms of a stream's sum (output biases of its feeders), [width]."""
        ...

    def fingerprint(self) -> str:
        """A hash of what determines the model's outputs: its weights and its graph."""
        ...
