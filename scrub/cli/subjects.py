"""What interventions are made on: a model and a task, or a hypothesis file that names both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scrub.data.task import Task
    from scrub.hypothesis.hypothesis import Hypothesis


@dataclass(frozen=True)
class Named:
    """A model as `Subject.of` takes it, and the task."""

    model: Any
    task: Task


@dataclass(frozen=True)
class Written:
    """A model and a task by their names, which mean the same in any folder; what has no name as
    it is."""

    model: Any
    task: Task | str


def named(target: str, task: str | None, model: str | None = None) -> Named:
    """From what stands on the command line: a hypothesis file, or a model.

    A file's own model and task give way to those that are given. Raises `InputRefused`.
    """
    from scrub.data.tasks import resolve_task
    from scrub.hypothesis.loading import resolve_model_source

    model_of, task_of = _said(target, task, model)
    return Named(resolve_model_source(*model_of), resolve_task(*task_of))


def written(target: str, task: str | None, model: str | None = None) -> Written:
    """As `named`, by their names: for what writes them into a file. Raises `InputRefused`."""
    from scrub.data.files import lasting

    model_of, task_of = _said(target, task, model)
    return Written(lasting(*model_of), lasting(*task_of))


def circuit_of(target: str, circuit: str | None) -> Hypothesis | str:
    """The circuit that is named, else the hypothesis of the target. Raises `InputRefused`."""
    from scrub.errors import InputRefused, Problem
    from scrub.hypothesis.loading import load_hypothesis

    if circuit is not None:
        return circuit
    if _is_file(target):
        return load_hypothesis(target)
    fix = "Name one, or a hypothesis file in the model's place."
    raise InputRefused(Problem("option '--circuit'", f"model '{target}' is no circuit.", fix))


def _is_file(target: str) -> bool:
    from scrub.data.shipped import shipped_hypotheses

    return target.endswith(".py") or target in shipped_hypotheses()


def _said(target: str, task: str | None, model: str | None) -> tuple[tuple[Any, Path], ...]:
    """The model and the task, each with the folder that its name is looked for in."""
    from scrub.errors import InputRefused, Problem
    from scrub.hypothesis.loading import load_hypothesis

    here = Path.cwd()
    if _is_file(target):
        said = load_hypothesis(target)
        return (
            (model, here) if model else (said.model, said.folder),
            (task, here) if task else (said.task, said.folder),
        )
    if model is not None:
        found = f"'{target}' is a model, and --model names another."
        raise InputRefused(Problem("option '--model'", found, "Name one of them."))
    if task is None:
        fix = "For example --task repeated_tokens, or --task data.jsonl."
        raise InputRefused(Problem("option '--task'", f"model '{target}' comes without one.", fix))
    return (target, here), (task, here)
