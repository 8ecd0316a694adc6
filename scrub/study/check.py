"""A hypothesis held against its model's graph and its task's data: all that `scrub check` needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scrub.data.dataset import require_rows
from scrub.data.tasks import resolve_task
from scrub.graph import ModelGraph
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.hypothesis import Hypothesis
from scrub.hypothesis.loading import resolve_model_source
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
