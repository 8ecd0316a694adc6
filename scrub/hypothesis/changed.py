"""Claims made of other claims, not written by anybody: are they well formed, are they the same?"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from scrub.data.features import Extent, class_numbers
from scrub.errors import Problem
from scrub.hypothesis.claim import Claim, Edge, Node
from scrub.hypothesis.rules import RULES, Rule
from scrub.hypothesis.rules.conventions import generator_given, unfolding_within_limit
from scrub.hypothesis.rules.features import (
    classes_have_partners,
    features_evaluate,
    node_values,
)
from scrub.hypothesis.rules.paths import direct_paths, inputs_have_ports, parents_disjoint

QUICK: tuple[Rule, ...] = (
    inputs_have_ports,
    direct_paths,
    parents_disjoint,
    unfolding_within_limit,
)
LABELS: tuple[Rule, ...] = (classes_have_partners, generator_given)  # where features are others
GRAPH = tuple(rule for rule in RULES if rule not in (*QUICK, features_evaluate))
PARTS = tuple(rule for rule in GRAPH if rule is not classes_have_partners)


def problem_of(claim: Claim, rules: tuple[Rule, ...] = GRAPH) -> Problem | None:
    """The first rule that a changed claim breaks; those that are quick to look at come first.

    `rules` are those that the change can break: `GRAPH` for any change but that of a feature,
    `PARTS` where nodes stand for other components, `LABELS` where features are others.
    """
    for rule in (*QUICK, *rules):
        for problem in rule(claim):
            return replace(problem, rule=rule.__name__)
    return None


def reached(claim: Claim, nodes: Mapping[str, Node], edges: tuple[Edge, ...]) -> Claim:
    """The claim of these nodes and edges, as far as they lead to the sink."""
    wide = replace(claim, nodes=nodes, edges=edges)
    kept = set(wide.topological)
    return replace(
        claim,
        nodes={name: node for name, node in nodes.items() if name in kept},
        edges=tuple(edge for edge in edges if {edge.parent, edge.child} <= kept),
    )


class Sameness:
    """Tells claims on one data set from one another, whatever their nodes are called.

    Features count by the classes that they make: two that tell the same rows apart are one.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[object, str], str] = {}

    def key(self, claim: Claim) -> str:
        """Equal for claims that say the same: sha256 of each node's content and all that feeds
        it."""
        keys: dict[str, str] = {}
        for name in claim.topological:
            node = claim.nodes[name]
            fed = sorted(f"{edge.ports} {keys[edge.parent]}" for edge in claim.parents[name])
            said = (node.label, self._feature(node, claim), node.inner.value, *fed)
            keys[name] = _hash("\0".join(said))
        edges = sorted(f"{keys[e.parent]} {keys[e.child]} {e.ports}" for e in claim.edges)
        return _hash("\0".join([keys[claim.sink], *sorted(keys.values()), *edges]))

    def _feature(self, node: Node, claim: Claim) -> str:
        if isinstance(node.feature, Extent):
            return node.feature.value
        known = (node.feature, str(node.positions) if node.of_each else "")
        if known not in self._known:
            values = node_values(node, claim.dataset)
            how = type(node.feature).__name__
            told = class_numbers(values).tobytes().hex() if how in EQUAL else repr((known, values))
            self._known[known] = _hash(told)
        return self._known[known]


EQUAL = ("Columns", "Function")  # agreement is equality: values count by what they tell apart


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
