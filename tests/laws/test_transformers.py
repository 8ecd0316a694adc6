"""The laws on transformers models: the engine against whole forward passes with hooks."""

from __future__ import annotations

from functools import cache
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scrub import ANY, EXACT, Dataset, Hypothesis, InputRefused, Task, run
from scrub.graph.circuits import all_edges
from scrub.hypothesis.circuit import circuit_claim
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.resolve import resolve
from scrub.hypothesis.unfold import DrawKind, unfold
from scrub.models.hooked import HookedModel
from tests.architectures.claims import HookedOracle, error
from tests.laws.running import draw, engine, flat, reference
from tests.models.tiny import VOCABULARY, WIDTH, model, module

FAMILIES = ("gpt2", "llama", "mistral", "qwen3")
PLACES = ("here", "there", "pair", "all", 0)


@cache
def ours(family: str) -> Any:
    return model(family)


@cache
def theirs(family: str) -> HookedOracle:
    return HookedOracle(HookedModel(module(family)))


def data(rng: np.random.Generator, *, equal: bool, rows: int = 9) -> Dataset:
    made = []
    for _ in range(rows):
        length = 7 if equal else int(rng.integers(5, 9))
        spots = sorted(rng.permutation(length - 1)[:2].tolist())
        made.append(
            {
                "tokens": rng.integers(0, VOCABULARY, length).tolist(),
                "roles": {"here": length - 1, "there": spots[0], "pair": spots},
                "f": int(rng.integers(0, 3)),
                "answer": int(rng.integers(0, VOCABULARY)),
            }
        )
    return Dataset.from_rows(made)


def random_claim(rng: np.random.Generator, family: str, **options: str) -> Claim:
    """Heads, MLPs, neurons and subspaces, ports one by one, at roles, indices and everywhere."""
    graph = ours(family).graph
    while True:
        task = Task(data(rng, equal=bool(rng.random() < 0.5)), at="here")
        claim = nx.DiGraph()
        claim.add_node("sink", component="logits", feature=EXACT)
        for _ in range(int(rng.integers(1, 6))):
            _grow(rng, claim, graph)
        given_options = {"self_donation": "allowed", **options}
        try:
            return resolve(Hypothesis(claim, task=task, **given_options), graph, task)
        except InputRefused:
            continue


def _grow(rng: np.random.Generator, claim: nx.DiGraph, graph: Any) -> None:
    child = str(rng.choice(list(claim)))
    reader = graph[claim.nodes[child]["component"].split(".n")[0].split(",")[-1]]
    if not reader.ports:
        return
    port = reader.ports[int(rng.integers(len(reader.ports)))]
    feeder = str(rng.choice(port.feeders))
    extra: dict[str, Any] = {}
    if feeder.startswith("m") and rng.random() < 0.5:
        feeder = f"{feeder}.n{int(rng.integers(0, 10))}-{int(rng.integers(10, 40))}"
    elif rng.random() < 0.3:
        extra["subspace"] = np.linalg.qr(rng.normal(size=(WIDTH, 3)))[0]
    elif rng.random() < 0.3:
        feeder = ",".join(sorted({feeder, str(rng.choice(port.feeders))}))
    features = (EXACT, ANY, "f", "f")
    name = f"n{len(claim)}"
    claim.add_node(
        name,
        component=feeder,
        positions=PLACES[int(rng.integers(len(PLACES)))],
        feature=features[int(rng.integers(len(features)))],
        **extra,
    )
    ports = [p.name for p in reader.ports] if rng.random() < 0.3 else [port.name]
    claim.add_edge(name, child, port=tuple(ports))


@pytest.mark.parametrize("family", FAMILIES)
@given(rng=st.integers(0, 2**32 - 1).map(np.random.default_rng))
@settings(max_examples=12, deadline=None)
def test_law_3_the_engine_agrees_with_hooked_forward_passes(family, rng):
    claim = random_claim(rng, family)
    some = slice(0, 6)
    found = engine(ours(family), claim)[some]
    assert error(found, reference(None, claim, some, theirs(family))) < 1e-5


