"""Adapters that are wrong in one way each, and the check of the probe that must notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from scrub.graph import Part
from scrub.models import adapter, base, heads, linear, pieces
from scrub.models.adapter import TransformersModel
from scrub.models.base import Call
from scrub.models.circumstances import Circumstances
from scrub.models.families.base import Heads
from scrub.models.heads import HeadsPiece
from scrub.models.linear import weight_of
from scrub.models.pieces import Piece
from scrub.models.queries import _Reading
from tests.models import tiny

Patch = Callable[[pytest.MonkeyPatch], None]


def wrong_output_slice(patch: pytest.MonkeyPatch) -> None:
    """Each head's z meets the next head's weights."""
    real = HeadsPiece.output

    def output(self: HeadsPiece, part: Part, stored: torch.Tensor) -> torch.Tensor:
        stem, _, head = part.component.rpartition(".h")
        other = (int(head) + 1) % self.heads.queries
        return real(self, replace(part, component=f"{stem}.h{other}"), stored)

    patch.setattr(HeadsPiece, "output", output)


def bias_counted_with_the_mlp(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pieces, "without", lambda output, bias: output)


def constant_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TransformersModel, "constant", lambda self, stream: torch.zeros(tiny.WIDTH))


def with_ports(patch: pytest.MonkeyPatch, **swapped: str) -> None:
    """Heads that are given one port's input at another."""
    real = HeadsPiece.run

    def run(self: HeadsPiece, calls: Sequence[Call]) -> list[torch.Tensor]:
        wrong = [
            replace(c, ports={name: c.ports[swapped.get(name, name)] for name in c.ports})
            if c.at is None  # else they have not equally many positions
            else c
            for c in calls
        ]
        return real(self, wrong)

    patch.setattr(HeadsPiece, "run", run)


def keys_read_the_queries_input(patch: pytest.MonkeyPatch) -> None:
    with_ports(patch, k="q", v="q")


def queries_and_keys_swapped(patch: pytest.MonkeyPatch) -> None:
    with_ports(patch, k="q", q="k")


def substitution_without_effect(patch: pytest.MonkeyPatch) -> None:
    """What comes back is the same whatever the ports hold: a cache that was left on."""

    def shares(self: HeadsPiece, calls: Sequence[Call], seen: Any) -> list[torch.Tensor]:
        width = len(weight_of(self.out))
        return [torch.zeros(*c.seen("q").shape[:2], width) for c in calls]

    patch.setattr(HeadsPiece, "_shares", shares)


def masks_of_other_queries(patch: pytest.MonkeyPatch) -> None:
    """A query that is read by itself sees what the one after it sees."""
    real = _Reading._causal

    def causal(self: _Reading, key: torch.Tensor) -> torch.Tensor:
        return real(replace(self, at=self.at + 1), key)

    patch.setattr(_Reading, "_causal", causal)


def wrong_group(patch: pytest.MonkeyPatch) -> None:
    """Grouped queries dealt out in turn instead of in blocks."""
    patch.setattr(Heads, "group", lambda self, head: head % self.shared)


def under_other_circumstances(
    patch: pytest.MonkeyPatch, change: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> None:
    real = Circumstances.call

    def call(self: Circumstances, module: nn.Module, hidden: torch.Tensor) -> Any:
        return real(Circumstances(self.args, change(self.kwargs)), module, hidden)

    patch.setattr(Circumstances, "call", call)


def mask_forgotten(patch: pytest.MonkeyPatch) -> None:
    under_other_circumstances(patch, lambda kwargs: {**kwargs, "attention_mask": None})


def rotary_of_other_positions(patch: pytest.MonkeyPatch) -> None:
    def turned(kwargs: Mapping[str, Any]) -> dict[str, Any]:
        cos, sin = kwargs["position_embeddings"]
        return {**kwargs, "position_embeddings": (cos.roll(1, 1), sin.flip(1))}

    under_other_circumstances(patch, turned)


def norm_left_out(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Piece, "before", lambda self, x: x)


def rows_mixed_up(patch: pytest.MonkeyPatch) -> None:
    real = heads.alone

    def mixed(*args: Any) -> torch.Tensor:
        z = real(*args)
        return z + z.mean(0, keepdim=True)

    patch.setattr(heads, "alone", mixed)


def dropout_on(patch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def training(own: Sequence[dict[str, Any]]) -> Iterator[None]:
        for held in own:
            held["training"] = True
        with torch.no_grad():
            yield

    patch.setattr(adapter, "resting", training)


def logits_scaled(patch: pytest.MonkeyPatch) -> None:
    real = TransformersModel._logits
    patch.setattr(TransformersModel, "_logits", lambda *args: real(*args) * 1.01)


def biases_of_the_projections_dropped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(linear, "bias_of", lambda module: None)


def values_recorded_as_keys(patch: pytest.MonkeyPatch) -> None:
    real = HeadsPiece.slice_of
    other = {"q": "q", "k": "v", "v": "v"}
    patch.setattr(HeadsPiece, "slice_of", lambda self, name, port: real(self, name, other[port]))


def sums_not_put_in(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(base.Given, "put", property(lambda self: (), lambda self, put: None))


ADAPTERS: Mapping[str, tuple[str, Patch, str]] = {
    "W_O": ("gpt2", wrong_output_slice, "components sum to the stream"),
    "MLP bias": ("gpt2", bias_counted_with_the_mlp, "components sum to the stream"),
    "constant": ("llama", constant_forgotten, "components sum to the stream"),
    "k is q": ("llama", keys_read_the_queries_input, "port k is read"),
    "k and q": ("qwen3", queries_and_keys_swapped, "on other inputs it equals whole passes"),
    "no effect": ("gpt2", substitution_without_effect, "a re-run component equals its recording"),
    "groups": ("llama", wrong_group, "a re-run component equals its recording"),
    "k is v": ("llama", values_recorded_as_keys, "a re-run on recorded projections equals"),
    "put in": ("gpt2", sums_not_put_in, "a re-run on recorded projections equals"),
    "query": ("gpt2", masks_of_other_queries, "a re-run component equals its recording"),
    "mask": ("mistral", mask_forgotten, "a re-run component equals its recording"),
    "rotary": ("llama", rotary_of_other_positions, "a re-run component equals its recording"),
    "norm": ("gpt2", norm_left_out, "a re-run component equals its recording"),
    "rows": ("qwen2", rows_mixed_up, "another row changes nothing in this one"),
    "dropout": ("gpt2", dropout_on, "a repeated pass gives the same values"),
    "logits": ("llama", logits_scaled, "the recorded logits are the model's own"),
    "qkv biases": ("qwen2", biases_of_the_projections_dropped, "a re-run component equals its"),
}
