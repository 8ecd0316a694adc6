"""`attribute_places`: estimates for components, ports or neurons, position by position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from scrub.data.task import Task
from scrub.engine.edits import Edit, Input
from scrub.engine.metrics import Floats
from scrub.engine.progress import Progress, Silent
from scrub.engine.worlds import World
from scrub.errors import InputRefused, Problem, nearest
from scrub.graph import Part
from scrub.mediation.attribute import Plan, pair_of
from scrub.mediation.attributed import PlaceAttribution, Spot
from scrub.mediation.attribution import Method, Rule
from scrub.mediation.columns import Column, columns, speller
from scrub.mediation.columns import Written as WrittenPositions
from scrub.mediation.corruption import Written as WrittenCorruption
from scrub.mediation.nodes import (
    component_estimates,
    neuron_estimates,
    port_estimates,
    require_neurons,
)
from scrub.mediation.pairs import Pair
from scrub.mediation.places import Place
from scrub.mediation.scene import Scene

Tensor = torch.Tensor
KINDS, NEURONS = ("components", "ports"), "neurons"


def attribute_places(
    model: object,
    task: Task | str | Path,
    *,
    corrupt: WrittenCorruption,
    of: str = "components",
    positions: WrittenPositions = "together",
    method: str | Method = Method.EAP_IG_INPUTS,
    steps: int = 5,
    rule: str | Rule = Rule.MIDPOINT,
    exact: int = 20,
    metric: str | None = None,
    tokenizer: Any = None,
    progress: Progress | None = None,
    **options: Any,
) -> PlaceAttribution:
    """What corrupting each component, port or neuron at each position would change, estimated for
    all, measured for the `exact` largest.

    `of`: components, ports, or the neurons of one MLP (`neurons:m3`). `positions` as in `trace`:
    together, roles, all, names of roles, indices. Under `eap-ig-activations` the components of a
    layer sum to the exact effect of corrupting all of them, and the neurons of an MLP to that of
    the MLP; ports have no such estimate. All else as for `attribute`.

    >>> found = attribute_places("induction-2l", "repeated_tokens(n=64)", corrupt="embed=resample",
    ...                          positions="query", references=16, exact=2)
    >>> [str(spot) for spot in found.top(2)]
    ['a1.h0@query', 'embed@query']
    """
    neurons = _neurons_of(of)
    plan = Plan.of(model, task, corrupt, method, steps, rule, exact, metric, options)
    whats = _whats(of, neurons, plan)
    space = {what: plan.subject.layout.space(what) for what in whats}
    spell = speller(plan.subject.model, tokenizer)
    some = columns(positions, plan.subject, dict.fromkeys(space.values()), spell)
    cells = [(what, one) for what in whats for one in some if one.space == space[what]]

    def estimate(scene: Scene) -> Floats:
        values = _estimates(pair_of(scene, plan.made, plan.writers), of, neurons, plan)
        at = {column: scene.at(column.at) for column in some}
        found = torch.stack([_over(values[what], at[column]) for what, column in cells])
        given: Floats = found.double().cpu().numpy()  # [cell, item]
        return given

    def edit(scene: Scene, other: World, number: int) -> Edit:
        what, column = cells[number]
        return scene.restored(Place(what, column.at), other)

    at = list(dict.fromkeys(column.position for column in some))
    figures = plan.figures(estimate, edit, progress or Silent(), of=of, at=at)
    return PlaceAttribution(of=of, spots=tuple(_spot(*cell) for cell in cells), **figures)


def _neurons_of(of: str) -> str | None:
    """The component whose neurons are meant, if any are. Raises `InputRefused`."""
    kind, colon, component = of.partition(":")
    if colon and kind == NEURONS and component:
        return component
    if of not in KINDS:
        known = (*KINDS, f"{NEURONS}:m3")
        found = f"'{of}' is no value of it."
        raise InputRefused(Problem("option 'of'", found, nearest(of, known)))
    return None


def _whats(of: str, neurons: str | None, plan: Plan) -> Sequence[Part | Input]:
    """What is attributed, in order of evaluation. Raises `InputRefused`."""
    graph = plan.writers.graph
    if neurons is not None:
        require_neurons(graph, neurons)
        return [Part(neurons, neurons=(i, i)) for i in range(graph[neurons].neurons)]
    if of == "components":
        return [Part(name) for name in plan.writers.number]
    if plan.method is Method.EAP_IG_ACTIVATIONS:
        found = "blends what components give, and says nothing of their ports."
        fix = "Use eap, eap-ig-inputs or clean-corrupted, or attribute components."
        raise InputRefused(Problem("method 'eap-ig-activations'", found, fix))
    readers = [c for c in graph.components if c.name != graph.output]  # which reads everything
    return [Input(c.name, port.name) for c in readers for port in c.ports]


def _estimates(
    pair: Pair, of: str, neurons: str | None, plan: Plan
) -> Mapping[Part | Input, Tensor]:
    """Everything's estimate at each position, [row, position]."""
    how = plan.method, plan.steps, plan.rule
    if neurons is not None:
        found = neuron_estimates(pair, neurons, *how)  # [row, position, neuron]
        return {Part(neurons, neurons=(i, i)): one for i, one in enumerate(found.unbind(-1))}
    if of == "components":
        return {Part(name): one for name, one in component_estimates(pair, *how).items()}
    return dict(port_estimates(pair, *how).items())


def _over(values: Tensor, at: Tensor | None) -> Tensor:
    """The sum over positions [row, n] (all, if None) of values [row, position]."""
    return values.sum(1) if at is None else values.gather(1, at).sum(1)


def _spot(what: Part | Input, column: Column) -> Spot:
    return Spot(str(what), column.position, column.space, column.token, column.role)
