"""Hypotheses drawn at random in the shape of another, and claims left out of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrub import ANY, EXACT, Hypothesis
from scrub.data.features import Extent, class_numbers
from scrub.hypothesis.changed import Sameness, problem_of
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.dropping import without_edge, without_node
from scrub.hypothesis.loading import load_hypothesis
from scrub.hypothesis.nulls import NullClaims, draw_nulls
from scrub.hypothesis.randomised import Kind, profile
from scrub.hypothesis.refinement import refinement
from scrub.hypothesis.relabelled import relabelled
from scrub.hypothesis.resolve import resolve
from scrub.hypothesis.rules import RULES
from scrub.hypothesis.rules.features import node_values
from scrub.hypothesis.whole import whole
from scrub.study.check import check
from scrub.study.prepare import sink_alone
from tests.hypothesis.dags import GRAPH, TASK, random_graph
from tests.laws.cases import random_case

FEW = settings(max_examples=5, deadline=None)
PART_KINDS = (Kind.RANDOM, Kind.PROFILE, Kind.PERMUTED)


def nulls(claim: Claim, kind: Kind, count: int = 6, seed: int = 0) -> NullClaims:
    return draw_nulls(claim, kind, count, seed, Sameness())


def case(seed: int) -> Claim:
    return random_case(np.random.default_rng(seed)).claim


@cache
def shipped(name: str = "induction", model: str = "induction-exact") -> Claim:
    return check(load_hypothesis(name).with_model(model))


@given(seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(Kind))
@FEW
def test_null_hypotheses_are_well_formed_and_keep_the_graph(seed, kind):
    claim = case(seed)
    found = nulls(claim, kind, 3, seed)
    for null in found.claims:
        assert not [problem for rule in RULES for problem in rule(null)]
        assert list(null.nodes) == list(claim.nodes)
        ends = [(edge.parent, edge.child) for edge in claim.edges]
        assert [(edge.parent, edge.child) for edge in null.edges] == ends
        for name, node in claim.nodes.items():
            assert null.nodes[name].positions == node.positions
            assert kind is Kind.PERMUTED or len(null.nodes[name].parts) == len(node.parts)
        assert null.nodes[claim.sink] == claim.nodes[claim.sink]
    assert len(found.which) == 3 or found.refused


@given(seed=st.integers(0, 2**32 - 1))
@FEW
def test_profiles_and_permutations_keep_what_they_say(seed):
    claim = case(seed)
    for null in nulls(claim, Kind.PROFILE, 2).claims:
        for name, node in claim.nodes.items():
            kinds = [sorted(map(str, _profiles(c, name))) for c in (claim, null)]
            assert kinds[0] == kinds[1], node
    for null in nulls(claim, Kind.PERMUTED, 2).claims:
        parts = [Counter(node.parts for node in c.nodes.values()) for c in (claim, null)]
        assert parts[0] == parts[1]


def _profiles(claim: Claim, name: str) -> list[tuple[object, ...]]:
    return [profile(claim, part.component) for part in claim.nodes[name].parts]


@given(seed=st.integers(0, 2**32 - 1))
@FEW
def test_permuted_labels_keep_the_partitions_and_how_they_go_together(seed):
    claim = case(seed)
    found = relabelled(claim, np.random.default_rng(seed))
    named = [n for n, node in claim.nodes.items() if not isinstance(node.feature, Extent)]
    named = [name for name in named if name != claim.sink]
    if found is None:
        assert not named
        return
    joint = []
    for one in (claim, found):
        values = [node_values(one.nodes[name], one.dataset) for name in named]
        joint.append(Counter(zip(*values, strict=True)))
    assert joint[0] == joint[1]
    if any(claim.by_length(name) for name in named):
        for name in named:
            by_length = [Counter(_with_frames(one, name)) for one in (claim, found)]
            assert by_length[0] == by_length[1]


def _with_frames(claim: Claim, name: str) -> list[tuple[object, int]]:
    values = node_values(claim.nodes[name], claim.dataset)
    return list(zip(values, claim.dataset.frames.tolist(), strict=True))


@pytest.mark.parametrize("kind", Kind)
def test_asking_for_more_adds_to_those_that_there_were(kind):
    claim, same = shipped("induction_naive"), Sameness()
    keys = [
        [same.key(found.claims[place]) for place in found.which]
        for found in (nulls(claim, kind, 4), nulls(claim, kind, 8))
    ]
    assert keys[1][:4] == keys[0]
    other = nulls(claim, kind, 8, seed=1)
    if kind is not Kind.PERMUTED:  # of which there is one arrangement only
        assert [same.key(other.claims[place]) for place in other.which] != keys[1]


def test_the_claim_itself_is_known_when_it_is_drawn():
    naive = shipped("induction_naive")
    found = nulls(naive, Kind.PROFILE, 40)
    heads = [str(claim.nodes["induction"].parts[0]) for claim in found.claims]
    assert sorted(heads) == ["a1.h0", "a1.h1"]
    assert heads[found.itself] == "a1.h0"
    assert 10 < Counter(found.which)[found.itself] < 30
    assert nulls(naive, Kind.LABELS, 10).itself is None


def test_every_choice_comes_out_as_often_where_all_are_open():
    naive = shipped("induction_naive")
    found = nulls(naive, Kind.RANDOM, 700)
    counts = Counter(found.which)
    assert len(counts) == len(naive.graph.components) - 1  # all but the output
    assert all(abs(count - 100) < 45 for count in counts.values())


def test_what_cannot_be_drawn_is_said():
    nothing = shipped("induction_naive")
    forgotten = {n: replace(node, feature=EXACT) for n, node in nothing.nodes.items()}
    found = nulls(replace(nothing, nodes=forgotten), Kind.LABELS)
    assert found.claims == ()
    assert found.refused == "no node but the sink has a feature."
    assert found.redrawn == 300


@given(seed=st.integers(0, 2**32 - 1))
@FEW
def test_sameness_tells_what_names_do_not(seed):
    """Renamed nodes and an equal partition are the same claim; refinement says so too."""
    same, rng = Sameness(), np.random.default_rng(seed)
    graph = random_graph(rng)
    claim = resolve(Hypothesis(graph, task=TASK, self_donation="allowed"), GRAPH, TASK)
    nodes = {f"n{i}": replace(node, name=f"n{i}") for i, node in enumerate(claim.nodes.values())}
    names = dict(zip(claim.nodes, nodes, strict=True))
    edges = tuple(
        replace(e, parent=names[e.parent], child=names[e.child]) for e in reversed(claim.edges)
    )
    renamed = replace(claim, nodes=nodes, edges=edges, sink=names[claim.sink])
    assert same.key(renamed) == same.key(claim)
    some = [name for name in claim.nodes if name != claim.sink]
    for name in some[:2]:
        other = replace(claim.nodes[name], feature=ANY)
        changed = replace(claim, nodes={**claim.nodes, name: other})
        alike = refinement(changed, claim), refinement(claim, changed)
        one = None not in alike and all(found is not None and found.same for found in alike)
        assert (same.key(changed) == same.key(claim)) == one


@given(seed=st.integers(0, 2**32 - 1))
@FEW
def test_what_is_left_reaches_the_sink_and_no_node_gets_its_inputs_back(seed):
    claim = case(seed)
    left = [without_node(claim, name) for name in claim.nodes if name != claim.sink]
    left += [without_edge(claim, edge) for edge in claim.edges]
    for dropped in left:
        now = dropped.claim
        assert set(now.topological) == set(now.nodes)
        assert set(dropped.gone) <= set(claim.nodes) - set(now.nodes)
        assert len(now.edges) <= len(claim.edges)
        for name in now.nodes:
            if name in claim.nodes and now.is_leaf(name) and now.nodes[name].feature is not ANY:
                assert claim.is_leaf(name)


def test_an_edge_left_out_of_a_chain_leaves_a_leaf_that_carries_nothing():
    chain = shipped("induction_chain", "induction-2l")
    copied = next(edge for edge in chain.edges if edge.parent == "copied")
    left = without_edge(chain, copied)
    assert (left.gone, left.forgotten) == (("copied",), ())  # others feed it still
    alone = check(load_hypothesis("induction_naive"))
    whole_chain = without_edge(alone, alone.edges[0])
    assert list(whole_chain.claim.nodes) == ["answer"]
    one = replace(
        chain,
        nodes={n: chain.nodes[n] for n in ("answer", "induction", "previous")},
        edges=tuple(e for e in chain.edges if e.parent in ("induction", "previous")),
    )
    kept = without_edge(one, next(e for e in one.edges if e.parent == "previous"))
    assert kept.forgotten == ("induction",)
    assert kept.claim.nodes["previous"].feature is ANY
    assert without_node(one, "previous").claim.edges == kept.claim.edges
    assert problem_of(kept.claim) is None


def test_the_full_hypothesis_names_every_edge_and_the_empty_one_none():
    full = whole(shipped())
    assert full.unimportant == 0
    assert not any(full.calls_some_unimportant.values())
    assert {node.feature for node in full.nodes.values()} == {EXACT}
    assert [problem for rule in RULES for problem in rule(full)] == []
    assert list(sink_alone(full).nodes) == ["answer"]


def test_classes_of_permuted_labels_have_their_sizes():
    claim = shipped("induction_naive")
    found = relabelled(claim, np.random.default_rng(0))
    assert found is not None
    numbers = [
        class_numbers(node_values(one.nodes["induction"], one.dataset)) for one in (claim, found)
    ]
    sizes = [sorted(np.bincount(one).tolist()) for one in numbers]
    assert sizes[0] == sizes[1]
    assert (numbers[0] != numbers[1]).mean() > 0.9
