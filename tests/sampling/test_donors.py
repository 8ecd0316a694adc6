"""Samplers and donors: by feature, by tolerance, by kernel, by partner, generated."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest

from scrub import (
    ANY,
    EXACT,
    Dataset,
    Hypothesis,
    InputRefused,
    Task,
    component,
    handmade,
    near,
    source,
)
from scrub.graph import Part, Role, positions
from scrub.hypothesis.claim import Claim, Edge, Node
from scrub.hypothesis.options import Options
from scrub.hypothesis.resolve import resolve
from scrub.hypothesis.rules.features import roles_below, roles_placed
from scrub.hypothesis.unfold import DrawKind, unfold
from scrub.sampling.donors import Donors, diagnose, draw_donors
from scrub.sampling.samplers import Kernel, Within, sampler_of

VALUES = [0.0, 0.1, 0.2, 1.0, 1.1, 5.0, 5.05, 9.0, 9.3, 9.6]


def one_node(feature: Any, dataset: Dataset, generator: Any = None, **options: Any) -> Any:
    model = handmade(
        source("x", lambda inputs: inputs[:, :1, None]),
        source("z", lambda inputs: inputs[:, :1, None]),
        component("y", lambda v: v, v=["x", "z"]),
        output="y",
    )
    claim = nx.DiGraph()
    claim.add_node("y", component="y", feature=EXACT)
    claim.add_node("x", component="x", feature=feature)
    claim.add_edge("x", "y")
    metric = lambda output, columns: output[:, 0, 0]  # noqa: E731
    task = Task(dataset, metric=metric, at="all", label=("v",), generator=generator)
    hypothesis = Hypothesis(claim, task=task, model=model, **options)
    return unfold(resolve(hypothesis, model.graph, task))


def numbers() -> Dataset:
    return Dataset.from_columns({"v": VALUES, "next": [*range(1, 10), 0]}, ["v"])


def donors_of(tree: Any, draws: int = 400) -> tuple[Donors, np.ndarray]:
    """All draws, and the rows of the one node's donor, [reference, draw]."""
    donors = draw_donors(tree, range(len(tree.claim.dataset)), draws, seed=1)
    which = next(i for i, d in enumerate(tree.draws) if d.kind is DrawKind.DONOR)
    return donors, donors.rows[which]


def test_a_tolerance_draws_exactly_the_rows_within_it():
    _, rows = donors_of(one_node(near("v", tolerance=0.15), numbers(), self_donation="allowed"))
    values = np.array(VALUES)
    for row, drawn in enumerate(rows):
        allowed = np.nonzero(np.abs(values - values[row]) <= 0.15)[0]
        assert set(drawn.tolist()) == set(allowed.tolist())


def test_a_kernel_prefers_the_near_and_reaches_the_far():
    _, rows = donors_of(one_node(near("v", bandwidth=1.0), numbers()), draws=4000)
    shares = np.bincount(rows[0], minlength=10) / 4000
    weights = np.exp(-0.5 * np.array(VALUES) ** 2)
    np.testing.assert_allclose(shares, weights / weights.sum(), atol=0.03)


def test_class_sizes_of_tolerance_and_kernel():
    tree = one_node(near("v", tolerance=0.15), numbers(), self_donation="allowed")
    distinct = tree.claim.dataset.distinct
    within = sampler_of(tree.claim.nodes["x"], tree.claim.dataset, 10, by_length=True)
    assert isinstance(within, Within)
    assert within.class_size(distinct).tolist() == [2, 3, 2, 2, 2, 2, 2, 1, 1, 1]
    tree = one_node(near("v", bandwidth=1e-3), numbers())
    kernel = sampler_of(tree.claim.nodes["x"], tree.claim.dataset, 10, by_length=True)
    assert isinstance(kernel, Kernel)
    np.testing.assert_allclose(kernel.class_size(distinct), 1, atol=1e-6)


def test_a_partner_column_names_the_frame():
    tree = one_node(EXACT, numbers(), unimportant="partner:next")
    donors = draw_donors(tree, range(10), 2, seed=0)
    frame = tree.root.frame
    assert (donors.rows[frame] == np.array([*range(1, 10), 0])[:, None]).all()


def test_any_draws_from_everything():
    _, rows = donors_of(one_node(ANY, numbers()))
    assert set(rows.ravel().tolist()) == set(range(10))


def tokens() -> Dataset:
    return Dataset.from_rows([{"tokens": [v, 0], "v": v, "w": v % 2} for v in range(6)])


def test_generated_donors_agree_and_are_none_of_the_data():
    def like(example: Any, agree: Any, rng: Any) -> Any:
        assert list(agree) == ["w"]
        other = int(rng.integers(10, 20)) * 2 + example["w"]
        return {"tokens": [other, 1], "v": other, "w": example["w"]}

    tree = one_node("w", tokens(), generator=like, donors="generated")
    donors, rows = donors_of(tree, draws=5)
    column = np.array(donors.dataset.columns["w"])
    assert (rows >= 6).all()
    assert (column[rows] == column[donors.references][:, None]).all()
    again, _ = donors_of(tree, draws=5)
    assert again.dataset.fingerprint() == donors.dataset.fingerprint(), "a function of the key"
    frames = donors.rows[tree.root.frame]
    assert (frames < 6).all(), "unimportant inputs come from the data"


