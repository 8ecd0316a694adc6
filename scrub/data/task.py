"""A task: a data set, the metric that is measured on it (by name), and where it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from scrub.data.dataset import Dataset
from scrub.data.fields import Row
from scrub.errors import InputRefused, Problem, nearest
from scrub.graph import ALL, Each, Indices, Positions, Role, positions

METRICS = ("loss", "logit_difference", "probability", "accuracy", "kl")

Generator = Callable[[Mapping[str, Any], Sequence[str], Any], Row]


@dataclass(frozen=True)
class Task:
    """What is asked of the model, and how an answer is scored.

    `metric` is one of `METRICS` or a function `(output, columns) -> [row]`, where `output` is the
    model's output [row, position, width] at the positions `at` and `columns` maps each column's
    name to the reference rows' values. `answer` names the column with the right token(s), one
    for each scored position; `wrong` the one with the wrong token, for `logit_difference`.
    `generator(example, agree, rng)` makes a row that agrees with an example on some columns.
    """

    dataset: Dataset
    metric: str | Callable[..., Any] = "loss"
    answer: str = "answer"
    wrong: str | None = None
    at: Any = "end"
    name: str = "task"
    generator: Generator | None = None
    label: tuple[str, ...] = ()
    positions: Positions = field(init=False)

    def __post_init__(self) -> None:
        label: object = self.label
        if isinstance(label, str):  # one name, which iterating would take apart
            object.__setattr__(self, "label", (label,))
        problems = list(_problems(self))
        if problems:
            raise InputRefused(problems)
        object.__setattr__(self, "positions", positions(self.at))
        if not self.label and isinstance(self.metric, str):
            columns = (self.answer, self.wrong) if self.wrong else (self.answer,)
            object.__setattr__(self, "label", tuple(c for c in columns if c))

    @property
    def metric_name(self) -> str:
        if isinstance(self.metric, str):
            return self.metric
        return getattr(self.metric, "__name__", type(self.metric).__name__)

    def with_metric(self, metric: str) -> Task:
        return replace(self, metric=metric)


def _problems(task: Task) -> list[Problem]:
    where = f"task '{task.name}'"
    dataset: object = task.dataset
    if not isinstance(dataset, Dataset):
        found = f"dataset must be a Dataset, not {dataset!r}."
        return [Problem(where, found, "Use Dataset.from_rows, or scrub.data.readers.read.")]
    at_problems = _positions_problems(task, where)
    found_columns = _columns_problems(task, where)
    if at_problems or found_columns:
        return found_columns + at_problems
    if not isinstance(task.metric, str) or task.metric == "kl":
        return []
    named = [task.answer] if task.wrong is None else [task.answer, task.wrong]
    problems = [_answer_problem(task, column, where) for column in named]
    return [problem for problem in problems if problem]


def _columns_problems(task: Task, where: str) -> list[Problem]:
    """The metric exists, and so do the columns that it needs."""
    columns, found = task.dataset.columns, []
    metric: object = task.metric
    if isinstance(metric, str):
        if task.metric not in METRICS:
            known = nearest(task.metric, METRICS)
            found.append(Problem(where, f"metric '{task.metric}' does not exist.", known))
        if task.metric in METRICS and task.metric != "kl" and task.answer not in columns:
            fix = f"Set answer= to the column with the right token. {nearest(task.answer, columns)}"
            found.append(Problem(where, f"no column '{task.answer}' to score against.", fix))
        if task.metric == "logit_difference" and task.wrong is None:
            fix = "Set wrong= to the column with the wrong token."
            found.append(Problem(where, "logit_difference needs a wrong answer too.", fix))
    elif not callable(metric):
        known = f"One of {', '.join(METRICS)}, or a function (output, columns) -> [row]."
        found.append(Problem(where, f"metric must be a name or a function, not {metric!r}.", known))
    if task.wrong is not None and task.wrong not in columns:
        fix = f"Set wrong= to the column with the wrong token. {nearest(task.wrong, columns)}"
        found.append(Problem(where, f"no column '{task.wrong}'.", fix))
    for name in task.label:
        if name not in columns:
            found.append(Problem(where, f"no label column '{name}'.", nearest(name, columns)))
    return found


def _answer_problem(task: Task, column: str, where: str) -> Problem | None:
    """Answers are token ids, one for each scored position."""
    scored = _scored_positions(task)
    for row, value in enumerate(task.dataset.columns[column]):
        tokens = value if isinstance(value, tuple) else (value,)
        bad = [t for t in tokens if not isinstance(t, (int, np.integer)) or isinstance(t, bool)]
        if bad:
            found = f"column '{column}' must hold token ids, found {bad[0]!r} in row {row}."
            fix = f"Dataset.from_text(rows, tokenizer, answers=['{column}']) turns words into ids."
            return Problem(where, found, fix if isinstance(bad[0], str) else "")
        if scored is not None and len(tokens) != scored:
            return unequal_answers(where, scored, column, len(tokens), row)
    return None


def unequal_answers(where: str, scored: int, column: str, given: int, row: int) -> Problem:
    """An answer that is not one token for each scored position."""
    found = (
        f"the output is scored at {scored} position(s), and column '{column}' holds "
        f"{given} token(s) in row {row}."
    )
    return Problem(where, found, "Give one token for each position, or score at one role.")


def _scored_positions(task: Task) -> int | None:
    """How many positions are scored; None where examples differ, which a rule reports, and at
    all of them, which the model counts."""
    match positions(task.at):
        case Role(name, None):
            sizes = {len(spots) for spots in task.dataset.roles[name]}
        case Indices(indices):
            sizes = {len(indices)}
        case Role():
            sizes = {1}
        case _:
            return None
    return sizes.pop() if len(sizes) == 1 and 0 not in sizes else None


def _positions_problems(task: Task, where: str) -> list[Problem]:
    try:
        at = positions(task.at)
    except TypeError as error:
        return [Problem(where, str(error))]
    if isinstance(at, Each):
        return [Problem(where, "the output is scored at positions, not at each(...).")]
    if isinstance(at, Role) and at.name not in task.dataset.roles:
        fix = f"Set at= to a role, an index or 'all'. {nearest(at.name, task.dataset.roles)}"
        return [Problem(where, f"no role '{at.name}' to score the output at.", fix)]
    return []


def default_task(dataset: Dataset, name: str) -> Task:
    """For a bare data file: the loss of the column `answer`, at `end` if it is a role."""
    at = Role("end") if "end" in dataset.roles else ALL
    return Task(dataset, name=name, at=at)
