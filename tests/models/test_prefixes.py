"""What all inputs begin with is gone through once, and nothing that is recorded tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from scrub.errors import InputRefused
from scrub.graph import Kind, Site
from scrub.models.adapter import TransformersModel
from scrub.models.batches import Inputs
from scrub.models.past import Past
from scrub.models.prefixes import LEAST_POSITIONS, Prefix, common, shared_prefix
from scrub.models.recording import Place, record
from tests.architectures.building import Case
from tests.architectures.coverage import CASES
from tests.models import tiny
from tests.models.prompts import (
    DECODERS,
    SHARED,
    TOLERANCE,
    built,
    error,
    of_type,
    prompts,
    sites_of,
    whole_only,
)
from tests.models.test_unchanged import state

# the cache goes on as the model would: full attention, windows shorter than the prompt, distances
# as biases, learned positions, shared keys, mixtures of experts, states beside keys
GOING_ON = (
    "gpt2", "llama", "mistral", "gemma2", "gpt_neox", "gpt_neo", "bloom", "opt", "falcon",
    "deepseek_v3", "mixtral", "gpt_oss", "llama4_text", "mamba2", "bamba", "qwen3_next",
)  # fmt: skip
# it does not: several tokens after a state give other values, raise, or there is no such cache
IN_FULL = ("jamba", "recurrent_gemma", "mamba", "rwkv", "openai-gpt")
NOT_GOING_ON = (*IN_FULL, "falcon_mamba", "moshi", "xlstm")


def gone_through(model: TransformersModel, do: Callable[[], object]) -> int:
    """How many positions pass a layer's MLP meanwhile, those of all rows together."""
    seen: list[int] = []

    def count(_: nn.Module, args: Sequence[Any]) -> None:
        seen.append(args[0].shape[0] * args[0].shape[1])

    with model.module.get_submodule("transformer.h.0.mlp").register_forward_pre_hook(count):
        do()
    return sum(seen)


@pytest.mark.parametrize("model_type", GOING_ON)
def test_recordings_with_and_without_a_shared_prefix_are_equal(model_type: str) -> None:
    model = built(of_type(model_type))
    inputs, sites = prompts(model), sites_of(model)
    prefix = shared_prefix(model, inputs, sites)
    assert prefix is not None
    assert prefix.length == SHARED
    once, whole = (record(model, inputs, sites, batch=16, prefix=p) for p in (prefix, None))
    assert error(once, whole, inputs) < TOLERANCE


@pytest.mark.parametrize("model_type", IN_FULL)
def test_a_model_that_does_not_go_on_as_it_would_is_recorded_in_full(model_type: str) -> None:
    model = built(of_type(model_type))
    assert whole_only(model, prompts(model), sites_of(model))


@pytest.mark.slow
@pytest.mark.parametrize("case", DECODERS, ids=lambda case: case.name)
def test_no_decoder_s_recording_tells_whether_a_prefix_was_shared(case: Case) -> None:
    model = built(case)
    inputs, sites = prompts(model), sites_of(model)
    whole = record(model, inputs, sites, batch=16)
    before = state(model.module)  # RWKV notes in its first pass that it is evaluated
    prefix = shared_prefix(model, inputs, sites)
    once = record(model, inputs, sites, batch=16, prefix=prefix)
    assert error(once, whole, inputs) < TOLERANCE
    assert (prefix is None) == (case.model_type in NOT_GOING_ON)
    assert state(model.module) == before


def test_what_is_shared_goes_through_the_model_once() -> None:
    model = built(of_type("gpt2"))
    inputs, sites = prompts(model), sites_of(model)
    most, rows = inputs.longest["tokens"], len(inputs)
    found: list[Prefix | None] = []
    looked = gone_through(model, lambda: found.append(shared_prefix(model, inputs, sites)))
    assert looked == SHARED + 2 * most + 2 * (most - SHARED)
    (prefix,) = found
    recorded = gone_through(model, lambda: record(model, inputs, sites, batch=16, prefix=prefix))
    assert recorded == rows * (most - SHARED)
    assert gone_through(model, lambda: record(model, inputs, sites, batch=16)) == rows * most


