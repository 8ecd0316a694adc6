"""Interchange interventions: exact on toys, held to hooks on transformers, on the shipped model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from scipy.stats import binomtest

from scrub import (
    ANY,
    EXACT,
    Dataset,
    Hypothesis,
    InputRefused,
    Task,
    component,
    handmade,
    interchange,
    run,
    source,
)
from scrub.data.task import default_task
from scrub.hypothesis.loading import load_hypothesis
from scrub.mediation.measuring import Setting
from scrub.statistics.interchanged import rate
from scrub.study.check import check, check_all, checked_values
from scrub.study.interchanging.interchange import Plan
from tests.mediation.hookloops import SHAPES, Change
from tests.mediation.sites import END, Case

ROWS = np.random.default_rng(0).integers(0, 5, (200, 3))
DATA = Dataset.from_columns(
    {f"x{i}": ROWS[:, i].tolist() for i in range(3)} | {"y": ROWS.sum(1).tolist()},
    inputs=["x0", "x1", "x2"],
)
QUICK: dict[str, Any] = {"references": 60, "draws": 4, "replicates": 100}


def miss(output: torch.Tensor, columns: Any) -> torch.Tensor:
    return (output[:, 0, 0] - torch.as_tensor(columns["y"])).abs()


def toy(inner: Any = lambda left, right: left + right, **more: Any) -> Hypothesis:
    """C = A + x2 and A = x0 + x1, as integers; `inner` is what the claim says of A."""
    model = handmade(
        *(source(f"x{i}", lambda inputs, i=i: inputs[:, i, None, None].double()) for i in range(3)),
        component("A", lambda v: v, v=["x0", "x1"]),
        component("C", lambda v: v, v=["A", "x2"]),
        output="C",
    )
    claim: nx.DiGraph[Any] = nx.DiGraph()
    claim.add_node("answer", component="C", feature="y", value=lambda inner, third: inner + third)
    claim.add_node("inner", component="A", feature=ANY, value=inner)
    claim.add_node("left", component="x0", feature="x0", value="x0")
    claim.add_node("right", component="x1", feature="x1", value="x1")
    claim.add_node("third", component="x2", feature="x2", value="x2")
    claim.add_edges_from(
        [("left", "inner"), ("right", "inner"), ("inner", "answer"), ("third", "answer")]
    )
    task = Task(DATA, metric=miss, answer="y", at="all", label=("y",))
    return Hypothesis(claim, task=task, model=model, root="free", **more)


def test_the_true_computation_has_an_accuracy_of_one() -> None:
    found = interchange(toy(), nodes=["inner", "left", "third", "left, right", ("inner", "third")],
                        **QUICK)  # fmt: skip
    assert [bounds.value for bounds in found.accuracy] == [1] * 5
    assert found.sets[3:] == (("left", "right"), ("inner", "third"))
    assert found.plain.value == found.labelled.value == 1  # type: ignore[union-attr]
    assert found.notes == []
    assert found.conventions["answers"] == "number"


def test_every_node_with_a_value_is_put_in_by_itself() -> None:
    assert set(interchange(toy(), **QUICK).names) == {"inner", "left", "right", "third"}


def test_a_wrong_computation_is_wrong_where_it_differs() -> None:
    """The claim takes A for left + right where both are even, and is right only there: it is found
    by pairs, by hand."""

    def wrong(left: int, right: int) -> int:
        return left + right if left % 2 == right % 2 == 0 else left

    found = interchange(toy(wrong), nodes=["left"], **QUICK)
    assert found.accuracy[0].value < 0.9
    assert found.plain.value < 0.9
    assert "The claim's own answer is not always the data's." in found.notes
    plan = planned(toy(wrong), ("left",))
    (scene,) = plan.setting.subject.scenes()
    sources = plan.sources(("left",), scene)["left"]
    x0, x1 = ROWS[sources, 0], ROWS[scene.rows, 1]
    right = np.where((x0 % 2 == 0) & (x1 % 2 == 0), x0 + x1, x0) == x0 + x1
    assert found.accuracy[0].value == right.mean()
    np.testing.assert_array_equal(found.per_example["correct"].ravel(), right)


def test_what_changes_nothing_is_counted_and_left_out() -> None:
    """Sources with the base's own x0 change neither the answer nor the prediction."""
    found = interchange(toy(), nodes=["left"], **QUICK)
    plan = planned(toy(), ("left",))
    (scene,) = plan.setting.subject.scenes()
    alike = ROWS[plan.sources(("left",), scene)["left"], 0] == ROWS[scene.rows, 0]
    assert found.same[0] == alike.mean() == found.idle[0].value
    assert 0 < found.same[0] < 0.5
    assert found.changed[0].value == 1  # type: ignore[union-attr]


