"""The one case on which all libraries are measured: a model, clean and corrupted inputs, a metric.

The two environments hold two versions of transformers, and both must run the same model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from benchmarks.random_gpt2 import random_gpt2

LAYERS, HEADS, WIDTH, VOCABULARY = 12, 8, 256, 512
BATCH, POSITIONS = 8, 32
HEAD = WIDTH // HEADS
PORTS = ("q", "k", "v")


@dataclass(frozen=True, eq=False)
class Case:
    """Clean and corrupted inputs [batch, pos]; two tokens of each, whose logits are compared.

    `others` [row, pos] are further inputs, over which means are taken.
    """

    module: Any  # a GPT2LMHeadModel, which transformers leaves untyped
    clean: torch.Tensor
    corrupted: torch.Tensor
    others: torch.Tensor
    right: torch.Tensor  # [batch]
    wrong: torch.Tensor  # [batch]

    def metric(self, logits: torch.Tensor) -> torch.Tensor:
        """The difference of two logits at the last position, [batch], of logits [batch, pos, v]."""
        rows = torch.arange(len(logits))
        return logits[rows, -1, self.right] - logits[rows, -1, self.wrong]

    def part(self, rows: int, positions: int) -> Case:
        """The first rows and positions alone: for rivals that take too long for the whole."""
        return replace(
            self,
            clean=self.clean[:rows, :positions],
            corrupted=self.corrupted[:rows, :positions],
            others=self.others[:, :positions],
            right=self.right[:rows],
            wrong=self.wrong[:rows],
        )

    @torch.no_grad()
    def forward(self) -> torch.Tensor:
        """The unit of all costs: one plain pass over the clean inputs, logits [batch, pos, v]."""
        logits: torch.Tensor = self.module(self.clean, use_cache=False).logits
        return logits

    @cached_property
    def plain(self) -> torch.Tensor:
        """The metric where nothing is patched, [batch]."""
        return self.metric(self.forward())


def the_case() -> Case:
    """
    >>> the_case().clean.shape
    torch.Size([8, 32])
    """
    draw = torch.Generator().manual_seed(0)

    def tokens(rows: int) -> torch.Tensor:
        return torch.randint(VOCABULARY, (rows, POSITIONS), generator=draw)

    module = random_gpt2(LAYERS, HEADS, WIDTH, VOCABULARY, POSITIONS)
    pairs = torch.stack([torch.randperm(VOCABULARY, generator=draw)[:2] for _ in range(BATCH)])
    return Case(module, tokens(BATCH), tokens(BATCH), tokens(16), pairs[:, 0], pairs[:, 1])


def heads() -> list[str]:
    """Every head's name, layer by layer."""
    return [f"a{layer}.h{head}" for layer in range(LAYERS) for head in range(HEADS)]


def place(head: str) -> tuple[int, int]:
    """
    >>> place("a3.h5")
    (3, 5)
    """
    layer, number = head[1:].split(".h")
    return int(layer), int(number)


def columns(head: int) -> slice:
    """A head's share of the columns of a layer's z."""
    return slice(head * HEAD, (head + 1) * HEAD)


def writers_before(layer: int) -> list[str]:
    """All that writes to the stream before a layer's attention, in order."""
    written = ["embed"]
    for earlier in range(layer):
        written += [f"a{earlier}.h{head}" for head in range(HEADS)] + [f"m{earlier}"]
    return written


def readers() -> dict[str, list[str]]:
    """Every port that reads the stream, and the writers that feed it: `a5.h1<q>`, `m3`, `logits`.

    >>> readers()["a0.h0<q>"]
    ['embed']
    """
    found: dict[str, list[str]] = {}
    for layer in range(LAYERS):
        before = writers_before(layer)
        for head in range(HEADS):
            found |= {f"a{layer}.h{head}<{port}>": before for port in PORTS}
        found[f"m{layer}"] = before + [f"a{layer}.h{head}" for head in range(HEADS)]
    return found | {"logits": writers_before(LAYERS)}


def edges() -> list[str]:
    """
    >>> len(edges()), edges()[-1]
    (15355, 'm11->logits')
    """
    return [f"{writer}->{reader}" for reader, fed in readers().items() for writer in fed]


def some_edges(count: int = 24) -> list[str]:
    """Edges from a head to a later head's `q`, at random."""
    between = [e for e in edges() if e.startswith("a") and e.endswith("<q>")]
    return [between[i] for i in np.random.default_rng(0).permutation(len(between))[:count]]


def circuits() -> dict[str, frozenset[str]]:
    """Random sets of edges that stay as they are; all others carry the corrupted run's value."""
    drawn = np.random.default_rng(1)
    every = edges()
    shares = {"1 %": 0.01, "10 %": 0.1, "50 %": 0.5, "90 %": 0.9}
    return {
        name: frozenset(every[i] for i in drawn.permutation(len(every))[: round(s * len(every))])
        for name, s in shares.items()
    }


def head_circuit() -> frozenset[str]:
    """Half of the heads, at random; with the embedding and all MLPs they are a circuit of nodes."""
    every = heads()
    return frozenset(every[i] for i in np.random.default_rng(2).permutation(len(every))[::2])