@pytest.mark.parametrize("options", [
    {"unimportant": "one"}, {"unimportant": "kept"}, {"nodes": "joint"},
    {"replacement": "zero"}, {"replacement": "mean_within:f"}, {"unimportant": "separately"},
], ids=str)  # fmt: skip
def test_law_3_holds_under_every_convention(options):
    rng = np.random.default_rng(3)
    for family in ("gpt2", "llama"):
        claim = random_claim(rng, family, **options)
        some = slice(0, 4)
        found = engine(ours(family), claim)[some]
        assert error(found, reference(None, claim, some, theirs(family))) < 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_law_1_every_edge_named_and_exact_is_the_model_itself(family):
    graph = ours(family).graph
    claim = circuit_claim(all_edges(graph))
    task = Task(data(np.random.default_rng(0), equal=False), at="here")
    named = resolve(Hypothesis(claim, task=task), graph, task)
    tree = unfold(named)
    assert [d.kind for d in tree.draws] == [DrawKind.REFERENCE]
    rows = flat(draw(tree, draws=1))[0]
    expected = []
    with torch.no_grad():
        for row in rows:
            tokens = torch.from_numpy(task.dataset.tokens(row))[None]
            expected.append(ours(family).module(tokens).logits[0, -1:])
    found = engine(ours(family), named, flat(draw(tree, draws=1)))
    assert error(found, torch.stack(expected)) < 1e-5


def two_heads(dataset: Dataset, family: str) -> Hypothesis:
    """A head that reads two positions of an earlier head and MLP through its keys and values."""
    graph = nx.DiGraph()
    graph.add_node("sink", component="logits", feature=EXACT)
    graph.add_node("head", component="a1.h3", positions="here", feature="f")
    graph.add_node("earlier", component="a0.h1,m0", positions="pair", feature="f")
    graph.add_edge("head", "sink")
    graph.add_edge("earlier", "head", port=("k", "v"))
    task = Task(dataset, at="here")
    return Hypothesis(graph, task=task, model=ours(family), self_donation="allowed")


@pytest.mark.parametrize("family", ["gpt2", "llama"])
@pytest.mark.parametrize("threads", [1, 2])
def test_law_4_batch_sizes_and_threads_change_nothing(family, threads):
    hypothesis = two_heads(data(np.random.default_rng(5), equal=False), family)
    expected = run(hypothesis, draws=3).per_example
    for batch in (1, 7, 64):
        found = run(hypothesis, draws=3, batch=batch, threads=threads).per_example
        for name in ("model", "scrubbed", "baseline"):
            np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_law_8_padding_left_right_or_not_at_all_gives_the_same_scrub(family):
    rows = data(np.random.default_rng(2), equal=False)
    unpadded = run(two_heads(rows, family), draws=2, null="none").per_example
    for side in ("left", "right"):
        padded = run(two_heads(_padded(rows, side), family), draws=2, null="none").per_example
        np.testing.assert_array_equal(padded.scrubbed, unpadded.scrubbed)
        np.testing.assert_array_equal(padded.model, unpadded.model)


def _padded(rows: Dataset, side: str) -> Dataset:
    """The same examples as a user's tokenizer pads them; roles count the padded positions."""
    made = []
    for i in range(len(rows)):
        tokens = rows.tokens(i).tolist()
        gap = [0] * (rows.length - len(tokens))
        before, after = (gap, []) if side == "left" else ([], gap)
        made.append(
            {
                "tokens": [*before, *tokens, *after],
                "attention_mask": [*before, *[1] * len(tokens), *after],
                "roles": {k: [s + len(before) for s in v[i]] for k, v in rows.roles.items()},
                **{k: v[i] for k, v in rows.columns.items()},
            }
        )
    return Dataset.from_rows(made)
