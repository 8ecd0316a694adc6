"""Messages about what a hypothesis says of its nodes and edges."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest

from scrub import EXACT, Dataset, Hypothesis, Task, each
from scrub.graph import Role
from scrub.hypothesis.resolve import resolve
from tests.messages.tables import GRAPH, SPARSE, Case, changed, check, claim_of, node, rows

END = {"positions": "end"}
SKEWED = np.array([[1.0], *[[0.5]] * 7])


def graph_of(graph: Any) -> object:
    task = Task(Dataset.from_rows(rows()), at="end")
    return resolve(Hypothesis(graph, task=task), GRAPH, task)


SHAPE = [
    Case(
        "no nodes",
        lambda: graph_of(nx.DiGraph()),
        "hypothesis: has no nodes. Add at least the output, for example component='logits'.",
    ),
    Case(
        "not directed",
        lambda: graph_of(nx.Graph()),
        "hypothesis: must be a networkx DiGraph, not a Graph. Use nx.DiGraph().",
    ),
    Case(
        "parallel edges",
        lambda: graph_of(nx.MultiDiGraph()),
        "hypothesis: must be a networkx DiGraph, not a MultiDiGraph. One edge may name "
        "several ports: port=('q', 'k').",
    ),
    Case(
        "cycle",
        lambda: claim_of(
            {"a": node("a0.h0"), "b": node("m0")}, [("a", "b"), ("b", "a"), ("b", "answer")]
        ),
        "hypothesis: has a cycle: a → b → a. Information flows one way; remove an edge.",
    ),
    Case(
        "several sinks",
        lambda: claim_of({"a": node("a0.h0"), "b": node("m0")}, [("a", "answer")]),
        "hypothesis: has 2 sinks: answer, b. There is one sink, the output; connect or "
        "remove the others.",
    ),
    Case(
        "sink is not the output",
        lambda: claim_of({}, answer=node("m1", EXACT)),
        "node 'answer': is the sink, but stands for m1. The sink is the model's "
        "output: component='logits'.",
    ),
    Case(
        "sink is elsewhere",
        lambda: claim_of({}, answer={"positions": "start"}),
        "node 'answer': is the sink at 'start', and task 'task' scores at 'end'. Leave "
        "out the sink's positions, or set at= in the task.",
    ),
    Case(
        "sink at each",
        lambda: claim_of({}, answer={"positions": each("pair")}),
        "node 'answer': is the sink, and cannot be at each(...). Leave out its positions.",
    ),
    Case(
        "names written alike",
        lambda: claim_of({1: node("a0.h0", **END), "1": node("m0", **END)}),
        "hypothesis: has two nodes that are both written '1'. Rename one.",
    ),
]

NODES = [
    Case(
        "no component",
        lambda: claim_of({"head": {"feature": "name"}}),
        "node 'head': says no component. Which part of the model is it? For example "
        "component='a5.h1'.",
    ),
    Case(
        "no feature",
        lambda: claim_of({"head": {"component": "a0.h0"}}),
        "node 'head': says no feature. What does it carry? A column's name, a function "
        "of an example, EXACT or ANY.",
    ),
    Case(
        "unknown attribute",
        lambda: claim_of({"head": node("a0.h0", position="end")}),
        "node 'head': has an unknown attribute 'position'. Did you mean positions?",
    ),
    Case(
        "unknown component",
        lambda: claim_of({"head": node("a1.h5")}),
        "node 'head': component 'a1.h5' does not exist. Did you mean a1.h1 or a1.h0 or a0.h1?",
    ),
    Case(
        "unknown layer in a range",
        lambda: claim_of({"mlps": node("m0-3")}),
        "node 'mlps': component 'm2' does not exist. Did you mean m1 or m0?",
    ),
    Case(
        "component is a number",
        lambda: claim_of({"head": node(9)}),
        "node 'head': component must be a name or a list of names, not 9.",
    ),
    Case(
        "component is empty",
        lambda: claim_of({"head": node([])}),
        "node 'head': names no component. For example component='a5.h1'.",
    ),
    Case(
        "neurons beyond the last",
        lambda: claim_of({"cells": node("m0.n30-40")}),
        "node 'cells': component 'm0.n30-40' does not exist. m0 has neurons 0 to 31.",
    ),
    Case(
        "neurons of a head",
        lambda: claim_of({"cells": node("a0.h0.n3")}),
        "node 'cells': component 'a0.h0.n3' does not exist. a0.h0 has no neurons that "
        "can be named apart.",
    ),
    Case(
        "experts beyond the last",
        lambda: claim_of({"some": node("m1.e9")}, model=SPARSE),
        "node 'some': component 'm1.e9' does not exist. m1 has experts 0 to 7.",
    ),
    Case(
        "experts of an MLP without any",
        lambda: claim_of({"some": node("m0.e0-3")}),
        "node 'some': component 'm0.e0-3' does not exist. m0 has no experts that can be named "
        "apart.",
    ),
    Case(
        "experts named twice",
        lambda: claim_of({"some": node("m1.e0-3,m1.e2", **END)}, model=SPARSE),
        "node 'some': names m1.e0-3 and m1.e2, which overlap. Name each expert once.",
    ),
    Case(
        "neurons named twice",
        lambda: claim_of({"cells": node("m0.n0-3,m0.n2", **END)}),
        "node 'cells': names m0.n0-3 and m0.n2, which overlap. Name each neuron once.",
    ),
    Case(
        "positions of no kind",
        lambda: claim_of({"head": node("a0.h0", positions=1.5)}),
        "node 'head': positions must be a role's name, an index, a list of indices, "
        "'all' or each(...), not 1.5.",
    ),
    Case(
        "negative index",
        lambda: claim_of({"head": node("a0.h0", positions=-1)}),
        "node 'head': positions must be a role's name, an index, a list of indices, "
        "'all' or each(...), not -1. Indices count from 0; for the last token give the "
        "data a role such as 'end'.",
    ),
    Case(
        "feature of no kind",
        lambda: claim_of({"head": node("a0.h0", None)}),
        "node 'head': a feature must be a column's name, a tuple of names, a function "
        "of an example, EXACT or ANY, not None.",
    ),
    Case(
        "inner of no kind",
        lambda: claim_of({"head": node("a0.h0", inner="apart")}),
        "node 'head': inner is 'merged' or 'cut', not 'apart'.",
    ),
    Case(
        "subspace too wide",
        lambda: claim_of({"s": node("m0", subspace=np.eye(3))}),
        "node 's': a subspace is a matrix of 8 rows and 1 to 8 columns, found 3 × 3.",
    ),
    Case(
        "subspace skewed",
        lambda: claim_of({"s": node("m0", subspace=SKEWED)}),
        "node 's': a subspace needs orthonormal columns, these are off by 1.8. Use "
        "numpy.linalg.qr(basis)[0].",
    ),
    Case(
        "subspace of words",
        lambda: claim_of({"s": node("m0", subspace="plane")}),
        "node 's': a subspace is a matrix of numbers, not 'plane'.",
    ),
    Case(
        "subspace of two",
        lambda: claim_of({"s": node("m0-1", subspace=np.eye(8))}),
        "node 's': a subspace belongs to one whole component, not to m0, m1.",
    ),
]

HEADS = {"early": node("a0.h0", **END), "late": node("a1.h0", **END)}
CHAIN = [("late", "answer")]

EDGES = [
    Case(
        "unknown port",
        lambda: claim_of(HEADS, [*CHAIN, ("early", "late", {"port": "o"})]),
        "edge 'early' → 'late': a1.h0 has no port 'o'. Its ports: q, k, v.",
    ),
    Case(
        "port of no kind",
        lambda: claim_of(HEADS, [*CHAIN, ("early", "late", {"port": 3})]),
        "edge 'early' → 'late': port must be a name or a list of names, not 3. Known: q, k, v.",
    ),
    Case(
        "unknown attribute of an edge",
        lambda: claim_of(HEADS, [*CHAIN, ("early", "late", {"ports": "q"})]),
        "edge 'early' → 'late': has an unknown attribute 'ports'. Did you mean port?",
    ),
    Case(
        "edge into an input",
        lambda: claim_of(
            {"words": node("embed", **END), "head": node("a0.h0", **END)},
            [("head", "words"), ("words", "answer")],
        ),
        "node 'words': embed reads the model's input and has no ports. Remove the edge "
        "from 'head'.",
    ),
    Case(
        "edge backwards",
        lambda: claim_of(HEADS, [("early", "answer"), ("late", "early")]),
        "node 'early': ports k, q, v of a0.h0 cannot be fed by a1.h0 (a1.h0 is "
        "evaluated after a0.h0). What feeds a0.h0.q: embed.",
    ),
    Case(
        "edge within a layer",
        lambda: claim_of(
            {"one": node("a0.h0", **END), "other": node("a0.h1", **END)},
            [("one", "other", {"port": "q"}), ("other", "answer")],
        ),
        "node 'other': port q of a0.h1 cannot be fed by a0.h0. What feeds a0.h1.q: embed.",
    ),
    Case(
        "one member too late",
        lambda: claim_of(
            {"set": node("a0.h0,m1", **END), "head": node("a1.h0", **END)},
            [("set", "head", {"port": "q"}), ("head", "answer")],
        ),
        "node 'head': port q of a1.h0 cannot be fed by m1 (m1 is evaluated after "
        "a1.h0). What feeds a1.h0.q: embed, a0.h0, a0.h1, m0.",
    ),
    Case(
        "overlap of the same component",
        lambda: claim_of({"one": node("m0", **END), "other": node("m0", EXACT, **END)}),
        "node 'answer': its parents 'one' (m0 at end) and 'other' (m0 at end) overlap "
        "at port in. What enters a port is explained once: narrow the parts, positions "
        "or ports of one.",
    ),
    Case(
        "overlap of ranges",
        lambda: claim_of({"one": node("m0.n0-9", **END), "other": node("m0.n9-12", **END)}),
        "node 'answer': its parents 'one' (m0.n0-9 at end) and 'other' (m0.n9-12 at "
        "end) overlap at port in. What enters a port is explained once: narrow the "
        "parts, positions or ports of one.",
    ),
    Case(
        "overlap of subspaces",
        lambda: claim_of(
            {
                "one": node("m0", subspace=np.eye(8)[:, :2], **END),
                "other": node("m0", subspace=np.eye(8)[:, 1:4], **END),
            }
        ),
        "node 'answer': its parents 'one' (m0[58224d9c] at end) and 'other' "
        "(m0[c6bc6dbc] at end) overlap at port in. What enters a port is explained "
        "once: narrow the parts, positions or ports of one.",
    ),
    Case(
        "overlap with all positions",
        lambda: claim_of({"one": node("m0", **END), "all": node("a0-1,m0")}),
        "node 'answer': its parents 'all' (m0 at all) and 'one' (m0 at end) overlap at "
        "port in. What enters a port is explained once: narrow the parts, positions or "
        "ports of one.",
    ),
    Case(
        "overlap in one row",
        lambda: claim_of(
            {
                "one": node("m0", positions="start"),
                "other": node("m0", positions=3),
                "head": node("a1.h0", **END),
            },
            [
                ("one", "head", {"port": "k"}),
                ("other", "head", {"port": "k"}),
                ("head", "answer"),
            ],
            data=changed(2, roles={"start": 3, "pair": [1, 2], "end": 5}),
        ),
        "node 'head': its parents 'other' (m0 at 3) and 'one' (m0 at start) overlap at "
        "port k in row 2. What enters a port is explained once: narrow the parts, "
        "positions or ports of one.",
    ),
    Case(
        "overlap with a member of its own",
        lambda: claim_of(
            {"set": node("m0,m1", **END), "words": node("embed,m0", **END)},
            [("words", "set"), ("set", "answer")],
        ),
        "node 'set': its parent 'words' (m0 at end) and its own m0, which feeds its "
        "other members, overlap at port in. Take it out of the parent, or say "
        "inner='cut': members do not feed one another.",
    ),
]

PLACES = [
    Case(
        "unknown role",
        lambda: claim_of({"head": node("m0", positions="ends")}),
        "node 'head': the data has no role 'ends'. Did you mean end?",
    ),
    Case(
        "role missing in a row",
        lambda: claim_of(
            {"head": node("m0", positions="start")},
            data=changed(3, roles={"pair": [1, 2], "end": 5}),
        ),
        "node 'head': role 'start' is missing in 1 of 8 examples (first in row 3). Any "
        "example may be drawn as a donor: give each the role, or leave these out.",
    ),
    Case(
        "role of another size",
        lambda: claim_of(
            {"head": node("a0.h0", positions="pair"), "last": node("a1.h0", **END)},
            [("head", "last", {"port": "k"}), ("last", "answer")],
            data=changed(3, roles={"start": 0, "pair": [1, 2, 3], "end": 5}),
        ),
        "node 'head': role 'pair' has 2 position(s) in row 0 but 3 in row 3. Values "
        "move from role to role, so each example needs equally many.",
    ),
    Case(
        "role without such an item",
        lambda: claim_of(
            {"head": node("a0.h0", positions=Role("pair", 2)), "last": node("a1.h0", **END)},
            [("head", "last", {"port": "k"}), ("last", "answer")],
        ),
        "node 'head': role 'pair' has no item 2: it has 2 position(s). Items count from 0.",
    ),
    Case(
        "index outside",
        lambda: claim_of({"head": node("a0.h0", positions=6)}),
        "node 'head': position 6 lies outside the shortest example, which has 6 "
        "tokens. Positions count from 0.",
    ),
    Case(
        "a query cannot look back",
        lambda: claim_of(
            {"first": node("embed", positions="start"), "head": node("a1.h0", **END)},
            [("first", "head", {"port": "q"}), ("head", "answer")],
        ),
        "edge 'first' → 'head': port q at 'end' reads the same position only, and "
        "cannot read 'start' (in row 0, position 0 from 5). Use port='k' or port='v' "
        "on the edge.",
    ),
    Case(
        "a key cannot look ahead",
        lambda: claim_of(
            {"last": node("embed", **END), "head": node("a0.h0", positions=[1, 2])}
            | {"reader": node("a1.h0", **END)},
            [
                ("last", "head", {"port": "k"}),
                ("head", "reader", {"port": "v"}),
                ("reader", "answer"),
            ],
        ),
        "edge 'last' → 'head': port k at position 1,2 reads its own and earlier "
        "positions only, and cannot read 'end' (in row 0, position 5 from 1, 2). Name "
        "other positions.",
    ),
    Case(
        "an MLP reads one position",
        lambda: claim_of(
            {"first": node("embed", positions=0), "mlp": node("m0", **END)},
            [("first", "mlp"), ("mlp", "answer")],
        ),
        "edge 'first' → 'mlp': port in at 'end' reads the same position only, and "
        "cannot read position 0 (in row 0, position 0 from 5). Name other positions.",
    ),
    Case(
        "each, where no child reads",
        lambda: claim_of(
            {
                "words": node(
                    "embed", lambda row, at: row["tokens"][at] % 2, positions=each("all")
                ),
                "head": node("a0.h0", positions="pair"),
                "reader": node("a1.h0", **END),
            },
            [
                ("words", "head", {"port": "k"}),
                ("head", "reader", {"port": "v"}),
                ("reader", "answer"),
            ],
        ),
        "node 'words': no child can read it at 3, 4, 5. Let each(...) name positions "
        "that the ports of its children read.",
    ),
]


@pytest.mark.parametrize("case", [*SHAPE, *NODES, *EDGES, *PLACES], ids=str)
def test_message(case: Case) -> None:
    check(case)
