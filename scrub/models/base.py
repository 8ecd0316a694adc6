"""What the engine asks of a model, whatever it is made of.

Two kinds answer: a transformers module behind its adapter, and a table of torch callables.
Activations are laid out [row, position, width]; rows are right-padded and start at position 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import torch

from scrub.graph import Kind, ModelGraph, Part, Site

if TYPE_CHECKING:
    from scrub.models.recording import Entries  # which records what this describes

__all__ = ["Batch", "Call", "Given", "Kind", "Model", "Shares", "Site"]


@dataclass(frozen=True)
class Batch:
    """Rows of inputs as a model takes them: right-padded, each starting at position 0.

    `fields` holds what an example brings, by name: `tokens`, `decoder_tokens` and `token_types`
    [row, length] int64 (`tokens` in floats for hand-made models), `image` [row, channel, height,
    width]. `lengths` holds the unpadded positions of each row [row], by position space, on the
    host.

    >>> batch = Batch.of_tokens(torch.tensor([[5, 6, 7], [8, 9, 8]]), torch.tensor([3, 2]))
    >>> batch.fields["tokens"].shape, batch.lengths["tokens"].tolist()
    (torch.Size([2, 3]), [3, 2])
    """

    fields: Mapping[str, torch.Tensor]
    lengths: Mapping[str, torch.Tensor]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(next(iter(self.lengths.values())))

    @staticmethod
    def of_tokens(tokens: torch.Tensor, lengths: torch.Tensor | None = None) -> Batch:
        """One sequence of tokens a row [row, length]; unpadded where no lengths are given."""
        rows, length = tokens.shape
        full = torch.full((rows,), length)
        return Batch({"tokens": tokens}, {"tokens": full if lengths is None else lengths})


@dataclass(frozen=True)
class Given:
    """What a port's projection makes of its input, where most of it is known beforehand.

    `own` is what was recorded of the frame at all positions, [row, length, slice]. `put` are sums
    [row, m, width] that are projected and take its place at positions [row, m].
    """

    own: Entries
    put: Sequence[tuple[torch.Tensor, torch.Tensor]] = ()


@dataclass(frozen=True)
class Call:
    """One component evaluated on assembled ports.

    `ports` holds one tensor for each port: for ports that read the same position only,
    [row, n, width] at the positions `at` (or [row, length, width] if `at` is None); for all
    others [row, length, width]. Ports that stand in `given` have none there. `frame` holds the rows
    of the frame, and makes their fields only where they are asked for.
    """

    part: Part
    ports: Mapping[str, torch.Tensor]
    frame: Batch
    at: torch.Tensor | None = None  # [row, n] positions, int64
    given: Mapping[str, Given] = field(default_factory=dict)

    def seen(self, port: str) -> torch.Tensor | Entries:
        """What has the rows and the positions that are read through a port, [row, n, …]."""
        return self.given[port].own if port in self.given else self.ports[port]


Shares = Sequence[tuple[Part, torch.Tensor]]
"""Parts, each with what is recorded of it, [row, n, stored]."""


@dataclass(frozen=True)
class Whole:
    """All components of a group evaluated on the same ports.

    `gross` is the sum of what they add to their readers' sums [row, length, width] with its
    `constant` terms [width] (None: there are none), as a pass adds it; `shares` what each adds
    without them, made where it is asked for.
    """

    gross: torch.Tensor
    shares: Mapping[str, torch.Tensor]
    constant: torch.Tensor | None = None

    @property
    def total(self) -> torch.Tensor:
        """The sum of the shares."""
        return self.gross if self.constant is None else self.gross - self.constant


class Model(Protocol):
    """A model that can be scrubbed."""

    graph: ModelGraph
    device: torch.device
    dtype: torch.dtype

    def record(self, batch: Batch, sites: Sequence[Site]) -> dict[Site, torch.Tensor]:
        """One forward pass over plain inputs: each site's [row, length, stored]."""
        ...

    def output(self, part: Part, stored: torch.Tensor) -> torch.Tensor:
        """A component part's share of its readers' sums, [..., width], from what was recorded."""
        ...

    def run(self, calls: Sequence[Call]) -> list[torch.Tensor]:
        """Evaluate components of one group on assembled ports: [row, n, width] for each call."""
        ...

    def stored(self, calls: Sequence[Call]) -> list[torch.Tensor]:
        """The same as it would be recorded, [row, n, stored]: what `output` makes that of. For
        parts whose output is a linear map of what is recorded of them, and no others."""
        ...

    def add(self, shares: Shares, to: torch.Tensor) -> None:
        """Add what `output` makes of parts, each with what is recorded of it, to sums
        [row, n, width], in place."""
        ...

    def whole(self, group: str, ports: Mapping[str, torch.Tensor], frame: Batch) -> Whole:
        """All components of a group on the same ports [row, length, width], as a pass runs them.

        Here and in `run` and `output`, gradients flow to the ports that ask for them.
        """
        ...

    def neurons(
        self, component: str, ports: Mapping[str, torch.Tensor], frame: Batch
    ) -> torch.Tensor:
        """What a component's neurons hold on these ports, [row, length, neurons]."""
        ...

    def constant(self, stream: str) -> torch.Tensor:
        """The constant terms of a stream's sum (output biases of its feeders), [width]."""
        ...

    def fingerprint(self) -> str:
        """A hash of what determines the model's outputs: its weights and its graph."""
        ...
