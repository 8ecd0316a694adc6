"""Random circuits: every edge on a path, as many as asked for, the same for a seed."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from scrub.graph import Component, ModelGraph, Port
from scrub.graph.circuits import Edge, all_edges
from scrub.mediation.walks import Circuit, Walks
from tests.mediation.hookloops import SHAPES
from tests.mediation.partners import partners

every_shape = pytest.mark.parametrize("shape", SHAPES)


def on_a_path(circuit: Circuit, graph: ModelGraph) -> bool:
    """Whether every edge is on a path from a source to the output, by networkx."""
    drawn: nx.MultiDiGraph[str] = nx.MultiDiGraph([(e.feeder, e.reader) for e in circuit])
    sources = [c.name for c in graph.components if not c.ports and c.name in drawn]
    fed = set(sources).union(*(nx.descendants(drawn, name) for name in sources))
    leads = nx.ancestors(drawn, graph.output) | {graph.output}
    return all(e.feeder in fed and e.reader in leads for e in circuit)


@every_shape
def test_every_edge_of_a_random_circuit_is_on_a_path(shape: str) -> None:
    graph = partners(shape).model.graph
    walks, rng = Walks(graph), np.random.default_rng(0)
    assert walks.edges == set(all_edges(graph))
    for size in (1, 5, 20, len(walks.edges)):
        circuit = walks.circuit(size, rng)
        assert len(circuit) >= size
        assert on_a_path(circuit, graph)


@every_shape
def test_an_inflated_circuit_holds_the_circuit_and_a_path_more(shape: str) -> None:
    graph = partners(shape).model.graph
    walks, rng = Walks(graph), np.random.default_rng(1)
    circuit = walks.circuit(6, rng)
    for _ in range(5):
        larger = walks.inflated(circuit, rng)
        assert circuit < larger
        assert on_a_path(larger, graph)


def test_the_last_edge_is_found_however_seldom_a_walk_takes_it() -> None:
    graph = partners("gpt2").model.graph
    walks, rng = Walks(graph), np.random.default_rng(2)
    for edge in sorted(walks.edges)[::7]:
        assert walks.inflated(walks.edges - {edge}, rng) == walks.edges
    with pytest.raises(ValueError, match="holds every edge that a walk can take"):
        walks.inflated(walks.edges, rng)


def test_what_is_pruned_was_on_no_path() -> None:
    graph = partners("gpt2").model.graph
    walks, rng = Walks(graph), np.random.default_rng(3)
    circuit = walks.circuit(8, rng)
    assert walks.pruned(circuit) == circuit
    dead = {e for e in all_edges(graph) if e.reader == "m1"} - circuit
    assert walks.pruned(circuit | dead) <= circuit | dead
    assert on_a_path(walks.pruned(circuit | dead), graph)
    assert walks.pruned({Edge("embed", "a0.h0", "q")}) == frozenset()


def test_walks_in_a_complement_take_nothing_of_the_circuit() -> None:
    graph = partners("gpt2").model.graph
    rng = np.random.default_rng(4)
    circuit = Walks(graph).circuit(8, rng)
    rest = Walks(graph, circuit)
    assert not rest.circuit(20, rng) & circuit


def test_components_that_lead_nowhere_are_not_walked_to() -> None:
    """x feeds y, the output, and z, which nobody reads; w is fed by nothing that x reaches."""
    port = Port("in", "s", ("x",))
    graph = ModelGraph(
        "toy",
        (Component("x"), Component("z", (port,)), Component("y", (port,))),
        output="y",
    )
    walks = Walks(graph)
    assert set(map(str, walks.edges)) == {"x->y"}
    assert walks.walk(np.random.default_rng(0)) == [Edge("x", "y", "in")]


def test_a_step_takes_each_port_of_each_reader_alike() -> None:
    """From the one source the first steps are uniform over the edges that leave it."""
    graph = partners("gpt2").model.graph
    walks, rng = Walks(graph), np.random.default_rng(5)
    first = [walks.walk(rng)[0] for _ in range(2000)]
    ends = walks.out["embed"]
    counts = np.array([first.count(edge) for edge in ends])
    expected = 2000 / len(ends)
    assert ((counts - expected) ** 2 / expected).sum() < 3 * len(ends)
