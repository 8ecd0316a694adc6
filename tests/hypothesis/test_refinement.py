"""Which claim refines which, by graphs and features alone."""

from __future__ import annotations

import networkx as nx
import pytest

from scrub import ANY, EXACT, Dataset, Hypothesis, Task, component, handmade, source
from scrub.data.features import near
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.loading import load_hypothesis
from scrub.hypothesis.refinement import Refinement, refinement
from scrub.study.check import check

DATA = Dataset.from_columns(
    {
        "x": [0, 1, 2, 3] * 8,
        "half": [0, 0, 1, 1] * 8,
        "other": [0, 1] * 8 + [1, 0] * 8,
        "y": [0, 2, 4, 6] * 8,
    },
    inputs=["x", "other"],
)
MODEL = handmade(
    source("x", lambda inputs: inputs[:, 0, None, None]),
    component("A", lambda x: 2 * x, x="x"),
    component("B", lambda x: 3 * x, x="x"),
    component("C", lambda a, b: a + b, a=["A", "B"], b=["A", "B"]),
    output="C",
)
TASK = Task(DATA, metric=lambda output, columns: output[:, 0, 0], at="all", label=("y",))


def claim(*edges: tuple[str, str, object], **features: object) -> Claim:
    """Nodes are called by their components; `features` beyond "x" by name, edges by ports."""
    graph = nx.DiGraph()
    graph.add_node("C", component="C", feature=features.get("C", EXACT))
    for parent, child, port in edges:
        graph.add_node(parent, component=parent[0], feature=features.get(parent, "x"))
        graph.add_edge(parent, child, **({} if port is None else {"port": port}))
    made = Hypothesis(graph, task=TASK, model=MODEL, self_donation="allowed", root="free")
    return check(made)


A, B, UP = ("A", "C", None), ("B", "C", None), ("x", "A", None)
CASES = {
    "one more node": (claim(A, B), claim(A), Refinement(1, 1, (), ())),
    "a leaf that is opened": (claim(A, UP), claim(A), Refinement(1, 1, ("A",), ())),
    "smaller classes": (claim(A), claim(A, A="half"), Refinement(0, 0, (), ("A",))),
    "exact": (claim(A, A=EXACT), claim(A), Refinement(0, 0, (), ("A",))),
    "something against nothing": (claim(A), claim(A, A=ANY), Refinement(0, 0, (), ("A",))),
    "more ports": (claim(A), claim(("A", "C", "a")), Refinement(0, 0, (), ())),
    "the sink's feature": (claim(A), claim(A, C="y"), Refinement(0, 0, (), ("C",))),
    "all of it": (
        claim(A, B, UP),
        claim(A, A="half"),
        Refinement(2, 2, ("A",), ("A",)),
    ),
}


@pytest.mark.parametrize("case", [name for name in CASES if name != "more ports"])
def test_a_refinement_is_seen_and_its_reverse_is_none(case):
    finer, coarser, said = CASES[case]
    assert refinement(finer, coarser) == said
    assert refinement(coarser, finer) is None


UNRELATED = {
    "another component": (claim(A), claim(B)),
    "features that cross": (claim(A, A="half"), claim(A, A="other")),
    "other ports": (claim(("A", "C", "a")), claim(("A", "C", "b"))),
    "a tolerance has no classes": (claim(A), claim(A, A=near("x", tolerance=1.0))),
}


@pytest.mark.parametrize("case", UNRELATED)
def test_what_cannot_be_ordered_is_not(case):
    one, other = UNRELATED[case]
    assert refinement(one, other) is None
    assert refinement(other, one) is None


def test_a_column_of_the_same_classes_is_as_fine_either_way():
    one, other = claim(A), claim(A, A="y")
    assert refinement(one, other).same
    assert refinement(other, one).same


def test_names_count_for_nothing():
    hypothesis = load_hypothesis("induction")
    renamed = nx.relabel_nodes(hypothesis.graph, lambda name: f"my {name}")
    one, other = check(hypothesis), check(hypothesis.with_graph(renamed))
    assert refinement(one, other).same
    assert refinement(other, one).same


def test_the_shipped_claims():
    claims = {name: check(load_hypothesis(f"induction{name}")) for name in SHIPPED}
    found = {
        (a, b): (more.nodes, more.edges, more.opened)
        for a in claims
        for b in claims
        if a != b and (more := refinement(claims[a], claims[b])) is not None
    }
    assert found == {
        ("", "_chain"): (3, 3, ()),
        ("", "_naive"): (6, 6, ("induction",)),
        ("", "_wrong"): (2, 2, ()),
        ("_chain", "_naive"): (3, 3, ("induction",)),
        ("_wrong", "_naive"): (4, 4, ("induction",)),
    }


SHIPPED = ("", "_chain", "_naive", "_wrong")
