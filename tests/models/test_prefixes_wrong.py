"""What shows that a model does not go on from its cache as it would: it is recorded in full."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from scrub.graph import Kind, Site
from scrub.models.adapter import TransformersModel
from scrub.models.past import Past
from scrub.models.prefixes import shared_prefix
from tests.models import tiny
from tests.models.prompts import prompts, sites_of, whole_only
from tests.models.test_unchanged import state


def position_ids_begin_anew(patch: pytest.MonkeyPatch) -> None:
    real = Past.keywords

    def keywords(self: Past, module: nn.Module, tokens: torch.Tensor) -> dict[str, Any]:
        given = real(self, module, tokens)
        return given | {"position_ids": given["position_ids"] - self.length}

    patch.setattr(Past, "keywords", keywords)


def a_value_in_the_cache_is_another(patch: pytest.MonkeyPatch) -> None:
    real = Past.copied

    def copied(self: Past, rows: int) -> Past:
        past = real(self, rows)
        past.cache.layers[1].values[0, 0, 3, 0] += 5  # of one row, one head, one position
        return past

    patch.setattr(Past, "copied", copied)


def the_cache_is_not_copied(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Past, "copied", lambda self, rows: self)


def the_cache_is_empty(patch: pytest.MonkeyPatch) -> None:
    module = tiny.module("llama")
    patch.setattr(Past, "copied", lambda self, rows: Past(Past.empty(module).cache, self.length))


def the_cache_gives_nan(patch: pytest.MonkeyPatch) -> None:
    real = Past.copied

    def copied(self: Past, rows: int) -> Past:
        past = real(self, rows)
        past.cache.layers[0].keys.fill_(float("nan"))
        return past

    patch.setattr(Past, "copied", copied)


def memory_runs_out(patch: pytest.MonkeyPatch) -> None:
    def copied(self: Past, rows: int) -> Past:
        raise torch.OutOfMemoryError("CUDA out of memory")

    patch.setattr(Past, "copied", copied)


@pytest.mark.parametrize(
    "sabotage",
    [
        position_ids_begin_anew,
        a_value_in_the_cache_is_another,
        the_cache_is_not_copied,
        the_cache_is_empty,
        the_cache_gives_nan,
        memory_runs_out,
    ],
)
def test_a_cached_pass_that_is_wrong_is_found(
    sabotage: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny.model("llama")
    inputs, sites = prompts(model), sites_of(model)
    assert not whole_only(model, inputs, sites)
    sabotage(monkeypatch)
    before = state(model.module)
    assert whole_only(model, inputs, sites)
    assert state(model.module) == before


def test_a_model_that_runs_otherwise_with_a_cache_is_recorded_in_full() -> None:
    model = tiny.model("gpt2")
    inputs, sites = prompts(model, shared=16), sites_of(model)

    def other(_: nn.Module, args: Any, kwargs: dict[str, Any], output: Any) -> Any:
        past = kwargs.get("past_key_values")
        late = past is not None and past.get_seq_length() > 16
        return (output[0] * 1.01, *output[1:]) if late else output

    attention = model.module.get_submodule("transformer.h.1.attn")
    with attention.register_forward_hook(other, with_kwargs=True):
        assert whole_only(model, inputs, sites)
    assert not whole_only(model, inputs, sites)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_embeddings_are_held_to_what_a_look_up_rounds(dtype: torch.dtype) -> None:
    """In half precision a whole pass may differ by a tenth: what a hook does to the first token of
    a pass would pass for that, and not here."""
    model = TransformersModel(tiny.module("llama").to(dtype))
    inputs, sites = prompts(model), [Site(Kind.STREAM, "final")]

    def shifted(_: nn.Module, args: Any, output: torch.Tensor) -> torch.Tensor:
        first = torch.zeros_like(output)
        first[:, 0] = 0.02
        return output + first

    assert not whole_only(model, inputs, sites)
    with model.module.get_submodule("model.embed_tokens").register_forward_hook(shifted):
        assert whole_only(model, inputs, sites)


def test_each_row_brings_its_copy_of_the_cache() -> None:
    model = tiny.model("llama")
    inputs, sites = prompts(model), [Site(Kind.STREAM, "final")]
    prefix = shared_prefix(model, inputs, sites)
    assert prefix is not None
    held = 2 * tiny.LAYERS * 2 * 8 * 17 * 4  # keys and values, layers, heads, width, positions
    assert prefix.past.bytes == held
    assert prefix.rows_at_once(64, row=held) == 32
    assert prefix.rows_at_once(1, row=held) == 1
