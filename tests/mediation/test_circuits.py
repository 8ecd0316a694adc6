"""Circuits, paths, gradients and attribution, held to whole forward passes with hooks."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from scrub import InputRefused
from scrub.engine.edits import Input
from scrub.engine.worlds import World, picked
from scrub.graph import ALL, Indices, Part
from scrub.graph.circuits import Edge, all_edges
from scrub.mediation.attribution import EdgeIndex, Method, Rule, edge_estimates
from scrub.mediation.circuits import Keeping, Writers
from scrub.mediation.discovery import connected
from scrub.mediation.evaluator import Evaluator
from scrub.mediation.gradients import Grain, slopes
from scrub.mediation.nodes import component_estimates, neuron_estimates, port_estimates
from scrub.mediation.pairs import Pair
from scrub.mediation.paths import Hop, Path, follow, read_path
from scrub.mediation.places import Place
from scrub.models.adapter import TransformersModel
from scrub.models.base import Batch
from tests.mediation.hookloops import SHAPES, Change, Loop
from tests.mediation.slow import Slow
from tests.models.tiny import VOCABULARY, error

ROWS, LENGTH = 2, 6
every_shape = pytest.mark.parametrize("shape", SHAPES)
STEPS = 64
AT = torch.full((ROWS, 1), LENGTH - 1)


def score(output: torch.Tensor) -> torch.Tensor:
    """The log-probability of token 3 at the positions read, [row]."""
    return output.double().log_softmax(-1)[:, :, 3].mean(-1)


class Case:
    def __init__(self, shape: str, seed: int = 0) -> None:
        self.loop = Loop.of(shape, dtype=torch.float64)
        self.model = TransformersModel(self.loop.module, shape)
        self.graph = self.model.graph
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.randint(VOCABULARY, (2, ROWS, LENGTH), generator=generator)
        self.tokens, self.others = drawn[0], drawn[1]
        self.wild, self.corrupted = (
            World.plain(self.model, Batch.of_tokens(tokens)) for tokens in drawn
        )
        self.writers = Writers(self.graph)
        self.slow = Slow(self.loop, self.graph, self.tokens, self.others)

    @property
    def pair(self) -> Pair:
        return Pair(self.wild, self.corrupted, self.writers, score, AT)

    def evaluated(self, kept: list[Edge], start: int = 0) -> torch.Tensor:
        evaluator = Evaluator(self.wild, self.corrupted, self.writers)
        return evaluator.output(Keeping.of(kept, self.writers), None, start)


@cache
def case_of(shape: str) -> Case:
    return Case(shape)


@every_shape
@pytest.mark.parametrize("share", [0.1, 0.6])
def test_any_set_of_edges_is_what_passes_with_hooks_give(shape: str, share: float) -> None:
    case, rng = case_of(shape), np.random.default_rng(int(share * 100))
    kept = [edge for edge in all_edges(case.graph) if rng.random() < share]
    assert error(case.evaluated(kept), case.slow.circuit(kept)) < 1e-6


@every_shape
@pytest.mark.parametrize("share", [0.1, 0.6])
def test_a_circuit_read_at_some_positions_is_the_circuit_there(shape: str, share: float) -> None:
    case, rng = case_of(shape), np.random.default_rng(7)
    kept = [edge for edge in all_edges(case.graph) if rng.random() < share]
    at = torch.tensor([[LENGTH - 1, 1], [0, 2]])
    for start in (0, len(case.writers.groups) - 1):
        evaluator = Evaluator(case.wild, case.corrupted, case.writers)
        given = Keeping.of(all_edges(case.graph) if start else kept, case.writers)
        expected = picked(evaluator.output(given, None, start), at)
        torch.testing.assert_close(evaluator.output(given, at, start), expected)


@every_shape
def test_all_edges_give_the_wild_output_and_none_the_corrupted(shape: str) -> None:
    case = case_of(shape)
    assert error(case.evaluated(list(all_edges(case.graph))), case.wild.output(None)) < 1e-10
    assert error(case.evaluated([]), case.corrupted.output(None)) < 1e-10


@every_shape
def test_groups_known_to_be_whole_need_not_be_evaluated(shape: str) -> None:
    case, rng = case_of(shape), np.random.default_rng(3)
    start = len(case.writers.groups) // 2
    early = {c.name for group in case.writers.groups[:start] for c in group}
    kept = [e for e in all_edges(case.graph) if e.reader in early or rng.random() < 0.5]
    assert error(case.evaluated(kept, start), case.evaluated(kept)) < 1e-10


@every_shape
def test_what_lies_on_no_path_changes_nothing(shape: str) -> None:
    case, rng = case_of(shape), np.random.default_rng(5)
    kept = [edge for edge in all_edges(case.graph) if rng.random() < 0.15]
    left = list(connected(kept, case.graph))
    assert len(left) < len(kept)
    assert error(case.evaluated(left), case.evaluated(kept)) < 1e-10


def test_an_edge_that_the_graph_lacks_is_refused() -> None:
    with pytest.raises(InputRefused) as refused:
        Keeping.of(
            [Edge("a1.h0", "a0.h0", "q"), Edge("m9", "logits", "in")], case_of("gpt2").writers
        )
    assert str(refused.value) == (
        "edge 'a1.h0->a0.h0<q>': a1.h0 does not feed a0.h0.\n"
        "edge 'm9->logits': component 'm9' does not exist. Did you mean m1 or m0?"
    )


@every_shape
def test_gradients_are_those_of_the_whole_model(shape: str) -> None:
    """At a port by adding zeros that ask for a gradient, in a pass with hooks."""
    case = case_of(shape)
    found = {}
    for slope in slopes(case.wild, score, AT, Grain.PORTS):
        found |= dict(slope.ports)
    rng = np.random.default_rng(0)
    some = rng.choice(len(case.slow.ports), 8, replace=False)
    for component, port in [case.slow.ports[i] for i in some]:
        place = case.slow.place(component, port)
        zeros = torch.zeros_like(found[Input(component, port)]).requires_grad_(True)
        with torch.enable_grad():
            output = case.loop.logits(case.tokens, [Change(place, lambda own, z=zeros: own + z)])
            (theirs,) = torch.autograd.grad(score(output[:, -1:]).sum(), zeros)
        assert error(found[Input(component, port)], theirs) < 1e-6


@every_shape
def test_gradients_at_outputs_do_not_depend_on_how_finely_they_are_asked_for(shape: str) -> None:
    case = case_of(shape)
    fine, coarse = (
        {n: g for s in slopes(case.wild, score, AT, grain) for n, g in s.outputs.items()}
        for grain in (Grain.PORTS, Grain.COMPONENTS)
    )
    assert fine.keys() == coarse.keys() == case.writers.number.keys()
    for name, slope in fine.items():
        assert error(slope, coarse[name]) < 1e-6, name


@every_shape
def test_an_edge_estimate_is_difference_times_gradient(shape: str) -> None:
    case = case_of(shape)
    index = EdgeIndex(case.writers)
    found = edge_estimates(case.pair, index, Method.EAP)
    ports = {}
    for slope in slopes(case.wild, score, AT, Grain.PORTS):
        ports |= dict(slope.ports)
    for number, edge in enumerate(index.edges):
        difference = case.slow.other[edge.feeder] - case.slow.wild[edge.feeder]
        theirs = (difference * ports[Input(edge.reader, edge.port)]).sum((1, 2))
        assert np.allclose(found[:, number], theirs.numpy(), rtol=1e-5, atol=1e-6), str(edge)


@every_shape
def test_integrated_over_inputs_the_edges_that_leave_the_embedding_sum_to_the_total(
    shape: str,
) -> None:
    """To a percent with many steps; over all edges they sum to something else."""
    case = case_of(shape)
    index = EdgeIndex(case.writers)
    tokens = torch.cat([case.tokens[:, :-1], case.others[:, -1:]], dim=1)
    other = World.plain(case.model, Batch.of_tokens(tokens))
    pair = Pair(case.wild, other, case.writers, score, AT)
    found = edge_estimates(pair, index, Method.EAP_IG_INPUTS, steps=STEPS)
    leaving = np.array([edge.feeder == "embed" for edge in index.edges])
    total = (score(other.output(AT)) - score(case.wild.output(AT))).numpy()
    assert np.allclose(found[:, leaving].sum(1), total, rtol=0.01)
    assert not np.allclose(found.sum(1), total, rtol=0.1)


@every_shape
def test_the_methods_agree_with_their_definitions(shape: str) -> None:
    """Both ends, by hand; blends of one group at a time, whose own inputs then count nothing."""
    case = case_of(shape)
    index = EdgeIndex(case.writers)
    ends = edge_estimates(case.pair, index, Method.CLEAN_CORRUPTED)
    at_wild = edge_estimates(case.pair, index, Method.EAP)
    turned = Pair(case.corrupted, case.wild, case.writers, score, AT)
    at_corrupted = -edge_estimates(turned, index, Method.EAP)
    assert np.allclose(ends, (at_wild + at_corrupted) / 2, rtol=1e-5, atol=1e-6)
    right = edge_estimates(case.pair, index, Method.EAP_IG_INPUTS, 1, Rule.RIGHT)
    assert np.allclose(right, at_wild, rtol=1e-5, atol=1e-6)
    blended = edge_estimates(case.pair, index, Method.EAP_IG_ACTIVATIONS, 1, Rule.RIGHT)
    last = np.array([edge.reader == case.graph.output for edge in index.edges])
    assert np.allclose(blended[:, last], at_wild[:, last], rtol=1e-5, atol=1e-6)


@every_shape
def test_blends_of_one_group_are_put_there_and_nothing_flows_back_through_them(shape: str) -> None:
    """By hand: with t = 1 each world is the wild one, with one group's outputs held."""
    case, edge = case_of(shape), Edge("embed", "a0.h0", "v")
    index = EdgeIndex(case.writers)
    found = edge_estimates(case.pair, index, Method.EAP_IG_ACTIVATIONS, 1, Rule.RIGHT)
    difference = case.slow.other["embed"] - case.slow.wild["embed"]
    total = torch.zeros(ROWS)
    groups = case.writers.groups[:-1]
    for group in groups:
        zeros = torch.zeros_like(difference).requires_grad_(True)
        held = [Change(c.name, lambda own: own.detach()) for c in group]
        with torch.enable_grad():
            change = Change("a0.h0<v>", lambda own, z=zeros: own + z)
            output = case.loop.logits(case.tokens, [change, *held])
            value = score(output[:, -1:]).sum()
            if value.requires_grad:
                (slope,) = torch.autograd.grad(value, zeros)
                total = total + (slope * difference).sum((1, 2))
    theirs = (total / len(groups)).numpy()
    assert np.allclose(found[:, index.edges.index(edge)], theirs, rtol=1e-4, atol=1e-6)


