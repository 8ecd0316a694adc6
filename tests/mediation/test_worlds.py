"""Worlds of hand-made graphs and of every architecture: what follows from edits, and gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scrub import Dataset, component, handmade, source
from scrub.engine.edits import Edit, Input, State, What, by_place
from scrub.engine.flow import edited
from scrub.engine.worlds import Layout, World
from scrub.graph import TOKENS, Part
from scrub.graph.links import groups_of
from scrub.models.adapter import TransformersModel
from scrub.models.base import Batch, Call
from scrub.models.batches import Inputs
from scrub.models.blocks import slices_of
from scrub.models.callables import CallableModel
from tests.architectures.building import build
from tests.architectures.claims import data, error
from tests.architectures.coverage import CASES
from tests.architectures.test_architectures import model_of, some_cases
from tests.laws.cases import WIDTH, random_data, random_model, two_space_data, two_space_model
from tests.mediation.hookloops import SHAPES, Change
from tests.mediation.shaped import LENGTH, ROWS, Case

Tensor = torch.Tensor
random = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def recursion(model: CallableModel, frame: Batch, edits: Sequence[Edit]) -> dict[str, Tensor]:
    """Every component's output and every stream's sum, by name, straight through the graph.

    A state's difference is carried by each later stream whose feeders include its own: by that
    with the most feeders of which it is the extension, the latest of several.
    """
    found: dict[str, Tensor] = {}
    carried: dict[str, Tensor] = {}
    places = by_place(edits)
    for part in model.graph.components:
        ports: dict[str, Tensor] = {}
        for port in part.ports:
            total = torch.stack([found[feeder] for feeder in port.feeders]).sum(0)
            earlier = [s for s in carried if set(model.graph.streams[s]) <= set(port.feeders)]
            sizes = [len(model.graph.streams[s]) for s in earlier]
            if earlier:
                most = max(i for i, size in enumerate(sizes) if size == max(sizes))
                total = total + carried[earlier[most]]
            plain = torch.stack([found[feeder] for feeder in port.feeders]).sum(0)
            for edit in places.get(State(port.stream), []):
                total = edit.on(total)
            carried[port.stream], found[port.stream] = total - plain, total
            ports[port.name] = total
        for edit in places.get(part.name, []):
            if isinstance(edit.what, Input):
                ports[edit.what.port] = edit.on(ports[edit.what.port])
        value = model.evaluate(part.name, ports, frame)
        for edit in places.get(part.name, []):
            value = edit.on(value) if isinstance(edit.what, Part) else value
        found[part.name] = value
    return found


def some_edits(model: CallableModel, frame: Batch, rng: np.random.Generator) -> list[Edit]:
    graph, layout = model.graph, Layout(model.graph)
    whats: list[What] = [State(stream) for stream in graph.streams]
    for part in graph.components:
        if part.name != graph.output:
            whats += [Part(part.name), *(Input(part.name, port) for port in part.port_names)]
    found = []
    for _ in range(int(rng.integers(1, 6))):
        what = whats[int(rng.integers(len(whats)))]
        lengths = frame.lengths[layout.space(what)]
        n = int(rng.integers(0, 3))
        spots = [rng.permutation(int(length))[:n] for length in lengths]
        at = torch.from_numpy(np.stack(spots)) if n else None
        longest = frame.fields[layout.space(what)].shape[1]
        value = torch.from_numpy(rng.normal(size=(len(lengths), n or longest, WIDTH)))
        factor = float(rng.normal())
        found.append(Edit(what, lambda own, v=value, f=factor: f * own + v, at))  # type: ignore[misc]
    return found


@pytest.mark.parametrize(
    ("make", "rows"), [(random_model, random_data), (two_space_model, two_space_data)]
)
@given(rng=random)
@settings(max_examples=20, deadline=None)
def test_edits_of_hand_made_graphs_agree_with_straight_recursion(make, rows, rng):
    """Edited once, and once more: the second edits come after the first."""
    model, dataset = make(rng), rows(rng, equal=False)
    frame = Inputs.of(dataset, model.graph).batch([0, 1, 2, 3], model.device)
    first, second = some_edits(model, frame, rng), some_edits(model, frame, rng)
    plain = World.plain(model, frame)
    for edits, world in [
        ([], plain),
        (first, edited(plain, first)),
        ([*first, *second], edited(edited(plain, first), second)),
    ]:
        expected = recursion(model, frame, edits)
        found: Mapping[str, Tensor] = {**world.streams, **world.shares, "out": world.output(None)}
        for name, value in found.items():
            torch.testing.assert_close(value, expected[name])


def test_a_state_is_that_of_every_later_stream_that_holds_as_much():
    """Two readers of the same sum, one after the other, and one of a larger sum."""
    x = source("x", lambda tokens: tokens[:, :, None])
    model = handmade(
        x,
        component("a", lambda s: 10 * s, s="x"),
        component("b", lambda s: 100 * s, s="x"),
        component("c", lambda s: 1000 * s, s=["x", "a"]),
        component("out", lambda s: s, s=["a", "b", "c"]),
        output="out",
    )
    plain = World.plain(model, Batch.of_tokens(torch.ones(1, 1)))
    for stream, expected in [("a.s", 20 + 200 + 22000), ("b.s", 10 + 200 + 12000)]:
        world = edited(plain, [Edit(State(stream), lambda own: own + 1)])
        assert world.output(None).item() == expected
    assert edited(plain, [Edit(Input("a", "s"), lambda s: s + 1)]).output(None).item() == 21120


@some_cases
def test_the_inputs_of_another_row_give_its_output_and_a_group_is_the_sum_of_its_members(case):
    """Every architecture: all that has no ports replaced, and each group on ports of its own."""
    model = model_of(case)
    dataset = data(model.graph, np.random.default_rng(0), equal=True)
    if case.label == "largest":
        dataset = _pooled_last(dataset)
    inputs = Inputs.of(dataset, model.graph)
    own, other = (
        World.plain(model, inputs.batch(rows, model.device)) for rows in ([0, 1, 2], [3, 4, 5])
    )
    sources = [c.name for c in model.graph.components if not c.ports]
    edits = [Edit(Part(name), lambda _, name=name: other.shares[name]) for name in sources]
    expected = other.output(None)
    assert error(own.output(None), expected) > 1e-2
    assert error(edited(own, edits).output(None), expected) < 3e-5  # T5's sums are large
    for group in groups_of(model.graph):
        if group[0].ports and group[0].name != model.graph.output:
            _check_group(own, group)


def _pooled_last(dataset: Dataset) -> Dataset:
    """The largest token last in every row: an edit changes no token, so no pooled position."""
    largest = max(int(row.max()) for row in dataset.fields[TOKENS])
    rows = (np.minimum(row, largest - 1) for row in dataset.fields[TOKENS])
    return replace(
        dataset, fields={TOKENS: tuple(np.concatenate([row[:-1], [largest]]) for row in rows)}
    )


def _check_group(world: World, group: Any) -> None:
    draw = torch.Generator().manual_seed(0)
    streams = {port.stream: world.streams[port.stream] for port in group[0].ports}
    noisy = {s: x + x.std() * torch.randn(x.shape, generator=draw) for s, x in streams.items()}
    ports = {port.name: noisy[port.stream] for port in group[0].ports}
    whole = world.model.whole(group[0].group or group[0].name, ports, world.frame)
    members = world.model.run([Call(Part(c.name), ports, world.frame) for c in group])
    assert error(whole.total, torch.stack(members).sum(0)) < 1e-5
    for part, member in zip(group, members, strict=True):
        assert error(whole.shares[part.name], member) < 1e-5
    if len(noisy) == 1 and len(group) > 1:
        _check_abreast(world, group, next(iter(noisy.values())))


def _check_abreast(world: World, group: Any, value: torch.Tensor) -> None:
    """Every port of every member on a slice of its own of one block, and on a copy of it."""
    count, draw = len(group) * len(group[0].ports), torch.Generator().manual_seed(1)
    wide = value.flatten(0, 1)[:, None].expand(-1, count, -1)
    block = wide + value.std() * torch.randn(wide.shape, generator=draw)
    slices = iter(slices_of(block, len(value)))
    ports: list[dict[str, torch.Tensor]] = [{} for _ in group]
    for port in group[0].ports:
        for own in ports:
            own[port.name] = next(slices)
    copies = [{name: x.clone() for name, x in own.items()} for own in ports]
    abreast, apart = (
        world.model.run(
            [Call(Part(c.name), own, world.frame) for c, own in zip(group, given, strict=True)]
        )
        for given in (ports, copies)
    )
    for one, other in zip(abreast, apart, strict=True):
        assert error(one, other) < 1e-5


# Norms in double precision; by channel scaled in the last three; BART reads another stack.
GRADED = ("gpt2", "bert", "bart", "beit", "data2vec-vision", "dinov2")


@pytest.mark.parametrize("kind", GRADED)
def test_gradients_through_a_component_agree_with_small_steps(kind):
    """Through `run`, `whole`, a stored activation's share and the output; in double precision."""
    case = next(case for case in CASES if case.model_type == kind)
    model = TransformersModel(build(case).double(), case.name)
    dataset = data(model.graph, np.random.default_rng(0), equal=True)
    frame = Inputs.of(dataset, model.graph).batch([0, 1], model.device)
    frame = Batch({n: _double(x) for n, x in frame.fields.items()}, frame.lengths)
    world = World.plain(model, frame)
    for group in groups_of(model.graph):
        if not group[0].ports:
            continue
        streams = {port.stream: world.streams[port.stream] for port in group[0].ports}

        def run(streams: Mapping[str, Tensor], group: Any = group) -> Tensor:
            ports = {port.name: streams[port.stream] for port in group[0].ports}
            return model.run([Call(Part(group[-1].name), ports, frame)])[0]

        def whole(streams: Mapping[str, Tensor], group: Any = group) -> Tensor:
            ports = {port.name: streams[port.stream] for port in group[0].ports}
            return model.whole(group[0].group or group[0].name, ports, frame).total

        _check_slope(run, streams)
        if group[0].name != model.graph.output:
            _check_slope(whole, streams)
            width = group[0].stored
            stored = torch.randn(2, 3, width, dtype=torch.float64)
            part = Part(group[0].name)
            _check_slope(lambda x, part=part: model.output(part, x["z"]), {"z": stored})


