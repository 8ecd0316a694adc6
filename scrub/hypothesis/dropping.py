"""One claim left out of a hypothesis: a node with its edges, or a single edge."""

from __future__ import annotations

from dataclasses import dataclass, replace

from scrub.data.features import ANY
from scrub.hypothesis.changed import reached
from scrub.hypothesis.claim import Claim, Edge


@dataclass(frozen=True, eq=False)
class Dropped:
    """What is left: `gone` are further nodes that no longer reach the sink.

    `forgotten` are the nodes that would have been left without parents. A node without parents is
    looked up, with all its inputs intact: leaving a claim out would give back what it left to
    chance. So the parent that was left out stays there as a leaf that carries nothing.
    """

    claim: Claim
    gone: tuple[str, ...]
    forgotten: tuple[str, ...]


def without_node(claim: Claim, name: str) -> Dropped:
    """The claim without a node and its edges. The sink cannot be left out: see `sink_alone`.

    >>> from scrub.hypothesis.loading import load_hypothesis
    >>> from scrub.study.check import check
    >>> left = without_node(check(load_hypothesis("induction_chain")), "induction")
    >>> sorted(left.claim.nodes), left.gone
    (['answer'], ('current', 'previous', 'copied'))
    """
    dropped = [edge for edge in claim.edges if name in (edge.parent, edge.child)]
    return _without(claim, dropped, {name})


def without_edge(claim: Claim, edge: Edge) -> Dropped:
    """The claim without an edge, and without what reached the sink by it alone.

    >>> from scrub.hypothesis.loading import load_hypothesis
    >>> from scrub.study.check import check
    >>> whole = check(load_hypothesis("induction_naive"))
    >>> without_edge(whole, whole.edges[0]).claim.nodes.keys()
    dict_keys(['answer'])
    """
    return _without(claim, [edge], set())


def _without(claim: Claim, dropped: list[Edge], named: set[str]) -> Dropped:
    edges = [edge for edge in claim.edges if edge not in dropped]
    nodes = {name: node for name, node in claim.nodes.items() if name not in named}
    orphans = {e.child for e in dropped if e.child in nodes and e.child != claim.sink}
    orphans -= {edge.child for edge in edges}
    stays: dict[str, str] = {}
    for edge in dropped:
        if edge.child in orphans:
            if edge.parent not in stays:
                stays[edge.parent] = _unused(edge.parent, edges)
                leaf = claim.nodes[edge.parent]
                leaf = replace(leaf, name=stays[edge.parent], feature=ANY, of_each=False)
                nodes[leaf.name] = leaf
            edges.append(replace(edge, parent=stays[edge.parent]))
    left = reached(claim, nodes, tuple(edges))
    lost = set(claim.nodes) - set(left.nodes) - named - set(stays)
    order = tuple(name for name in claim.nodes if name in lost)
    return Dropped(left, order, tuple(sorted(orphans & set(left.nodes))))


def _unused(name: str, edges: list[Edge]) -> str:
    """The node's own name, if nothing else is left of it."""
    used = {end for edge in edges for end in (edge.parent, edge.child)}
    while name in used:
        name += "'"
    return name