@every_shape
def test_components_ports_and_neurons_are_attributed_consistently(shape: str) -> None:
    case = case_of(shape)
    index = EdgeIndex(case.writers)
    edges = edge_estimates(case.pair, index, Method.EAP)
    components, ports = component_estimates(case.pair), port_estimates(case.pair)
    for name, found in components.items():
        own = np.array([edge.feeder == name for edge in index.edges])
        assert np.allclose(edges[:, own].sum(1), found.sum(1).numpy(), rtol=1e-4, atol=1e-6), name
    for port, found in ports.items():
        into = np.array([(e.reader, e.port) == (port.component, port.port) for e in index.edges])
        assert np.allclose(edges[:, into].sum(1), found.sum(1).numpy(), rtol=1e-4, atol=1e-6), port
    neurons = neuron_estimates(case.pair, "m0")
    assert error(neurons.sum(-1), components["m0"]) < 1e-6


def test_a_component_without_neurons_has_no_neurons_to_attribute() -> None:
    with pytest.raises(InputRefused) as refused:
        neuron_estimates(case_of("gpt2").pair, "a0.h0")
    assert str(refused.value) == (
        "component 'a0.h0': has no neurons that can be named apart. Known: m0, m1."
    )


def patched(case: Case, *written: str) -> torch.Tensor:
    paths = [path for line in written for path in read_path(line, case.graph)]
    sources = {path.source: case.corrupted for path in paths}

    def at(positions: object) -> torch.Tensor | None:
        if positions == ALL:
            return None
        assert isinstance(positions, Indices)
        return torch.tensor([positions.indices] * ROWS)

    return follow(case.wild, sources, paths, at).output(None)


