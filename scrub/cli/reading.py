"""The hypothesis that a command is about: read from its file, with what the options change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scrub.hypothesis.hypothesis import Hypothesis


def read(file: str, model: str | None = None, **conventions: object) -> Hypothesis:
    """Load a hypothesis; conventions that are None stay as the file says.

    Raises `InputRefused`.
    """
    from scrub.hypothesis.loading import load_hypothesis, resolve_model_source

    hypothesis = load_hypothesis(file)
    if model is not None:
        hypothesis = hypothesis.with_model(resolve_model_source(model, Path.cwd()))
    given = {name: value for name, value in conventions.items() if value is not None}
    return hypothesis.with_options(**given) if given else hypothesis
