"""What the adapter records, against whole forward passes with hooks on unpadded rows."""

from __future__ import annotations

import logging
from logging.handlers import BufferingHandler

import pytest
import torch

from scrub.errors import InputRefused
from scrub.graph import Part
from scrub.models.base import Batch, Kind, Site
from scrub.models.hooked import HookedModel
from tests.models import tiny

ROWS, LENGTH = 2, 7
TOLERANCE = 1e-5

families = pytest.mark.parametrize("family", tiny.FAMILIES)


@families
def test_the_recording_is_what_hooks_see_on_unpadded_rows(family: str) -> None:
    model = tiny.model(family)
    hooked, tokens = HookedModel(model.module), tiny.tokens(ROWS, LENGTH)
    sites = [Site(Kind.OUTPUT, c.name) for c in model.graph.components]
    lengths = torch.tensor([7, 4])
    recorded = model.record(Batch.of_tokens(tokens, lengths), sites)
    for row, length in enumerate(lengths.tolist()):
        expected = hooked.outputs(tiny.row(tokens[row, :length]))
        assert list(expected) == [c.name for c in model.graph.components]
        for site in sites:
            share = model.output(Part(site.name), recorded[site])[row, :length]
            assert tiny.error(share, expected[site.name]) < TOLERANCE


@families
def test_streams_are_the_sums_of_their_feeders(family: str) -> None:
    model, tokens = tiny.model(family), tiny.tokens(1, LENGTH)
    sites = [Site(Kind.STREAM, name) for name in model.graph.streams]
    recorded = model.record(Batch.of_tokens(tokens), sites)
    outputs = HookedModel(model.module).outputs(tiny.row(tokens[0]))
    for stream, feeders in model.graph.streams.items():
        total = torch.stack([outputs[feeder] for feeder in feeders]).sum(0) + model.constant(stream)
        assert tiny.error(total, recorded[Site(Kind.STREAM, stream)][0]) < TOLERANCE


@families
def test_constants_are_what_the_reference_says(family: str) -> None:
    model = tiny.model(family)
    hooked = HookedModel(model.module)
    for stream in model.graph.streams:
        assert torch.allclose(model.constant(stream), hooked.constant(stream), atol=1e-6)
    has_biases = family in ("gpt2", "llama")
    assert bool(model.constant("final").any()) == has_biases


@families
def test_neurons_are_recorded_and_expanded(family: str) -> None:
    model, tokens = tiny.model(family), tiny.tokens(ROWS, LENGTH)
    neurons, output = Site(Kind.NEURONS, "m1"), Site(Kind.OUTPUT, "m1")
    recorded = model.record(Batch.of_tokens(tokens), [neurons, output])
    assert recorded[neurons].shape == (ROWS, LENGTH, 40)
    shares = [
        model.output(Part("m1", neurons=(a, b)), recorded[neurons][..., a : b + 1])
        for a, b in ((0, 11), (12, 12), (13, 39))
    ]
    assert (
        tiny.error(torch.stack(shares).sum(0), model.output(Part("m1"), recorded[output]))
        < TOLERANCE
    )


def test_the_unembedding_runs_only_for_the_logits() -> None:
    model, tokens = tiny.model("llama"), tiny.tokens(ROWS, LENGTH)
    ran: list[int] = []
    head = model.module.get_submodule("lm_head")
    with head.register_forward_hook(lambda *_: ran.append(1)):
        model.record(Batch.of_tokens(tokens), [Site(Kind.STREAM, "final")])
        assert not ran
        logits = Site(Kind.OUTPUT, "logits")
        recorded = model.record(Batch.of_tokens(tokens), [logits])[logits]
        assert ran
    with torch.no_grad():
        assert torch.equal(recorded, model.module(input_ids=tokens).logits)


def test_what_is_recorded_of_a_head_holds_no_other_head_in_memory() -> None:
    site = Site(Kind.OUTPUT, "a0.h1")
    model, tokens = tiny.model("gpt2"), tiny.tokens(ROWS, LENGTH)
    z = model.record(Batch.of_tokens(tokens), [site])[site]
    assert z.untyped_storage().nbytes() == z.numel() * z.element_size()


def test_tokens_outside_the_vocabulary_are_refused() -> None:
    model = tiny.model("gpt2")
    with pytest.raises(InputRefused) as caught:
        model.record(Batch.of_tokens(torch.tensor([[3, 50]])), [])
    assert str(caught.value) == "model 'tiny-gpt2': token 50 is not in its vocabulary of 50."


def test_rows_longer_than_learned_positions_are_refused() -> None:
    model = tiny.model("gpt2")
    with pytest.raises(InputRefused) as caught:
        model.record(tiny.batch(1, 40), [])
    assert str(caught.value) == (
        "model 'tiny-gpt2': 40 tokens are more than the 32 it has positions for. Shorten the rows."
    )


def test_padding_draws_no_log_line() -> None:
    """transformers warns of padding tokens without a mask; here they need none."""
    model = tiny.model("gpt2", pad_token_id=0)
    padded = torch.tensor([[5, 0, 0]])
    logger, handler = logging.getLogger("transformers"), BufferingHandler(capacity=100)
    seen = handler.buffer
    logger.addHandler(handler)
    try:
        model.record(Batch.of_tokens(padded, torch.tensor([1])), [Site(Kind.STREAM, "final")])
        assert not seen
        logging.getLogger("transformers.modeling_utils").warning("heard")
        assert len(seen) == 1
    finally:
        logger.removeHandler(handler)
