"""Attribution: estimates against what they integrate, exact effects against passes with hooks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scrub import InputRefused, attribute, attribute_places
from scrub.errors import Problem
from scrub.graph.circuits import read_circuit, read_scores
from scrub.mediation.attributed import EdgeAttribution, PlaceAttribution
from scrub.mediation.attribution import Method
from tests.mediation.hookloops import SHAPES, Change
from tests.mediation.partners import CORRUPT, QUICK, partners
from tests.mediation.sites import END

every_shape = pytest.mark.parametrize("shape", SHAPES)


def edges_of(shape: str, **more: Any) -> EdgeAttribution:
    case = partners(shape)
    return attribute(case.model, case.task, corrupt=CORRUPT, **QUICK | {"exact": 0} | more)


def places_of(shape: str, **more: Any) -> PlaceAttribution:
    case = partners(shape)
    return attribute_places(case.model, case.task, corrupt=CORRUPT, **QUICK | {"exact": 0} | more)


@every_shape
def test_the_exact_effect_of_an_edge_is_what_a_pass_with_hooks_gives(shape: str) -> None:
    case, found = partners(shape), edges_of(shape, exact=12)
    for row, number in enumerate(found.measured):
        edge = found.edges[number]
        delta = case.slow.other[edge.feeder] - case.slow.wild[edge.feeder]
        place = case.slow.place(edge.reader, edge.port)

        def added(own: Any, delta: Any = delta) -> Any:
            return own + delta

        theirs = case.patched(case.slow, [Change(place, added)])
        effect = found.per_example["exact"][row]
        np.testing.assert_allclose(effect, theirs - case.loss(), atol=1e-6, err_msg=str(edge))


@every_shape
def test_the_exact_effect_of_a_place_is_what_a_pass_with_hooks_gives(shape: str) -> None:
    """Components and ports at one position and at all, each put as in the partner's pass."""
    case = partners(shape)
    for of in ("components", "ports"):
        found = places_of(shape, of=of, positions="end,together", exact=6)
        for row, number in enumerate(found.measured):
            spot = found.spots[number]
            component, _, port = spot.place.rstrip(">").partition("<")
            other = case.slow.other[component] if of == "components" else None
            if other is None:
                other = case.slow.read(case.others, component, port)
            at = None if spot.position == "together" else END + 0 * case.tokens[:, :1]
            value = other if at is None else other[:, END : END + 1]
            theirs = case.patched(case.slow, [Change(spot.place, value, at)])
            effect = found.per_example["exact"][row]
            np.testing.assert_allclose(effect, theirs - case.loss(), atol=1e-6, err_msg=str(spot))


@every_shape
def test_the_exact_effect_of_a_neuron_is_what_a_pass_with_hooks_gives(shape: str) -> None:
    case, found = partners(shape), places_of(shape, of="neurons:m1", exact=3)
    other = case.loop.run(case.others)["m1:act"]
    for row, number in enumerate(found.measured):
        neuron = int(found.spots[number].place.removeprefix("m1.n"))

        def swapped(own: Any, neuron: int = neuron) -> Any:
            own = own.clone()
            own[..., neuron] = other[..., neuron]
            return own

        theirs = case.patched(case.slow, [Change("m1:act", swapped)])
        np.testing.assert_allclose(found.per_example["exact"][row], theirs - case.loss(), atol=1e-6)


@every_shape
def test_the_edges_that_leave_the_embedding_sum_to_the_total_and_all_edges_do_not(
    shape: str,
) -> None:
    found = edges_of(shape, method="eap-ig-inputs", steps=64)
    leaving = sum(v for edge, v in found.scores.items() if edge.feeder == "embed")
    assert leaving == pytest.approx(found.total.value, rel=0.01)
    assert sum(found.scores.values()) != pytest.approx(found.total.value, rel=0.1)


@every_shape
def test_blended_activations_of_a_layer_sum_to_the_effect_of_corrupting_all_of_it(
    shape: str,
) -> None:
    case = partners(shape)
    found = places_of(shape, method="eap-ig-activations", steps=16)
    scores = dict(zip(found.names, found.estimates.mean.tolist(), strict=True))
    heads = [name for name in found.names if name.startswith("a1.h")]
    for layer in (heads, ["m0"]):
        changes = [Change(name, case.slow.other[name]) for name in layer]
        exact = (case.patched(case.slow, changes) - case.loss()).mean()
        assert sum(scores[name] for name in layer) == pytest.approx(exact, rel=0.01, abs=1e-5)
    neurons = places_of(shape, of="neurons:m0", method="eap-ig-activations", steps=16)
    assert neurons.estimates.mean.sum() == pytest.approx(scores["m0"], abs=1e-6)


@pytest.mark.parametrize("method", [Method.EAP, Method.EAP_IG_INPUTS, Method.CLEAN_CORRUPTED])
def test_edges_sum_to_their_feeders_and_to_their_ports(method: Method) -> None:
    edges = edges_of("llama", method=method).scores
    components, ports = (places_of("llama", of=of, method=method) for of in ("components", "ports"))
    by_name = dict(zip(components.names, components.estimates.mean, strict=True))
    by_port = dict(zip(ports.names, ports.estimates.mean, strict=True))
    for name, value in by_name.items():
        own = sum(v for edge, v in edges.items() if edge.feeder == name)
        assert own == pytest.approx(value, rel=1e-4, abs=1e-6)
    for name, value in by_port.items():
        own = sum(v for e, v in edges.items() if f"{e.reader}<{e.port}>" == name)
        assert own == pytest.approx(value, rel=1e-4, abs=1e-6)