def test_a_generator_that_does_not_agree_is_refused():
    def careless(example: Any, agree: Any, rng: Any) -> Any:
        return {"tokens": [7, 1], "v": 7, "w": 1}

    tree = one_node("w", tokens(), generator=careless, donors="generated")
    with pytest.raises(InputRefused) as refused:
        donors_of(tree)
    assert str(refused.value) == (
        "node 'x': the generator was asked to agree on 'w' (0) and made 1. "
        "A generated donor must carry the reference's feature."
    )


def test_law_6_a_class_with_one_member_resamples_to_itself_and_says_so():
    data = Dataset.from_rows([{"tokens": [v], "v": v, "w": min(v, 2)} for v in range(9)])
    tree = one_node("w", data)
    donors, rows = donors_of(tree)
    assert (rows[0] == 0).all()
    assert (rows[1] == 1).all()
    found = {d.node: d for d in diagnose(tree, donors)}["x"]
    assert (found.classes, found.smallest, found.largest) == (3, 1, 7)
    assert found.self_share == pytest.approx((2 + 7 * (1 / 7)) / 9, abs=0.03)
    assert found.bits == pytest.approx(7 / 9 * np.log2(7))


def test_law_6_counts_distinct_inputs_not_rows():
    """Two rows with one input are no partners: a draw between them changes nothing."""
    rows = [{"tokens": [v // 2], "v": v, "w": v // 2} for v in range(8)]
    with pytest.raises(InputRefused) as refused:
        one_node("w", Dataset.from_rows(rows))
    assert "100% of the examples share 'w' with no other" in str(refused.value)
    tree = one_node("w", Dataset.from_rows(rows), self_donation="allowed")
    donors, _ = donors_of(tree)
    assert {d.node: d.self_share for d in diagnose(tree, donors)}["x"] == 1.0


def scored_twice(feature: Any, **options: Any) -> Any:
    """Three sequences, each with four rows that differ in the role `scored` alone; x is a leaf."""
    rows = [
        {"tokens": [s, 1, 2, 3], "roles": {"scored": k, "end": 3}, "v": s, "w": 0, "k": k}
        for s in range(3)
        for k in range(4)
    ]
    model = handmade(
        source("x", lambda inputs: inputs.double()[:, :, None]),
        source("z", lambda inputs: inputs.double()[:, :, None]),
        component("y", lambda v: v, v=["x", "z"]),
        component("out", lambda v: v, v="y"),
        output="out",
    )
    claim = nx.DiGraph()
    claim.add_node("out", component="out", feature=EXACT)
    claim.add_node("y", component="y", positions="end", feature=feature)
    claim.add_node("x", component="x", positions=options.pop("at"), feature=EXACT)
    claim.add_edge("y", "out")
    claim.add_edge("x", "y")
    metric = lambda output, columns: output[:, 0, 0]  # noqa: E731
    task = Task(Dataset.from_rows(rows), metric=metric, at="end", label=("v",))
    hypothesis = Hypothesis(claim, task=task, model=model, **options)
    return unfold(resolve(hypothesis, model.graph, task))


def test_law_6_rows_that_differ_in_a_role_that_is_not_read_are_one_input():
    """Whoever draws them is told so, and a node where most are is refused."""
    with pytest.raises(InputRefused, match="node 'y': 100% of the examples share 'v'"):
        scored_twice("v", at="end")
    tree = scored_twice("v", at="end", self_donation="allowed")
    found = {d.node: d for d in diagnose(tree, donors_of(tree)[0])}["y"]
    assert (found.self_share, found.largest, found.bits) == (1.0, 1, 0)
    tree = scored_twice("w", at="end")
    found = {d.node: d for d in diagnose(tree, donors_of(tree)[0])}["y"]
    assert (found.classes, found.largest) == (1, 3)
    assert found.self_share == pytest.approx(1 / 3, abs=0.05)
    assert found.frame_self_share == pytest.approx(1 / 3, abs=0.05)


def test_law_6_roles_are_read_by_a_node_and_all_below_it():
    """A donor is read at every role of the subtree, a frame at the node's and its parents'."""
    deep = chain(["end", "all", "scored"])
    assert {name: sorted(map(str, r)) for name, r in roles_below(deep).items()} == {
        "n2": ["scored"],
        "n1": ["scored"],
        "n0": ["end", "scored"],
    }
    assert {name: sorted(map(str, roles_placed(deep, name))) for name in deep.nodes} == {
        "n2": ["scored"],
        "n1": ["scored"],
        "n0": ["end"],
    }
    data = deep.dataset
    assert data.distinct_at(frozenset()).tolist() == [0, 0, 1]
    assert data.distinct_at(frozenset([Role("scored")])).tolist() == [0, 1, 2]
    assert data.distinct_at(frozenset([Role("scored", 0), Role("end")])).tolist() == [0, 1, 2]
    assert data.distinct_at(frozenset([Role("nothing")])).tolist() == [0, 0, 1]


def chain(places: list[str]) -> Claim:
    """n2 → n1 → n0, at these places; two rows of one sequence, and a third."""
    rows = [
        {"tokens": [t, 1], "roles": {"scored": k, "end": 1}} for t, k in ((0, 0), (0, 1), (2, 0))
    ]
    nodes = {
        f"n{i}": Node(f"n{i}", (Part("x"),), positions(where), ANY)
        for i, where in enumerate(places)
    }
    edges = tuple(Edge(f"n{i + 1}", f"n{i}", ("v",)) for i in range(len(places) - 1))
    data = Dataset.from_rows(rows)
    task = Task(data, metric="kl", at="end")
    graph = handmade(source("x", lambda inputs: inputs[:, :, None]), output="x").graph
    return Claim(graph, data, task, Options(), nodes, edges, "n0")