def test_gradients_can_be_taken_as_often_as_asked():
    """What a module is handed beside (BEiT makes its biases from weights) is no part of them."""
    model = TransformersModel(build(next(c for c in CASES if c.model_type == "beit")), "beit")
    dataset = data(model.graph, np.random.default_rng(0), equal=True)
    world = World.plain(model, Inputs.of(dataset, model.graph).batch([0], model.device))
    for _ in range(2):
        stream = world.streams["resid.0"].clone().requires_grad_(True)
        ports = dict.fromkeys(model.graph["a0.h0"].port_names, stream)
        (value,) = model.run([Call(Part("a0.h0"), ports, world.frame)])
        value.sum().backward()  # type: ignore[no-untyped-call]
        assert stream.grad is not None


def _double(value: Tensor) -> Tensor:
    return value.double() if value.is_floating_point() else value


def _check_slope(function: Any, inputs: Mapping[str, Tensor], step: float = 1e-5) -> None:
    """The gradient along a random direction, by autograd and by a central difference."""
    draw = torch.Generator().manual_seed(0)
    inputs = {name: value.double() for name, value in inputs.items()}
    ways = {n: torch.randn(x.shape, generator=draw).double() for n, x in inputs.items()}
    leaves = {name: value.clone().requires_grad_(True) for name, value in inputs.items()}
    with torch.enable_grad():
        value = function(leaves)
        weights = torch.randn(value.shape, generator=draw).double()
        slopes = torch.autograd.grad((weights * value).sum(), list(leaves.values()))
    found = sum(float((slope * ways[n]).sum()) for n, slope in zip(leaves, slopes, strict=True))
    up, down = (
        float((weights * function({n: x + s * ways[n] for n, x in inputs.items()})).sum())
        for s in (step, -step)
    )
    expected = (up - down) / (2 * step)
    assert abs(found - expected) < 1e-6 * max(1.0, abs(expected)) + 1e-4 * abs(expected)
    assert abs(expected) > 1e-6


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_flow_through_edits_as_through_hooked_passes(shape):
    """Of the output with respect to a head's share, one head's input, an MLP and a state."""
    case = Case(shape, np.random.default_rng(5))
    last = (case.lengths - 1)[:, None]
    rows = torch.arange(ROWS)[:, None]
    for name, what in case.places().items():
        if name not in ("a0.h1", "a1.h0<k>", "a0.h2<v>", "m0", "resid.1", "mid.0", "embed"):
            continue
        slopes: list[Tensor] = []
        for hooked in (False, True):
            value = torch.zeros(ROWS, LENGTH, 24, dtype=case.dtype, requires_grad=True)
            with torch.enable_grad():
                if hooked:
                    change = Change(name, lambda own, v=value: own + v)
                    output = case.by_hand([change])["logits"][rows, last]
                else:
                    world = edited(case.plain, [Edit(what, lambda own, v=value: own + v)])
                    output = world.output(last)
                slopes += torch.autograd.grad(output.square().sum(), value)
        real = torch.arange(LENGTH) < case.lengths[:, None]
        torch.testing.assert_close(slopes[0][real], slopes[1][real])
        assert float(slopes[1].abs().max()) > 1e-3
