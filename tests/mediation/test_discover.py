"""Circuits found by machine: the true edges where they are known, a step held to whole passes with
hooks, and files that recover what was found."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from scrub import InputRefused, discover, run
from scrub.data.counterparts import with_counterparts
from scrub.engine.progress import Silent
from scrub.graph.circuits import Edge, all_edges, read_circuit
from scrub.hypothesis.loading import load_hypothesis
from scrub.mediation.corruption import corruption
from scrub.mediation.discover import Discovered, halves
from scrub.mediation.discovery import Criterion, Pruner, Unit
from scrub.mediation.measuring import Setting
from scrub.mediation.subject import Subject
from scrub.report.searching import report
from scrub.report.writing import as_text
from tests.mediation.hookloops import SHAPES
from tests.mediation.sites import END, ROWS, case_of
from tests.mediation.slow import Slow

every_shape = pytest.mark.parametrize("shape", SHAPES)
TASK = "repeated_tokens(n=64)"
EDGES = (  # the keys of the previous-token head come from positions, which no token moves
    "embed->a0.h0<v>",
    "embed->a1.h0<q>",
    "a0.h0->a1.h0<k>",
    "embed->a1.h0<v>",
    "a1.h0->logits",
)


@cache
def found(model: str = "induction-exact", **options: Any) -> Discovered:
    how: dict[str, Any] = {
        "corrupt": "embed=resample",
        "references": 32,
        "threshold": 0.05,
    } | options
    return discover(model, TASK, **how)


@pytest.mark.parametrize("options", [{}, {"criterion": "metric"}, {"how": "top", "edges": 6}])
def test_the_true_edges_are_found_and_nothing_else(options: dict[str, Any]) -> None:
    circuit = found(**options)
    assert tuple(map(str, circuit.edges)) == EDGES
    share = circuit.faithfulness.bounds(0)
    assert share is not None
    assert share.value == pytest.approx(1, abs=1e-6)


def test_the_true_components_are_found_and_nothing_else() -> None:
    circuit = found(unit="components")
    inside = {name for edge in circuit.edges for name in (edge.feeder, edge.reader)}
    assert inside == {"embed", "a0.h0", "a1.h0", "logits"}
    assert {s.taken for s in circuit.steps if s.kept} == {"a0.h0", "a1.h0"}


@every_shape
def test_a_pruning_step_is_what_passes_with_hooks_give(shape: str) -> None:
    """The rise of the divergence when one edge more is taken away, at three points of a search."""
    case = case_of(shape)
    subject = Subject.of(case.model, case.task, references=None)
    made = corruption("embed=partner:partner", subject)
    slow = Slow(case.loop, case.model.graph, case.tokens, case.tokens[_partners(case.task)])
    pruner = Pruner(subject, made, Criterion.KL, threshold=0.02)
    pruned = pruner.run(Unit.EDGES, Silent())
    left, gone = list(all_edges(case.model.graph)), dict[int, tuple[list[Edge], Edge]]()
    for number, step in enumerate(pruned.steps):
        edge = next(edge for edge in left if str(edge) == step.taken)
        gone[number] = list(left), edge
        if not step.kept:
            left.remove(edge)
    for number in (0, len(pruned.steps) // 2, len(pruned.steps) - 1):
        before, edge = gone[number]
        rise = _divergence(slow, [e for e in before if e != edge]) - _divergence(slow, before)
        assert pruned.steps[number].change == pytest.approx(rise, abs=1e-5)
        assert pruned.steps[number].kept == (rise >= 0.02)


def _partners(task: Any) -> list[int]:
    return list(task.dataset.columns["partner"])


def _divergence(slow: Slow, kept: list[Edge]) -> float:
    """KL of the circuit's distribution from the model's own, at the end, mean over rows."""
    own = slow.wild["logits"][:, END].log_softmax(-1)
    theirs = slow.circuit(kept)[:, END].log_softmax(-1)
    return float((own.exp() * (own - theirs)).sum(-1).mean())


def test_the_two_halves_share_no_input() -> None:
    setting = Setting.of("induction-exact", TASK, {"references": 31})
    one, other = halves(setting)
    inputs = setting.subject.task.dataset.sequence
    sides = [set(inputs[half.subject.rows].tolist()) for half in (one, other)]
    assert not sides[0] & sides[1]
    assert sorted(map(len, sides)) == [15, 16]
    assert len(one.subject.rows) + len(other.subject.rows) == 31


@pytest.mark.parametrize("model", ["induction-exact", "induction-2l"])
def test_the_file_recovers_what_was_found_though_the_query_moves(
    tmp_path: Path, model: str
) -> None:
    circuit = found(model)
    path = circuit.write_hypothesis(tmp_path / "found.py")
    assert "with_counterparts" in path.read_text()
    recovered = run(load_hypothesis(path), references=32, draws=1).recovered
    share = circuit.faithfulness.bounds(0)
    assert share is not None
    assert recovered.value == pytest.approx(share.value, abs=0.02)


def test_a_claim_against_partners_takes_them_as_the_search_did(tmp_path: Path) -> None:
    """Then a scrub of the file is the search's own evaluation."""
    rows = []
    data = case_of("llama").task.dataset
    for i in range(ROWS):
        rows.append(
            {
                "tokens": data.tokens(i).tolist(),
                "roles": {"end": END},
                **{name: data.columns[name][i] for name in ("answer", "partner")},
            }
        )
    file = tmp_path / "moods.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    model = case_of("llama").model
    circuit = discover(
        model, file, corrupt="embed=partner:partner", how="top", edges=60, references=None
    )
    path = circuit.write_hypothesis(tmp_path / "found.py")
    hypothesis = load_hypothesis(path).with_model(model)
    assert str(hypothesis.options.unimportant) == "partner:partner"
    result = run(hypothesis, references=ROWS, draws=1)
    subject = Subject.of(model, file, references=None)
    slow = Slow(case_of("llama").loop, model.graph, case_of("llama").tokens,
                case_of("llama").tokens[_partners(case_of("llama").task)])  # fmt: skip
    log = slow.circuit(list(circuit.edges))[:, END].log_softmax(-1)
    answers = torch.tensor(subject.task.dataset.columns["answer"])
    theirs = -log[torch.arange(ROWS), answers].mean()
    assert result.means.scrubbed.value == pytest.approx(float(theirs), abs=1e-5)


