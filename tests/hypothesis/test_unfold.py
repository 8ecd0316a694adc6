"""The tree of occurrences: counted as by listing paths, and the same under other names."""

from __future__ import annotations

import time
from typing import Any

import networkx as nx
import numpy as np
import pytest

from scrub import ANY, EXACT, Dataset, Hypothesis, Task
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.counting import count_occurrences
from scrub.hypothesis.pathsets import path_sets
from scrub.hypothesis.resolve import resolve
from scrub.hypothesis.unfold import DrawKind, Tree, unfold
from scrub.models.config import graph_from_config
from scrub.sampling.donors import Donors, draw_donors
from tests.hypothesis.dags import claim_of, paths_to, random_graph

SEEDS = range(25)
CONVENTIONS: list[dict[str, Any]] = [
    {},
    {"nodes": "joint"},
    {"unimportant": "separately"},
    {"unimportant": "one"},
    {"unimportant": "kept"},
]


def listed_occurrences(claim: Claim) -> set[tuple[str, ...]]:
    """What the tree must hold, by walking every path: a visit of a node is told apart by its path,
    or, if nothing is drawn below it (or everything is joint), by the reference it is handed."""
    found: set[tuple[str, ...]] = set()
    joint = claim.options.nodes.value == "joint"
    frames = claim.options.unimportant.value in ("together", "separately")  # type: ignore[union-attr]

    def draws_below(name: str) -> bool:
        parents = [edge.parent for edge in claim.parents[name]]
        mine = frames and claim.calls_some_unimportant[name]
        return mine or any(claim.nodes[p].feature is not EXACT or draws_below(p) for p in parents)

    def visit(name: str, path: tuple[str, ...], reference: tuple[str, ...]) -> None:
        shared = joint or not draws_below(name)
        found.add((name, *(reference if shared else path)))
        for edge in claim.parents[name]:
            deeper = (*path, edge.parent)
            exact = claim.nodes[edge.parent].feature is EXACT
            fresh = (*reference, edge.parent) if joint else deeper
            visit(edge.parent, deeper, reference if exact else fresh)

    visit(claim.sink, (), ())
    return found


@pytest.mark.parametrize("options", CONVENTIONS, ids=str)
def test_occurrences_are_those_of_a_walk_over_all_paths(options: dict[str, Any]) -> None:
    for seed in SEEDS:
        claim = claim_of(random_graph(np.random.default_rng(seed)), **options)
        tree = unfold(claim)
        assert len(tree.occurrences) == len(listed_occurrences(claim))


def test_without_exact_nodes_occurrences_are_paths() -> None:
    for seed in SEEDS:
        graph = random_graph(np.random.default_rng(seed), features=(ANY, "name"))
        claim = claim_of(graph)
        n_paths = sum(map(len, paths_to(claim).values()))
        assert len(unfold(claim).occurrences) == count_occurrences(claim) == n_paths


@pytest.mark.parametrize("options", CONVENTIONS, ids=str)
def test_the_count_bounds_the_tree(options: dict[str, Any]) -> None:
    for seed in SEEDS:
        claim = claim_of(random_graph(np.random.default_rng(seed)), **options)
        assert count_occurrences(claim) >= len(unfold(claim).occurrences)


def test_the_joint_count_is_exact() -> None:
    for seed in SEEDS:
        claim = claim_of(random_graph(np.random.default_rng(seed)), nodes="joint")
        assert count_occurrences(claim) == len(unfold(claim).occurrences)


def test_path_sets_are_equal_where_the_sets_of_paths_are() -> None:
    """Within a claim, and between a claim and the same one less an edge."""
    compared = {True: 0, False: 0}
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        graph = random_graph(rng)
        smaller = graph.copy()
        removable = [e for e in graph.edges if graph.out_degree(e[0]) > 1]
        if removable:
            smaller.remove_edge(*removable[int(rng.integers(len(removable)))])
        one, other = claim_of(graph), claim_of(smaller)
        for name in one.nodes:
            same = paths_to(one)[name] == paths_to(other)[name]
            assert (path_sets(one)[name] == path_sets(other)[name]) == same
            compared[same] += 1
        assert len(set(path_sets(one).values())) == len(one.nodes)
    assert min(compared.values()) > 20  # both answers were seen


def renamed(graph: nx.DiGraph[Any], rng: np.random.Generator) -> nx.DiGraph[Any]:
    """The same claim under other names, nodes and edges added in another order."""
    names = {name: f"node {i}" for i, name in enumerate(rng.permutation(sorted(graph)).tolist())}
    other: nx.DiGraph[Any] = nx.DiGraph()
    nodes, edges = list(graph.nodes(data=True)), list(graph.edges(data=True))
    for i in rng.permutation(len(nodes)):
        name, attributes = nodes[int(i)]
        other.add_node(names[name], **attributes)
    for i in rng.permutation(len(edges)):
        parent, child, attributes = edges[int(i)]
        other.add_edge(names[parent], names[child], **attributes)
    return other


