"""Claims to be drawn, on model graphs that need no weights."""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx

from scrub import EXACT, Hypothesis
from scrub.graph import ModelGraph
from scrub.hypothesis.claim import Claim
from scrub.models.config import graph_from_config
from scrub.study.check import check


@dataclass
class Graph:
    """Stands in for a model where only its graph is asked for."""

    graph: ModelGraph


def transformer(layers: int, heads: int) -> ModelGraph:
    sizes = {"n_layer": layers, "n_head": heads, "n_embd": 8 * heads, "vocab_size": 32}
    return graph_from_config({"model_type": "gpt2", **sizes}, f"{layers}x{heads}")


def induction() -> tuple[Hypothesis, Claim]:
    """
    embed@query ──q──┐
    a0.h0 ──────k──► a1.h1 ──► logits
    embed@after ──v──┘
    """
    graph = nx.DiGraph()
    graph.add_node("answer", component="logits", feature=EXACT)
    graph.add_node("induction", component="a1.h1", positions="query", feature="next_token")
    graph.add_node("current", component="embed", positions="query", feature="current_token")
    graph.add_node("previous", component="a0.h0", positions="after_match", feature="current_token")
    graph.add_node("copied", component="embed", positions="after_match", feature="next_token")
    for parent, port in (("current", "q"), ("previous", "k"), ("copied", "v")):
        graph.add_edge(parent, "induction", port=port)
    graph.add_edge("induction", "answer")
    model = Graph(transformer(2, 2))
    hypothesis = Hypothesis(graph, task="repeated_tokens", model=model, name="induction <2>")
    return hypothesis, check(hypothesis)


def wide(layers: int = 6, heads: int = 6) -> tuple[Hypothesis, Claim]:
    """Every head a node of its own, each reading all of the layer below: 36 nodes and the sink."""
    graph = nx.DiGraph()
    graph.add_node("answer", component="logits", feature=EXACT)
    for layer in range(layers):
        for head in range(heads):
            name = f"a{layer}.h{head}"
            graph.add_node(name, component=name, positions="query", feature="current_token")
            graph.add_edge(name, "answer")
            for below in range(heads if layer else 0):
                graph.add_edge(f"a{layer - 1}.h{below}", name, port="q")
    model = Graph(transformer(layers, heads))
    hypothesis = Hypothesis(graph, task="repeated_tokens", model=model, nodes="joint")
    return hypothesis, check(hypothesis)
