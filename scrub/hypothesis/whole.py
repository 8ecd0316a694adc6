"""The full hypothesis: every edge of the model graph named, EXACT at every node."""

from __future__ import annotations

from dataclasses import replace

from scrub.data.features import EXACT
from scrub.graph import ALL, Component, Part
from scrub.hypothesis.changed import reached
from scrub.hypothesis.claim import Claim, Edge, Node


def whole(claim: Claim) -> Claim:
    """The claim that everything matters, about the same output: it draws nothing.

    >>> from scrub.hypothesis.loading import load_hypothesis
    >>> from scrub.study.check import check
    >>> full = whole(check(load_hypothesis("induction")))
    >>> len(full.nodes), len(full.named_edges) == full.graph.n_edges, full.unimportant
    (6, True, 0.0)
    """
    graph = claim.graph
    sink = replace(claim.nodes[claim.sink], feature=EXACT)
    names = {graph.output: sink.name}
    nodes = {sink.name: sink}
    for component in graph.components:
        if component.name != graph.output:
            names[component.name] = component.name + "'" * (component.name == sink.name)
            node = Node(names[component.name], (Part(component.name),), ALL, EXACT)
            nodes[node.name] = node
    edges = tuple(
        Edge(names[feeder], names[component.name], tuple(ports))
        for component in graph.components
        for feeder, ports in _fed(component).items()
    )
    return reached(claim, nodes, edges)


def _fed(component: Component) -> dict[str, list[str]]:
    """Who feeds a component, through which ports."""
    found: dict[str, list[str]] = {}
    for port in component.ports:
        for feeder in port.feeders:
            found.setdefault(feeder, []).append(port.name)
    return found
