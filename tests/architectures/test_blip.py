"""BLIP's three stacks: where the image's information is, and a claim that follows it through."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np
import pytest

from scrub import EXACT, Dataset, Hypothesis, Task, run
from scrub.graph import ModelGraph
from scrub.hypothesis.resolve import resolve
from scrub.models.adapter import TransformersModel
from scrub.models.base import Kind, Site
from scrub.models.batches import Inputs
from scrub.models.hooked import HookedModel
from tests.architectures.building import build
from tests.architectures.claims import HookedOracle, data, error, task_of
from tests.architectures.vision_language import CASES
from tests.laws.running import engine, reference

(CASE,) = (case for case in CASES if case.name == "blip-answers")
LAST = 1  # layer of the question encoder


@pytest.fixture(scope="module")
def model() -> TransformersModel:
    return TransformersModel(build(CASE), CASE.name)


def restored(graph: ModelGraph, *given: str) -> nx.DiGraph[Any]:
    """Some outputs as they are, and all that follows from them and from the answer so far; what
    else the named components read is drawn."""
    whole: nx.DiGraph[Any] = nx.DiGraph()
    for component in graph.components:
        for port in component.ports:
            for feeder in port.feeders:
                held = whole.get_edge_data(feeder, component.name, {"port": ()})["port"]
                whole.add_edge(feeder, component.name, port=(*held, port.name))
    sources = {*given, "embed"}
    named: set[str] = set().union(*(nx.descendants(whole, source) for source in sources)) - sources
    claim: nx.DiGraph[Any] = nx.DiGraph(whole.subgraph(named | sources))
    claim.remove_edges_from(list(claim.in_edges(sources)))
    for name in claim:
        where = {} if name == graph.output else {"positions": "all"}
        claim.nodes[name].update(component=name, feature=EXACT, **where)
    return claim


def off(model: TransformersModel, *given: str) -> float:
    """How far the answers are from the model's own with these outputs restored."""
    dataset = data(model.graph, np.random.default_rng(1), equal=True)
    task = task_of(model.graph, dataset)
    hypothesis = Hypothesis(restored(model.graph, *given), task=task, self_donation="allowed")
    claim = resolve(hypothesis, model.graph, task)
    site = Site(Kind.OUTPUT, model.graph.output)
    inputs = Inputs.of(dataset, model.graph)
    own = model.record(inputs.batch(dataset.sequence, model.device), [site])[site]
    found = engine(model, claim)
    return error(found, own[:, -1:].repeat_interleave(len(found) // len(own), dim=0))


def test_the_state_after_the_last_look_at_the_image_restores_the_answer(model):
    """Residual and norm included: nothing later reads the image."""
    assert off(model, f"exn{LAST}") < 1e-5


def test_the_outputs_of_the_heads_that_look_do_not(model):
    heads = model.graph["ex1.h0"].group
    given = [c.name for c in model.graph.components if c.group == heads]
    assert len(given) == 4
    assert off(model, *given) > 0.1


def rows(graph: ModelGraph) -> Dataset:
    """Questions about an image: `seen` says which of three things it shows, at one patch."""
    rng = np.random.default_rng(3)
    image, questions, answers = graph.spaces
    made = []
    for _ in range(24):
        made.append(
            {
                "image": rng.normal(size=image.shape).astype(np.float32),
                "image_roles": {"thing": int(rng.integers(1, image.length))},
                "tokens": rng.integers(1, questions.vocabulary, 6).tolist(),
                "roles": {"noun": int(rng.integers(1, 6))},
                "decoder_tokens": rng.integers(1, answers.vocabulary, 3).tolist(),
                "decoder_roles": {"end": 2},
                "seen": int(rng.integers(0, 3)),
                "answer": int(rng.integers(0, answers.vocabulary)),
            }
        )
    return Dataset.from_rows(made)


def followed(model: TransformersModel) -> Hypothesis:
    """A head of the image encoder, seen by a head of the question encoder at a noun, read by a
    head of the decoder where it answers."""
    claim: nx.DiGraph[Any] = nx.DiGraph()
    claim.add_node("answer", component="logits", feature=EXACT)
    chain = [
        ("found", "v1.h2", "thing"),
        ("shown", "vn", "thing"),
        ("looks", "ex1.h1", "noun"),
        ("after", "exn1", "noun"),
        ("told", "emn1", "noun"),
        ("reads", "x1.h3", "end"),
        ("state", "xn1", "end"),
        ("said", "mn1", "end"),
    ]
    for name, component, role in chain:
        claim.add_node(name, component=component, positions=role, feature="seen")
    names = [name for name, _, _ in chain] + ["answer"]
    for parent, child in pairwise(names):
        heads = child in ("looks", "reads")
        claim.add_edge(parent, child, port=("k", "v") if heads else ("in",))
    task = Task(rows(model.graph), at="end")
    return Hypothesis(claim, task=task, model=model, self_donation="allowed")


def test_a_claim_is_followed_from_a_patch_to_the_answer(model):
    hypothesis = followed(model)
    assert isinstance(hypothesis.task, Task)
    claim = resolve(hypothesis, model.graph, hypothesis.task)
    oracle = HookedOracle(HookedModel(model.module, CASE.name, model.wiring.family))
    some = slice(0, 2)
    expected = reference(None, claim, some, oracle)
    assert error(engine(model, claim)[some], expected) < 1e-5


def test_such_a_claim_runs_from_end_to_end(model):
    result = run(followed(model), references=6, draws=2)
    assert {node.name for node in result.nodes} >= {"found", "looks", "reads", "answer"}
    assert np.isfinite(result.divergence)
