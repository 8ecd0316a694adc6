"""What nodes compute: values from their parents', and what keeps them from being had."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrub import Dataset, InputRefused, each
from scrub.hypothesis.causal import causal_model, has_values

DATA = Dataset.from_columns(
    {"x0": [1, 2, 3], "x1": [4, 5, 6], "x2": [7, 8, 9]}, inputs=["x0", "x1", "x2"]
)


def claim(**values: Any) -> nx.DiGraph[Any]:
    """y = sum + third; sum = left + right. Nodes' values are those given; None for none."""
    usual: dict[str, Any] = {
        "left": "x0",
        "right": lambda example: example["x1"],
        "sum": lambda left, right: left + right,
        "third": "x2",
        "y": lambda third, **others: third + others["sum"],
    }
    graph: nx.DiGraph[Any] = nx.DiGraph()
    for name, value in (usual | values).items():
        graph.add_node(name, **({} if value is None else {"value": value}))
    graph.add_edges_from([("left", "sum"), ("right", "sum"), ("sum", "y"), ("third", "y")])
    return graph


def test_values_follow_from_the_parents() -> None:
    model = causal_model(claim(), DATA)
    assert model.plain[0] == {"left": 1, "right": 4, "third": 7, "sum": 5, "y": 12}
    assert model.answers == [12, 15, 18]
    assert set(model.inner) == {"left", "right", "sum", "third"}


@given(st.integers(0, 2), st.integers(-9, 9), st.integers(-9, 9))
def test_what_is_put_in_replaces_what_would_have_been_computed(
    row: int, left: int, total: int
) -> None:
    model = causal_model(claim(), DATA)
    x0, x1, x2 = (DATA.columns[name][row] for name in ("x0", "x1", "x2"))
    assert model.answer(row, {}) == x0 + x1 + x2
    assert model.answer(row, {"left": left}) == left + x1 + x2
    assert model.answer(row, {"sum": total}) == total + x2
    assert model.answer(row, {"left": left, "sum": total}) == total + x2


def test_some_nodes_may_say_no_value() -> None:
    """What the sink's value does not read needs none."""
    graph = claim(third=None, y=lambda **parents: 0)
    with pytest.raises(InputRefused, match="reads that of 'third'"):
        causal_model(graph, DATA)
    model = causal_model(claim(third=None, y=lambda sum: sum), DATA)
    assert model.answers == [5, 7, 9]
    assert not has_values(nx.DiGraph([("a", "b")]))


def test_names_that_are_no_arguments_come_by_two_stars() -> None:
    graph: nx.DiGraph[Any] = nx.DiGraph([("left → q", "y")])
    graph.nodes["left → q"]["value"] = "x0"
    graph.nodes["y"]["value"] = lambda **parents: 2 * parents["left → q"]
    assert causal_model(graph, DATA).answers == [2, 4, 6]


def fails(left: int, right: int) -> float:
    return 1 / (left - 2)


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "no values": (
        dict.fromkeys(("left", "right", "sum", "third", "y")),
        "hypothesis: no node says how its value is computed. Write value='column' at leaves, "
        "value=lambda parent: … at other nodes.",
    ),
    "no column": (
        {"left": "x9"},
        "node 'left': its value is no column 'x9'. Did you mean x2 or x1 or x0?",
    ),
    "a column at an inner node": (
        {"sum": "x0"},
        "node 'sum': has parents, and its value is the column 'x0', not computed from theirs. For "
        "example value=lambda left, right: ….",
    ),
    "neither": (
        {"left": 3},
        "node 'left': value must be a column's name or a function, not 3.",
    ),
    "no parent": (
        {"sum": lambda left, wright: left},
        "node 'sum': its value takes 'wright', which is no parent of it. Did you mean right? Names "
        "that are no arguments come by **parents.",
    ),
    "by position": (
        {"sum": lambda *values: sum(values)},
        "node 'sum': its value takes 'values' by position, and values come by name. Its parents: "
        "left, right.",
    ),
    "no value of a parent": (
        {"right": None},
        "node 'sum': its value reads that of 'right', which says none. Give 'right' a value.",
    ),
    "no answer": (
        {"y": None},
        "node 'y': is the sink and says no value, which is the answer that the claim predicts. "
        "Make it a function of sum and third.",
    ),
    "a function that raises": (
        {"sum": fails},
        "node 'sum': its value raised ZeroDivisionError on row 1: division by zero. There left = "
        "2, right = 5.",
    ),
    "a leaf's function that raises": (
        {"left": lambda example: example["x9"]},
        "node 'left': its value raised KeyError on row 0: ",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_is_no_computation_is_refused_in_words(name: str) -> None:
    given, message = REFUSALS[name]
    with pytest.raises(InputRefused) as refused:
        causal_model(claim(**given), DATA)
    (problem,) = refused.value.problems
    found = str(problem)
    assert found.startswith(message) if message.endswith(" ") else found == message


def test_all_that_is_wrong_is_said_at_once() -> None:
    graph = claim(left="x9", right=3, y=None)
    graph.nodes["third"]["positions"] = each("all")
    with pytest.raises(InputRefused) as refused:
        causal_model(graph, DATA)
    assert [problem.where for problem in refused.value.problems] == [
        "node 'left'",
        "node 'right'",
        "node 'third'",
        "node 'y'",
    ]
    said = str(refused.value.problems[2])
    assert said == (
        "node 'third': stands for one node per position, at each(...), and says one value. Name a "
        "position, or leave the value away."
    )


def test_arguments_with_defaults_are_the_users_own() -> None:
    scaled: Callable[..., int] = lambda left, right, scale=10: scale * (left + right)  # noqa: E731
    assert causal_model(claim(sum=scaled), DATA).answers == [57, 78, 99]