def test_counterparts_are_other_examples_read_at_the_same_place() -> None:
    task = with_counterparts("repeated_tokens(n=128)", seed=3)
    others = np.array(task.dataset.columns["counterpart"])
    queries = np.array([spots[0] for spots in task.dataset.roles["query"]])
    assert (queries[others] == queries).all()
    alone = others == np.arange(128)
    counts = np.bincount(queries)
    assert (counts[queries[alone]] == 1).all()
    assert alone.mean() < 0.1


def test_counterparts_are_named_once() -> None:
    with pytest.raises(InputRefused) as refused:
        with_counterparts(with_counterparts(TASK))
    assert str(refused.value) == ("column 'counterpart': is in the data already. Name it yourself.")


def test_a_circuit_is_written_as_others_read_it(tmp_path: Path) -> None:
    circuit = found()
    path = circuit.write_circuit(tmp_path / "circuit.json")
    assert read_circuit(path, circuit.graph) == tuple(sorted(circuit.edges))


def test_everything_is_written_and_reported(tmp_path: Path) -> None:
    circuit = found()
    assert circuit.as_dict()["edges"] == list(EDGES)
    assert circuit.write_json(tmp_path / "out.json").is_file()
    assert circuit.write_csv(tmp_path / "out.csv").read_text().splitlines()[1] == EDGES[0]
    said = as_text(report(circuit))
    assert "5 of 46, 10.9 %" in said
    assert "on examples that the search has not seen" in said
