"""Attribution of components, ports and neurons, position by position: gradient times difference.

Attribution patching (Nanda 2023): one clean and one corrupted pass, one walk back. An estimate is
the metric with this place corrupted, less that of the wild world, to first order. The other methods
take the gradient where `scrub.mediation.attribution` says; but `eap-ig-activations` weighs each
component with the gradients in those worlds alone in which its own group is blended (Marks et al.
2024, "Sparse feature circuits", 3). A group's estimates then sum to the exact effect of corrupting
all of it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

import torch

from scrub.engine.worlds import Input, World
from scrub.errors import InputRefused, Problem, nearest
from scrub.graph import ModelGraph, Part
from scrub.mediation.attribution import Method, Rule, walks
from scrub.mediation.gradients import Grain, Slopes, slopes
from scrub.mediation.pairs import Pair

Tensor = torch.Tensor
Key = TypeVar("Key", bound=Hashable)


def component_estimates(
    pair: Pair, method: Method = Method.EAP, steps: int = 5, rule: Rule = Rule.MIDPOINT
) -> dict[str, Tensor]:
    """Each component's estimate at each position, [row, position]."""
    found = _means(
        (name, (pair.difference(name) * gradient).sum(-1))
        for slope in _at_outputs(pair, method, rule.points(steps))
        for name, gradient in slope.outputs.items()
    )
    return {name: found[name] for name in pair.writers.number}


def port_estimates(
    pair: Pair, method: Method = Method.EAP, steps: int = 5, rule: Rule = Rule.MIDPOINT
) -> dict[Input, Tensor]:
    """Each port's estimate at each position, [row, position]: all of its input corrupted."""
    graph = pair.writers.graph

    def difference(port: Input) -> Tensor:
        stream = graph[port.component].port(port.port).stream
        return pair.corrupted.streams[stream] - pair.wild.streams[stream]

    found = _means(
        (port, (difference(port) * gradient).sum(-1))
        for walk in walks(pair, method, rule.points(steps))
        for slope in walk
        for port, gradient in slope.ports.items()
    )
    order = [Input(c.name, port.name) for c in graph.components for port in c.ports]
    return {port: found[port] for port in order}


def neuron_estimates(
    pair: Pair,
    component: str,
    method: Method = Method.EAP,
    steps: int = 5,
    rule: Rule = Rule.MIDPOINT,
) -> Tensor:
    """The estimates of all neurons of an MLP, [row, position, neuron].

    Raises `InputRefused` where the component has no neurons that can be named.
    """
    require_neurons(pair.writers.graph, component)
    wild, other = (_neurons(world, component) for world in (pair.wild, pair.corrupted))
    found = _means(
        (component, _at_neurons(pair, component, wild, slope.outputs[component]))
        for slope in _at_outputs(pair, method, rule.points(steps), component)
    )
    return (other - wild) * found[component]


def require_neurons(graph: ModelGraph, component: str) -> None:
    """Refuse a component whose neurons cannot be named. Raises `InputRefused`."""
    known = [c.name for c in graph.components if c.neurons]
    if component not in known:
        found = "has no neurons that can be named apart."
        raise InputRefused(Problem(f"component '{component}'", found, nearest(component, known)))


def _at_outputs(
    pair: Pair, method: Method, points: Sequence[float], only: str | None = None
) -> Iterator[Slopes]:
    """The gradients at what components (or one alone) add, in the worlds that count for them."""
    if method is not Method.EAP_IG_ACTIVATIONS:
        for walk in walks(pair, method, points, Grain.COMPONENTS):
            yield from _until(walk, only)
        return
    for number, group in enumerate(pair.writers.groups[:-1]):
        names = [component.name for component in group]
        if only is None or only in names:
            for t in points:
                world = pair.blended(names, t)
                walk = slopes(world, pair.score, pair.at, fixed=number)
                yield from _until(walk, names[0])


def _until(walk: Iterator[Slopes], only: str | None) -> Iterator[Slopes]:
    """All of a walk; of one component its own group's gradients, and no further."""
    for slope in walk:
        if only is None or only in slope.outputs:
            yield slope
        if only in slope.outputs:
            return


def _means(terms: Iterable[tuple[Key, Tensor]]) -> dict[Key, Tensor]:
    """The mean of all terms of one key."""
    sums: dict[Key, Tensor] = {}
    counts: dict[Key, int] = {}
    for key, term in terms:
        sums[key] = sums[key] + term if key in sums else term
        counts[key] = counts.get(key, 0) + 1
    return {key: total / counts[key] for key, total in sums.items()}


def _neurons(world: World, component: str) -> Tensor:
    """What an MLP's neurons hold in a world, [row, position, neuron]."""
    ports = {p.name: world.streams[p.stream] for p in world.model.graph[component].ports}
    return world.model.neurons(component, ports, world.frame)


def _at_neurons(pair: Pair, component: str, neurons: Tensor, gradient: Tensor) -> Tensor:
    """The gradient at an MLP's neurons, from that at its output: they are added linearly."""
    part = Part(component, neurons=(0, neurons.shape[-1] - 1))
    leaf = neurons.detach().requires_grad_(True)
    with torch.enable_grad():
        share = pair.wild.model.output(part, leaf)
    (found,) = torch.autograd.grad(share, leaf, gradient.to(share))
    return found
