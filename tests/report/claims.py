"""Claims to be drawn, on model graphs that need no weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np

from scrub import EXACT, Dataset, Hypothesis, Task
from scrub.graph import Component, ModelGraph, Port
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
    graph: nx.DiGraph[Any] = nx.DiGraph()
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
    graph: nx.DiGraph[Any] = nx.DiGraph()
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


def encoder_decoder() -> tuple[Hypothesis, Claim]:
    """
    e0.h1 ──► en ──k,v──┐
    embed ──────────q──► x1.h0 ──► logits
    """
    sizes = {"d_model": 8, "num_layers": 2, "num_heads": 2, "vocab_size": 50}
    graph = graph_from_config({"model_type": "t5", **sizes}, "tiny-t5")
    rows = [
        {
            "tokens": [i, 3, 4, 5],
            "decoder_tokens": [0, i],
            "roles": {"subject": 0},
            "decoder_roles": {"end": -1},
            "name": i % 2,
            "answer": i,
        }
        for i in range(8)
    ]
    claim: nx.DiGraph[Any] = nx.DiGraph()
    claim.add_node("answer", component="logits", feature=EXACT)
    claim.add_node("look", component="x1.h0", feature="name", positions="end")
    claim.add_node("said", component="embed", feature="answer", positions="end")
    claim.add_node("encoded", component="en", feature="name", positions="subject")
    claim.add_node("moved", component="e0.h1", feature="name", positions="subject")
    claim.add_edge("said", "look", port="q")
    claim.add_edge("encoded", "look", port=("k", "v"))
    claim.add_edge("moved", "encoded")
    claim.add_edge("look", "answer")
    return on(graph, claim, rows, "end")


def classifier() -> tuple[Hypothesis, Claim]:
    """
    a0.h0@cls ──► m1@cls ──► logits
    """
    sizes = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2}
    image = {"image_size": 4, "patch_size": 2, "num_channels": 1, "num_labels": 3}
    graph = graph_from_config({"model_type": "vit", **sizes, **image}, "tiny-vit")
    rows = [
        {"image": np.full((1, 4, 4), i).tolist(), "image_roles": {"cls": 0}, "answer": i % 3}
        for i in range(9)
    ]
    claim: nx.DiGraph[Any] = nx.DiGraph()
    claim.add_node("answer", component="logits", feature=EXACT)
    claim.add_node("shape", component="m1", feature="answer", positions="cls")
    claim.add_node("look", component="a0.h0", feature="answer", positions="cls")
    claim.add_edge("look", "shape")
    claim.add_edge("shape", "answer")
    return on(graph, claim, rows, "all")


def masked() -> tuple[Hypothesis, Claim]:
    """
    an0@mask ──► a1.h1@mask ──► an1@mask ──► mn1 ──► logits, as norms on the sum have it
    """
    sizes = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 50}
    named = {"architectures": ["BertForMaskedLM"]}
    graph = graph_from_config({"model_type": "bert", **named, **sizes}, "tiny-bert")
    rows = [
        {"tokens": [i, 3, 1, 5], "roles": {"mask": 2}, "name": i % 2, "answer": i} for i in range(8)
    ]
    claim: nx.DiGraph[Any] = nx.DiGraph()
    claim.add_node("answer", component="logits", feature=EXACT)
    for name, component in (("last", "mn1"), ("sum", "an1"), ("head", "a1.h1"), ("below", "mn0")):
        claim.add_node(name, component=component, feature="name", positions="mask")
    claim.add_edge("below", "head", port=("q", "k"))
    claim.add_edge("head", "sum")
    claim.add_edge("sum", "last")
    claim.add_edge("last", "answer")
    return on(graph, claim, rows, "mask")


def question() -> tuple[Hypothesis, Claim]:
    """
    v1.h0 ──► vn ──k,v──► ex1.h0 ──► exn1 ──► emn1 ──k,v──► x1.h1 ──► logits
    """
    tower = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2}
    sizes = {
        "text_config": {**tower, "vocab_size": 50, "intermediate_size": 8},
        "vision_config": {**tower, "image_size": 4, "patch_size": 2, "intermediate_size": 8},
    }
    named = {"architectures": ["BlipForQuestionAnswering"]}
    graph = graph_from_config({"model_type": "blip", **named, **sizes}, "tiny-blip")
    rows = [
        {
            "image": np.full((3, 4, 4), i).tolist(),
            "tokens": [i, 3, 4, 5],
            "decoder_tokens": [0, i],
            "image_roles": {"patch": 1},
            "roles": {"colour": 2},
            "decoder_roles": {"end": -1},
            "name": i % 2,
            "answer": i,
        }
        for i in range(8)
    ]
    path = {"patch": ("v1.h0", "vn"), "colour": ("ex1.h0", "exn1", "emn1"), "end": ("x1.h1", "xn1")}
    claim: nx.DiGraph[Any] = nx.DiGraph()
    for role, components in path.items():
        for component in components:
            claim.add_node(component, component=component, feature="name", positions=role)
    claim.add_node("last", component="mn1", feature="name", positions="end")
    claim.add_node("answer", component="logits", feature=EXACT)
    nx.add_path(claim, ("v1.h0", "vn"))
    claim.add_edge("vn", "ex1.h0", port=("k", "v"))
    nx.add_path(claim, ("ex1.h0", "exn1", "emn1"))
    claim.add_edge("emn1", "x1.h1", port=("k", "v"))
    nx.add_path(claim, ("x1.h1", "xn1", "last", "answer"))
    return on(graph, claim, rows, "end")


def alone() -> tuple[Hypothesis, Claim]:
    """A leaf `x` that reads a, and not b beside it, of inputs of a single token."""
    graph = ModelGraph(
        "toy",
        (
            Component("a"),
            Component("b"),
            Component("x", (Port("in", "x.in", ("a",)),)),
            Component("out", (Port("in", "out.in", ("b", "x")),)),
        ),
        output="out",
    )
    claim: nx.DiGraph[Any] = nx.DiGraph([("x", "out")])
    claim.add_node("x", component="x", feature="answer")
    claim.add_node("out", component="out", feature=EXACT)
    return on(graph, claim, [{"tokens": [i], "answer": i % 2} for i in range(6)], "all")


def on(
    graph: ModelGraph, claim: nx.DiGraph[Any], rows: list[dict[str, Any]], at: str
) -> tuple[Hypothesis, Claim]:
    """A claim on a graph without weights."""
    task = Task(Dataset.from_rows(rows), at=at, metric="kl", label=("answer",))
    hypothesis = Hypothesis(claim, task=task, model=Graph(graph), self_donation="allowed")
    return hypothesis, check(hypothesis)
