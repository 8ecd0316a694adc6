"""What everyone scrubs for `benchmarks.scrubs`: claims of a GPT-2 shape, and of parentheses.

The tree-unfolded circuit has a node for every head. In the other, a node's heads lie in one layer,
so that one pass evaluates it in any library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import networkx as nx

from benchmarks import ioi_circuit
from benchmarks.case import Case
from benchmarks.random_gpt2 import random_gpt2
from benchmarks.whole.toys import or_gate
from scrub import EXACT
from scrub.data.tasks import task
from scrub.hypothesis.loading import load_hypothesis
from scrub.hypothesis.resolve import resolve
from scrub.models.adapter import TransformersModel
from scrub.models.loading import load

LAYERS, HEADS, WIDTH, VOCABULARY = 12, 12, 384, 512
SHIPPED = Path(__file__).parents[2] / "hypotheses"

CLASSES = {  # node: heads, positions, feature
    "movers": ("a10.h0,a10.h1,a10.h2,a10.h6,a10.h10", "end", "io"),
    "negative": ("a11.h10,a11.h2,a11.h9", "end", "io"),
    "inhibition": ("a8.h6,a8.h10", "end", "s"),
    "induction": ("a5.h5,a5.h8,a5.h9", "s2", "s"),
    "duplicate": ("a3.h0", "s2", "s"),
    "previous": ("a2.h2", "s1_next", "s"),
}
EDGES = (  # from node, to node, port
    ("movers", "answer", "in"),
    ("negative", "answer", "in"),
    ("inhibition", "movers", "q"),
    ("inhibition", "negative", "q"),
    ("induction", "inhibition", "v"),
    ("duplicate", "inhibition", "v"),
    ("previous", "induction", "k"),
)


@dataclass(frozen=True)
class Setting:
    """A scrub: how it is made, and over how many references and draws.

    `sampled`: how many of its passes a loop over the model is timed on in a round; None where it
    runs all. `checked`: the references on which all are compared.
    """

    title: str
    make: Callable[[int, int], Case]
    references: int
    draws: int
    checked: int
    sampled: int | None = None

    def case(self) -> Case:
        return self.make(self.references, self.draws)

    def few(self) -> Case:
        """The same on the references over which all are compared."""
        return self.make(self.checked, 1)

    def tiny(self) -> Setting:
        """Too little for a measurement, and enough to see that everything runs."""
        sampled = None if self.sampled is None else 2
        return replace(self, references=2, draws=1, sampled=sampled)


def by_class(references: int, draws: int) -> Case:
    """A node for every class of heads."""
    claim: nx.DiGraph[str] = nx.DiGraph()
    claim.add_node("answer", component="logits", feature=EXACT)
    for name, (heads, where, feature) in CLASSES.items():
        claim.add_node(name, component=heads, positions=where, feature=feature)
    for parent, child, port in EDGES:
        claim.add_edge(parent, child, port=port)
    return _gpt2(claim, references, draws)


def by_head(references: int, draws: int) -> Case:
    """A node for every head, tree-unfolded."""
    return _gpt2(ioi_circuit.by_head(), references, draws)


def parens(name: str) -> Callable[[int, int], Case]:
    """A claim about the shipped paren model, on strings of 20 parentheses."""

    def make(references: int, draws: int) -> Case:
        model = load(SHIPPED / "models" / "parens")
        data = task("parens", longest=20, shortest=20)
        hypothesis = load_hypothesis(SHIPPED / f"{name}.py")
        return Case(model, resolve(hypothesis, model.graph, data), references, draws)

    return make


def _gpt2(claim: nx.DiGraph[str], references: int, draws: int) -> Case:
    module = random_gpt2(LAYERS, HEADS, WIDTH, VOCABULARY, positions=32)
    model = TransformersModel(module, "gpt2-shape")
    dataset = ioi_circuit.data(64, vocabulary=VOCABULARY)
    hypothesis = ioi_circuit.hypothesis(claim, dataset, model)
    made = resolve(hypothesis, model.graph, ioi_circuit.task(dataset))
    return Case(model, made, references, draws)


SETTINGS = {
    "classes": Setting("IOI, a node for every class", by_class, 32, 4, checked=4),
    "heads": Setting("IOI, a node for every head", by_head, 64, 1, checked=4, sampled=8),
    "or_gate": Setting("the or-gate toy", or_gate, 1000, 4, checked=16),
    "parens_1": Setting("parentheses, claim 1", parens("parens_1"), 2048, 1, checked=16),
    "parens_1_2": Setting("parentheses, claims 1 and 2", parens("parens_1_2"), 2048, 1, checked=16),
}
