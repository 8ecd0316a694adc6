"""What a hypothesis computes: each node's value from its parents' values, up to the answer.

A node may carry `value=`. Of a leaf that is a column's name or a function of an example, of any
other node a function of its parents' values, by their names: `value=lambda left, right: left +
right`. The sink's value is the answer that the claim predicts. `scrub run` makes nothing of it;
interchange interventions hold the model to it (Geiger et al. 2021, "Causal abstractions of neural
networks", NeurIPS).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import networkx as nx

from scrub.data.dataset import Dataset
from scrub.errors import InputRefused, Problem, nearest
from scrub.graph import Each

Values = Mapping[str, Any]
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, eq=False)
class Mechanism:
    """How one node comes by its value: `parents` are those whose values it reads."""

    name: str
    of: str | Callable[..., Any]
    parents: tuple[str, ...] = ()
    leaf: bool = False

    def value(self, dataset: Dataset, row: int, values: Values) -> Any:
        """On a row of the data, given its parents' values. Raises `InputRefused` where the user's
        function raises anything."""
        if isinstance(self.of, str):
            return dataset.columns[self.of][row]
        try:
            if self.leaf:
                return self.of(dataset.example(row))
            return self.of(**{name: values[name] for name in self.parents})
        except Exception as error:  # the user's code: whatever it raises is reported with its row
            said = error.args[0] if isinstance(error, KeyError) and error.args else error
            given = ", ".join(f"{name} = {values[name]!r}" for name in self.parents)
            found = f"its value raised {type(error).__name__} on row {row}: {said}."
            at = f"There {given}." if given else ""
            raise InputRefused(Problem(f"node '{self.name}'", found, at)) from error


@dataclass(frozen=True, eq=False)
class CausalModel:
    """The nodes that have values, every parent before its children; the sink is the last.

    >>> claim = nx.DiGraph([("a", "c"), ("b", "c")])
    >>> claim.nodes["a"]["value"], claim.nodes["b"]["value"] = "x", lambda example: example["y"]
    >>> claim.nodes["c"]["value"] = lambda a, b: a + b
    >>> model = causal_model(claim, Dataset.from_columns({"x": [1, 5], "y": [2, 3]}, ["x"]))
    >>> model.answers, model.answer(0, {"a": 10})
    ([3, 8], 12)
    """

    mechanisms: Mapping[str, Mechanism]
    sink: str
    dataset: Dataset = field(repr=False)

    @cached_property
    def plain(self) -> Sequence[Values]:
        """Every node's value on each row, nothing intervened on. Raises `InputRefused`."""
        return [self._values(row, {}) for row in range(len(self.dataset))]

    @property
    def answers(self) -> list[Any]:
        """The sink's value on each row."""
        return [values[self.sink] for values in self.plain]

    @property
    def inner(self) -> tuple[str, ...]:
        """The nodes that can be intervened on: all but the sink."""
        return tuple(name for name in self.mechanisms if name != self.sink)

    def answer(self, row: int, put_in: Values) -> Any:
        """The sink's value on a row where these nodes have other values. Raises `InputRefused`."""
        return self._values(row, put_in)[self.sink]

    def _values(self, row: int, put_in: Values) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, mechanism in self.mechanisms.items():
            known = name in put_in
            values[name] = put_in[name] if known else mechanism.value(self.dataset, row, values)
        return values


def has_values(graph: nx.DiGraph[Any]) -> bool:
    """Whether some node says how its value is computed."""
    return any("value" in attributes for _, attributes in graph.nodes(data=True))


def causal_model(graph: nx.DiGraph[Any], dataset: Dataset) -> CausalModel:
    """The values of a hypothesis's nodes, tried on every row.

    `graph` is a DAG with one sink. Raises `InputRefused` with all that is wrong: what is no value,
    columns that do not exist, arguments that name no parent, parents without a value, and then
    with the first row on which a function raises.
    """
    problems = list(value_problems(graph, dataset))
    if problems:
        raise InputRefused(problems)
    order = [str(name) for name in nx.topological_sort(graph) if "value" in graph.nodes[name]]
    (sink,) = (str(name) for name, degree in graph.out_degree() if degree == 0)
    order = [*(name for name in order if name != sink), sink]
    parents = _parents(graph)
    written: dict[str, Any] = {str(n): data.get("value") for n, data in graph.nodes(data=True)}
    mechanisms = {
        name: Mechanism(name, written[name], _read(written[name], parents[name]), not parents[name])
        for name in order
    }
    model = CausalModel(mechanisms, sink, dataset)
    assert len(model.plain) == len(dataset)  # tried on every row: functions may raise
    return model


