"""A circuit of edges as a hypothesis: which paths matter, with nothing said of what they carry."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import networkx as nx

from scrub.data.features import EXACT
from scrub.graph import Role
from scrub.graph.circuits import Edge

_ITEM = re.compile(r"^(?P<role>.+)\[(?P<item>\d+)\]$")


def circuit_claim(edges: Iterable[Edge], output: str = "logits") -> nx.DiGraph[Any]:
    """The graph of a hypothesis that names these edges, `EXACT` at every node and everywhere.

    Edges on no path from an embedding (`embed`, an encoder's `e.embed`) to the output are left
    out, as EAP-IG prunes them: at one end nothing would read them, at the other a leaf would bring
    all that is upstream of it along.

    >>> from scrub.graph.circuits import parse_edge
    >>> written = ["embed->a0.h0<q>", "a0.h0->logits", "embed->m0", "a0.h1->logits"]
    >>> sorted(circuit_claim(map(parse_edge, written)).edges(data="port"))
    [('a0.h0', 'logits', ('in',)), ('embed', 'a0.h0', ('q',))]
    >>> circuit_claim([parse_edge("a0.h0@end->logits")]).nodes["a0.h0@end"]["positions"]
    Role(name='end', item=None)
    """
    claim: nx.DiGraph[Any] = nx.DiGraph()
    claim.add_node(output)
    for edge in sorted(edges):
        ports = claim.get_edge_data(edge.feeder, edge.reader, {"port": ()})["port"]
        claim.add_edge(edge.feeder, edge.reader, port=(*ports, edge.port))
    sources = {name for name in claim if "@" in name or name.rpartition(".")[2] == "embed"}
    fed = sources.union(*(nx.descendants(claim, source) for source in sources))
    claim.remove_nodes_from(set(claim) - (fed & nx.ancestors(claim, output)) - {output})
    for name in claim:
        component, _, where = name.partition("@")
        spots = {} if name == output else {"positions": _positions(where)}
        claim.nodes[name].update(component=component, feature=EXACT, **spots)
    return claim


def _positions(where: str) -> object:
    """What follows the `@`, as a node says it: all, if nothing does.

    >>> _positions(""), _positions("0,3"), _positions("subject[1]")
    ('all', [0, 3], Role(name='subject', item=1))
    """
    if where in ("", "all"):
        return "all"
    numbers = [piece.strip() for piece in where.split(",")]
    if all(piece.isdigit() for piece in numbers):
        return [int(piece) for piece in numbers]
    item = _ITEM.match(where)
    return Role(item["role"], int(item["item"])) if item else Role(where)
