"""Circuits in the model's place through the public functions, held to passes with hooks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from scrub import InputRefused, circuit_curve, faithfulness
from scrub.graph.circuits import Edge, all_edges, circuit_json, write_circuit
from scrub.mediation.faithfulness import CircuitCurve, Faithfulness
from tests.mediation.hookloops import SHAPES
from tests.mediation.partners import CORRUPT, QUICK, partners

every_shape = pytest.mark.parametrize("shape", SHAPES)


def faithful(shape: str, circuit: Any, **more: Any) -> Faithfulness:
    case = partners(shape)
    return faithfulness(
        case.model, case.task, circuit, corrupt=CORRUPT, **QUICK | {"subsets": 0} | more
    )


def curve(shape: str, ranking: Any, **more: Any) -> CircuitCurve:
    case = partners(shape)
    return circuit_curve(case.model, case.task, ranking, corrupt=CORRUPT, **QUICK | more)


def some_edges(shape: str, share: float = 0.4) -> Sequence[Edge]:
    rng = np.random.default_rng(1)
    return [edge for edge in all_edges(partners(shape).model.graph) if rng.random() < share]


@every_shape
def test_a_circuit_is_what_passes_with_hooks_give(shape: str) -> None:
    case, edges = partners(shape), some_edges(shape)
    found = faithful(shape, edges)
    theirs = case.scored(case.slow.circuit(edges))
    np.testing.assert_allclose(found.per_example["circuit"], theirs, atol=1e-6)
    np.testing.assert_allclose(found.per_example["model"], case.loss(), atol=1e-6)
    assert found.share == len(edges) / case.model.graph.n_edges


@every_shape
def test_all_edges_are_the_model_and_none_the_corrupted_run(shape: str) -> None:
    """A circuit of all edges has a faithfulness of 1, one of none 0."""
    graph = partners(shape).model.graph
    whole, empty = faithful(shape, list(all_edges(graph))), faithful(shape, [])
    np.testing.assert_allclose(whole.per_example["circuit"], whole.per_example["model"], atol=1e-10)
    np.testing.assert_allclose(empty.per_example["circuit"], empty.per_example["empty"], atol=1e-10)
    for found, value in ((whole, 1), (empty, 0)):
        share = found.faithfulness.bounds(0)
        assert share is None or share.value == pytest.approx(value, abs=1e-9)
    assert empty.minimality is None
    assert empty.members == ()


def test_some_metric_gives_a_share_to_hold_against_one_and_none() -> None:
    """On the shipped model, where the corruption does what it should."""
    given: dict[str, Any] = {"corrupt": "embed=resample", "references": 16, "subsets": 0}
    task = "repeated_tokens(n=64)"
    whole = faithfulness("induction-exact", task, "embed,a0,m0,a1,m1", **given)
    empty = faithfulness("induction-exact", task, [], **given)
    assert whole.share == 1
    assert whole.faithfulness.bounds(0).value == pytest.approx(1)  # type: ignore[union-attr]
    assert empty.faithfulness.bounds(0).value == pytest.approx(0, abs=1e-9)  # type: ignore[union-attr]


def test_all_forms_of_one_circuit_agree(tmp_path: Path) -> None:
    """A file of EAP-IG, a networkx graph, edges, their names, and one text of these."""
    case, edges = partners("llama"), some_edges("llama", 0.2)
    path = tmp_path / "circuit.json"
    write_circuit(path, edges, case.model.graph)
    graph: nx.DiGraph[Any] = nx.DiGraph()
    for edge in edges:
        ports = graph.get_edge_data(edge.feeder, edge.reader, {}).get("port", ())
        graph.add_edge(edge.feeder, edge.reader, port=(*ports, edge.port))
    forms = (path, str(path), graph, list(map(str, edges)), ", ".join(map(str, edges)), edges)
    found = [faithful("llama", form) for form in forms]
    for one in found:
        assert set(one.edges) == set(edges)
        np.testing.assert_array_equal(one.per_example["circuit"], found[0].per_example["circuit"])


def test_components_stand_for_the_edges_among_them_and_ports_may_be_named_together() -> None:
    graph = partners("gpt2").model.graph
    names = {"embed", "a0.h0", "m1", "logits"}
    among = {edge for edge in all_edges(graph) if {edge.feeder, edge.reader} <= names}
    assert set(faithful("gpt2", "embed,a0.h0,m1").edges) == among
    some = faithful("gpt2", "embed->a1.h0<q, k>, a1.h0->logits").edges
    assert list(map(str, some)) == ["embed->a1.h0<q>", "embed->a1.h0<k>", "a1.h0->logits"]


def test_minimality_and_completeness_are_circuits_without_components() -> None:
    case, edges = partners("gpt2"), some_edges("gpt2")
    found = faithful("gpt2", edges, subsets=3)
    assert found.minimality is not None

    def without(some: Sequence[Edge], *names: str) -> np.ndarray:
        left = [e for e in some if e.feeder not in names and e.reader not in names]
        return case.scored(case.slow.circuit(left))

    whole = without(edges).mean()
    for i, name in enumerate(found.members):
        worth = whole - without(edges, name).mean()
        assert found.minimality.signed.mean[i] == pytest.approx(worth, abs=1e-6)
    for i, taken in enumerate(found.subsets):
        theirs = without(list(all_edges(case.model.graph)), *taken).mean()
        gap = without(edges, *taken).mean() - theirs
        assert found.completeness.signed.mean[i] == pytest.approx(gap, abs=1e-6)


def test_sets_that_are_taken_out_differ_and_are_all_there_are_of_a_small_circuit() -> None:
    small = faithful("gpt2", "embed,m0", subsets=10).subsets
    assert small == ((), ("embed",), ("m0",), ("embed", "m0"))
    large = faithful("gpt2", "embed,a0,m0,a1", subsets=6).subsets
    assert len(set(large)) == len(large) == 7


@every_shape
def test_a_curve_is_the_faithfulness_of_the_first_edges(shape: str) -> None:
    graph = partners(shape).model.graph
    order = list(np.random.default_rng(2).permutation(np.array(all_edges(graph), dtype=object)))
    knots = (0.1, 0.5, 1.0)
    found = curve(shape, order, knots=knots)
    assert found.sizes == tuple(int(k * graph.n_edges) for k in knots)
    for i, size in enumerate(found.sizes):
        one = faithful(shape, order[:size])
        np.testing.assert_allclose(
            found.per_example["circuits"][i], one.per_example["circuit"], atol=1e-10
        )
    if found.areas.cpr is not None and found.areas.faithfulness.share is not None:
        theirs = np.trapezoid(found.areas.faithfulness.share, knots)
        assert found.areas.cpr.value == pytest.approx(theirs)


def test_a_ranking_is_read_from_scores_by_size(tmp_path: Path) -> None:
    graph = partners("gpt2").model.graph
    edges = all_edges(graph)
    scores = dict(zip(edges, np.random.default_rng(0).normal(size=len(edges)), strict=True))
    path = tmp_path / "ranking.json"
    path.write_text(circuit_json((), graph, scores))
    order = sorted(edges, key=lambda edge: -abs(scores[edge]))
    by_file, by_hand = curve("gpt2", path), curve("gpt2", order)
    np.testing.assert_array_equal(by_file.per_example["circuits"], by_hand.per_example["circuits"])


def test_what_is_found_is_kept_as_json_and_as_a_table(tmp_path: Path) -> None:
    found = faithful("gpt2", "embed,m0")
    document = json.loads(found.write_json(tmp_path / "found.json").read_text())
    assert document["schema"] == "scrub-faithfulness/1"
    assert document["edges"] == list(map(str, found.edges))
    assert [row["component"] for row in found.table()] == ["embed", "m0"]
    rows = curve("gpt2", list(all_edges(partners("gpt2").model.graph)), knots=(0.5, 1)).table()
    assert [row["knot"] for row in rows] == [0.5, 1]


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "all at once": (
        {"circuit": "embed->a0.h0<v>,a9.h0->logits,m0->a0.h0<q>", "corrupt": "m0=zero"},
        "edge 'a9.h0->logits': component 'a9.h0' does not exist. Did you mean a1.h0 or a0.h0 or "
        "a1.h3?\n"
        "edge 'm0->a0.h0<q>': m0 does not feed a0.h0.\n"
        "corruption 'm0=zero': is not of a source, and a circuit goes between two inputs. Corrupt "
        "embed.",
    ),
    "mixed": (
        {"circuit": ["embed->m0", "a1.h0"]},
        "circuit: holds edges and components alone, and must hold one kind. Name the edges of "
        "those components.",
    ),
    "state": (
        {"circuit": "embed", "corrupt": "resid.1=zero"},
        "corruption 'resid.1=zero': is not of a source, and a circuit goes between two inputs. "
        "Corrupt embed.",
    ),
    "subsets": (
        {"circuit": "embed", "subsets": -1},
        "option 'subsets': must be a whole number of at least 0, found -1.",
    ),
    "ranking": (
        {"ranking": ["embed->m0", "embed->m0"]},
        "ranking: must hold each of the {n} edges once, found 2, of which 1 differ.",
    ),
    "ranked": (
        {"ranking": ["embed->m7"]},
        "edge 'embed->m7': component 'm7' does not exist. Did you mean m1 or m0?",
    ),
    "knots": (
        {"ranking": "all", "knots": (0.5, 0.2)},
        "option 'knots': must be at least two shares that rise within (0, 1], found 0.5, 0.2.",
    ),
}


@pytest.mark.parametrize("which", REFUSALS)
def test_what_cannot_be_evaluated_is_refused(which: str) -> None:
    given, text = REFUSALS[which]
    case = partners("gpt2")
    graph = case.model.graph
    of = "circuit" if "circuit" in given else "ranking"
    written = list(all_edges(graph)) if given[of] == "all" else given[of]
    more = {k: v for k, v in given.items() if k != of}
    ask: Any = faithfulness if of == "circuit" else circuit_curve
    with pytest.raises(InputRefused) as refused:
        ask(case.model, case.task, written, **{"corrupt": CORRUPT, **QUICK, **more})
    assert str(refused.value) == text.format(n=graph.n_edges)
