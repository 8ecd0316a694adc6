"""What a claim explains of a node's inputs: all of them, or does something remain to be drawn?"""

from __future__ import annotations

from typing import Any

import networkx as nx
import pytest

from scrub import EXACT, Dataset, Hypothesis, Task, each
from scrub.graph import Component, ModelGraph, Port, Reach
from scrub.hypothesis.resolve import resolve
from scrub.hypothesis.unfold import unfold

GRAPH = ModelGraph(
    "cells",
    (
        Component("words"),
        Component("cells", (Port("in", "words", ("words",)),), neurons=4, experts=2),
        Component("out", (Port("in", "cells", ("cells",), Reach.CAUSAL),)),
    ),
    output="out",
)


@pytest.mark.parametrize(
    ("named", "all_explained"),
    [
        ({"cells": "all"}, True),
        ({"cells": [0, 1]}, True),
        ({"cells": 0}, False),
        ({"cells.n0-3": "all"}, True),
        ({"cells.n0-1": "all", "cells.n2-3": "all"}, True),
        ({"cells.n0-2": "all"}, False),
        ({"cells.e0-1": "all"}, False),  # a shared expert may remain
        ({"cells": 0, "cells.n3": 1}, False),  # at 1, the other neurons remain
        ({"cells": 0, "cells.n0-1": 1, "cells.n2-3": 1}, True),
        ({"cells": "pair"}, True),  # a role that happens to be all there is
        ({"cells": each("pair")}, True),
        ({"cells": "start"}, False),
        ({"cells": "start", "cells.n0-3": "end"}, True),
    ],
    ids=str,
)
def test_inputs_are_explained_where_all_parts_at_all_places_are_named(
    named: dict[str, Any], all_explained: bool
) -> None:
    roles = {"start": 0, "end": 1, "pair": [0, 1]}
    rows = [{"tokens": [i, 1], "roles": roles} for i in range(4)]
    task = Task(Dataset.from_rows(rows), at="end", metric="kl")
    graph: nx.DiGraph[Any] = nx.DiGraph()
    graph.add_node("answer", component="out", feature=EXACT)
    for i, (component, positions) in enumerate(named.items()):
        graph.add_node(i, component=component, positions=positions, feature=EXACT)
        graph.add_edge(i, "answer")
    claim = resolve(Hypothesis(graph, task=task), GRAPH, task)
    assert claim.calls_some_unimportant["answer"] is not all_explained


def test_each_position_and_all_positions_name_the_same() -> None:
    """Every edge at each position, EXACT: nothing is drawn, and every node is built once."""
    rows = [{"tokens": [i, 1, i % 2], "roles": {"end": 2}} for i in range(4)]
    task = Task(Dataset.from_rows(rows), at="end", metric="kl")
    graph: nx.DiGraph[Any] = nx.DiGraph()
    graph.add_node("out", component="out", feature=EXACT)
    for name in ("words", "cells"):
        graph.add_node(name, component=name, positions=each("all"), feature=EXACT)
    graph.add_edges_from([("words", "cells"), ("cells", "out")])
    claim = resolve(Hypothesis(graph, task=task), GRAPH, task)
    tree = unfold(claim)
    assert not any(claim.calls_some_unimportant.values())
    assert len(tree.draws) == 1
    assert len(tree.occurrences) == len(claim.nodes) == 7


def test_a_copy_of_each_does_not_take_the_name_of_another_node() -> None:
    rows = [{"tokens": [i, 1], "roles": {"end": 1}} for i in range(4)]
    task = Task(Dataset.from_rows(rows), at="end", metric="kl")
    graph: nx.DiGraph[Any] = nx.DiGraph()
    graph.add_node("out", component="out", feature=EXACT)
    graph.add_node("x", component="cells.n0-1", positions=each("end"), feature=EXACT)
    graph.add_node("x@end", component="cells.n2-3", positions="end", feature=EXACT)
    graph.add_edges_from([("x", "out"), ("x@end", "out")])
    claim = resolve(Hypothesis(graph, task=task), GRAPH, task)
    assert sorted(str(node.parts[0]) for node in claim.nodes.values()) == [
        "cells.n0-1",
        "cells.n2-3",
        "out",
    ]
