"""A circuit of edges as a hypothesis: which paths matter, with nothing said of what they carry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import networkx as nx

from scrub.data.features import EXACT
from scrub.graph.circuits import Edge


def circuit_claim(edges: Iterable[Edge], output: str = "logits") -> nx.DiGraph[Any]:
    """The graph of a hypothesis that names these edges, `EXACT` at every node and everywhere.

    Edges on no path from an embedding (`embed`, an encoder's `e.embed`) to the output are left
    out, as EAP-IG prunes them: at one end nothing would read them, at the other a leaf would bring
    all that is upstream of it along.

    >>> from scrub.graph.circuits import parse_edge
    >>> written = ["embed->a0.h0<q>", "a0.h0->logits", "embed->m0", "a0.h1->logits"]
    >>> sorted(circuit_claim(map(parse_edge, written)).edges(data="port"))
    [('a0.h0', 'logits', ('in',)), ('embed', 'a0.h0', ('q',))]
    """
    claim: nx.DiGraph[Any] = nx.DiGraph()
    claim.add_node(output)
    for edge in sorted(edges):
        ports = claim.get_edge_data(edge.feeder, edge.reader, {"port": ()})["port"]
        claim.add_edge(edge.feeder, edge.reader, port=(*ports, edge.port))
    sources = {name for name in claim if name.rpartition(".")[2] == "embed"}
    fed = sources.union(*(nx.descendants(claim, source) for source in sources))
    claim.remove_nodes_from(set(claim) - (fed & nx.ancestors(claim, output)) - {output})
    for name in claim:
        where = {} if name == output else {"positions": "all"}
        claim.nodes[name].update(component=name, feature=EXACT, **where)
    return claim
