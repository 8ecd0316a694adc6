"""The search for what repairs a corrupted run: the true cells where they are known, each step held
to passes with hooks, and files that can be run."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scrub import InputRefused, revert, run
from scrub.engine.progress import Silent
from scrub.hypothesis.loading import load_hypothesis
from scrub.mediation.corruption import corruption
from scrub.mediation.reverted import Reversal
from scrub.mediation.reverting import Reverter
from scrub.mediation.subject import Subject
from scrub.mediation.trace import cells_on
from scrub.report.searching import report
from scrub.report.writing import as_text
from tests.mediation.hookloops import SHAPES
from tests.mediation.sites import END, case_of

every_shape = pytest.mark.parametrize("shape", SHAPES)
TASK = "repeated_tokens(n=64)"
BROKEN = "embed=partner:partner"


@cache
def found(**options: Any) -> Reversal:
    how: dict[str, Any] = {"corrupt": "embed=resample", "references": 32} | options
    return revert("induction-exact", TASK, **how)


def reverter(shape: str, budget: int = 10_000) -> Reverter:
    case = case_of(shape)
    subject = Subject.of(case.model, case.task, references=None)
    cells = cells_on(subject, "components", "end,start,3", None)
    return Reverter(subject, corruption(BROKEN, subject), cells, budget, Silent())


@every_shape
def test_restoring_a_set_of_cells_is_what_a_pass_with_hooks_gives(shape: str) -> None:
    case, ours = case_of(shape), reverter(shape)
    rng = np.random.default_rng(0)
    for size in (1, 3, 8):
        some = tuple(sorted(rng.choice(len(ours.cells), size, replace=False).tolist()))
        sites = [f"{c.row.name}@{c.column.position}" for c in (ours.cells[i] for i in some)]
        back = [case.change(site, case.read(site)) for site in sites]
        theirs = case.loss([case.put("embed", "partner:partner"), *back])
        assert np.abs(ours.values([some])[0] - theirs).max() < 1e-5


@every_shape
def test_a_step_restores_the_cell_that_repairs_most_given_those_before(shape: str) -> None:
    """By a pass with hooks for every cell that could be next."""
    case, ours = case_of(shape), reverter(shape)
    ours.budget = 2 * len(ours.cells) - 1  # two steps
    moves, reached = ours.greedy(stop=float("inf"))
    assert (len(moves), reached) == (2, False)
    assert ours.known[moves[0].cells] == max(
        s for cells, s in ours.known.items() if len(cells) == 1
    )
    sites = [f"{c.row.name}@{c.column.position}" for c in ours.cells]
    broken = case.put("embed", "partner:partner")
    already = moves[0].cell
    losses = {}
    for i in range(0, len(sites), 4):
        if i != already:
            some = sorted([i, already])  # in order of evaluation, as a pass comes to them
            back = [case.change(sites[k], case.read(sites[k])) for k in some]
            losses[i] = case.loss([broken, *back]).mean()
    wild, corrupted = case.loss().mean(), case.loss([broken]).mean()
    for i, loss in losses.items():
        theirs = (loss - corrupted) / (wild - corrupted)
        assert ours.known[tuple(sorted((already, i)))] == pytest.approx(theirs, abs=1e-5)
    best = ours.known[moves[1].cells]
    assert all(ours.known[tuple(sorted((already, i)))] <= best for i in losses)


@pytest.mark.parametrize("strategy", ["greedy", "best_first"])
@pytest.mark.parametrize(
    ("options", "cells"),
    [
        # all that the corruption breaks goes through the induction head at the query
        ({}, ("a1.h0@query",)),
        # below it three things are needed, none of which repairs anything alone
        ({"cells": "embed,a0"}, ("embed@query", "embed@match", "embed@after_match")),
        # where only the matched token is broken, the previous-token head repairs it
        ({"corrupt": "embed@match=resample"}, ("a0.h0@after_match",)),
    ],
)
def test_the_true_cells_are_found_and_nothing_else(
    options: dict[str, str], cells: tuple[str, ...], strategy: str
) -> None:
    reversal = found(**options, strategy=strategy)
    assert reversal.reached
    assert reversal.cells == cells
    share = reversal.held_out.bounds(0)
    assert share is not None
    assert share.value > 0.9


def test_the_path_ends_with_what_was_found() -> None:
    reversal = found(cells="embed,a0")
    restored = {step.cell for step in reversal.path if step.restored}
    assert restored - {s.cell for s in reversal.path if not s.restored} == set(reversal.cells)
    last, whole = reversal.path[-1].held_out, reversal.held_out.bounds(0)
    assert last is not None
    assert whole is not None
    assert last.value == pytest.approx(whole.value, abs=1e-12)


def test_what_was_searched_and_what_is_scored_are_different_examples() -> None:
    reversal = found()
    said = reversal.conventions
    assert (said["searched_on"], said["examples"]) == (16, 16)
    assert len(set(reversal.per_example["rows"].tolist())) == 16
    assert reversal.notes[0].startswith("What was kept is what did well on the half")


def test_without_budget_the_search_says_how_far_it_came() -> None:
    reversal = found(cells="embed,a0", budget=8)
    assert not reversal.reached
    assert reversal.evaluated <= 8
    assert reversal.notes[1] == (
        "The search ended before 0.9 was repaired, its budget of 8 sets spent."
    )


def test_a_longer_search_never_evaluates_a_set_twice() -> None:
    ours = reverter("gpt2")
    ours.greedy(stop=1.0)
    spent = ours.spent
    assert spent == len(ours.known) - 1
    ours.greedy(stop=1.0)
    assert ours.spent == spent


def test_restoring_what_reads_the_whole_input_gives_the_wild_type() -> None:
    ours = reverter("gpt2")
    subject = ours.subject
    cells = cells_on(subject, "resid.1", "together", None)
    whole = Reverter(subject, ours.made, cells, 10, Silent())
    assert np.abs(whole.values([(0,)])[0] - whole.wild).max() < 1e-10
    assert np.abs(whole.values([()])[0] - whole.corrupted).max() < 1e-10


@pytest.mark.parametrize("options", [{}, {"cells": "embed,a0"}])
def test_the_file_is_a_claim_that_recovers_what_was_found(
    tmp_path: Path, options: dict[str, str]
) -> None:
    reversal = found(**options)
    path = reversal.write_hypothesis(tmp_path / "found.py")
    hypothesis = load_hypothesis(path)
    assert hypothesis.claim.startswith(f"{', '.join(reversal.cells)}: these alone")
    result = run(hypothesis, references=32, draws=1).recovered
    share = reversal.held_out.bounds(0)
    assert share is not None
    assert result.value == pytest.approx(share.value, abs=0.08)


def test_cells_at_fixed_positions_are_claimed_by_one_example(tmp_path: Path) -> None:
    """The draws of a claim whose positions do not move need no counterparts."""
    case = case_of("gpt2")
    answers = case.plain["logits"][:, END].argmax(-1).tolist()  # so that corruption does harm
    rows = [
        {"tokens": tokens, "roles": {"end": END}, "answer": answer}
        for tokens, answer in zip(case.tokens.tolist(), answers, strict=True)
    ]
    file = tmp_path / "moods.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    how: dict[str, Any] = {"level": 0.5, "interval": "percentile"}  # so that 4 examples will do
    broken = "embed=resample"
    reversal = revert(case.model, file, corrupt=broken, references=None, stop=0.2, **how)
    text = reversal.write_hypothesis(tmp_path / "found.py").read_text()
    assert 'unimportant="one"' in text
    assert f'task="{file}"' in text
    assert "model=None" in text


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "stop": ({"stop": 0}, "option 'stop': must be a share above 0 and at most 1, found 0."),
    "strategy": (
        {"strategy": "best"},
        "option 'strategy': 'best' is no value of it. Did you mean best_first?",
    ),
    "itself": (
        {"cells": "embed", "positions": "together"},
        "cells: all of them are what is corrupted itself. Name components that read it.",
    ),
    "no damage": (
        {"corrupt": "a0.h1=resample"},
        "corruption: there is no damage to repair: ",
    ),
}


@pytest.mark.parametrize("wrong", REFUSED)
def test_what_cannot_be_searched_is_refused_in_words(wrong: str) -> None:
    options, said = REFUSED[wrong]
    with pytest.raises(InputRefused) as refused:
        found(**options)
    assert str(refused.value).startswith(said)


def test_a_task_in_memory_cannot_be_written(tmp_path: Path) -> None:
    case = case_of("gpt2")
    task = replace(case.task, metric="kl")
    reversal = revert(case.model, task, corrupt=BROKEN, references=None, stop=0.2)
    with pytest.raises(InputRefused) as refused:
        reversal.write_hypothesis(tmp_path / "found.py")
    assert str(refused.value) == (
        "hypothesis file: the task is in memory alone, and a file cannot name it. Search with a "
        "built-in task's name, or with a data file."
    )


def test_a_residual_state_cannot_be_claimed(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        found(cells="resid").write_hypothesis(tmp_path / "found.py")
    assert str(refused.value).endswith(
        "is a residual state or a port, and no node of a hypothesis. Search components."
    )


def test_everything_is_written_and_reported(tmp_path: Path) -> None:
    reversal = found(cells="embed,a0")
    document = reversal.as_dict()
    assert document["schema"] == "scrub-reversal/1"
    assert document["cells"] == list(reversal.cells)
    assert reversal.write_json(tmp_path / "out.json").is_file()
    assert "restored" in reversal.write_csv(tmp_path / "out.csv").read_text()
    said = as_text(report(reversal))
    assert "on examples that the search has not seen" in said
    assert "embed@query, embed@match, embed@after_match" in said