def test_a_node_that_does_nothing_is_told_apart_from_one_that_does() -> None:
    """The claim says that A's value is not read. Where it is put in the prediction stays, the
    model's answer moves: right only where it stays too."""
    hypothesis = toy()
    graph = hypothesis.graph.copy()
    graph.nodes["answer"]["value"] = lambda third: third
    found = interchange(hypothesis.with_graph(graph), nodes=["inner"], **QUICK)
    np.testing.assert_array_equal(found.per_example["correct"], found.per_example["idle"])
    assert found.accuracy[0].value < 0.3


def planned(hypothesis: Hypothesis, *sets: tuple[str, ...], **more: Any) -> Plan:
    claim, model = checked_values(hypothesis)
    setting = Setting.of(hypothesis.model, claim.task, QUICK | more)
    return Plan(setting, claim, model, sets)


def test_each_node_has_sources_of_its_own_that_a_seed_fixes() -> None:
    plan = planned(toy(), ("left", "right"))
    (scene,) = plan.setting.subject.scenes()
    one = plan.sources(("left", "right"), scene)
    assert not np.array_equal(one["left"], one["right"])
    np.testing.assert_array_equal(one["left"], plan.sources(("left",), scene)["left"])
    (other,) = planned(toy(), ("left",), seed=1).setting.subject.scenes()
    assert not np.array_equal(one["left"], plan.sources(("left",), other)["left"])


def test_a_run_makes_nothing_of_values() -> None:
    """And is not stopped by one that cannot be had, which a check refuses."""
    broken = toy(lambda left, wrong: left)
    plain = toy()
    graph = plain.graph.copy()
    for _, attributes in graph.nodes(data=True):
        attributes.pop("value")
    scores = [
        run(h, references=20, draws=1).means.scrubbed.value
        for h in (broken, plain, plain.with_graph(graph))
    ]
    assert scores[0] == scores[1] == scores[2]
    check(broken)
    with pytest.raises(InputRefused, match="takes 'wrong', which is no parent"):
        check_all(broken)
    assert check_all(plain).sink == "answer"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("positions", ["end", [END], None])
def test_what_is_put_in_is_what_hooks_put_in(shape: str, positions: Any) -> None:
    """A head and an MLP of one node, a second node beside it: logits as by hand, to 1e-5."""
    case = Case(shape)
    place = {} if positions is None else {"positions": positions}
    claim: nx.DiGraph[Any] = nx.DiGraph()
    claim.add_node("y", component="logits", feature=EXACT, value=lambda one, two: one)
    output = case.model.graph.output
    claim.nodes["y"]["component"] = output
    parts = {"one": ["a0.h1", "m0"], "two": ["a1.h0"]}
    for name, components in parts.items():
        claim.add_node(
            name, component=components, feature=ANY, value="answer", inner="cut", **place
        )
        claim.add_edge(name, "y")
    hypothesis = Hypothesis(claim, task=case.task, model=case.model, root="free")
    if shape == "bert":  # whose norms alone feed what follows
        parts = {"one": ["an0"], "two": ["mn1"]}
        for name, components in parts.items():
            claim.nodes[name]["component"] = components
        claim.remove_node("one")
        claim.nodes["y"]["value"] = lambda two: two
        hypothesis = Hypothesis(claim, task=case.task, model=case.model, root="free")
    names = tuple(name for name in parts if name in claim)
    plan = planned(hypothesis, names, references=None, draws=1)
    (scene,) = plan.setting.subject.scenes()
    sources = plan.sources(names, scene)
    ours = scene.output(plan.world(scene, sources))[:, 0]
    at = None
    if positions is not None:
        at = torch.tensor([[END] if positions == "end" else positions] * len(scene.rows))
    changes = []
    for name, rows in sources.items():
        seen = case.loop.run(case.tokens[rows])
        for part in parts[name]:
            value = seen[part]
            if at is not None:
                value = value[torch.arange(len(rows))[:, None], at]
            changes.append(Change(part, value, at))
    theirs = case.loop.run(case.tokens[scene.rows], changes)["logits"][:, END]
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
    assert not torch.allclose(theirs, case.plain["logits"][scene.rows, END], atol=1e-3)


def test_a_subspace_of_the_whole_width_is_the_whole_component() -> None:
    """And one direction of it is less."""
    case = Case("gpt2")
    width = case.model.graph["a1.h0"].width
    outputs = []
    for basis in (None, np.eye(width), np.eye(width)[:, :1]):
        claim: nx.DiGraph[Any] = nx.DiGraph()
        claim.add_node("y", component="logits", feature=EXACT, value=lambda head: head)
        claim.add_node("head", component="a1.h0", feature=ANY, positions="end", value="answer",
                       subspace=basis)  # fmt: skip
        claim.add_edge("head", "y")
        hypothesis = Hypothesis(claim, task=case.task, model=case.model, root="free")
        plan = planned(hypothesis, ("head",), references=None, draws=1)
        (scene,) = plan.setting.subject.scenes()
        sources = {"head": np.roll(scene.rows, 1)}
        outputs.append(scene.output(plan.world(scene, sources)))
    torch.testing.assert_close(outputs[0], outputs[1], atol=1e-9, rtol=0)
    assert not torch.allclose(outputs[0], outputs[2], atol=1e-4)


