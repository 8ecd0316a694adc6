"""The tests of a circuit: on a model of which all is known, on the shipped one, held to hooks."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch

from scrub import (
    Dataset,
    Hypothesis,
    InputRefused,
    Task,
    circuit_tests,
    component,
    handmade,
    source,
)
from scrub.graph.circuits import all_edges
from scrub.mediation.tested import CircuitTests, Outcome
from tests.mediation.hookloops import SHAPES
from tests.mediation.partners import CORRUPT, QUICK, partners

TRUE = "x0->A<v>, x1->B<v>, A->C<v>, B->C<v>"
HALF = "x0->A<v>, A->C<v>"
IDLE = [f"D{i}" for i in range(10)]
FEW: dict[str, Any] = {"references": 90, "random": 30, "permutations": 99, "replicates": 100}

ROWS = np.random.default_rng(0).integers(0, 1000, (300, 2))
DATA = Dataset.from_columns(
    {"x0": ROWS[:, 0].tolist(), "x1": ROWS[:, 1].tolist(), "y": (ROWS @ [2, 3]).tolist()},
    inputs=["x0", "x1"],
)
MODEL = handmade(
    source("x0", lambda inputs: inputs[:, 0, None, None].double()),
    source("x1", lambda inputs: inputs[:, 1, None, None].double()),
    component("A", lambda v: 2 * v, v=["x0"]),
    component("B", lambda v: 3 * v, v=["x1"]),
    *(component(name, lambda v: 0 * v, v=["x0", "x1"]) for name in IDLE),
    component("C", lambda v: v, v=["A", "B", *IDLE]),
    output="C",
)


def height(output: torch.Tensor, columns: Any) -> torch.Tensor:
    return output[:, 0, 0]


def miss(output: torch.Tensor, columns: Any) -> torch.Tensor:
    return (output[:, 0, 0] - torch.as_tensor(columns["y"])).abs()


def found_of(circuit: Any = TRUE, metric: Any = height, **more: Any) -> CircuitTests:
    task = Task(DATA, metric=metric, at="all", label=("y",))
    return circuit_tests(MODEL, task, circuit, **FEW | more)


@cache
def true() -> CircuitTests:
    return found_of()


def outcomes(found: CircuitTests) -> dict[str, str]:
    return {name: outcome.value for name, outcome in found.outcomes.items()}


def test_the_true_circuit_passes_every_test() -> None:
    """C = 2 x0 + 3 x1 through A and B; ten others add nothing. Scores are equal on every example,
    the complement's come from other inputs, each edge is worth something, and no random circuit
    does as well."""
    found = true()
    assert set(outcomes(found).values()) == {"passed"}
    assert found.equivalence.counts.ties == 90
    assert found.equivalence.p_equivalent == 1
    assert found.notes == ["90 of 90 examples tie within rounding, and count half."]


def test_what_each_edge_is_worth_by_hand() -> None:
    """Without x0 -> A the circuit has another example's x0: a squared distance of 4 (x0 − x0')²."""
    found = true()
    assert found.minimality is not None
    per = found.per_example
    worth = dict(zip(map(str, found.minimality.edges), found.minimality.worth, strict=True))
    assert worth["x0->A<v>"] == worth["A->C<v>"]
    assert worth["x0->A<v>"] == pytest.approx(((per["without"][0] - per["circuit"]) ** 2).mean())
    assert worth["x1->B<v>"] > worth["x0->A<v>"] > 10
    assert found.minimality.random.max() < 1e-12  # the others do nothing, whatever they read


def test_half_of_the_circuit_fails_what_it_should() -> None:
    """Without B the complement does what B does: it depends on the model's score. By the distance
    from the right answer the model never misses and the circuit does: not equivalent. By its score,
    which is as often too high as too low, that does not show."""
    found, loss = found_of(HALF), found_of(HALF, miss)
    assert found.outcomes["independence"] is Outcome.FAILED
    assert found.independence.p == 1 / 100
    assert loss.outcomes["equivalence"] is Outcome.FAILED
    assert loss.equivalence.counts.losses == 0
    assert found.outcomes["equivalence"] is not Outcome.FAILED


def test_edges_that_do_nothing_are_found() -> None:
    found = found_of(f"{TRUE}, x0->D0<v>, D0->C<v>")
    assert found.minimality is not None
    idle = found.minimality.test.idle(found.alpha)
    assert [str(e) for e, no in zip(found.minimality.edges, idle, strict=True) if no] == [
        "x0->D0<v>",
        "D0->C<v>",
    ]
    assert found.outcomes["minimality"] is Outcome.FAILED
    assert found.outcomes["equivalence"] is Outcome.PASSED


def test_a_circuit_of_idle_edges_is_no_better_than_random_ones() -> None:
    found = found_of("x0->D0<v>, D0->C<v>, x1->D1<v>, D1->C<v>")
    assert found.outcomes["sufficiency"] is Outcome.FAILED
    assert found.outcomes["necessity"] is Outcome.FAILED
    assert found.sufficiency.wins == 0


def test_the_whole_model_is_never_rejected_and_not_tested_for_edges() -> None:
    found = found_of(list(all_edges(MODEL.graph)))
    assert found.equivalence.counts.ties == 90
    assert found.equivalence.p_equivalent == 1
    assert found.minimality is None
    assert outcomes(found)["minimality"] == "open"
    assert "The circuit holds every path" in found.notes[0]
    np.testing.assert_allclose(found.per_example["complement"], found.per_example["empty"])


def test_random_circuits_of_the_complement_are_another_null() -> None:
    """They take nothing of the true circuit, so that nothing is missed without them."""
    found = found_of(among="complement")
    assert found.necessity.wins == 30
    assert np.allclose(found.per_example["random complement"], found.per_example["model"])


def test_a_hypothesis_is_the_circuit_of_its_edges() -> None:
    claim: nx.DiGraph[Any] = nx.DiGraph()
    claim.add_node("answer", component="C", feature="y")
    claim.add_node("first", component="A", feature="x0")
    claim.add_node("second", component="B", feature="x1")
    claim.add_edges_from([("first", "answer"), ("second", "answer")])
    task = Task(DATA, metric=height, at="all", label=("y",))
    hypothesis = Hypothesis(claim, task=task, model=MODEL, self_donation="allowed")
    found = found_of(hypothesis)
    assert found.edges == true().edges


def test_a_seed_fixes_everything_and_another_draws_other_circuits() -> None:
    one, same, other = true(), found_of(), found_of(seed=1)
    assert one.as_dict() == same.as_dict()
    assert not np.array_equal(one.per_example["random"], other.per_example["random"])


@pytest.mark.parametrize("shape", SHAPES[:1])
def test_scores_are_what_passes_with_hooks_give(shape: str) -> None:
    """Of the circuit and of its complement, pruned before they are evaluated."""
    case = partners(shape)
    edges = [e for i, e in enumerate(all_edges(case.model.graph)) if i % 3]
    found = circuit_tests(
        case.model, case.task, edges, corrupt=CORRUPT, random=10, edges=2, permutations=99, **QUICK
    )
    rest = set(all_edges(case.model.graph)) - set(edges)
    for name, circuit in (("circuit", edges), ("complement", rest)):
        theirs = case.scored(case.slow.circuit(list(circuit)))
        np.testing.assert_allclose(found.per_example[name], theirs, atol=1e-6)
    assert len(found.per_example["without"]) == 2


def test_it_is_written_as_json_and_as_a_table(tmp_path: Path) -> None:
    found = true()
    document = json.loads(found.write_json(tmp_path / "t.json").read_text())
    assert document["schema"] == "scrub-circuit-tests/1"
    assert document["outcomes"] == outcomes(found)
    assert document["equivalence"]["share"] == 0.5
    assert document["conventions"]["correction"] == "holm"
    assert [row["edge"] for row in found.table()] == list(map(str, found.edges))


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"margin": 0.5}, "option 'margin': must lie between 0 and 0.5, both excluded, found 0.5."),
    ({"quantile": 1}, "option 'quantile': must lie between 0 and 1, both excluded, found 1."),
    ({"random": 3}, "option 'random': must be a whole number of at least 10, found 3."),
    ({"correction": "none"}, "option 'correction': 'none' is no value of it. Known: holm, "
     "bonferroni."),
    ({"circuit": []}, "circuit: has no edges. Name some, or components."),
    ({"metric": "kl"}, "metric 'kl': is 0 of the model itself, so that no circuit can score higher."
     " Name another, e.g. loss or logit_difference."),
    ({"circuit": list(all_edges(MODEL.graph)), "among": "complement"}, "option 'among': is "
     "'complement', and the circuit leaves no path from a source to the output. Draw from the "
     "whole."),
    ({"corrupt": "A=resample"}, "corruption 'A=resample': is not of a source, and a circuit goes "
     "between two inputs. Corrupt x0 or x1."),
]  # fmt: skip


@pytest.mark.parametrize(("given", "message"), REFUSALS)
def test_what_cannot_be_tested_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputRefused) as refused:
        found_of(**given)
    assert "; ".join(map(str, refused.value.problems)) == message


@pytest.mark.slow
def test_the_true_circuit_of_the_shipped_model_and_wrong_ones() -> None:
    """induction-exact: its five edges pass everything against circuits of the complement. The
    idle head in the induction head's place fails; the idle edges of the usual picture (queries and
    keys of the previous-token head, whose positions no token changes) are found."""
    five = "embed->a0.h0<v>, embed->a1.h0<q,v>, a0.h0->a1.h0<k>, a1.h0->logits"
    given: dict[str, Any] = {"references": 100, "random": 40, "among": "complement"}

    def on_shipped(circuit: str) -> CircuitTests:
        return circuit_tests("induction-exact", "repeated_tokens(n=128)", circuit, **given)

    right = outcomes(on_shipped(five))
    assert right.pop("independence") == "open"  # the model's loss is the same on every example
    assert set(right.values()) == {"passed"}
    wrong = outcomes(on_shipped(five.replace("a1.h0", "a1.h1")))
    assert {wrong[n] for n in ("equivalence", "minimality", "sufficiency", "necessity")} == {
        "failed"
    }
    usual = on_shipped(five.replace("<v>", "<q,k,v>", 1))
    assert usual.minimality is not None
    idle = usual.minimality.test.idle(usual.alpha)
    assert [str(e) for e, no in zip(usual.minimality.edges, idle, strict=True) if no] == [
        "embed->a0.h0<q>",
        "embed->a0.h0<k>",
    ]
