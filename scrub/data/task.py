"""A task: a data set, the metric that is measured on it (by name), and where it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scrub.data.dataset import Dataset, Row
from scrub.errors import InputRefused, Problem, nearest
from scrub.graph import ALL, Each, Positions, Role, positions

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
        problems = list(_problems(self))
        if problems:
            raise InputRefused(problems)
        object.__setattr__(self, "positions", positions(self.at))
        if not self.label and isinstance(self.metric, str):
            columns = (self.answer, self.wrong) if self.wrong else (self.answer,)
            object.__setattr__(self, "label", tuple(c for c in columns if c))

    @property
    def metric_name(self) -> str:
        return self.metric if isinstance(self.metric, str) else self.metric.__name__

    def with_metric(self, metric: str) -> Task:
        return replace(self, metric=metric)


def _problems(task: Task) -> list[Problem]:
    where, found = f"task '{task.name}'", []
    columns = task.dataset.columns
    if isinstance(task.metric, str):
        if task.metric not in METRICS:
            known = nearest(task.metric, METRICS)
            found.append(Problem(where, f"metric '{task.metric}' does not exist.", known))
        if task.metric in METRICS and task.metric != "kl" and task.answer not in columns:
            fix = f"Set answer= to the column with the right token. {nearest(task.answer, columns)}"
            found.append(Problem(where, f"no column '{task.answer}' to score against.", fix))
        if task.metric == "logit_difference" and task.wrong is None:
            fix = "Set wrong= to the column with the wrong token."
            found.append(Problem(where, "logit_difference needs a wrong answer too.", fix))
    if task.wrong is not None and task.wrong not in columns:
        found.append(Problem(where, f"no column '{task.wrong}'.", nearest(task.wrong, columns)))
    for name in task.label:
        if name not in columns:
            found.append(Problem(where, f"no label column '{name}'.", nearest(name, columns)))
    return found + _positions_problems(task, where)


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