def value_problems(graph: nx.DiGraph[Any], dataset: Dataset) -> Iterator[Problem]:
    """What keeps the values of a hypothesis's nodes from being a causal model."""
    parents = _parents(graph)
    said = {str(name): data for name, data in graph.nodes(data=True)}
    if not has_values(graph):
        fix = "Write value='column' at leaves, value=lambda parent: … at other nodes."
        yield Problem("hypothesis", "no node says how its value is computed.", fix)
        return
    for name, attributes in said.items():
        if "value" in attributes:
            yield from _problems(name, attributes, parents[name], said, dataset)
    for name, degree in graph.out_degree():
        if degree == 0 and "value" not in said[str(name)]:
            found = "is the sink and says no value, which is the answer that the claim predicts."
            fix = f"Make it a function of {' and '.join(parents[str(name)]) or 'an example'}."
            yield Problem(f"node '{name}'", found, fix)


def _problems(
    name: str,
    attributes: Mapping[str, Any],
    parents: Sequence[str],
    said: Mapping[str, Mapping[str, Any]],
    dataset: Dataset,
) -> Iterator[Problem]:
    where, value = f"node '{name}'", attributes["value"]
    if isinstance(attributes.get("positions"), Each):
        found = "stands for one node per position, at each(...), and says one value."
        yield Problem(where, found, "Name a position, or leave the value away.")
    if isinstance(value, str):
        if parents:
            found = f"has parents, and its value is the column '{value}', not computed from theirs."
            yield Problem(where, found, f"For example value=lambda {_argument(parents)}: ….")
        elif value not in dataset.columns:
            found = f"its value is no column '{value}'."
            yield Problem(where, found, nearest(value, dataset.columns))
        return
    if not callable(value):
        found = f"value must be a column's name or a function, not {value!r}."
        yield Problem(where, found)
        return
    if not parents:
        return
    for argument in _arguments(value):
        if argument.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        if argument.kind not in _NAMED:
            found = f"its value takes '{argument.name}' by position, and values come by name."
            yield Problem(where, found, f"Its parents: {', '.join(parents)}.")
        elif argument.name not in parents and argument.default is argument.empty:
            found = f"its value takes '{argument.name}', which is no parent of it."
            fix = (
                f"{nearest(argument.name, parents)} Names that are no arguments come by **parents."
            )
            yield Problem(where, found, fix)
    for parent in _read(value, parents):
        if "value" not in said[parent]:
            found = f"its value reads that of '{parent}', which says none."
            yield Problem(where, found, f"Give '{parent}' a value.")


def _parents(graph: nx.DiGraph[Any]) -> dict[str, list[str]]:
    return {str(name): [str(parent) for parent in graph.predecessors(name)] for name in graph}


def _argument(parents: Sequence[str]) -> str:
    """How a function of these parents is written.

    >>> _argument(["left", "right"]), _argument(["left → q"])
    ('left, right', '**parents')
    """
    return ", ".join(parents) if all(name.isidentifier() for name in parents) else "**parents"


def _arguments(function: Callable[..., Any]) -> Sequence[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a built-in that does not say
        return [inspect.Parameter("parents", inspect.Parameter.VAR_KEYWORD)]


def _read(value: object, parents: Sequence[str]) -> tuple[str, ...]:
    """The parents whose values a function takes: those it names, all where it takes `**`."""
    if not callable(value):
        return ()
    arguments = _arguments(value)
    if any(argument.kind is inspect.Parameter.VAR_KEYWORD for argument in arguments):
        return tuple(parents)
    names = {argument.name for argument in arguments if argument.kind in _NAMED}
    return tuple(parent for parent in parents if parent in names)
