"""Tasks: built-in ones by name, with options, and what a task fills in."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest

from scrub import Dataset, Task
from scrub.data.tasks import TASKS, resolve_task, task
from scrub.graph import ALL, Indices, Role

HERE = Path("/nowhere")
DATA = Dataset.from_rows(
    [
        {"tokens": [i, 1], "roles": {"end": 1, "both": [0, 1]}, "answer": i, "pair": (i, 1)}
        for i in range(4)
    ]
)


@pytest.mark.parametrize("name", TASKS)
def test_built_in_tasks_are_the_same_each_time_and_differ_by_seed(name: str) -> None:
    prints = [task(name, n=16, seed=seed).dataset.fingerprint() for seed in (0, 0, 1)]
    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize("name", TASKS)
def test_what_an_option_is_by_default_can_be_written_out(name: str) -> None:
    """Zero is a choice where it is the default: of a seed, and of what is skipped."""
    options = {k: v.default for k, v in inspect.signature(TASKS[name]).parameters.items()}
    written = task(name, **{**options, "n": 16})
    assert written.dataset.fingerprint() == task(name, n=16).dataset.fingerprint()


def test_repeated_tokens_by_default() -> None:
    found = resolve_task("repeated_tokens", HERE)
    assert (found.name, found.metric, found.answer) == ("repeated_tokens", "loss", "next_token")
    assert (len(found.dataset), found.positions) == (512, Role("query"))
    assert found.label == ("next_token",)


def test_a_name_with_options_is_a_call() -> None:
    written = resolve_task("repeated_tokens(n=8, seed=3, vocabulary=40)", HERE)
    called = task("repeated_tokens", n=8, seed=3, vocabulary=40)
    assert written.dataset.fingerprint() == called.dataset.fingerprint()


def test_generated_rows_have_the_sizes_of_the_task() -> None:
    found = task(
        "repeated_tokens", n=4, vocabulary=90, shortest_period=20, longest_period=24, length=64
    )
    assert found.generator is not None
    rng = np.random.default_rng(0)
    rows = [found.generator(found.dataset.example(0), ["period"], rng) for _ in range(20)]
    assert {row["period"] for row in rows} == {found.dataset.columns["period"][0]}
    assert {len(row["tokens"]) for row in rows} == {64}
    assert max(max(row["tokens"]) for row in rows) >= 32


def test_a_task_is_itself() -> None:
    made = Task(DATA)
    assert resolve_task(made, HERE) is made


def test_the_label_is_what_answers_are_scored_against() -> None:
    assert Task(DATA).label == ("answer",)
    assert Task(DATA, metric="logit_difference", wrong="answer").label == ("answer", "answer")
    assert Task(DATA, label="pair").label == ("pair",)  # type: ignore[arg-type]
    assert Task(DATA, metric=lambda output, columns: output).label == ()


def test_scored_positions_are_read_as_values() -> None:
    assert Task(DATA).positions == Role("end")
    assert Task(DATA, at=0).positions == Indices((0,))
    assert Task(DATA, at="all", answer="pair").positions == ALL
    assert Task(DATA, at="both", answer="pair").positions == Role("both")


def test_metrics_have_names() -> None:
    class Largest:
        def __call__(self, output: object, columns: object) -> object:
            return output

    def largest(output: object, columns: object) -> object:
        return output

    assert Task(DATA).metric_name == "loss"
    assert Task(DATA, metric=largest).metric_name == "largest"
    assert Task(DATA, metric=Largest()).metric_name == "Largest"
    assert Task(DATA).with_metric("accuracy").metric_name == "accuracy"