@every_shape
def test_one_edge_is_patched_as_by_hooks(shape: str) -> None:
    """The receiver reads its inputs with the sender's difference, and all after it follows."""
    case = case_of(shape)
    reader, port = ("a1.h1", "k") if shape != "bert" else ("an0", "in")
    feeder = "a0.h1"
    delta = case.slow.other[feeder] - case.slow.wild[feeder]
    place = case.slow.place(reader, port)
    theirs = case.loop.logits(case.tokens, [Change(place, lambda own: own + delta)])
    assert error(patched(case, f"{feeder} -> {reader}<{port}>"), theirs) < 1e-6


@every_shape
def test_a_path_of_several_hops_is_followed_and_nothing_else(shape: str) -> None:
    case = case_of(shape)
    line = ("a0.h1 -> m0 -> logits", "a0.h1 -> an0 -> m0 -> mn0 -> a1.h0<v> -> an1")[
        shape == "bert"
    ]
    *hops, last = line.split(" -> ")[1:]
    live, feeder = case.slow.wild["a0.h1"], "a0.h1"
    delta = case.slow.other["a0.h1"] - live
    for hop in hops:
        name, _, port = hop.rstrip(">").partition("<")
        port = port or "in"
        ports = {p.name: case.slow.read(case.tokens, name, p.name) for p in case.graph[name].ports}
        ports[port] = ports[port] + delta
        delta, feeder = case.slow.ran(name, ports) - case.slow.wild[name], name
    assert case.graph.feeds(feeder, last, "in")
    place = case.slow.place(last, "in")
    theirs = case.loop.logits(case.tokens, [Change(place, lambda own: own + delta)])
    assert error(patched(case, line), theirs) < 1e-6


