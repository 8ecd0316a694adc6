"""What an item of each kind of plan takes in memory, and how many fit a budget.

The usual way to patch edges splits the inputs of all heads of every layer at once: 3 · heads ·
positions · width for each layer and row. Here the ports of one group are alive at a time.
"""

from __future__ import annotations

from collections.abc import Mapping

from scrub.errors import InputRefused, Problem
from scrub.graph import ModelGraph
from scrub.graph.links import groups_of

FLOAT = 4  # bytes: sums are kept in float32 at least


def world_bytes(graph: ModelGraph, lengths: Mapping[str, int]) -> int:
    """A wild and a corrupted world and what is evaluated anew, of one item.

    Each holds every stream and what is recorded of every component; `lengths` are the positions of
    each space.
    """
    streams = sum(
        lengths[graph.stream_spaces[stream]] * graph[feeders[0]].width
        for stream, feeders in graph.streams.items()
        if feeders
    )
    stored = sum(lengths[c.space] * c.stored for c in graph.components if c.name != graph.output)
    return 3 * FLOAT * (streams + stored)


def circuit_bytes(graph: ModelGraph, lengths: Mapping[str, int]) -> int:
    """Besides, for circuits: every component's share in both worlds and in the circuit."""
    return 3 * _shares(graph, lengths) + 3 * _ports(graph, lengths)


def edge_bytes(graph: ModelGraph, lengths: Mapping[str, int]) -> int:
    """Besides, for attribution: every component's difference, a group's ports with gradients, and
    an estimate for each edge."""
    return _shares(graph, lengths) + 6 * _ports(graph, lengths) + FLOAT * graph.n_edges


def fitting(budget: int, each: int, most: int) -> int:
    """How many items fit, at most `most`. Raises `InputRefused` where one does not.

    >>> fitting(1000, 300, 64)
    3
    """
    if each > budget:
        found = f"one item needs {each / 2**20:,.0f} MiB, and the budget is {budget / 2**20:,.0f}."
        fix = "Raise it, shorten the examples, or ask for fewer components."
        raise InputRefused(Problem("option 'memory'", found, fix))
    return max(1, min(most, budget // max(each, 1)))


def _shares(graph: ModelGraph, lengths: Mapping[str, int]) -> int:
    """Every component's share of its readers' sums."""
    writers = (c for c in graph.components if c.name != graph.output)
    return FLOAT * sum(lengths[c.space] * c.width for c in writers)


def _ports(graph: ModelGraph, lengths: Mapping[str, int]) -> int:
    """The inputs of all ports of the widest group, each apart."""
    return FLOAT * max(
        sum(
            lengths[graph.stream_spaces[p.stream]] * graph[p.feeders[0]].width
            for component in group
            for p in component.ports
            if p.feeders
        )
        for group in groups_of(graph)
    )
