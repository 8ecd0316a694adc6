"""Attribution of components, ports and neurons, position by position: gradient times difference.

Attribution patching (Nanda 2023): one clean and one corrupted pass, one walk back. An estimate is
the metric with this place corrupted, less that of the wild world, to first order.
"""

from __future__ import annotations

import torch

from scrub.engine.worlds import Input, World
from scrub.errors import InputRefused, Problem, nearest
from scrub.graph import Part
from scrub.mediation.gradients import Grain, slopes
from scrub.mediation.pairs import Pair

Tensor = torch.Tensor


def component_estimates(pair: Pair) -> dict[str, Tensor]:
    """Each component's estimate at each position, [row, position]."""
    found: dict[str, Tensor] = {}
    for slope in slopes(pair.wild, pair.score, pair.at):
        for name, gradient in slope.outputs.items():
            found[name] = (pair.difference(name) * gradient).sum(-1)
    return {name: found[name] for name in pair.writers.number}


def port_estimates(pair: Pair) -> dict[Input, Tensor]:
    """Each port's estimate at each position, [row, position]: all of its input corrupted."""
    graph = pair.writers.graph
    found: dict[Input, Tensor] = {}
    for slope in slopes(pair.wild, pair.score, pair.at, Grain.PORTS):
        for port, gradient in slope.ports.items():
            stream = graph[port.component].port(port.port).stream
            difference = pair.corrupted.streams[stream] - pair.wild.streams[stream]
            found[port] = (difference * gradient).sum(-1)
    order = [Input(c.name, port.name) for c in graph.components for port in c.ports]
    return {port: found[port] for port in order}


def neuron_estimates(pair: Pair, component: str) -> Tensor:
    """The estimates of all neurons of an MLP, [row, position, neuron].

    Raises `InputRefused` where the component has no neurons that can be named.
    """
    graph = pair.writers.graph
    known = [c.name for c in graph.components if c.neurons]
    if component not in known:
        found = "has no neurons that can be named apart."
        raise InputRefused(Problem(f"component '{component}'", found, nearest(component, known)))
    gradient = next(
        slope.outputs[component]
        for slope in slopes(pair.wild, pair.score, pair.at)
        if component in slope.outputs
    )
    wild, other = (_neurons(world, component) for world in (pair.wild, pair.corrupted))
    return (other - wild) * _at_neurons(pair, component, wild, gradient)


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
