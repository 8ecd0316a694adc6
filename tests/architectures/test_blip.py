"""BLIP's three stacks: where the image's information is, and a claim that follows it through."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch

from scrub import EXACT, Dataset, Hypothesis, Settings, Task, run
from scrub.graph import ModelGraph
from scrub.hypothesis.resolve import resolve
from scrub.hypothesis.unfold import unfold
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


def restored(graph: ModelGraph, *given: str) -> nx.DiGraph:
    """Some outputs as they are, and all that follows from them and from the answer so far; what
    else the named components read is drawn."""
    edges = nx.MultiDiGraph(
        (feeder, component.name, {"port": port.name})
        for component in graph.components
        for port in component.ports
        for feeder in port.feeders
    )
    sources = {*given, "embed"}
    named = set().union(*(nx.descendants(edges, source) for source in sources)) - sources
    claim: nx.DiGraph[Any] = nx.DiGraph()
    for feeder, reader, port in edges.edges(data="port"):
        if reader in named and feeder in named | sources:
            held = claim.get_edge_data(feeder, reader, {"port": ()})["port"]
            claim.add_edge(feeder, reader, port=(*held, port))
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
    return error(found, own[:, -1:].repeat(len(found) // len(own), 1, 1))


def test_the_state_after_the_last_look_at_the_image_restores_the_answer(model):
    """Residual and norm included: nothing later reads the image."""
    assert off(model, f"exn{LAST}") < 1e-5


def test_the_outputs_of_the_heads_that_look_do_not(model):
    heads = model.graph["ex1.h0"].group
    given = [c.name for c in model.graph.components if c.group == heads]
    assert len(given) == 4
    assert off(model, *given) > 0.1
