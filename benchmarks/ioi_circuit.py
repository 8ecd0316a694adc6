"""The IOI circuit of Wang et al. 2022 on a GPT-2-small shape: its claim, and data of its kind.

Weights are random: what is measured is cost, not whether the claim holds. The circuit comes in two
forms: every head a node of its own, tree-unfolded (846 nodes), and one node per class of heads.
"""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np

from scrub import EXACT, Dataset, Hypothesis, Task

LENGTH = 16  # tokens of a prompt

MOVERS = ("a9.h9", "a9.h6", "a10.h0")
BACKUP = ("a9.h0", "a9.h7", "a10.h1", "a10.h2", "a10.h6", "a10.h10", "a11.h2", "a11.h9")
NEGATIVE = ("a10.h7", "a11.h10")
INHIBITION = ("a7.h3", "a7.h9", "a8.h6", "a8.h10")
INDUCTION = ("a5.h5", "a5.h8", "a5.h9", "a6.h9")
DUPLICATE = ("a0.h1", "a0.h10", "a3.h0")
PREVIOUS = ("a2.h2", "a4.h11")

CLASSES = {  # class: heads, positions, feature
    "movers": (MOVERS, "end", "io"),
    "backup": (BACKUP, "end", "io"),
    "negative": (NEGATIVE, "end", "io"),
    "inhibition": (INHIBITION, "end", "s"),
    "induction": (INDUCTION, "s2", "s"),
    "duplicate": (DUPLICATE, "s2", "s"),
    "previous": (PREVIOUS, "s1_next", "s"),
}
EDGES = (  # from class, to class, port
    ("movers", "answer", "in"),
    ("backup", "answer", "in"),
    ("negative", "answer", "in"),
    ("inhibition", "movers", "q"),
    ("inhibition", "backup", "q"),
    ("inhibition", "negative", "q"),
    ("induction", "inhibition", "v"),
    ("duplicate", "inhibition", "v"),
    ("previous", "induction", "k"),
)


def data(
    examples: int = 64, length: int = LENGTH, names: int = 8, seed: int = 0, vocabulary: int = 50000
) -> Dataset:
    """Prompts of one template: two names, one of them again, at fixed places; the rest is noise."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(examples):
        io, s = rng.permutation(names)[:2].tolist()
        tokens = rng.integers(100, vocabulary, length)
        tokens[2], tokens[4], tokens[10] = io, s, s
        roles = {"io": 2, "s1": 4, "s1_next": 5, "s2": 10, "end": length - 1}
        rows.append({"tokens": tokens.tolist(), "roles": roles, "io": io, "s": s})
    return Dataset.from_rows(rows)


def task(dataset: Dataset) -> Task:
    return Task(dataset, metric="logit_difference", answer="io", wrong="s", at="end", name="ioi")


def by_class() -> nx.DiGraph[str]:
    """Form (b): one node per class of heads."""
    claim: nx.DiGraph[str] = nx.DiGraph()
    claim.add_node("answer", component="logits", feature=EXACT)
    for name, (heads, where, feature) in CLASSES.items():
        claim.add_node(name, component=list(heads), positions=where, feature=feature)
    for parent, child, port in EDGES:
        claim.add_edge(parent, child, port=port)
    return claim


def by_head() -> nx.DiGraph[str]:
    """Form (a): every head its own node. Heads of one class do not feed one another."""
    claim: nx.DiGraph[str] = nx.DiGraph()
    claim.add_node("answer", component="logits", feature=EXACT)
    heads: dict[str, tuple[str, ...]] = {"answer": ("answer",)}
    for name, (members, where, feature) in CLASSES.items():
        heads[name] = members
        for head in members:
            claim.add_node(head, component=head, positions=where, feature=feature)
    for parent, child, port in EDGES:
        for one in heads[parent]:
            for other in heads[child]:
                claim.add_edge(one, other, port=port)
    return claim


def hypothesis(graph: nx.DiGraph[str], dataset: Dataset, model: Any) -> Hypothesis:
    options = {"self_donation": "allowed"}
    return Hypothesis(graph, task=task(dataset), model=model, name="ioi", **options)
