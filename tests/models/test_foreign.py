"""Nets that are none of transformers': probed, scrubbed, held against hooked forward passes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from scrub import InputRefused, ModelRefused, Network
from scrub.models.base import Batch, Kind, Site
from scrub.models.families.base import MLP, Attention, Family, Run, Stack, stacked
from scrub.models.hooked import HookedModel
from scrub.models.probe import probe
from tests.architectures.claims import HookedOracle, error, random_claim
from tests.laws.running import engine, reference
from tests.models.nets import GPT, HEADS, LONGEST, VOCABULARY, TorchEncoder, drawn

TABLE = Family(
    "nanogpt",
    stacks=(
        Stack(
            path="transformer",
            blocks="h",
            block=(
                Attention(
                    "attn",
                    before="ln_1",
                    projections=dict.fromkeys("qkv", ("c_attn",)),
                    layout=stacked,
                    out="c_proj",
                    run=Run.TOGETHER,
                    asks=False,
                ),
                MLP("mlp", before="ln_2", down="c_proj", matrices=2),
            ),
            final_norm="ln_f",
        ),
    ),
)
SIZES: dict[str, Any] = {"heads": HEADS, "vocabulary": VOCABULARY, "longest": LONGEST}


def encoder(causal: bool, norm_first: bool, batch_first: bool, final_norm: bool) -> Network:
    net = TorchEncoder(
        causal=causal, norm_first=norm_first, batch_first=batch_first, final_norm=final_norm
    )
    if causal:
        return Network(drawn(net), **SIZES)
    return Network(drawn(net), **SIZES, forward=lambda module, tokens, mask: module(tokens, mask))


NETS: dict[str, Any] = {
    "nanogpt": lambda: Network(drawn(GPT()), **SIZES),
    "nanogpt, by a table": lambda: Network(drawn(GPT()), family=TABLE, **SIZES),
    "nanogpt without its last norm": lambda: Network(drawn(GPT(final_norm=False)), **SIZES),
} | {
    " ".join(name for name, is_so in zip(names, values, strict=True) if is_so) or "none": (
        lambda values=values: encoder(*values)
    )
    for names in [("causal", "norm_first", "batch_first", "final_norm")]
    for values in itertools.product((True, False), repeat=4)
}


FAST = {name for i, name in enumerate(NETS) if i % 4 == 0}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in FAST else pytest.mark.slow) for n in NETS]
)
def test_the_probe_passes_and_a_random_claim_agrees_with_hooked_forward_passes(name):
    model = NETS[name]()
    report = probe(model)
    assert report.passed, [check for check in report.checks if not check.passed]
    assert "a1.h3" in {component.name for component in model.graph.components}
    oracle = HookedOracle(HookedModel(model.module, name, model.wiring.family))
    rng = np.random.default_rng(7)
    for equal in (True, False):
        claim = random_claim(model.graph, rng, equal=equal)
        some = slice(0, 3)
        assert error(engine(model, claim)[some], reference(None, claim, some, oracle)) < 1e-5


def test_the_facts_that_are_read_off_are_those_of_the_table():
    inferred, written = (Network(drawn(GPT()), family=f, **SIZES) for f in (None, TABLE))
    assert inferred.graph.components == written.graph.components


def test_the_net_itself_is_left_as_it_is():
    net = drawn(TorchEncoder(causal=True, norm_first=True, batch_first=True, final_norm=True))
    before = dict(net.named_modules())
    fast = torch.backends.mha.get_fastpath_enabled()
    probe(Network(net, **SIZES))
    assert dict(net.named_modules()) == before
    assert torch.backends.mha.get_fastpath_enabled() is fast
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in net.modules())


def test_what_is_trained_after_is_seen():
    """torch's fused weights are looked at, and not copied."""
    net = drawn(TorchEncoder(causal=True, norm_first=True, batch_first=True, final_norm=True))
    model = Network(net, **SIZES)
    tokens = torch.arange(6)[None]
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(0.5)
        expected = net(tokens)
    site = Site(Kind.OUTPUT, "logits")
    found = model.record(Batch.of_tokens(tokens), [site])[site]
    torch.testing.assert_close(found, expected)


def test_a_wrong_table_is_refused_in_words():
    wrong = Family("x", stacks=(Stack(path="transformer", blocks="layers"),))
    with pytest.raises(InputRefused, match="has no attribute `layers`"):
        Network(drawn(GPT()), family=wrong, **SIZES)


def test_heads_that_do_not_run_alone_are_told_how_to_run():
    (stack,) = TABLE.stacks
    attention, mlp = stack.block  # type: ignore[misc]
    alone = Attention(**{**vars(attention), "run": Run.ALONE})
    family = Family("x", stacks=(Stack(**{**vars(stack), "block": (alone, mlp)}),))
    with pytest.raises(ModelRefused, match=r"Say run=Run.TOGETHER in its facts"):
        probe(Network(drawn(GPT()), family=family, **SIZES)).require()


def test_a_net_that_looks_ahead_must_be_told_of_padding():
    net = TorchEncoder(causal=False, norm_first=True, batch_first=True, final_norm=True)
    with pytest.raises(InputRefused, match="Give forward=lambda module, tokens, mask"):
        Network(drawn(net), **SIZES)


def test_a_net_that_gives_something_else_is_refused():
    with pytest.raises(InputRefused, match="must be \\[row, position, width\\]"):
        Network(nn.Embedding(VOCABULARY, 3), **SIZES, forward=lambda module, tokens: tokens.sum())
    with pytest.raises(InputRefused, match="cannot be called with tokens"):
        Network(nn.Linear(3, 3), **SIZES)