def test_what_reads_ahead_has_no_part_that_all_share() -> None:
    bert = built(next(case for case in CASES if case.model_type == "bert"))
    ran: list[int] = []
    with bert.module.register_forward_hook(lambda *_: ran.append(1)):
        assert whole_only(bert, prompts(bert), sites_of(bert))
    assert not ran


@pytest.mark.parametrize(
    ("rows", "shared"),
    [
        ([[1, 2, 3, 4], [1, 2, 3, 5]], 3),
        ([[1, 2, 3, 4], [1, 2, 3, 4, 5]], 3),  # a token is left over in the shorter
        ([[1, 2], [1, 2, 3, 4], [1, 2, 3, 4, 5]], 1),
        ([[2, 2, 3], [1, 2, 3]], 0),
        ([[1, 2, 3], [1, 4, 3], [1, 2, 4]], 1),
        ([[7], [7, 8]], 0),
    ],
)
def test_what_all_inputs_begin_with(rows: list[list[int]], shared: int) -> None:
    assert common(Inputs({"tokens": [np.array(row) for row in rows]})) == shared


@pytest.mark.parametrize(
    ("shared", "repeats", "pays"),
    [
        (LEAST_POSITIONS, 4, True),
        (LEAST_POSITIONS - 1, 4, False),  # next to nothing is shared
        (LEAST_POSITIONS, 1, False),  # too few inputs to make up for looking
        (0, 4, False),
    ],
)
def test_looking_is_done_where_it_pays(shared: int, repeats: int, pays: bool) -> None:
    model = tiny.model("gpt2")
    inputs = prompts(model, shared, repeats)
    ran: list[int] = []
    with model.module.get_submodule("transformer").register_forward_hook(lambda *_: ran.append(1)):
        assert whole_only(model, inputs, [Site(Kind.STREAM, "final")]) == (not pays)
    assert bool(ran) == pays


def test_rows_too_long_for_the_model_are_refused_as_ever() -> None:
    model, sites = tiny.model("gpt2"), [Site(Kind.STREAM, "final")]
    inputs = prompts(model, shared=40)
    prefix = shared_prefix(model, inputs, sites)
    with pytest.raises(InputRefused, match="46 tokens are more than the 32 it has positions for"):
        record(model, inputs, sites, batch=16, prefix=prefix)


@pytest.mark.parametrize("place", Place)
def test_a_recording_lies_anywhere_with_a_shared_prefix(place: Place) -> None:
    model = tiny.model("llama")
    inputs, sites = prompts(model), sites_of(model)
    prefix = shared_prefix(model, inputs, sites)
    whole = record(model, inputs, sites, batch=16)
    with record(model, inputs, sites, batch=7, place=place, prefix=prefix) as once:
        assert error(once, whole, inputs) < TOLERANCE
        assert once.blocks.keys() == whole.blocks.keys()


def test_nothing_is_changed_by_sharing_a_prefix() -> None:
    module = tiny.module("mistral")
    module.train()
    before, config = state(module), module.config.to_dict()  # type: ignore[operator,union-attr]
    model = TransformersModel(module)
    inputs, sites = prompts(model), sites_of(model)
    prefix = shared_prefix(model, inputs, sites)
    record(model, inputs, sites, batch=16, prefix=prefix)
    assert prefix is not None
    assert state(module) == before
    assert module.config.to_dict() == config  # type: ignore[operator,union-attr]


def test_out_of_memory_halves_the_batch_that_follows_a_prefix(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = tiny.model("llama")
    inputs, sites = prompts(model), sites_of(model)
    prefix, whole = shared_prefix(model, inputs, sites), record(model, inputs, sites, batch=16)
    real = Past.copied

    def tight(self: Past, rows: int) -> Past:
        if rows > 5:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, rows)

    monkeypatch.setattr(Past, "copied", tight)
    assert error(record(model, inputs, sites, batch=16, prefix=prefix), whole, inputs) < TOLERANCE