def test_positions_sum_to_all_positions_together() -> None:
    apart, together = (places_of("gpt2", positions=at) for at in ("all", "together"))
    length = len(apart.spots) // len(together.spots)
    summed = apart.estimates.mean.reshape(-1, length).sum(1)
    np.testing.assert_allclose(summed, together.estimates.mean, atol=1e-8)


def test_on_the_hand_built_model_the_largest_edges_are_the_true_ones() -> None:
    found = attribute(
        "induction-exact", "repeated_tokens(n=128)", corrupt="embed=resample", steps=20,
        references=64, exact=8,
    )  # fmt: skip
    true = {"embed->a0.h0<v>", "embed->a1.h0<q>", "embed->a1.h0<v>", "a0.h0->a1.h0<k>",
            "a1.h0->logits"}  # fmt: skip
    assert set(map(str, found.top(5))) == true
    assert found.exact is not None
    large = {str(found.edges[i]) for i, e in zip(found.measured, found.exact.mean, strict=True)
             if abs(e) > 1e-3}  # fmt: skip
    assert large == true


def test_the_ranking_is_written_as_eap_ig_and_mib_read_it(tmp_path: Path) -> None:
    case, found = partners("gpt2"), edges_of("gpt2")
    path = found.write_circuit(tmp_path / "ranking.json", 7)
    assert read_circuit(path, case.model.graph) == tuple(sorted(found.top(7)))
    assert read_scores(path, case.model.graph) == found.scores
    document = json.loads(path.read_text())
    sizes = {"n_layers": 2, "n_heads": case.loop.heads, "d_model": case.loop.width,
             "parallel_attn_mlp": False}  # fmt: skip
    assert document["cfg"] == {"name": "gpt2", **sizes}
    assert "input->a0.h0<q>" in document["edges"]


def test_tables_hold_every_figure_and_an_empty_cell_where_none_was_measured(tmp_path: Path) -> None:
    found = edges_of("gpt2", exact=2)
    rows = found.table()
    assert [row["edge"] for row in rows[:2]] == [str(edge) for edge in found.top(2)]
    assert rows[0]["exact"] is not None
    assert rows[2]["exact"] is None
    document = json.loads(found.write_json(tmp_path / "found.json").read_text())
    assert document["schema"] == "scrub-edge-attribution/1"
    assert document["edges"][0] == str(found.edges[0])
    assert document["unchanged"] == found.unchanged == 0.0


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "method": (
        {"method": "eap-ig"},
        "option 'method': 'eap-ig' is no value of it. Did you mean eap or eap-ig-inputs or "
        "eap-ig-activations?",
    ),
    "source": (
        {"corrupt": "a0.h1=zero"},
        "corruption 'a0.h1=zero': is not of a source, and method 'eap-ig-inputs' goes between two "
        "inputs. Corrupt embed, or take eap or eap-ig-activations.",
    ),
    "accuracy": (
        {"metric": "accuracy"},
        "metric 'accuracy': is a step, which has no gradient. Name another, e.g. loss or "
        "logit_difference.",
    ),
    "kl": (
        {"metric": "kl", "method": "eap"},
        "metric 'kl': is at its least in the wild run, where every gradient is 0. Take the "
        "gradients elsewhere, e.g. by method eap-ig-inputs.",
    ),
    "steps": (
        {"steps": 0},
        "option 'steps': must be a whole number of at least 1, found 0.",
    ),
    "of": (
        {"of": "component"},
        "option 'of': 'component' is no value of it. Did you mean components?",
    ),
    "neurons": (
        {"of": "neurons:a0.h0"},
        "component 'a0.h0': has no neurons that can be named apart. Known: m0, m1.",
    ),
    "ports": (
        {"of": "ports", "method": "eap-ig-activations"},
        "method 'eap-ig-activations': blends what components give, and says nothing of their "
        "ports. Use eap, eap-ig-inputs or clean-corrupted, or attribute components.",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_attributed_is_refused(case: str) -> None:
    given, text = REFUSALS[case]
    model, task = partners("gpt2").model, partners("gpt2").task
    ask: Any = attribute_places if "of" in given else attribute
    with pytest.raises(InputRefused) as refused:
        ask(model, task, **{"corrupt": CORRUPT, **QUICK, **given})
    assert str(refused.value) == text


def test_a_ranking_names_what_it_leaves_out(tmp_path: Path) -> None:
    graph = partners("gpt2").model.graph
    path = tmp_path / "ranking.json"
    path.write_text('{"edges": {"input->m0": {"score": 1}, "m0->m1": {"in_graph": true}}}')
    with pytest.raises(InputRefused) as refused:
        read_scores(path, graph)
    assert refused.value.problems == (
        Problem("edge 'm0->m1'", "has no score that is a number.",
                'An entry is {"score": 0.5, "in_graph": true}.'),
    )  # fmt: skip
    path.write_text('{"edges": {"input->m0": {"score": 1}}}')
    with pytest.raises(InputRefused) as refused:
        read_scores(path, graph)
    n = graph.n_edges
    assert str(refused.value) == (
        f"{path}: leaves out {n - 1} of the {n} edges: embed->a0.h0<q>, embed->a0.h0<k>, "
        "embed->a0.h0<v>, …. A ranking has a score for every edge."
    )
