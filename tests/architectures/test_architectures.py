"""Every covered architecture, on a tiny model with weights so large that attention matters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from scrub import Hypothesis
from scrub.graph.circuits import all_edges
from scrub.hypothesis.circuit import circuit_claim
from scrub.hypothesis.resolve import resolve
from scrub.hypothesis.unfold import unfold
from scrub.models.adapter import TransformersModel
from scrub.models.attending import asking
from scrub.models.batches import Inputs
from scrub.models.heads import HeadsPiece
from scrub.models.hooked import HookedModel
from scrub.models.pieces import ModulePiece
from scrub.models.probe import probe
from scrub.models.queries import asks
from tests.architectures.building import Case, build
from tests.architectures.claims import LONG, HookedOracle, data, error, random_claim, task_of
from tests.architectures.coverage import CASES
from tests.laws.running import draw, engine, flat, reference


def params(cases: Sequence[Case], step: int = 1) -> list[Any]:
    """The first case of each architecture now, or of every so many; all others are slow."""
    first: dict[str, Case] = {}
    for case in cases:
        first.setdefault(case.model_type, case)
    now = list(first.values())[::step]
    return [pytest.param(case, id=case.name, marks=[] if case in now else SLOW) for case in cases]


SLOW = pytest.mark.slow
DECODERS = [case for case in CASES if case.cls == "AutoModelForCausalLM"]
MOST_CLAIMS = 20
every_case = pytest.mark.parametrize("case", params(CASES, step=10))
some_cases = pytest.mark.parametrize("case", params(CASES, step=16))


@cache
def model_of(case: Case) -> TransformersModel:
    return TransformersModel(build(case), case.name)


@cache
def oracle_of(case: Case) -> HookedOracle:
    model = model_of(case)
    return HookedOracle(HookedModel(model.module, case.name, model.wiring.family))


@every_case
def test_the_probe_passes(case):
    report = probe(model_of(case))
    assert report.passed, [check for check in report.checks if not check.passed]


@every_case
def test_the_facts_say_which_attention_runs_for_the_queries_that_are_read(case):
    for piece in model_of(case).pieces.values():
        if isinstance(piece, HeadsPiece):
            assert piece.attention.asks == asks(asking(piece, piece.organ.whole[0].module))


@every_case
def test_every_edge_named_and_exact_is_the_model_itself(case):
    """Law 1."""
    model = model_of(case)
    task = task_of(model.graph, data(model.graph, np.random.default_rng(0), equal=False))
    claim = resolve(Hypothesis(circuit_claim(all_edges(model.graph)), task=task), model.graph, task)
    oracle = oracle_of(case)
    inputs = Inputs.of(task.dataset, model.graph)
    expected = []
    for row in range(len(task.dataset)):
        alone = inputs.some([int(task.dataset.sequence[row])]).batch([0], model.device)
        spots = task.dataset.positions(task.positions)[row]
        expected.append(oracle.outputs(alone)[model.graph.output][spots])
    drawn = flat(draw(unfold(claim), draws=1))
    assert error(engine(model, claim, drawn), torch.stack(expected)) < 1e-5


@every_case
def test_random_claims_agree_with_hooked_forward_passes(case):
    """Law 3. And they tell: with its heads and mixers silent, the same comparison fails."""
    model, oracle, some = model_of(case), oracle_of(case), slice(0, 3)
    rng, told = np.random.default_rng(sum(case.name.encode())), 0.0
    for i in range(MOST_CLAIMS):
        claim = random_claim(model.graph, rng, equal=i % 2 == 0, longest=LONG)
        expected = reference(None, claim, some, oracle)
        assert error(engine(model, claim)[some], expected) < 1e-5
        told = max(told, error(without_mixing(model, claim)[some], expected))
        if i > 0 and told > 1e-3:
            return
    raise AssertionError("none of these claims depends on what mixes positions")


@pytest.mark.parametrize("case", params(DECODERS, step=12))
def test_padding_left_right_or_not_at_all_gives_the_same_scrub(case):
    """Law 8."""
    model, found = model_of(case), {}
    for padding in ("none", "left", "right"):
        rng = np.random.default_rng(sum(case.name.encode()))
        claim = random_claim(model.graph, rng, equal=False, padding=padding)
        found[padding] = engine(model, claim)
    assert torch.equal(found["left"], found["none"])
    assert torch.equal(found["right"], found["none"])


def without_mixing(model: TransformersModel, claim: Any) -> torch.Tensor:
    """The engine's outputs when every head or mixer that it re-runs gives nothing."""

    def silenced(own: Any) -> Any:
        def run(self: Any, calls: Any) -> Any:
            mixes = isinstance(self, HeadsPiece) or self.mixes
            return [0 * value if mixes else value for value in own(self, calls)]

        return run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HeadsPiece, "run", silenced(HeadsPiece.run))
        patch.setattr(HeadsPiece, "stored", silenced(HeadsPiece.stored))
        patch.setattr(ModulePiece, "run", silenced(ModulePiece.run))
        return engine(model, claim)
