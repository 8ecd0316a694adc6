"""Attribution: what replacing each edge, or each component at each position, would change, to first
order.

An edge's estimate is what its feeder differs by between the worlds, times the metric's gradient at
the port that reads it. Where the gradient is taken is the method:

- `eap`: in the wild world (Nanda 2023; Syed et al. 2023, "Attribution patching outperforms
  automated circuit discovery");
- `eap-ig-inputs`: the mean over worlds whose sources are blends of both (Hanna et al. 2024, "Have
  faith in faithfulness"). The edges that leave one source sum to the whole effect, by the
  completeness of integrated gradients; those of later components do not, since each is weighed
  with a difference of its own along a path on which all else moves too;
- `eap-ig-activations`: the mean over worlds in which one group's outputs are blends;
- `clean-corrupted`: the mean of the gradients in both worlds.

Signs: an estimate is that of the metric with this edge corrupted, less that of the wild world.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from scrub.engine.worlds import Input, World
from scrub.graph.circuits import Edge, all_edges
from scrub.mediation.circuits import Writers
from scrub.mediation.gradients import Grain, Slopes, slopes
from scrub.mediation.pairs import Pair
from scrub.models.blocks import abreast

Tensor = torch.Tensor
Floats32 = NDArray[np.float32]


class Method(enum.Enum):
    """Where the gradients are taken."""

    EAP = "eap"
    EAP_IG_INPUTS = "eap-ig-inputs"
    EAP_IG_ACTIVATIONS = "eap-ig-activations"
    CLEAN_CORRUPTED = "clean-corrupted"


class Rule(enum.Enum):
    """At which blends an integral is sampled: t is the share of the wild world.

    The released code of EAP-IG takes the left points for inputs and the right ones for
    activations.
    """

    MIDPOINT = "midpoint"  # (k - ½) / steps for k = 1 … steps: the most accurate
    LEFT = "left"  # (k - 1) / steps
    RIGHT = "right"  # k / steps

    def points(self, steps: int) -> list[float]:
        """The blends, steps of them.

        >>> Rule.MIDPOINT.points(2), Rule.LEFT.points(2), Rule.RIGHT.points(2)
        ([0.25, 0.75], [0.0, 0.5], [0.5, 1.0])
        """
        shift = {Rule.MIDPOINT: 0.5, Rule.LEFT: 1.0, Rule.RIGHT: 0.0}[self]
        return [(k - shift) / steps for k in range(1, steps + 1)]


class EdgeIndex:
    """All edges of a graph in order of evaluation, and where those into each port stand."""

    def __init__(self, writers: Writers) -> None:
        graph = writers.graph
        self.edges: tuple[Edge, ...] = tuple(all_edges(graph))
        self.into: dict[Input, tuple[int, NDArray[np.int64]]] = {}
        start = 0
        for component in graph.components:
            for port in component.ports:
                feeders = np.array([writers.number[f] for f in port.feeders], dtype=np.int64)
                self.into[Input(component.name, port.name)] = start, feeders
                start += len(feeders)


def edge_estimates(
    pair: Pair, index: EdgeIndex, method: Method, steps: int = 5, rule: Rule = Rule.MIDPOINT
) -> Floats32:
    """Each edge's estimated effect on each row's metric, [row, edge]; `steps` blends where the
    method has any."""
    total = torch.zeros(0)
    count = 0
    for walk in walks(pair, method, rule.points(steps)):
        one = _contracted(pair, index, walk)
        total, count = (total + one if count else one), count + 1
    found: Floats32 = (total / count).cpu().numpy()
    return found


def walks(
    pair: Pair, method: Method, points: Sequence[float], grain: Grain = Grain.PORTS
) -> Iterator[Iterator[Slopes]]:
    """The gradients, in each world in which the method takes them."""

    def ports_of(world: World, fixed: int | None = None) -> Iterator[Slopes]:
        return slopes(world, pair.score, pair.at, grain, fixed)

    match method:
        case Method.EAP:
            yield ports_of(pair.wild)
        case Method.CLEAN_CORRUPTED:
            yield ports_of(pair.wild)
            yield ports_of(pair.corrupted)
        case Method.EAP_IG_INPUTS:
            sources = [name for name in pair.writers.number if not pair.writers.graph[name].ports]
            for t in points:
                yield ports_of(pair.blended(sources, t))
        case Method.EAP_IG_ACTIVATIONS:
            for number, group in enumerate(pair.writers.groups[:-1]):
                for t in points:
                    yield ports_of(pair.blended([c.name for c in group], t), fixed=number)


def _contracted(pair: Pair, index: EdgeIndex, walk: Iterator[Slopes]) -> Tensor:
    """Differences of the writers times gradients of the ports, [row, edge]."""
    graph, rows = pair.writers.graph, len(next(iter(pair.wild.streams.values())))
    like = next(iter(pair.differences.values()))
    found = like.new_zeros(rows, len(index.edges))
    for slope in walk:
        streams: dict[str, list[Input]] = {}
        for port in slope.ports:
            streams.setdefault(graph[port.component].port(port.port).stream, []).append(port)
        for stream, ports in streams.items():
            _, feeders = index.into[ports[0]]
            if not len(feeders):
                continue
            values = pair.differences[pair.writers.homes[graph.streams[stream][0]]]
            read = values[:, : len(feeders)] if _leading(feeders) else values[:, feeders]
            slope_of = abreast([slope.ports[p] for p in ports]).to(read)
            products = read @ slope_of.transpose(1, 2)  # [row · position, feeder, port]
            scores = products.view(rows, -1, *products.shape[1:]).sum(1)
            for i, port in enumerate(ports):
                start, _ = index.into[port]
                found[:, start : start + len(feeders)] = scores[:, :, i]
    return found


def _leading(numbers: NDArray[np.int64]) -> bool:
    """Whether these are the first writers in order: then no copy is needed."""
    return bool((numbers == np.arange(len(numbers))).all())
