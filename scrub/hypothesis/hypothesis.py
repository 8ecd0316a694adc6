"""A hypothesis: a plain networkx DAG of what a model is said to compute, and its conventions."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import networkx as nx

from scrub.data.task import Task
from scrub.errors import InputRefused, Problem
from scrub.hypothesis.options import Options, options

NODE_KEYS = ("component", "positions", "feature", "inner", "subspace", "value")
EDGE_KEYS = ("port",)


@dataclass(frozen=True, eq=False, init=False)
class Hypothesis:
    """A claim about a model: a DAG whose edges run the way information flows.

    Each node says which `component`(s) it stands for, at which `positions`, and which `feature`
    of the input it carries; an edge says through which `port` the parent's value arrives. The
    one sink is the model's output. Every path not in the graph is claimed not to matter.

    `task` is a `Task`, the name of a built-in one, or a data file; `model` a folder, a shipped
    model's name, a hub id, or a model in memory. All further keywords are `Options`.

    >>> import networkx as nx
    >>> from scrub import EXACT
    >>> claim = nx.DiGraph()
    >>> claim.add_node("answer", component="logits", feature=EXACT)
    >>> Hypothesis(claim, task="repeated_tokens", model="induction-2l", nodes="joint").options.nodes
    <Nodes.JOINT: 'joint'>
    """

    graph: nx.DiGraph[Any]
    task: Task | str | Path
    model: Any
    options: Options
    name: str
    claim: str
    folder: Path
    source: str = field(repr=False)

    def __init__(
        self,
        graph: nx.DiGraph[Any],
        *,
        task: Task | str | Path,
        model: Any = None,
        name: str = "hypothesis",
        **conventions: object,
    ) -> None:
        given: object = graph
        if not isinstance(given, nx.DiGraph):
            kind = type(given).__name__
            found = f"must be a networkx DiGraph, not a {kind}."
            raise InputRefused(Problem("hypothesis", found, "Use nx.DiGraph()."))
        set_ = object.__setattr__
        set_(self, "graph", graph.copy())
        set_(self, "task", task)
        set_(self, "model", model)
        set_(self, "options", options(**conventions))
        set_(self, "name", name)
        set_(self, "claim", "")
        set_(self, "folder", Path.cwd())
        set_(self, "source", "")

    def placed(self, *, name: str, claim: str, folder: Path, source: str) -> Hypothesis:
        """The same hypothesis, knowing the file that it was read from."""
        return self._changed(name=name, claim=claim, folder=folder, source=source)

    def with_options(self, **conventions: object) -> Hypothesis:
        """The same claim under other conventions."""
        merged = {**vars(self.options), **conventions}
        return self._changed(options=options(**merged))

    def with_graph(self, graph: nx.DiGraph[Any]) -> Hypothesis:
        """Another claim about the same task and model."""
        return self._changed(graph=graph.copy())

    def with_model(self, model: Any) -> Hypothesis:
        """The same claim about another model."""
        return self._changed(model=model)

    def with_task(self, task: Task | str | Path) -> Hypothesis:
        """The same claim about another task."""
        return self._changed(task=task)

    def _changed(self, **values: object) -> Hypothesis:
        other = object.__new__(Hypothesis)
        for name, value in {**vars(self), **values}.items():
            object.__setattr__(other, name, value)
        return other
