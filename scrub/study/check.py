"""A hypothesis held against its model's graph and its task's data: all that `scrub check` needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scrub.data.dataset import require_rows
from scrub.data.tasks import resolve_task
from scrub.errors import InputRefused, Problem
from scrub.graph import ModelGraph
from scrub.hypothesis.causal import CausalModel, causal_model, has_values, value_problems
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.hypothesis import Hypothesis
from scrub.hypothesis.loading import resolve_model_source
from scrub.hypothesis.predicted import require_answers
from scrub.hypothesis.resolve import resolve


def model_graph(source: Any, folder: Path) -> ModelGraph:
    """The graph of a model in memory, or of a folder's config, without loading weights.

    Where the architecture has no facts yet, they are read off the loaded model, once.
    """
    if (graph := getattr(source, "graph", None)) is not None and isinstance(graph, ModelGraph):
        return graph
    found = resolve_model_source(source, folder)
    from scrub.models.config import graph_from_config, read_config
    from scrub.models.families import UnknownArchitecture

    try:
        if hasattr(found, "config"):  # a transformers module in memory
            kind = type(found).__name__
            return graph_from_config(found.config.to_dict(), kind, kind)
        return graph_from_config(read_config(found), Path(str(found)).name)
    except UnknownArchitecture:
        from scrub.models.loading import inferred_graph

        return inferred_graph(found)


def check(hypothesis: Hypothesis, graph: ModelGraph | None = None) -> Claim:
    """The claim behind a hypothesis, resolved against its model's graph and its task's data.

    Raises `InputRefused` with every problem of the hypothesis at once.
    """
    graph = graph or model_graph(hypothesis.model, hypothesis.folder)
    task = resolve_task(hypothesis.task, hypothesis.folder)
    require_rows(task.dataset)
    return resolve(hypothesis, graph, task)


def checked_values(
    hypothesis: Hypothesis, graph: ModelGraph | None = None
) -> tuple[Claim, CausalModel]:
    """The claim, and what its nodes compute, tried on the data.

    Raises `InputRefused` with every problem of the hypothesis and of its values at once; where it
    has none, with the first row on which a value cannot be had or is no answer.
    """
    graph = graph or model_graph(hypothesis.model, hypothesis.folder)
    task = resolve_task(hypothesis.task, hypothesis.folder)
    problems: list[Problem] = []
    try:
        claim = check(hypothesis, graph)
    except InputRefused as refused:
        problems += refused.problems
    problems += value_problems(hypothesis.graph, task.dataset)
    if problems:
        raise InputRefused(problems)
    found = causal_model(hypothesis.graph, task.dataset)
    require_answers(found.answers, claim.sink, graph)
    return claim, found


def check_all(hypothesis: Hypothesis) -> Claim:
    """As `check`, and where nodes say how their values are computed, that too."""
    if has_values(hypothesis.graph):
        return checked_values(hypothesis)[0]
    return check(hypothesis)
