"""What a claim explains of a node's inputs: all of them, or does something remain to be drawn?"""

from __future__ import annotations

from typing import Any

import networkx as nx
import pytest

from scrub import EXACT, Dataset, Hypothesis, Task
from scrub.graph import Component, ModelGraph, Port, Reach
from scrub.hypothesis.resolve import resolve

GRAPH = ModelGraph(
    "cells",
    (
        Component("words"),
        Component("cells", (Port("in", "words", ("words",)),), neurons=4),
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
        ({"cells": 0, "cells.n3": 1}, False),  # at 1, the other neurons remain
    ],
    ids=str,
)
def test_inputs_are_explained_where_all_parts_at_all_places_are_named(
    named: dict[str, Any], all_explained: bool
) -> None:
    rows = [{"tokens": [i, 1], "roles": {"end": 1}} for i in range(4)]
    task = Task(Dataset.from_rows(rows), at="end", metric="kl")
    graph: nx.DiGraph[Any] = nx.DiGraph()
    graph.add_node("answer", component="out", feature=EXACT)
    for i, (component, positions) in enumerate(named.items()):
        graph.add_node(i, component=component, positions=positions, feature=EXACT)
        graph.add_edge(i, "answer")
    claim = resolve(Hypothesis(graph, task=task), GRAPH, task)
    assert claim.calls_some_unimportant["answer"] is not all_explained
