"""What interventions are made on: a model and a task, or a hypothesis file that names both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scrub.data.task import Task


@dataclass(frozen=True)
class Named:
    """A model as `Subject.of` takes it, and the task."""

    model: Any
    task: Task


def named(target: str, task: str | None, model: str | None = None) -> Named:
    """From what stands on the command line: a hypothesis file, or a model.

    A file's own model and task give way to those that are given. Raises `InputRefused`.
    """
    from scrub.data.shipped import shipped_hypotheses
    from scrub.data.tasks import resolve_task
    from scrub.errors import InputRefused, Problem
    from scrub.hypothesis.loading import load_hypothesis, resolve_model_source

    here = Path.cwd()
    if target.endswith(".py") or target in shipped_hypotheses():
        said = load_hypothesis(target)
        where, source = (here, model) if model else (said.folder, said.model)
        of = (task, here) if task else (said.task, said.folder)
        return Named(resolve_model_source(source, where), resolve_task(*of))
    if model is not None:
        found = f"'{target}' is a model, and --model names another."
        raise InputRefused(Problem("option '--model'", found, "Name one of them."))
    if task is None:
        fix = "For example --task repeated_tokens, or --task data.jsonl."
        raise InputRefused(Problem("option '--task'", f"model '{target}' comes without one.", fix))
    return Named(resolve_model_source(target, here), resolve_task(task, here))