def test_paths_that_meet_are_followed_as_paths_and_not_as_the_edges_that_they_share() -> None:
    """Through m0 come a0.h0's difference to a1.h0 and a0.h1's to the output, and no cross terms."""
    case = case_of("gpt2")
    one, two = "a0.h0 -> m0 -> a1.h0<q>", "a0.h1 -> m0 -> logits"
    wild = case.wild.output(None)
    both, first, second = (
        patched(case, one, two), patched(case, one), patched(case, two)
    )  # fmt: skip
    assert error(both, first + second - wild) > 1e-4  # the final norm sees both
    deltas = {}
    for head in ("a0.h0", "a0.h1"):
        change = case.slow.other[head] - case.slow.wild[head]
        read = case.slow.read(case.tokens, "m0", "in")
        deltas[head] = case.slow.ran("m0", {"in": read + change}) - case.slow.wild["m0"]
    theirs = case.loop.logits(
        case.tokens,
        [
            Change("a1.h0<q>", lambda own: own + deltas["a0.h0"]),
            Change("final", lambda own: own + deltas["a0.h1"]),
        ],
    )
    assert error(both, theirs) < 1e-6


def test_paths_that_enter_a_component_by_several_ports_are_evaluated_together() -> None:
    case = case_of("gpt2")
    delta = case.slow.other["a0.h0"] - case.slow.wild["a0.h0"]
    ports = {p: case.slow.read(case.tokens, "a1.h0", p) for p in "qkv"}
    ports |= {"q": ports["q"] + delta, "v": ports["v"] + delta}
    change = case.slow.ran("a1.h0", ports) - case.slow.wild["a1.h0"]
    theirs = case.loop.logits(case.tokens, [Change("final", lambda own: own + change)])
    apart = patched(case, "a0.h0 -> a1.h0<q> -> logits", "a0.h0 -> a1.h0<v> -> logits")
    assert error(apart, theirs) < 1e-6
    assert error(patched(case, "a0.h0 -> a1.h0<q,v> -> logits"), theirs) < 1e-6


def test_positions_on_a_path_narrow_what_is_carried() -> None:
    case = case_of("llama")
    delta = case.slow.other["a0.h2"] - case.slow.wild["a0.h2"]
    some = torch.tensor([[2]] * ROWS)

    def at_two(own: torch.Tensor) -> torch.Tensor:
        return own + delta[:, 2:3]

    theirs = case.loop.logits(case.tokens, [Change("a1.h3<k>", at_two, some)])
    assert error(patched(case, "a0.h2 -> a1.h3<k>@2"), theirs) < 1e-6
    assert error(patched(case, "a0.h2@2 -> a1.h3<k>"), theirs) < 1e-6
    assert error(patched(case, "a0.h2@1 -> a1.h3<k>@2"), case.wild.output(None)) < 1e-6


PATHS = {
    "a0.h0": "path 'a0.h0': leads nowhere. Write a0.h1 -> a5.h1<q> -> logits.",
    "a1.h0 -> a0.h0<q>": (
        "path 'a1.h0 -> a0.h0<q>': a1.h0 does not feed port q of a0.h0. Known: embed."
    ),
    "a0.h0 -> a1.h0<x>": "path 'a0.h0 -> a1.h0<x>': a1.h0 has no port 'x'. Its ports: q, k, v.",
    "a0.h0 -> m7": "path 'a0.h0 -> m7': 'm7' is no component. Did you mean m1 or m0?",
    "a0.h0 -> a1 h0": (
        "path 'a0.h0 -> a1 h0': 'a1 h0' is no component with ports. Write a5.h1<q>@end, m3 or "
        "logits."
    ),
    "resid.1 -> logits": (
        "path 'resid.1 -> logits': starts at resid.1, and must start at a component or a part of "
        "one. A path follows what a component adds."
    ),
}


@pytest.mark.parametrize("written", PATHS)
def test_a_path_that_the_graph_lacks_is_refused(written: str) -> None:
    with pytest.raises(InputRefused) as refused:
        read_path(written, case_of("gpt2").graph)
    assert str(refused.value) == PATHS[written]


def test_a_path_reads_as_it_is_written() -> None:
    (path,) = read_path("a0.h1@3 -> a1.h0<q, k>@4,5 -> logits", case_of("gpt2").graph)
    assert path == Path(
        Place(Part("a0.h1"), Indices((3,))),
        (Hop("a1.h0", ("q", "k"), Indices((4, 5))), Hop("logits", ("in",))),
    )
    assert str(path) == "a0.h1@3 -> a1.h0<q,k>@4,5 -> logits"


def test_several_sources_are_several_paths() -> None:
    assert len(read_path("a0.h0-2 -> m0 -> logits", case_of("gpt2").graph)) == 3
