"""The benchmark's rivals compute what the engine does, and the plan's FLOPs are those counted."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from benchmarks.case import Case, compare, counted_flops, forecast_flops
from benchmarks.hook_loop import Pass
from scrub import EXACT, Dataset, Hypothesis, Task
from scrub.hypothesis.resolve import resolve
from scrub.models.adapter import TransformersModel

VOCABULARY, LAYERS, HEADS, WIDTH, LENGTH = 500, 4, 4, 32, 8


def drawn(module: nn.Module) -> nn.Module:
    """Biases and norms drawn too: at their initial 0 and 1 they could be left out."""
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.3 * torch.randn_like(parameter))
    return module.eval()


def gpt2() -> nn.Module:
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_layer=LAYERS,
        n_head=HEADS,
        n_embd=WIDTH,
        n_positions=16,
        initializer_range=0.3,  # so large that attention matters
        bos_token_id=None,
        eos_token_id=None,
    )
    return drawn(GPT2LMHeadModel(config))


def llama() -> nn.Module:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=2,
        hidden_size=WIDTH,
        intermediate_size=64,
        initializer_range=0.3,
        bos_token_id=None,
        eos_token_id=None,
    )
    return drawn(LlamaForCausalLM(config))


def data(rows: int = 12) -> Dataset:
    rng = np.random.default_rng(0)
    return Dataset.from_rows(
        [
            {
                "tokens": rng.integers(0, VOCABULARY, LENGTH).tolist(),
                "roles": {
                    "end": LENGTH - 1,
                    "here": int(rng.integers(0, 3)),
                    "pair": sorted((3 + rng.permutation(4)[:2]).tolist()),
                },
                "f": int(rng.integers(0, 3)),
                "answer": int(rng.integers(0, VOCABULARY)),
            }
            for _ in range(rows)
        ]
    )


def claim() -> nx.DiGraph:
    """Merged nodes whose heads lie in one layer and in several, with ports one by one.

    early (0.0, 0.2, 1.1) -k-> middle (1.0, 2.1, 2.3) -k,v-> late (2.0, 3.1, 3.2) -> answer
    lone (0.3) -v-> middle            guide (1.2, 1.3) -q-> late            guide -> answer
    """
    graph = nx.DiGraph()
    graph.add_node("answer", component="logits", feature=EXACT)
    for name, component, where, feature in (
        ("late", "a2.h0,a3.h1,a3.h2", "end", "f"),
        ("guide", "a1.h2,a1.h3", "end", "f"),
        ("middle", "a1.h0,a2.h1,a2.h3", "pair", "f"),
        ("early", "a0.h0,a0.h2,a1.h1", "here", "f"),
        ("lone", "a0.h3", "pair", EXACT),
    ):
        graph.add_node(name, component=component, positions=where, feature=feature)
    graph.add_edge("early", "middle", port="k")
    graph.add_edge("lone", "middle", port="v")
    graph.add_edge("middle", "late", port=("k", "v"))
    graph.add_edge("guide", "late", port="q")
    graph.add_edge("late", "answer")
    graph.add_edge("guide", "answer")
    return graph


def case(module: nn.Module) -> Case:
    task, model = Task(data(), at="end"), TransformersModel(module, "tiny")
    hypothesis = Hypothesis(claim(), task=task, self_donation="allowed")
    return Case(model, resolve(hypothesis, model.graph, task), references=12, draws=3)


@pytest.mark.parametrize("careful", [False, True])
def test_the_rivals_equal_the_engine_at_every_node(careful):
    found = compare(case(gpt2()), careful)
    assert found.logits < 1e-5
    assert found.nodes < 1e-5
    assert found.effect > 1e-2
    assert found.compared == 6  # the heads of middle and late


def test_a_rival_that_leaves_a_parent_out_is_seen(monkeypatch):
    monkeypatch.setattr(Pass, "_watch_parents", lambda self, before=None: [])
    found = compare(case(gpt2()), careful=True)
    assert found.logits > 1e-2
    assert found.nodes > 1e-2


def test_the_loops_leave_no_hook_behind():
    made = case(gpt2())
    list(made.hook_loop(careful=True)(made.rows[:, :2]))
    for module in made.model.module.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


@pytest.mark.parametrize("module", [gpt2, llama])
def test_the_plans_flops_are_within_a_tenth_of_those_counted(module):
    made = case(module())
    assert forecast_flops(made) == pytest.approx(counted_flops(made), rel=0.1)
