"""The user's module is left as it was found: weights, flags, hooks; also after an exception."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from scrub import ModelRefused
from scrub.graph import Part
from scrub.models.adapter import TransformersModel
from scrub.models.base import Call, Kind, Site
from scrub.models.hooked import HookedModel
from scrub.models.probe import probe
from scrub.models.substitute import STATES
from tests.architectures.building import build
from tests.architectures.state_spaces import CASES
from tests.models import tiny

ROWS, LENGTH = 2, 5


def hooks(module: nn.Module) -> int:
    return sum(
        len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks)
        for m in module.modules()
    )


def state(module: nn.Module) -> tuple[object, ...]:
    """All that could have been changed, the module's own attributes included."""
    weights = tuple((name, id(p), p.sum().item()) for name, p in module.named_parameters())
    flags = tuple(
        (m.training, *(p.requires_grad for p in m.parameters())) for m in module.modules()
    )
    attributes = tuple(
        (name, key, value)
        for name, m in module.named_modules()
        for key, value in sorted(vars(m).items())
        if isinstance(value, (int, float, str))
    )
    children = tuple(id(m) for m in module.modules())
    return weights, flags, attributes, children, hooks(module), torch.is_grad_enabled()


def part_call(name: str, neurons: tuple[int, int] | None = None) -> Call:
    names = ("q", "k", "v") if name.startswith("a") else ("in",)
    ports = tiny.random_ports(*names, rows=ROWS, length=LENGTH)
    return Call(Part(name, neurons=neurons), ports, tiny.batch(ROWS, LENGTH))


def record(model: TransformersModel) -> None:
    sites = [Site(Kind.OUTPUT, c.name) for c in model.graph.components]
    sites += [Site(Kind.STREAM, name) for name in model.graph.streams]
    sites += [Site(Kind.NEURONS, "m0")]
    model.record(tiny.batch(ROWS, LENGTH), sites)


def run(model: TransformersModel) -> None:
    for calls in ([part_call("a1.h0")], [part_call("m0"), part_call("m0", (1, 4))]):
        model.run(calls)
    model.run([part_call("logits")])


def reference(model: TransformersModel) -> None:
    hooked = HookedModel(model.module)
    hooked.outputs(tiny.batch(1, LENGTH))
    ports = {name: x[0] for name, x in part_call("a1.h0").ports.items()}
    hooked.evaluate(Part("a1.h0"), tiny.batch(1, LENGTH), ports)


ACTIONS: dict[str, Callable[[TransformersModel], object]] = {
    "record": record,
    "run": run,
    "reference": reference,
    "probe": probe,
    "fingerprint": TransformersModel.fingerprint,
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_nothing_is_changed(family: str, action: str) -> None:
    module = tiny.module(family)
    module.train()
    module.get_submodule("lm_head").eval()  # a mixture of flags, and of gradients
    next(module.parameters()).requires_grad_(False)
    before = state(module)
    ACTIONS[action](TransformersModel(module))
    assert state(module) == before


@pytest.mark.parametrize("action", ["record", "run", "reference", "probe"])
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_nothing_is_changed_by_what_fails_half_way(
    family: str, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last layer's MLP raises, and the final norm: hooks are in place by then."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    module = tiny.module(family)
    model = TransformersModel(module)
    last, norm = model.anatomy.organs["m1"].whole[0], model.anatomy.organs["logits"].before
    assert norm is not None
    monkeypatch.setattr(last.module, "forward", fail)
    monkeypatch.setattr(norm.module, "forward", fail)
    module.train()
    before, level = state(module), logging.getLogger("transformers").level
    with pytest.raises((ZeroDivisionError, ModelRefused)):  # the probe says it in words
        ACTIONS[action](model)
    assert state(module) == before
    assert logging.getLogger("transformers").level == level


@pytest.mark.parametrize("action", [probe, reference])
def test_what_a_module_keeps_of_the_user_s_own_pass_stays(action: Callable[..., object]) -> None:
    """Recurrent Gemma's recurrences keep what they ended with, to go on from there."""
    case = next(case for case in CASES if case.model_type == "recurrent_gemma")
    module = build(case)
    with torch.no_grad():
        module(input_ids=tiny.tokens(1, LENGTH), use_cache=True)
    parts = [vars(m) for m in module.modules()]
    before = [(part, name, part[name]) for part in parts for name in STATES if name in part]
    assert {type(value) for _, _, value in before} == {torch.Tensor}
    action(TransformersModel(module))
    assert all(part[name] is value for part, name, value in before)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_dropout_and_gradients_are_off_inside(family: str) -> None:
    rates: dict[str, Any] = {"attention_dropout": 0.5}
    if family == "gpt2":
        rates = {"resid_pdrop": 0.5, "attn_pdrop": 0.5, "embd_pdrop": 0.5}
    module = tiny.module(family, **rates)
    module.train()
    model = TransformersModel(module)
    site = Site(Kind.OUTPUT, "logits")
    inputs = tiny.batch(ROWS, LENGTH), [site]
    first, second = (model.record(*inputs)[site] for _ in range(2))
    assert torch.equal(first, second)
    assert not first.requires_grad
    outputs = [model.run([part_call(name)])[0] for name in ("a0.h0", "a0.h0", "m1", "m1")]
    assert torch.equal(outputs[0], outputs[1])
    assert torch.equal(outputs[2], outputs[3])
    assert not any(output.requires_grad for output in outputs)
    head = model.output(Part("a0.h0"), torch.ones(2, model.graph["a0.h0"].stored))
    assert not head.requires_grad
    assert not model.constant("final").requires_grad


def test_hooks_of_the_user_stay() -> None:
    module, seen = tiny.module("llama"), []
    handle = module.get_submodule("model.norm").register_forward_hook(lambda *_: seen.append(1))
    record(TransformersModel(module))
    assert hooks(module) == 1
    assert seen
    handle.remove()
