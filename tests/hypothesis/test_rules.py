"""What the rules let pass: one table of well-formed hypotheses, and what they resolve to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from scrub import ANY, EXACT, InputRefused, Task, each, near
from scrub.data.dataset import Dataset
from scrub.graph import Indices, Role
from scrub.hypothesis.claim import Claim
from tests.messages.tables import claim_of, node, ragged, rows

END = {"positions": "end"}
PLANE = np.linalg.qr(np.arange(16.0).reshape(8, 2) ** 2)[0]


@dataclass(frozen=True)
class Good:
    """A hypothesis that must pass, and parts of the nodes that it resolves to."""

    name: str
    call: Callable[[], Claim]
    parts: dict[str, list[str]]

    def __str__(self) -> str:
        return self.name


def chain(parent: dict[str, Any], child: dict[str, Any], **edge: Any) -> Callable[[], Claim]:
    """parent → child → the output."""
    edges = [("parent", "child", edge), ("child", "answer")]
    return lambda: claim_of({"parent": parent, "child": child}, edges)


LATE = node("a1.h0", **END)
MLP = node("m1", **END)

GOOD = [
    Good("the sink alone", lambda: claim_of({}), {"answer": ["logits"]}),
    Good("a head", lambda: claim_of({"head": node("a0.h1", **END)}), {"head": ["a0.h1"]}),
    Good(
        "a layer is all its heads",
        lambda: claim_of({"heads": node("a0", **END)}),
        {"heads": ["a0.h0", "a0.h1"]},
    ),
    Good(
        "a comma list with a range",
        lambda: claim_of({"set": node("m0-1, a1.h0-1", **END)}),
        {"set": ["m0", "a1.h0", "a1.h1", "m1"]},
    ),
    Good(
        "a list in any order",
        lambda: claim_of({"set": node(["m1", "a0.h0"], **END)}),
        {"set": ["a0.h0", "m1"]},
    ),
    Good(
        "EAP-IG's name of the embedding",
        lambda: claim_of({"words": node("input", **END)}),
        {"words": ["embed"]},
    ),
    Good(
        "neurons",
        lambda: claim_of({"cells": node("m0.n0-3,m0.n5", **END)}),
        {"cells": ["m0.n0-3", "m0.n5"]},
    ),
    Good(
        "neurons apart",
        lambda: claim_of({"low": node("m0.n0-3", **END), "high": node("m0.n4-9", **END)}),
        {"low": ["m0.n0-3"], "high": ["m0.n4-9"]},
    ),
    Good(
        "orthogonal subspaces",
        lambda: claim_of(
            {
                "one": node("m0", subspace=PLANE[:, :1], **END),
                "other": node("m0", subspace=PLANE[:, 1:], **END),
            }
        ),
        {},
    ),
    Good("one port", chain(node("a0.h0", **END), LATE, port="q"), {}),
    Good("a tuple of ports", chain(node("a0.h0", **END), LATE, port=("q", "k")), {}),
    Good("all ports", chain(node("a0.h0", **END), LATE), {}),
    Good("keys from an earlier place", chain(node("m0", positions="start"), LATE, port="k"), {}),
    Good("a role of several places", chain(node("m0", positions="pair"), LATE, port="v"), {}),
    Good("all positions into keys", chain(node("m0"), LATE, port="k"), {}),
    Good("indices", chain(node("m0", positions=[1, 3]), LATE, port=("k", "v")), {}),
    Good(
        "one component through two ports",
        lambda: claim_of(
            {
                "here": node("a0.h0", **END),
                "before": node("a0.h0", positions="pair"),
                "reader": LATE,
            },
            [
                ("here", "reader", {"port": "q"}),
                ("before", "reader", {"port": "k"}),
                ("reader", "answer"),
            ],
        ),
        {},
    ),
    Good(
        "one component at two places",
        lambda: claim_of(
            {
                "first": node("a0.h0", positions="start"),
                "pair": node("a0.h0", positions="pair"),
                "reader": LATE,
            },
            [
                ("first", "reader", {"port": "k"}),
                ("pair", "reader", {"port": "k"}),
                ("reader", "answer"),
            ],
        ),
        {},
    ),
    Good("members that feed one another", lambda: claim_of({"set": node("m0-1", **END)}), {}),
    Good(
        "members cut apart",
        chain(node("embed,m0", **END), node("a1.h0,m1", inner="cut", **END)),
        {"child": ["a1.h0", "m1"]},
    ),
    Good("nothing carried", lambda: claim_of({"head": node("m0", ANY, **END)}), {}),
    Good("two columns", lambda: claim_of({"head": node("m0", ("name", "answer"), **END)}), {}),
    Good("a function", lambda: claim_of({"head": node("m0", lambda r: r["name"], **END)}), {}),
    Good(
        "a continuous feature",
        lambda: claim_of({"head": node("m0", near("number", tolerance=1), **END)}),
        {},
    ),
    Good("a sink that fixes the label", lambda: claim_of({}, answer={"feature": "answer"}), {}),
    Good(
        "a sink that does not, by name",
        lambda: claim_of({}, answer={"feature": ANY}, root="free"),
        {},
    ),
    Good(
        "classes of one, by name",
        lambda: claim_of({"head": node("m0", "number", **END)}, self_donation="allowed"),
        {},
    ),
    Good("numbers for names", lambda: claim_of({1: node("m0", **END)}), {"1": ["m0"]}),
    Good(
        "lengths differ and all is said by roles",
        lambda: claim_of({"head": node("m0", **END)}, data=ragged()),
        {},
    ),
]


@pytest.mark.parametrize("good", GOOD, ids=str)
def test_a_good_hypothesis_passes(good: Good) -> None:
    claim = good.call()
    for name, parts in good.parts.items():
        assert [str(part) for part in claim.nodes[name].parts] == parts


def edges_of(claim: Claim) -> set[tuple[str, str, tuple[str, ...]]]:
    return {(edge.parent, edge.child, edge.ports) for edge in claim.edges}


def test_each_of_a_role_makes_one_node_for_each_of_its_places() -> None:
    words = node("embed", lambda row, at: row["tokens"][at], positions=each("pair"))
    claim = claim_of(
        {"words": words, "reader": LATE},
        [("words", "reader", {"port": "k"}), ("reader", "answer")],
    )
    made = {name: node.positions for name, node in claim.nodes.items() if node.of_each}
    assert made == {"words@pair[0]": Role("pair", 0), "words@pair[1]": Role("pair", 1)}


def test_each_connects_what_a_port_can_read() -> None:
    """Positions 1 and 2 of both: a query reads its own, keys what came before, too."""
    places = each([1, 2])
    claim = claim_of(
        {
            "words": node("embed", EXACT, positions=places),
            "heads": node("a0.h0", EXACT, positions=places),
            "reader": LATE,
        },
        [
            ("words", "heads", {"port": ("q", "k")}),
            ("heads", "reader", {"port": "v"}),
            ("reader", "answer"),
        ],
    )
    assert claim.nodes["words@1"].positions == Indices((1,))
    assert edges_of(claim) == {
        ("words@1", "heads@1", ("k", "q")),
        ("words@1", "heads@2", ("k",)),
        ("words@2", "heads@2", ("k", "q")),
        ("heads@1", "reader", ("v",)),
        ("heads@2", "reader", ("v",)),
        ("reader", "answer", ("in",)),
    }


def test_each_connects_the_places_of_a_role_in_order() -> None:
    claim = claim_of(
        {
            "words": node("embed", EXACT, positions=each("pair")),
            "heads": node("a0.h0", EXACT, positions=each("pair")),
            "reader": LATE,
        },
        [("words", "heads"), ("heads", "reader", {"port": "v"}), ("reader", "answer")],
    )
    inner = {(p, c, ports) for p, c, ports in edges_of(claim) if c.startswith("heads")}
    assert inner == {
        ("words@pair[0]", "heads@pair[0]", ("k", "q", "v")),
        ("words@pair[0]", "heads@pair[1]", ("k", "v")),
        ("words@pair[1]", "heads@pair[1]", ("k", "q", "v")),
    }


def test_a_function_at_each_sees_the_position() -> None:
    seen = set()

    def token(row: Any, at: int) -> int:
        seen.add(at)
        return int(row["tokens"][at]) % 2

    claim_of(
        {"words": node("embed", token, positions=each("pair")), "reader": LATE},
        [("words", "reader", {"port": "k"}), ("reader", "answer")],
    )
    assert seen == {1, 2}


def test_the_sink_stands_where_the_task_scores() -> None:
    for at, positions in [("end", Role("end")), (3, Indices((3,)))]:
        task = Task(Dataset.from_rows(rows()), at=at)
        assert claim_of({}, task=task).nodes["answer"].positions == positions


def test_problems_name_their_rule_and_come_once() -> None:
    with pytest.raises(InputRefused) as caught:
        claim_of({"head": node("m0", positions="ends"), "other": node("m1", "nam", **END)})
    problems = caught.value.problems
    assert [problem.rule for problem in problems] == ["roles_exist", "features_evaluate"]
    assert caught.value.exit_code == 2


GARBAGE: list[Any] = [
    None, 0, -1, 2.5, True, "", "a0", "end", "zzz", "m0.n0", ",", "a0-", [], [1], ["a0.h0", 3],
    {}, {"a": 1}, (), ("q",), each("pair"), Role("end", 4), Role("none"), object(), np.zeros(3),
    np.zeros((8, 1)), float("nan"), EXACT, len, lambda row: row, b"q", range(2), {"q"},
]  # fmt: skip


@pytest.mark.parametrize("key", ["component", "positions", "feature", "inner", "subspace", "port"])
def test_garbage_is_refused_in_words_or_means_something(key: str) -> None:
    """Whatever stands in an attribute, nothing but `InputRefused` comes out."""
    for value in GARBAGE:
        for component in ("a0.h0", "embed", "m0.n0-3", "a0,m0"):
            one = node(component, **END)
            edge = {}
            if key == "port":
                edge = {"port": value}
            else:
                one[key] = value
            for call in (
                chain(one, LATE, **edge),
                chain(node("embed", **END), one, **edge),
                lambda one=one: claim_of({"one": one}),
                lambda one=one: claim_of({}, answer={**one, "component": "logits"}),
            ):
                said = refusal(call)
                assert said is None or said.strip()


def refusal(call: Callable[[], object]) -> str | None:
    try:
        call()
    except InputRefused as refused:
        return str(refused)
    return None