def test_where_no_pair_counts_there_is_no_share() -> None:
    none = np.zeros((5, 2))
    assert rate(none, none, np.arange(5), np.zeros((1, 5, 2), int), 5) is None


@pytest.mark.slow
def test_the_shipped_claim_about_the_induction_head() -> None:
    """Its head carries the next token: put in from another example, the answer is that example's.
    Where four heads share the work, one of them does not."""
    naive = load_hypothesis("induction_naive")
    given: dict[str, Any] = {"references": 20, "draws": 2}
    right = interchange(naive.with_model("induction-exact"), **given)
    assert right.accuracy[0].value == 1
    assert right.idle[0].value < 0.2
    shared = interchange(naive.with_model("induction-redundant"), **given)
    assert shared.accuracy[0].high < 0.3  # type: ignore[operator]
    assert shared.idle[0].value > 0.8


def test_it_is_written_as_json_and_as_a_table(tmp_path: Path) -> None:
    found = interchange(toy(), nodes=["inner"], **QUICK)
    document = json.loads(found.write_json(tmp_path / "i.json").read_text())
    assert document["schema"] == "scrub-interchange/1"
    assert document["sets"] == [["inner"]]
    assert document["conventions"]["estimand"] == "population"
    assert [row["nodes"] for row in found.table()] == ["inner"]


def words(tokens: Any) -> Hypothesis:
    """A model of four logits, the input's own; the sink's value is a column of these."""
    data = Dataset.from_columns({"x": [0, 1, 2, 3], "answer": [0, 1, 2, 3], "said": tokens}, ["x"])
    model = handmade(
        source("x", lambda inputs: torch.eye(4)[inputs[:, 0].long(), None], width=4),
        component("y", lambda v: v, v=["x"], width=4),
        output="y",
    )
    claim: nx.DiGraph[Any] = nx.DiGraph()
    claim.add_node("y", component="y", feature=EXACT, value=lambda x: x)
    claim.add_node("x", component="x", feature=EXACT, value="said")
    claim.add_edge("x", "y")
    task = default_task(data, "words")
    return Hypothesis(claim, task=task, model=model)


def test_tokens_are_answers_and_the_largest_logit_is_the_answer() -> None:
    for rule in (None, "answers", "vocabulary"):
        found = interchange(words([0, 1, 2, 3]), answers=rule, draws=8)
        assert found.accuracy[0].value == 1
    crossed = interchange(words([1, 0, 2, 3]), draws=8)
    assert crossed.plain.value == crossed.labelled.value == 0.5  # type: ignore[union-attr]


REFUSALS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "the sink": (
        lambda: toy(),
        {"nodes": ["answer"]},
        "node 'answer': is the sink: its value is read, not put in. Name what feeds it.",
    ),
    "no such node": (
        lambda: toy(),
        {"nodes": ["iner", "left"]},
        "node 'iner': says no value, or does not exist. Did you mean inner?",
    ),
    "a rule of tokens for a number": (
        lambda: toy(),
        {"answers": "vocabulary"},
        "option 'answers': is 'vocabulary', and the output has 1 values at a position. Leave it "
        "away.",
    ),
    "an answer that is no token": (
        lambda: words(["a", "b", "c", "d"]),
        {},
        "node 'y': its value on row 0 is 'a', and must be a token id. The sink's value is compared "
        "with the model's answer.",
    ),
    "a token that the model does not have": (
        lambda: words([0, 1, 2, 9]),
        {},
        "node 'y': its value on row 3 is 9, and token ids run from 0 to 3. The sink's value is "
        "compared with the model's answer.",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_put_in_is_refused(name: str) -> None:
    make, given, message = REFUSALS[name]
    with pytest.raises(InputRefused) as refused:
        interchange(make(), **QUICK | given)
    assert "; ".join(map(str, refused.value.problems)) == message


def test_the_hypothesis_and_its_values_are_refused_together() -> None:
    hypothesis = toy(lambda left, wrong: left)
    graph = hypothesis.graph.copy()
    graph.nodes["third"]["component"] = "x7"
    with pytest.raises(InputRefused) as refused:
        check_all(hypothesis.with_graph(graph))
    assert {problem.where for problem in refused.value.problems} >= {"node 'third'", "node 'inner'"}


@pytest.mark.slow
def test_intervals_cover_the_population() -> None:
    """Pairs that agree or not by features of base and source, drawn anew 400 times: 95 % intervals
    cover the true accuracy in 92 % at least."""
    rng, covered = np.random.default_rng(0), 0
    for _ in range(400):
        easy = rng.random(80) < 0.7
        sources = rng.integers(0, 80, (1, 80, 4))
        hits = (easy[:, None] & easy[sources[0]]).astype(float)
        found = rate(hits, np.ones_like(hits), np.arange(80), sources, 80, replicates=500)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.49 <= found.high
    assert binomtest(covered, 400, 0.92, alternative="less").pvalue > 0.01
