"""Experts one by one, in every covered architecture whose experts have names."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch

from scrub import EXACT, Hypothesis
from scrub.graph import Component, Kind, Part, Site
from scrub.hypothesis.resolve import resolve
from scrub.models.base import Batch, Call
from scrub.models.batches import Inputs
from scrub.models.substitute import silenced
from tests.architectures.claims import data, error, task_of
from tests.architectures.coverage import CASES, covered
from tests.architectures.test_architectures import model_of, oracle_of, params
from tests.laws.running import engine, reference

SPARSE = [case for case in CASES if "experts" in covered(case).parts]
SOME = torch.tensor([[3, 0]])  # two positions of the row, in any order
every_case = pytest.mark.parametrize("case", params(SPARSE, step=6))


def first_of(case):
    """A component with experts, in a model of the case."""
    return next(c for c in model_of(case).graph.components if c.experts)


def ports_of(component: Component) -> dict[str, torch.Tensor]:
    """A sum that no input leads to."""
    generator = torch.Generator().manual_seed(0)
    return {"in": torch.randn(1, 5, component.width, generator=generator)}


def row_of(case) -> Batch:
    """A row as long as those sums."""
    model = model_of(case)
    dataset = data(model.graph, np.random.default_rng(0), equal=False)
    row = int(np.argmax(dataset.lengths == 5))
    alone = Inputs.of(dataset, model.graph).some([int(dataset.sequence[row])])
    return alone.batch([0], model.device)


@every_case
def test_shares_agree_with_passes_in_which_the_experts_give_zero(case):
    model, oracle, component, row = model_of(case), oracle_of(case), first_of(case), row_of(case)
    ports, last = ports_of(component), component.experts - 1
    at_some = {"in": ports["in"][:, SOME[0]]}
    for some in ((1, last), (0, last)):  # one alone may be taken by none of these positions
        part = Part(component.name, experts=some)
        whole, narrow = model.run([Call(part, ports, row), Call(part, at_some, row, SOME)])
        expected = oracle.evaluate(part, row, {"in": ports["in"][0]})
        assert error(whole[0], expected) < 1e-5
        assert error(narrow[0], expected[SOME[0]]) < 1e-5


@every_case
def test_all_experts_and_what_is_left_without_them_sum_to_the_mlp(case):
    model, component, row = model_of(case), first_of(case), row_of(case)
    ports = ports_of(component)
    parts = [Part(component.name, experts=(e, e)) for e in range(component.experts)]
    whole, *shares = model.run([Call(p, ports, row) for p in (Part(component.name), *parts)])
    organ = model.anatomy.organs[component.name]
    held = organ.whole[-1].module.get_submodule(organ.experts)
    with torch.no_grad(), silenced(held, slice(None)):
        (rest,) = model.run([Call(Part(component.name), ports, row)])
    assert error(sum(shares) + rest, whole) < 1e-5
    assert sum(bool(share.abs().max() > 1e-3) for share in shares) > 1


@every_case
def test_what_is_recorded_of_experts_is_what_they_add_when_run_again(case):
    model, component, row = model_of(case), first_of(case), row_of(case)
    part = Part(component.name, experts=(0, component.experts - 1))
    stream = Site(Kind.STREAM, component.ports[0].stream)
    site = Site(Kind.EXPERTS, component.name, part.experts)
    recorded = model.record(row, [site, stream])
    (again,) = model.run([Call(part, {"in": recorded[stream]}, row)])
    assert recorded[site].shape == (1, 5, component.width)
    assert error(model.output(part, recorded[site]), again) < 1e-5


MIXTRAL = next(case for case in SPARSE if case.model_type == "mixtral")


@pytest.mark.parametrize("replacement", ["mean", "mean_within:f", "zero", "resample"])
def test_experts_under_every_replacement(replacement):
    """A mean is that of what the experts add, not what they would add on a mean."""
    graph = model_of(MIXTRAL).graph
    task = task_of(graph, data(graph, np.random.default_rng(1), equal=True))
    claim = nx.DiGraph()
    claim.add_node("sink", component="logits", feature=EXACT)
    claim.add_node("head", component="a1.h0", feature="f")
    claim.add_node("some", component="m0.e1-2", feature="f")
    claim.add_node("one", component="m0.e3", feature=EXACT)
    claim.add_edges_from([("head", "sink"), ("some", "head", {"port": "v"}), ("one", "sink")])
    hypothesis = Hypothesis(claim, task=task, replacement=replacement, self_donation="allowed")
    resolved = resolve(hypothesis, graph, task)
    found = engine(model_of(MIXTRAL), resolved)[:3]
    assert error(found, reference(None, resolved, slice(0, 3), oracle_of(MIXTRAL))) < 1e-5
