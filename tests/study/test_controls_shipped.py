"""Controls of the shipped claims, what cannot be done, and what is kept."""

from __future__ import annotations

import json

import networkx as nx
import numpy as np
import pytest
from safetensors.numpy import load_file

from scrub import ANY, EXACT, Controls, Hypothesis, InputRefused, Task, controls
from scrub.hypothesis.loading import load_hypothesis
from tests.study.held import FEW, MODEL, anchor, nulls, right, swap, toy, without


@pytest.mark.slow
def test_a_node_left_out_takes_what_feeds_it_along():
    found = controls("induction", FEW, which=["leave_one_out"])
    assert len(without(found, "induction").gone) == 6
    assert found.left_out[0].name == "induction"
    assert {one.name for one in found.left_out if one.idle} == {
        "embedding → k", "previous → q", "previous → v"
    }  # fmt: skip
    assert all(one.what == "node" for one in found.left_out)  # each edge is all of its parent


def test_an_inner_edge_left_out_leaves_a_leaf_that_carries_nothing():
    claim = nx.DiGraph()
    claim.add_node("C", component="C", feature=EXACT)
    for name, carried in (("A", "x0"), ("B", "x1")):
        claim.add_node(name, component=name, feature=carried)
        claim.add_edge(name, "C")
    claim.add_node("x1", component="x1", feature="x1")
    claim.add_edge("x1", "B")
    found = controls(toy().with_graph(claim), FEW, which=["leave_one_out", "swaps"])
    assert without(found, "x1").forgotten
    assert without(found, "x1").worth.value == pytest.approx(without(found, "B").worth.value, 0.2)
    assert all(one.breaks for one in found.swaps)


def test_what_cannot_be_swapped_says_why():
    found = controls(toy(z=ANY), FEW, which=["swaps"])
    assert swap(found, "Z").refusal == "it is said to carry nothing."
    same = controls(toy(z=lambda example: 1), FEW, which=["swaps"])
    assert swap(same, "Z").refusal == (
        "64 of 64 examples agree on it with all that they could be swapped with."
    )


def test_a_ratio_that_is_refused_leaves_the_raw_means():
    flat = toy()
    task = Task(
        flat.task.dataset, metric=lambda out, columns: 0 * out[:, 0, 0], at="all", label=("y",)
    )
    told = ["nulls", "leave_one_out", "subgroups"]
    found = controls(Hypothesis(flat.graph, task=task, model=MODEL), FEW, which=told, nulls=2)
    assert found.recovered.value is None
    assert found.recovered.refusal in found.cautions
    assert all(one.recovered == () and set(one.means) <= {0} for one in found.nulls)
    assert all(one.worth is None and not one.idle for one in found.left_out)
    assert all(one.recovered.value is None and one.refusal for one in found.subgroups)


def test_permuted_labels_break_the_right_claim_on_the_shipped_model():
    found = controls("induction_naive", FEW, which=["nulls", "anchors"], nulls=4)
    labels = nulls(found, "labels")
    assert max(labels.recovered) < 0.4 < found.recovered.low
    assert anchor(found, "full").recovered == pytest.approx(1, abs=1e-5)
    assert nulls(found, "profile").coincide == 4  # one head in its layer


@pytest.mark.slow
def test_right_stands_above_its_nulls_and_wrong_does_not():
    exact = controls(load_hypothesis("induction_naive").with_model("induction-exact"), draws=2)
    assert all(one.matched == 0 for one in exact.nulls)
    assert nulls(exact, "random").percentile.below > 0.8
    assert [one.breaks for one in exact.swaps] == [True]
    wrong = controls("induction_wrong", draws=2, which=["nulls", "leave_one_out", "swaps"])
    assert nulls(wrong, "random").matched >= 3
    assert any("more is recovered" in text for text in wrong.cautions)
    twin = controls(load_hypothesis("induction").with_model("induction-learned"), draws=2)
    assert twin.recovered.high < 0.5
    assert any("it does not stand out" in text for text in twin.cautions)


def test_json_is_read_back_as_it_was(tmp_path):
    found = right()
    path = found.write_json(tmp_path / "c.json")
    back = Controls.read_json(path)
    assert back.as_dict() == found.as_dict()
    assert json.loads(path.read_text())["schema"] == "scrub-controls/1"
    arrays = load_file(tmp_path / "c.examples.safetensors")
    assert {name: v.shape for name, v in arrays.items()} == {
        name: v.shape for name, v in found.per_example.items()
    }
    worth = arrays["scrubbed"].mean() - arrays["without.0"].mean()
    gap = arrays["model"].mean() - arrays["baseline"].mean()
    assert worth / gap == pytest.approx(found.left_out[0].worth.value)


def test_nothing_depends_on_which_controls_are_asked_for():
    some = controls(toy(z="x1"), FEW, which=["swaps", "subgroups"])
    assert some.swaps == right().swaps
    assert some.subgroups == right().subgroups
    assert (some.nulls, some.left_out, some.anchors, some.sensitivity) == ((), (), (), ())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"which": ["null"]}, "option 'which': 'null' is no control. Did you mean nulls?"),
        ({"which": "nulls"}, "option 'which': 'nulls' is no control. Did you mean nulls?"),
        (
            {"nulls": 0},
            "option 'nulls': must be a whole number of at least 1, found 0. Leave out 'nulls' of "
            "which= for none.",
        ),
        ({"drawz": 2}, "option 'drawz': does not exist. Did you mean draws or most_draws?"),
    ],
)
def test_unknown_options_are_refused(options, said):
    with pytest.raises(InputRefused) as refused:
        controls(toy(), **options)
    assert str(refused.value) == said


def test_its_repr_is_a_line():
    assert repr(right()) == "<Controls of hypothesis on hand-made: recovered 1.000, 6 cautions>"


def test_values_of_examples_are_those_that_figures_are_made_of():
    held = right().per_example
    assert held["swap.0"].shape == held["scrubbed"].shape == (50, 3)
    assert np.array_equal(held["without.2"], held["scrubbed"])  # Z is idle to the last draw
