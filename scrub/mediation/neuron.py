"""One neuron of an MLP scaled, and what the model's output becomes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from scrub.engine.flow import edited
from scrub.engine.worlds import Edit, World
from scrub.errors import InputRefused, Problem, nearest
from scrub.graph import Component, ModelGraph, Part
from scrub.mediation.findings import Finding, Row
from scrub.mediation.probes import Given

Tensor = torch.Tensor


@dataclass(frozen=True, eq=False, repr=False)
class NeuronEffect(Finding):
    """The model's output with one neuron scaled, beside its output as it is.

    - `component` and `neuron`: what was scaled, `m3` and 17; `scale`: by what; `scaled_at`:
      "all", or the positions of each row.

    `per_example` holds, at the positions as they were given, NaN where padding is: `logits` and
    `plain` [row, position, vocabulary], with the neuron scaled and as the model is; `activation`
    [row, position], what the neuron holds in the model as it is, in the space of its own stack.
    """

    KIND: ClassVar[str] = "neuron-effect"

    component: str
    neuron: int
    scale: float
    scaled_at: tuple[tuple[int, ...], ...] | str

    def __repr__(self) -> str:
        model = self.conventions.get("model")
        return f"<NeuronEffect of {self.component}.n{self.neuron} × {self.scale:g} in {model}>"

    @property
    def logits(self) -> NDArray[Any]:
        """With the neuron scaled, [row, position, vocabulary]."""
        return self.per_example["logits"]

    @property
    def plain(self) -> NDArray[Any]:
        """As the model is, [row, position, vocabulary]."""
        return self.per_example["plain"]

    @property
    def activation(self) -> NDArray[Any]:
        """What the neuron holds in the model as it is, [row, position]."""
        return self.per_example["activation"]

    def table(self) -> Sequence[Row]:
        """A row for each row and position of the output: the likeliest token before and after,
        and the largest change of a logit."""
        found: list[Row] = []
        for row, spot in np.argwhere(~np.isnan(self.plain[..., 0])).tolist():
            before, after = self.plain[row, spot], self.logits[row, spot]
            found.append(
                {
                    "row": row,
                    "position": spot,
                    "plain_top": int(before.argmax()),
                    "top": int(after.argmax()),
                    "largest_change": float(np.abs(after - before).max()),
                }
            )
        return found


def intervene_on_neuron(
    model: object,
    input_ids: Any,
    layer: int | str,
    neuron: int,
    scale: float = 0.0,
    at: Any = None,
    attention_mask: Any = None,
    *,
    fields: Mapping[str, Any] | None = None,
    batch: int | None = None,
    dtype: str = "float32",
    device: str = "cpu",
    folder: Path | None = None,
) -> NeuronEffect:
    """The model's output with one MLP neuron's activation multiplied by `scale`.

    A neuron is an entry of what the MLP's last linear map reads (after the gate, where there is
    one), at every position or at the positions `at`: one number, one for each row, or several for
    each row [row, n]; the padding counts. `layer` is a number (3 for `m3`), or a component's name
    for another stack's MLP (`em3`, `vm3`, `ms3`). What lies before it is not run again. Model,
    inputs and options are those of `trace_token_probability`.

    Raises `InputRefused` for what cannot be used, and `ModelRefused` where the probe fails.

    >>> found = intervene_on_neuron("induction-2l", [[5, 6, 7, 5]], layer=1, neuron=3)
    >>> found, found.logits.shape
    (<NeuronEffect of m1.n3 × 0 in induction-2l>, (1, 4, 32))
    """
    how = {"dtype": dtype, "device": device, "folder": folder}
    given = Given.of(model, input_ids, attention_mask, fields, batch, **how)
    part = neuron_of(given.model.graph, layer, neuron)
    factor = _factor(scale)
    component = given.model.graph[part.component]
    graph, held = given.model.graph, given.axis(component.space)
    read, width = given.axis(graph[graph.output].space), graph[graph.output].width
    spots = None if at is None else held.inner(at, "at")
    arrays = {
        "logits": np.full((len(given), read.size, width), np.nan, dtype=given.kind),
        "plain": np.full((len(given), read.size, width), np.nan, dtype=given.kind),
        "activation": np.full((len(given), held.size), np.nan, dtype=given.kind),
    }
    with torch.no_grad():
        for rows, world in given.worlds():
            some = None if spots is None else given.tensor(spots[rows])
            edit = Edit(part, lambda own: factor * own, some)
            other = edited(world, [edit] if factor != 1 else [])  # by 1, nothing is run again
            read.spread(_numbers(other.output(None)), rows, arrays["logits"])
            read.spread(_numbers(world.output(None)), rows, arrays["plain"])
            held.spread(_numbers(_held(world, component, neuron)), rows, arrays["activation"])
    where = "all" if spots is None else tuple(map(tuple, (spots + held.first[:, None]).tolist()))
    return NeuronEffect(
        conventions=given.conventions(positions=read.space, neuron_positions=held.space),
        per_example=arrays,
        component=part.component,
        neuron=int(neuron),
        scale=factor,
        scaled_at=where,
    )


def neuron_of(graph: ModelGraph, layer: int | str, neuron: int) -> Part:
    """One neuron of an MLP, by its layer's number or its component's name.

    Raises `InputRefused` where there is none.

    >>> from scrub.graph import Component
    >>> graph = ModelGraph("toy", (Component("m0", neurons=4), Component("y")), output="y")
    >>> str(neuron_of(graph, 0, 3))
    'm0.n3'
    """
    name = layer if isinstance(layer, str) else f"m{layer}"
    known = [c.name for c in graph.components if c.neurons]
    if name not in known:
        raise InputRefused(_without(name, graph, known))
    size = graph[name].neurons
    if isinstance(neuron, bool) or not isinstance(neuron, (int, np.integer)):
        found = f"must be one neuron's number, found {neuron!r}."
        raise InputRefused(Problem("neuron", found, f"{name} has neurons 0 to {size - 1}."))
    if not 0 <= neuron < size:
        found = f"{name} has neurons 0 to {size - 1}."
        raise InputRefused(Problem(f"neuron {neuron}", found))
    return Part(name, neurons=(int(neuron), int(neuron)))


def _without(name: str, graph: ModelGraph, known: Sequence[str]) -> Problem:
    """Why a component has no neurons, and what there is instead."""
    where = f"layer '{name}'"
    if name not in graph:
        return Problem(where, "is no component of the model.", nearest(name, known))
    component: Component = graph[name]
    if component.experts:
        found = "is a mixture of experts: which neurons run depends on the token, so that they "
        found += f"have no names. Its experts have, {name}.e0 to {name}.e{component.experts - 1}."
        fix = f"Replace one with scrub.sensitivity(..., at='{name}.e0')."
        return Problem(where, found, fix)
    return Problem(where, "has no neurons that can be named apart.", nearest(name, known))


def _factor(scale: Any) -> float:
    number = isinstance(scale, (int, float, np.number)) and not isinstance(scale, bool)
    if not number or not math.isfinite(scale):
        raise InputRefused(Problem("scale", f"must be a finite number, found {scale!r}."))
    return float(scale)


def _held(world: World, component: Component, neuron: int) -> Tensor:
    """What a neuron holds, [row, position]."""
    return world.model.neurons(component.name, world.ports(component.name), world.frame)[
        :, :, neuron
    ]


def _numbers(value: Tensor) -> NDArray[Any]:
    wide = value if value.dtype == torch.float64 else value.float()
    found: NDArray[Any] = wide.cpu().numpy()
    return found
