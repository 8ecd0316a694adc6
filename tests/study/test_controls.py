"""A hypothesis held against its controls: toys in which all is known."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from scrub import EXACT, Hypothesis, controls, run
from tests.laws.cases import random_case
from tests.study.held import FEW, anchor, nulls, pair, right, swap, toy, value, without
from tests.toys.test_closed_forms import cancellation


def test_the_claim_itself_is_what_a_run_alone_finds():
    alone, found = run(toy(z="x1"), FEW, null="none"), right()
    assert found.recovered == alone.recovered
    assert found.means == alone.means
    assert found.fingerprints == alone.fingerprints
    assert found.recovered.value == pytest.approx(1)


def test_an_idle_claim_shows_and_no_other():
    found = right()
    assert {one.name for one in found.left_out if one.idle} == {"Z"}
    assert without(found, "Z").worth.value == 0
    assert without(found, "Z").worth.holm == 1
    assert [one.name for one in found.left_out] == ["B", "A", "Z"]  # the worthiest first
    assert without(found, "A").worth.low > 0.2
    assert any(text == "Idle: nothing is lost for certain without node 'Z'." for text in _said())


def _said() -> tuple[str, ...]:
    return right().cautions


def test_donors_that_differ_hurt_where_the_feature_is_used():
    found = right()
    assert [one.breaks for one in found.swaps] == [True, True, False]
    assert swap(found, "B").hurt.value > swap(found, "A").hurt.value > 0.3
    assert any("'x1' at 'Z' do not hurt" in text for text in _said())


def test_the_right_hypothesis_is_above_all_nulls_that_are_others():
    found = pair()
    for one in found.nulls:
        assert one.matched == 0
        assert one.asked == 20
        assert one.coincide + sum(share < 0.9 for share in one.recovered) == len(one.recovered)
    labels = nulls(found, "labels")
    assert (labels.coincide, labels.distinct, labels.percentile.p) == (0, 20, 1 / 21)
    assert nulls(found, "profile").coincide == 20 - sum(
        share < 0.9 for share in nulls(found, "profile").recovered
    )


def test_the_wrong_hypothesis_is_not_above_its_nulls():
    """A carries x1 and B carries x0: what is drawn at random is as often better."""
    found = controls(toy(a="x1", b="x0"), FEW, which=["nulls"], nulls=6)
    assert found.recovered.value < 0.5
    assert nulls(found, "permuted").matched > 1
    assert any("it does not stand out among hypotheses like it" in text for text in found.cautions)


def test_nulls_that_are_the_claim_are_counted_as_ties():
    found = pair()
    same = nulls(found, "permuted")
    assert 0 < same.coincide < 20
    assert same.percentile.p == (1 + same.coincide) / 21
    assert same.percentile.below == pytest.approx(1 - same.coincide / 20)
    assert any("are the claim itself" in text for text in found.cautions)


def test_anchors_are_0_and_1_exactly():
    found = right()
    assert anchor(found, "trivial").recovered == 0
    assert anchor(found, "full").recovered == 1
    kept = controls(toy(unimportant="kept"), FEW, which=["anchors"])
    assert [(one.expected, one.recovered) for one in kept.anchors] == [(1, 1), (1, 1)]
    other = controls(toy(replacement="mean", baseline="mean"), FEW, which=["anchors"])
    assert anchor(other, "trivial").expected == 0
    assert anchor(other, "trivial").recovered == pytest.approx(0, abs=1e-12)
    apart = controls(toy(unimportant="separately"), FEW, which=["anchors"])
    assert anchor(apart, "trivial").expected is None


@pytest.mark.parametrize("seed", range(4))
def test_anchors_hold_on_random_models(seed):
    """Nothing named is the baseline draw for draw, everything named the model (laws 1 and 2)."""
    case = random_case(np.random.default_rng(seed))
    how = {"unimportant": "together", "replacement": "resample", "baseline": "random"}
    made = case.hypothesis.with_options(**how)
    found = controls(made, references=14, draws=3, replicates=100, which=["anchors"])
    assert anchor(found, "trivial").mean == pytest.approx(found.means.baseline.value, abs=1e-9)
    assert anchor(found, "full").mean == pytest.approx(found.means.model.value, abs=1e-9)


def test_a_vacuous_hypothesis_is_called_vacuous():
    full = toy(a=EXACT, b=EXACT, z=EXACT)
    found = controls(full, FEW, which=["nulls", "anchors"], nulls=2)
    assert "Vacuous: nothing is resampled in this claim" in found.cautions[0]
    assert nulls(found, "labels").refusal == (
        "none of 2 could be drawn; the last was refused: no node but the sink has a feature."
    )
    nothing = controls(_sink(), FEW, which=["anchors", "leave_one_out", "swaps"])
    assert nothing.recovered.value == 0
    assert nothing.cautions == (
        "The sink alone recovers 0.000, and the claim no more for certain.",
    )
    assert (nothing.left_out, nothing.swaps) == ((), ())


def _sink() -> Hypothesis:
    claim = nx.DiGraph()
    claim.add_node("C", component="C", feature=EXACT)
    return toy().with_graph(claim)


def test_every_convention_is_there_and_what_cannot_be_applied_says_why():
    found = right()
    tried = [(one.name, one.value) for one in found.sensitivity]
    assert len(tried) == len(set(tried)) == 25
    assert [o.value for o in found.sensitivity if o.own] == [
        "together", "independent", "resample", "data", "random", "absolute_error"
    ]  # fmt: skip
    refused = {(o.name, o.value): o.refusal for o in found.sensitivity if o.refusal}
    assert refused["metric", "loss"] == (
        "task 'sum': no column 'answer' to score against. Set answer= to the column with the right "
        "token. Known: x0, x1, y, half."
    )
    assert "needs a generator" in refused["donors", "generated"]
    assert all(one.refusal or one.recovered.value is not None for one in found.sensitivity)
    assert value(found, "unimportant", "kept") == value(found, "nodes", "joint") == 1


def test_a_convention_that_changes_the_answer_is_called_out():
    """A claim that leaves B out, of which the mean is a good guess."""
    found = controls(toy(b=None), FEW, which=["sensitivity"])
    fragile = {one.value for one in found.sensitivity if one.fragile}
    assert "mean" in fragile
    assert "kept" not in fragile
    assert any("Another convention gives another answer than" in text for text in found.cautions)


def test_the_worst_subgroup_comes_first_and_counts_all_that_were_looked_at():
    """The feature of A holds nothing where x0 is large: half of the rows are badly explained."""
    made = toy(a=lambda example: example["x0"] if example["x0"] < 4 else "large")
    found = controls(made, FEW, which=["subgroups"])
    shares = [one.recovered.value for one in found.subgroups]
    assert shares == sorted(shares)
    worst = next(one for one in found.subgroups if one.column == "half")
    assert worst.value == "True"
    assert worst.apart.value < 0
    assert worst.apart.holm < 0.05
    assert worst.apart.p <= worst.apart.holm
    assert any("half is True" in text or "x0 is" in text for text in found.cautions)


def test_the_cancellation_fixture_is_flagged():
    found = controls(cancellation(), which=["leave_one_out", "swaps"], references=6, draws=60)
    assert found.recovered.value == pytest.approx(1, abs=0.03)
    assert any(text.startswith("Errors cancel") for text in found.cautions)
    assert swap(found, "sign").breaks
    assert without(found, "sign").worth.value == pytest.approx(1, abs=0.03)
