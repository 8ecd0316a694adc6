"""The adversary: what it can hurt, what it cannot, and that it does not peek."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from scrub import ANY, Hypothesis, InputRefused, Settings, WorstAllowed, adversary, near, run
from scrub.hypothesis.unfold import DrawKind
from scrub.models.adapter import TransformersModel
from scrub.report.adversary import report
from scrub.report.writing import as_text
from scrub.results.result import Precision
from scrub.sampling.donors import draw_donors
from scrub.study.adversary.adversary import _score, _search
from scrub.study.adversary.halves import apart, measured_half, split
from scrub.study.adversary.levers import DONORS, EACH, INPUTS, attributes, fixes, levers
from scrub.study.measuring import Clock, Silent, draw_each, recorded
from scrub.study.prepare import prepare
from tests.study import against
from tests.study.test_experiment import module, small
from tests.toys.test_closed_forms import cancellation
from tests.toys.test_integer_toys import TOYS, hypothesis_of

FEW = Settings(references=128, draws=2, replicates=200, threads=1)


@cache
def against_the(name: str) -> WorstAllowed:
    return adversary(getattr(against, name)(), FEW)


def test_a_true_claim_loses_nothing():
    found = against_the("true")
    assert (found.harm.recovered.value, found.harm.metric.value) == (0, 0)
    np.testing.assert_array_equal(found.per_example.worst, found.per_example.usual)
    assert [one.said for one in found.choices] == [""]
    assert found.choice("A").tried == 4
    assert found.verdict == (
        "No choice that was tried hurts: whatever the claim allows does equally well."
    )
    assert found.cautions == ()


def test_half_precision_states_its_error_against_float32(tmp_path):
    half = TransformersModel(module("gpt2").to(torch.bfloat16), name="half")
    settings = {"references": 16, "draws": 1, "candidates": 1, "rounds": 1, "replicates": 200}
    found = adversary(small().with_model(half), **settings)
    assert found.precision is not None
    assert (found.precision.dtype, found.precision.against) == ("bfloat16", "float32")
    assert found.precision.references == len(found.per_example.references)
    assert 0 < found.precision.mean_error <= found.precision.max_error < 5
    assert found.conventions["dtype"] == "bfloat16"
    assert "; against float32 on " in " ".join(as_text(report(found)).split())
    again = WorstAllowed.read_json(found.write_json(tmp_path / "worst.json"))
    assert again.precision == found.precision
    assert against_the("true").precision == Precision("float64")


@pytest.mark.parametrize("name", ["identical", "unspecified node, its inputs exact"])
def test_the_exact_integer_toys_lose_nothing(name):
    toy = next(toy for toy in TOYS if toy.name == name)
    found = adversary(hypothesis_of(toy), FEW)
    assert found.usual.recovered.value == found.worst.recovered.value == 1
    assert found.harm.recovered.value == 0


def test_where_every_edge_is_named_and_every_feature_exact_nothing_can_be_chosen():
    toy = next(toy for toy in TOYS if toy.name == "unspecified node, its inputs exact")
    assert adversary(hypothesis_of(toy), FEW).choices == ()


def test_a_variable_that_a_class_hides_is_found_and_named():
    """A is said to carry x0 and carries x0 + x1 / 2: on average that is x0."""
    found = against_the("hiding")
    choice = found.choice("A")
    assert choice.said == "x1 by y"
    assert {(line.given, line.takes) for line in choice.rule} == {
        ("y = 1.0", "x1 = -1.0"),
        ("y = -1.0", "x1 = 1.0"),
    }
    assert found.usual.recovered.value == pytest.approx(1, abs=0.2)
    assert found.worst.means.scrubbed.value == pytest.approx(-0.5)  # of −1: half of it is lost
    assert found.harm.recovered.low > 0.3
    assert choice.rows == pytest.approx(choice.rows_claimed / 3, rel=0.1)
    assert choice.alone == choice.added == found.harm


def test_errors_that_cancel_between_draws_are_flagged_and_taken_apart():
    found = against_the("cancelling")
    choice = found.choice("out", INPUTS)
    assert choice.said == "x1 by x0"
    assert found.harm.recovered.low > 0.3
    [said] = found.cautions
    assert said.startswith(
        "Cancellation: under the usual sampling the means agree (-1.029 scrubbed"
    )
    assert said.endswith("% of the gap); the choice takes that apart.")


def test_the_cancellation_fixture_is_flagged_where_there_is_too_little_to_choose_from():
    found = adversary(cancellation(), FEW, draws=50)
    assert [said[:12] for said in found.cautions] == ["Cancellation"]


def test_what_hurts_only_jointly_is_found_though_neither_hurts_alone():
    found = against_the("joint")
    a, b = found.choice("A"), found.choice("B")
    assert {a.said, b.said} == {"x1 = -1.0", "x1 = 1.0"}
    for one in (a, b):
        assert one.alone.recovered.low < 0 < one.alone.recovered.high
        assert one.added.recovered.low > 0.15
    assert found.worst.means.scrubbed.value == pytest.approx(-1)  # product −1 always: 2 − 1
    assert found.harm.recovered.low > 0.2


def test_hidden_variables_of_two_nodes_are_set_against_each_other():
    """The toy whose intermediates cancel: A = x0 + x2, B = x1 − x2."""
    toy = next(toy for toy in TOYS if toy.name == "intermediates cancel")
    found = adversary(hypothesis_of(toy), FEW)
    said = {name: found.choice(name).said for name in "AB"}
    assert said in ({"A": "x2 = 0", "B": "x2 = 9"}, {"A": "x2 = 9", "B": "x2 = 0"})
    assert found.worst.means.scrubbed.value == pytest.approx(9)


def test_the_usual_sampling_is_that_of_a_run():
    """The same draws, on half of the references."""
    found, whole = against_the("hiding"), run(against.hiding(), FEW)
    which = np.searchsorted(whole.per_example.references, found.per_example.references)
    np.testing.assert_array_equal(found.per_example.usual, whole.per_example.scrubbed[which])
    np.testing.assert_array_equal(found.per_example.model, whole.per_example.model[which])
    np.testing.assert_array_equal(found.per_example.baseline, whole.per_example.baseline[which])


def test_the_figures_follow_from_the_values_of_the_references():
    found = against_the("hiding")
    held, searched = found.per_example, found.searched
    gap = held.model.mean() - held.baseline.mean()
    drop = (held.usual.mean() - held.worst.mean()) / gap
    assert found.harm.recovered.value == pytest.approx(drop)
    assert found.harm.metric.value == pytest.approx(held.worst.mean() - held.usual.mean())
    share = (held.worst.mean() - held.baseline.mean()) / gap
    assert found.worst.recovered.value == pytest.approx(share)
    assert searched.optimism == pytest.approx(searched.usual - searched.worst - drop)
    assert searched.references + len(held.references) == 128


@cache
def _parts(name: str) -> Any:
    """The search and what it goes by, before anything is made a result of it."""
    hypothesis = getattr(against, name)()
    plan = prepare(hypothesis, FEW)
    halves = split(plan)
    _, dataset = draw_each(halves)
    with recorded(halves, dataset, hypothesis.model, Silent(), Clock()) as (runs, costs):
        first = measured_half(halves[0], runs, costs[0])
        found = _search(first, halves[1], 4, 2, Silent())
        second = measured_half(halves[1], runs, costs[1])
        return plan, halves, found, _score(second, found, Silent())


HARD = ("hiding", "cancelling", "joint")


@pytest.mark.parametrize("name", HARD)
def test_a_rule_knows_what_the_claim_tells_the_sampler_and_no_more(name):
    """References that agree on the feature of the node get donors by one and the same rule."""
    plan, _, found, _ = _parts(name)
    assert found.chosen
    for refined in found.chosen.values():
        lever = refined.lever
        finest = lever.home if lever.kind is DrawKind.DONOR else np.arange(len(plan.task.dataset))
        assert fixes(finest, refined.rule.given)


@pytest.mark.parametrize("name", HARD)
def test_no_reference_that_is_scored_is_chosen_by_or_on(name):
    plan, (first, second), found, scored = _parts(name)
    inputs = plan.task.dataset.sequence
    assert not set(inputs[first.references]) & set(inputs[second.references])
    allowed = apart(plan.task.dataset, second)
    assert not allowed[second.references].any()
    for refined in found.chosen.values():
        if refined.single:
            named = refined.rule.wanted[refined.rule.wanted >= 0]
            assert allowed[named].all()
    np.testing.assert_array_equal(scored.worst[0].references, second.references)


def test_the_donors_that_are_kept_are_those_of_the_strategy():
    plan, halves, found, _ = _parts("joint")
    strategy = {key: one.rule for key, one in found.chosen.items()}
    tree, references = plan.claim.tree, halves[1].references
    again = draw_donors(tree, references.tolist(), FEW.draws, FEW.seed, strategy=strategy)
    np.testing.assert_array_equal(against_the("joint").per_example.donors, again.rows)


def test_batches_change_no_choice():
    again, whole = adversary(against.hiding(), FEW, batch=50), against_the("hiding")
    assert [one.rule for one in again.choices] == [one.rule for one in whole.choices]
    np.testing.assert_allclose(again.per_example.worst, whole.per_example.worst)


@pytest.mark.parametrize(
    "options",
    [
        {"unimportant": "one"},
        {"unimportant": "separately"},
        {"nodes": "joint"},
        {"baseline": "components"},
    ],
    ids=str,
)
def test_every_convention_can_be_chosen_against(options):
    found = adversary(against.cancelling(**options), FEW, candidates=2, rounds=1)
    assert found.harm.recovered.low > 0
    assert found.conventions["candidates"] == 2
    separately = [EACH] if options.get("unimportant") == "separately" else []
    assert [one.of for one in found.choices] == [INPUTS, *separately, DONORS]


def test_what_is_kept_or_replaced_leaves_nothing_to_choose():
    for options in ({"unimportant": "kept"}, {"replacement": "mean"}):
        found = adversary(against.cancelling(**options), FEW, candidates=1, rounds=1)
        assert [one.of for one in found.choices] == [DONORS]


def test_agreement_within_a_tolerance_can_be_chosen_within():
    found = adversary(_carrying(near("x0", tolerance=0.5)), FEW)
    assert found.harm.recovered.low > 0
    x0 = against.columns()["x0"][found.per_example.donors]
    np.testing.assert_array_equal(x0[0], x0[1])


def test_a_kernel_has_no_classes_to_choose_within():
    found = adversary(_carrying(near("x0", bandwidth=0.5)), FEW)
    assert found.choices == ()
    assert found.cautions[-1] == (
        "Node 'A': a kernel weights its donors, and has no classes to choose within; they are "
        "drawn as usual."
    )


def test_what_is_not_known_cannot_be_set_against():
    """Of an ANY node nothing is known: whatever sign its donors have, half the labels agree."""
    found = adversary(_carrying(ANY), FEW)
    assert found.choice("A").said == ""
    assert found.harm.recovered.value == 0


def _carrying(feature: Any) -> Hypothesis:
    """`hiding`, with another feature at A."""
    graph = against.hiding().graph
    graph.nodes["A"]["feature"] = feature
    return against.hiding().with_graph(graph)


def test_singletons_are_counted_and_said():
    """A feature that 300 of 400 rows share with no other."""
    held = against.columns()
    rare = np.where(held["x2"] < 300, held["x2"], 1000 + held["x0"])
    hypothesis = against.hypothesis(
        {**held, "y": held["x0"], "rare": rare},
        [against.read(0), against.component("out", lambda a: a, a="x0")],
        [("x0", "rare", "a")],
        against.signed,
        self_donation="allowed",
    )
    found = adversary(hypothesis, FEW, references=400)
    [one] = found.singletons
    assert (one.node, one.alone, one.share) == ("x0", 300, 0.75)
    assert found.cautions == (
        "Singletons: node 'x0' has no other input to draw for 300 references (75%). They are "
        "never resampled there, and nothing can be chosen.",
    )


def test_where_the_ratio_is_refused_the_harm_is_told_in_the_metric():
    toy = next(toy for toy in TOYS if toy.name == "large deviation")
    found = adversary(hypothesis_of(toy), FEW, references=16, seed=3, level=0.999)
    assert found.usual.recovered.value is None
    assert found.harm.recovered.value is None
    assert found.searched.usual is None
    assert found.verdict.startswith("The ratio is refused; the choice changes the metric by +")
    assert found.cautions[0] == found.usual.recovered.refusal
    assert repr(found) == "<WorstAllowed hypothesis on hand-made: recovered refused>"


def test_attributes_are_columns_places_and_lengths_each_once():
    data = run_data()
    names = [one.name for one in attributes(data)]
    assert names == ["position of here", "length of tokens", "kind"]
    here = attributes(data)[0]
    assert here.says(0) == "position of here = 0"
    assert set(np.unique(here.marks)) == {0, 1}


def run_data() -> Any:
    """Two columns that tell the same rows apart, one that tells none, and one of names."""
    from scrub import Dataset

    return Dataset.from_rows(
        [
            {
                "tokens": [i] * (3 + i % 3),
                "roles": {"here": i % 2},
                "kind": "abcd"[i % 4],
                "again": i % 4,
                "same": 1,
                "name": f"row {i}",
            }
            for i in range(60)
        ]
    )


def test_levers_stand_from_the_sink_down():
    plan = prepare(against.joint(), FEW)
    found = levers(plan.claim.tree, attributes(plan.task.dataset))
    assert [(one.node.name, one.of) for one in found] == [("A", DONORS), ("B", DONORS)]


def _generated() -> Hypothesis:
    from dataclasses import replace

    made = against.hiding(donors="generated")
    task = replace(made.task, generator=lambda example, agree, rng: dict(example))
    return Hypothesis(made.graph, task=task, model=made.model, donors="generated")


def _flat() -> Hypothesis:
    """The metric is the same whatever the output is."""
    made = against.hiding()
    task = against.Task(made.task.dataset, metric=_zero, at="all", label=("y",), name="flat")
    return Hypothesis(made.graph, task=task, model=made.model)


def _zero(output: Any, held: Any) -> Any:
    return 0 * output[:, 0, 0]


@pytest.mark.parametrize(
    ("hypothesis", "options", "message"),
    [
        (
            _generated,
            {},
            "option 'donors': the adversary chooses among rows of the data, and these donors are "
            "generated. Choose with donors='data', on as many rows as the classes need.",
        ),
        (
            against.hiding,
            {"references": 3},
            "option 'references': a choice is made on one half and scored on the other; found 3 "
            "references of 3 distinct inputs. Use references of at least 4 distinct inputs.",
        ),
        (
            against.hiding,
            {"candidates": 0, "rounds": True},
            "option 'candidates': must be a whole number of at least 1, found 0.\n"
            "option 'rounds': must be a whole number of at least 1, found True.",
        ),
        (
            _flat,
            {},
            "task 'flat': the model's _zero is that of the baseline, so nothing is better or "
            "worse than anything else. Use another metric, or another baseline.",
        ),
    ],
    ids=["generated", "few", "counts", "flat"],
)
def test_what_is_refused(hypothesis, options, message):
    with pytest.raises(InputRefused) as refused:
        adversary(hypothesis(), FEW, **options)
    assert str(refused.value) == message


def test_what_is_written_can_be_read_again(tmp_path):
    found = against_the("joint")
    document = json.loads(found.write_json(tmp_path / "worst.json").read_text())
    assert document["schema"] == "scrub-adversary/1"
    assert document["worst"]["recovered"]["value"] == found.worst.recovered.value
    assert document["choices"][0]["rule"] == [
        {"given": line.given, "takes": line.takes} for line in found.choices[0].rule
    ]
    held = load_file(tmp_path / document["examples_file"])
    assert set(held) == {"references", "model", "baseline", "usual", "worst", "donors"}
    np.testing.assert_array_equal(held["worst"], found.per_example.worst)
    again = WorstAllowed.read_json(tmp_path / "worst.json")
    assert again.as_dict() == found.as_dict()
    with pytest.raises(KeyError, match=r"no 'C, donors'\. There are: A, donors; B, donors"):
        found.choice("C")


@pytest.mark.slow
def test_compiled_programs_lose_nothing_and_the_trained_model_does():
    """What was written by hand does what its claim says, whatever the claim lets one choose."""
    exact = adversary("program_frac_prevs", FEW)
    assert exact.harm.recovered.value == 0
    trained = adversary("induction", threads=1)
    assert trained.harm.recovered.low > 0.2
    assert trained.worst.recovered.high < trained.usual.recovered.low
    assert sum(one.alone.recovered.value for one in trained.choices if one.alone) < (
        trained.harm.recovered.value
    )  # most of it only jointly
