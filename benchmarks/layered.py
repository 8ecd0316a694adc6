"""A claim that can be made of any size: heads of the last layers, each reading all those below."""

from __future__ import annotations

import networkx as nx

from scrub import EXACT


def claim(layers: int, heads: int, depth: int) -> nx.DiGraph[str]:
    """The first `heads` heads of the last `depth` layers of a model of `layers`.

    Each reads the values of all those of the claimed layer below, so that the tree has
    1 + heads + heads² + … nodes.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("answer", component="logits", feature=EXACT)
    above = ["answer"]
    for level in range(depth):
        here = [f"a{layers - 1 - level}.h{head}" for head in range(heads)]
        for name in here:
            where = "end" if level == 0 else "s2"
            graph.add_node(name, component=name, positions=where, feature="s")
            for reader in above:
                graph.add_edge(name, reader, **({} if level == 0 else {"port": "v"}))
        above = here
    return graph


def chains(layers: int, count: int, depth: int) -> nx.DiGraph[str]:
    """`count` chains of heads through the last `depth` layers, each read by the next through `v`.

    The tree has 1 + count · depth nodes, and almost every layer is recorded.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("answer", component="logits", feature=EXACT)
    for head in range(count):
        above = "answer"
        for level in range(depth):
            name = f"a{layers - 1 - level}.h{head}"
            graph.add_node(name, component=name, positions="s2" if level else "end", feature="s")
            graph.add_edge(name, above, **({"port": "v"} if level else {}))
            above = name
    return graph


def tree_nodes(heads: int, depth: int) -> int:
    """
    >>> tree_nodes(heads=10, depth=2)
    111
    """
    return sum(heads**level for level in range(depth + 1))
