"""Means and deviations of places over the data, against sums taken by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from scrub import InputRefused
from scrub.engine.worlds import World
from scrub.graph import Part, Role
from scrub.mediation import moments as module
from scrub.mediation.places import Place
from tests.mediation.hookloops import SHAPES
from tests.mediation.test_scene import ROWS, loop_of, subject, task
from tests.models.tiny import WIDTH

every_shape = pytest.mark.parametrize("shape", SHAPES)


def by_hand(shape: str) -> list[dict[str, torch.Tensor]]:
    """Each row alone, without any padding."""
    rows = [torch.from_numpy(tokens)[None] for tokens in task().dataset.inputs]
    return [loop_of(shape).run(row) for row in rows]


@every_shape
@pytest.mark.parametrize("at", ["a0.h1", "m1", "resid.1", "a1.h0<q>", "m0.n3-9"])
def test_a_mean_at_a_role_is_that_of_the_examples_positions_of_it(shape, at, monkeypatch):
    """Of rows of unlike length; over all, and over each class; however many run at a time."""
    loop, dataset = loop_of(shape), task().dataset
    values = []
    for row, seen in enumerate(by_hand(shape)):
        name = "resid.1" if "<" in at else at
        value = loop.neurons(seen, 0, 3, 9) if ".n" in at else seen[name]
        values.append(value[0, list(dataset.roles["spots"][row])])
    expected = torch.stack(values)  # [row, spot, width]
    monkeypatch.setattr(module, "AT_ONCE", 5)
    held = subject(shape)
    (place,) = held.places(f"{at}@spots")
    torch.testing.assert_close(held.moments.mean(place, None), expected.mean(0)[None])
    halves = torch.stack([expected[:6].mean(0), expected[6:].mean(0)])
    torch.testing.assert_close(held.moments.mean(place, "half"), halves)
    np.testing.assert_array_equal(held.moments.classes("half"), np.arange(ROWS) // 6)


@every_shape
@pytest.mark.parametrize("at", ["embed", "a0.h1", "resid.1", "m0<in>"])
def test_a_deviation_is_over_positions_that_are_no_padding(shape, at):
    name = {"m0<in>": "mid.0"}.get(at, at)
    flat = torch.cat([seen[name].reshape(-1) for seen in by_hand(shape)])
    held = subject(shape)
    (place,) = held.places(at)
    found = held.moments.deviation(place.what)
    assert found == pytest.approx(float(flat.std(correction=0)), rel=1e-9)


def test_several_means_cost_one_pass_over_the_data_and_are_remembered(monkeypatch):
    held = subject("gpt2")
    passes: list[Any] = []
    plain = World.plain

    def counted(*given: Any) -> World:
        passes.append(given)
        return plain(*given)

    monkeypatch.setattr(World, "plain", staticmethod(counted))
    some = held.places(["m0@end", "m1@end", "resid.1@spots"])
    held.moments.gather(some, None)
    assert len(passes) == 1
    for place in some:
        held.moments.mean(place, None)
    held.moments.gather(some[:2], None)
    assert len(passes) == 1
    held.moments.mean(some[0], "half")
    assert len(passes) == 2


def test_the_mean_of_a_subspace_is_that_of_what_lies_in_it():
    held = subject("bert")
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(WIDTH, 2)))[0]
    whole = Place(Part("a0.h1"), Role("end"))
    cut = torch.from_numpy(basis @ basis.T)
    part = held.subspace(whole, basis)
    expected = held.moments.mean(whole, None) @ cut
    torch.testing.assert_close(held.moments.mean(part, None), expected)
    assert 0 < held.moments.deviation(part.what) < held.moments.deviation(whole.what)


@pytest.mark.parametrize("at", ["m0", "m0@0,2", "resid.1", "a0.h1<q>@1"])
def test_a_mean_position_by_position_needs_examples_of_one_length(at):
    held = subject("gpt2")
    with pytest.raises(InputRefused) as refused:
        held.moments.gather(held.places(at), None)
    assert str(refused.value) == (
        f"place '{at}': a mean position by position needs examples of one length, found lengths "
        "from 4 to 6. Name a role, or give examples of one length."
    )
