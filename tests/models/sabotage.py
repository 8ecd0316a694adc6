"""Adapters that are wrong in one way each, and the check of the probe that must notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import nn

from scrub.graph import Part
from scrub.models import adapter, attention, linear
from scrub.models.adapter import TransformersModel
from scrub.models.anatomy import Anatomy
from scrub.models.base import Call
from scrub.models.families.base import Heads
from tests.models import tiny

Patch = Callable[[pytest.MonkeyPatch], None]


def wrong_output_slice(patch: pytest.MonkeyPatch) -> None:
    """Each head's z meets the next head's weights."""

    def z_slice(self: Anatomy, head: int) -> tuple[int, int]:
        width, heads = self.shape.heads.width, self.shape.heads.queries
        return ((head + 1) % heads) * width, ((head + 1) % heads + 1) * width

    real = TransformersModel.output

    def output(self: TransformersModel, part: Part, stored: torch.Tensor) -> torch.Tensor:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(Anatomy, "z_slice", z_slice)
            return real(self, part, stored)

    patch.setattr(TransformersModel, "output", output)


def bias_counted_with_the_mlp(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(adapter, "_without", lambda output, bias: output)


def constant_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TransformersModel, "constant", lambda self, stream: torch.zeros(tiny.WIDTH))


def keys_read_the_queries_input(patch: pytest.MonkeyPatch) -> None:
    real = attention.run_heads

    def run_heads(a: Anatomy, layer: int, calls: Sequence[Call], seen: Any) -> list[torch.Tensor]:
        wrong = [
            Call(c.part, {"q": c.ports["q"], "k": c.ports["q"], "v": c.ports["v"]}, c.lengths, c.at)
            for c in calls
        ]
        return real(a, layer, wrong, seen)

    patch.setattr(adapter, "run_heads", run_heads)


def queries_and_keys_swapped(patch: pytest.MonkeyPatch) -> None:
    real = attention.run_heads

    def run_heads(a: Anatomy, layer: int, calls: Sequence[Call], seen: Any) -> list[torch.Tensor]:
        wrong = [
            Call(c.part, {"q": c.ports["k"], "k": c.ports["q"], "v": c.ports["v"]}, c.lengths, c.at)
            for c in calls
        ]
        return real(a, layer, wrong, seen)

    patch.setattr(adapter, "run_heads", run_heads)


def substitution_without_effect(patch: pytest.MonkeyPatch) -> None:
    """What comes back is the recording, whatever the ports hold: a cache that was left on."""

    def run_heads(a: Anatomy, layer: int, calls: Sequence[Call], seen: Any) -> list[torch.Tensor]:
        return [torch.zeros(*c.ports["q"].shape[:2], a.shape.heads.width) for c in calls]

    patch.setattr(adapter, "run_heads", run_heads)


def wrong_group(patch: pytest.MonkeyPatch) -> None:
    """Grouped queries dealt out in turn instead of in blocks."""
    patch.setattr(Heads, "group", lambda self, head: head % self.shared)


def mask_forgotten(patch: pytest.MonkeyPatch) -> None:
    real = attention._call

    def call(module: nn.Module, hidden: torch.Tensor, seen: Any) -> torch.Tensor:
        kwargs = {**seen.kwargs, "attention_mask": None}
        return real(module, hidden, attention.Circumstances(seen.args, kwargs))

    patch.setattr(attention, "_call", call)


def rotary_of_other_positions(patch: pytest.MonkeyPatch) -> None:
    real = attention._call

    def call(module: nn.Module, hidden: torch.Tensor, seen: Any) -> torch.Tensor:
        cos, sin = seen.kwargs["position_embeddings"]
        kwargs = {**seen.kwargs, "position_embeddings": (cos.roll(1, 1), sin.flip(1))}
        return real(module, hidden, attention.Circumstances(seen.args, kwargs))

    patch.setattr(attention, "_call", call)


def norm_left_out(patch: pytest.MonkeyPatch) -> None:
    def normed(
        self: TransformersModel, norm: nn.Module, calls: Sequence[Call]
    ) -> Iterator[tuple[int, torch.Tensor]]:
        yield from ((i, call.ports["in"]) for i, call in enumerate(calls))

    patch.setattr(TransformersModel, "_normed", normed)


def rows_mixed_up(patch: pytest.MonkeyPatch) -> None:
    real = attention._narrow
    patch.setattr(attention, "_narrow", lambda z, at: real(z, at) + z.mean(0, keepdim=True))


def dropout_on(patch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def training(modules: Sequence[nn.Module]) -> Iterator[None]:
        for module in modules:
            module.training = True
        with torch.no_grad():
            yield

    patch.setattr(adapter, "evaluating", training)


def logits_scaled(patch: pytest.MonkeyPatch) -> None:
    real = TransformersModel._logits
    patch.setattr(TransformersModel, "_logits", lambda *args: real(*args) * 1.01)


def biases_of_the_projections_dropped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(linear, "bias_of", lambda module: None)


ADAPTERS: Mapping[str, tuple[str, Patch, str]] = {
    "W_O": ("gpt2", wrong_output_slice, "components sum to the stream"),
    "MLP bias": ("gpt2", bias_counted_with_the_mlp, "components sum to the stream"),
    "constant": ("llama", constant_forgotten, "components sum to the stream"),
    "k is q": ("llama", keys_read_the_queries_input, "port k is read"),
    "k and q": ("qwen3", queries_and_keys_swapped, "on other inputs it equals whole passes"),
    "no effect": ("gpt2", substitution_without_effect, "a re-run component equals its recording"),
    "groups": ("llama", wrong_group, "a re-run component equals its recording"),
    "mask": ("mistral", mask_forgotten, "a re-run component equals its recording"),
    "rotary": ("llama", rotary_of_other_positions, "a re-run component equals its recording"),
    "norm": ("gpt2", norm_left_out, "a re-run component equals its recording"),
    "rows": ("qwen2", rows_mixed_up, "another row changes nothing in this one"),
    "dropout": ("gpt2", dropout_on, "a repeated pass gives the same values"),
    "logits": ("llama", logits_scaled, "the recorded logits are the model's own"),
    "qkv biases": ("qwen2", biases_of_the_projections_dropped, "a re-run component equals its"),
}