def drawn(claim: Claim) -> tuple[Tree, Donors]:
    tree = unfold(claim)
    return tree, draw_donors(tree, range(len(claim.dataset)), draws=2, seed=3)


@pytest.mark.parametrize("options", CONVENTIONS, ids=str)
def test_names_and_order_change_no_draw(options: dict[str, Any]) -> None:
    """Law 7."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        graph = random_graph(rng)
        one, other = (
            drawn(claim_of(graph, **options)),
            drawn(claim_of(renamed(graph, rng), **options)),
        )
        keys = [[(d.kind, d.path, d.of, d.feeder) for d in tree.draws] for tree, _ in (one, other)]
        assert keys[0] == keys[1]
        assert np.array_equal(one[1].rows, other[1].rows)


def test_two_claims_share_the_draws_of_the_paths_that_they_share() -> None:
    """Law 5: adding a node elsewhere changes no draw of what was there."""
    for seed in SEEDS:
        graph = random_graph(np.random.default_rng(seed), features=(ANY, "name"))
        smaller = graph.subgraph({n for n in graph if n != "c0"}).copy()
        one, other = drawn(claim_of(graph)), drawn(claim_of(smaller))
        rows = {(d.kind, d.path): one[1].rows[i] for i, d in enumerate(one[0].draws)}
        for i, draw in enumerate(other[0].draws):
            if draw.kind is not DrawKind.FRAME or (draw.kind, draw.path) in rows:
                assert np.array_equal(rows[draw.kind, draw.path], other[1].rows[i])


def diamond(feature: Any) -> nx.DiGraph[Any]:
    r"""`shared` is read by both sides:

         shared
         /    \
       left  right
         \    /
          out
    """
    graph: nx.DiGraph[Any] = nx.DiGraph()
    graph.add_node("out", component="out", feature=EXACT)
    graph.add_node("left", component="c3", feature=feature)
    graph.add_node("right", component="c4", feature=feature)
    graph.add_node("shared", component="c1", feature="name")
    for side in ("left", "right"):
        graph.add_edge("shared", side, port="q")
        graph.add_edge(side, "out", port="q")
    return graph


def donors_of(claim: Claim, node: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """The rows of each donor draw of a node, beside those of its reference."""
    tree, donors = drawn(claim)
    return [
        (donors.rows[i], donors.rows[draw.of])
        for i, draw in enumerate(tree.draws)
        if draw.kind is DrawKind.DONOR and draw.node == node
    ]


def test_a_node_of_two_paths_is_drawn_for_each() -> None:
    (one, _), (other, _) = donors_of(claim_of(diamond(EXACT)), "shared")
    assert (one != other).any()


def test_jointly_a_node_of_two_paths_is_drawn_once() -> None:
    assert len(donors_of(claim_of(diamond(EXACT), nodes="joint"), "shared")) == 1


def test_jointly_equal_references_give_equal_draws() -> None:
    (one, left), (other, right) = donors_of(claim_of(diamond("name"), nodes="joint"), "shared")
    same = left == right
    assert same.any()
    assert not same.all()
    assert np.array_equal(one[same], other[same])


def identity_of(layers: int) -> tuple[Hypothesis, Any, Task]:
    """Every edge of a GPT-2 named, EXACT everywhere."""
    model = graph_from_config({"model_type": "gpt2", "n_layer": layers, "n_head": layers}, "gpt2")
    rows = [{"tokens": [i, 1], "roles": {"end": 1}, "answer": i} for i in range(4)]
    task = Task(Dataset.from_rows(rows), at="end")
    graph: nx.DiGraph[Any] = nx.DiGraph()
    for part in model.components:
        where = {} if part.name == "logits" else {"positions": "all"}
        graph.add_node(part.name, component=part.name, feature=EXACT, **where)
        graph.add_edges_from((feeder, part.name) for port in part.ports for feeder in port.feeders)
    return Hypothesis(graph, task=task), model, task


def test_the_graph_of_all_edges_is_small_and_draws_nothing() -> None:
    hypothesis, model, task = identity_of(12)
    start = time.perf_counter()
    tree = unfold(resolve(hypothesis, model, task))
    assert len(tree.occurrences) == 158
    assert [draw.kind for draw in tree.draws] == [DrawKind.REFERENCE]
    assert time.perf_counter() - start < 20  # 1.0 s on an idle core
