"""What the recording costs: forward passes over plain inputs, and what is kept of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scrub.compiler.sizes import Sizes
from scrub.graph import ALL, Component, Kind, Reach, Site

STREAM_COPIES = 4  # in a forward pass: the residual stream, before and after a norm, and a sum
STREAM_MOVES = (
    7  # of a sublayer: a norm reads it and writes, it is read and written, and a sum made
)
STORED_MOVES = 8  # of an attention: queries, keys, values and z, each written and read
HIDDEN_MOVES = 4  # of an MLP: its hidden units, written and read, and its activations


def pass_bytes(sizes: Sizes) -> int:
    """Bytes of a forward pass over one input, what is recorded of it left out."""
    graph = sizes.schedule.graph
    widths: dict[str, int] = {}
    for c in (c for c in graph.components if c.name != graph.output):
        widths[c.space] = max(c.width, widths.get(c.space, 1))
    values = sum(sizes.shape.lengths[space] * width for space, width in widths.items())
    streams = STREAM_COPIES * values * sizes.shape.bytes_per_value
    return streams + max(map(sizes.inside, _groups(graph.components)), default=0)


def recording_flops(sizes: Sizes, sites: Sequence[Site]) -> int:
    """FLOPs of the recording: each range of experts takes two runs of its own, and the output is
    left out where nothing reads it."""
    graph = sizes.schedule.graph
    full = graph.pass_flops(sizes.shape.lengths)
    output = graph[graph.output]
    if Site(Kind.OUTPUT, output.name) not in sites:
        full -= sizes.evaluation(output, ALL)
    alone = sum(2 * sizes.evaluation(graph[site.name], ALL) for site in sites if site.experts)
    return sizes.shape.inputs * (full + alone)


def recording_moved(sizes: Sizes, sites: Sequence[Site]) -> int:
    """Bytes that the recording reads and writes at the least: weights once, what goes into and
    comes out of each norm, map and activation function, and what is kept."""
    graph, shape = sizes.schedule.graph, sizes.shape
    values = 0
    for group in _groups(c for c in graph.components if c.name != graph.output):
        length = max(shape.lengths[c.space] for c in group)
        mixing = any(port.reach is not Reach.SAME for c in group for port in c.ports)
        each = STREAM_MOVES * max(c.width for c in group)
        each += STORED_MOVES * sum(c.stored for c in group) if mixing else 0
        each += HIDDEN_MOVES * max(c.neurons for c in group)
        values += length * each
    costs = [spent.cost for spent in graph.pass_cost]
    weights = sum(cost.per_position + cost.per_key for cost in costs) // 2  # times, plus
    if Site(Kind.OUTPUT, graph.output) not in sites:
        weights -= graph[graph.output].cost.per_position // 2
    kept = sum(sizes.site(site) for site in sites)
    return shape.bytes_per_value * (shape.inputs * values + weights) + 2 * kept


def _groups(components: Iterable[Component]) -> list[list[Component]]:
    """Components that a pass runs by one module."""
    groups = dict[str, list[Component]]()
    for component in components:
        groups.setdefault(component.group or component.name, []).append(component)
    return list(groups.values())
