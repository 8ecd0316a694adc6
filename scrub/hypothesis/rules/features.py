"""Rules about features: they can be evaluated, leave something to draw, and fix the label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from scrub.data.dataset import Dataset, Ints
from scrub.data.features import (
    ANY,
    EXACT,
    Columns,
    Extent,
    FeatureFault,
    Function,
    Near,
    Unlike,
    as_floats,
    class_numbers,
    values,
)
from scrub.errors import Problem
from scrub.graph import Role
from scrub.hypothesis.claim import Claim, Node
from scrub.hypothesis.options import Donors, Root, SelfDonation
from scrub.hypothesis.rules.places import known_places


def features_evaluate(claim: Claim) -> Iterator[Problem]:
    """Every feature has a value that can be compared, on every example."""
    for name, node in claim.nodes.items():
        if not isinstance(node.feature, Extent) and known_places(claim, node):
            try:
                found = node_values(node, claim.dataset)
                if isinstance(node.feature, Near):
                    as_floats(found)
            except FeatureFault as fault:
                yield Problem(f"node '{name}'", str(fault))


def node_values(node: Node, dataset: Dataset) -> list[object]:
    """A node's feature on every row; nodes made by `each` pass the position too."""
    feature = node.feature.of if isinstance(node.feature, Unlike) else node.feature
    feature = feature.of if isinstance(feature, Near) else feature
    assert isinstance(feature, (Columns, Function))  # EXACT and ANY need no values
    spots = None
    if node.of_each and isinstance(feature, Function):
        table = dataset.positions(node.positions)
        spots = None if table is None else table[:, 0]
    return values(feature, dataset, spots)


def _evaluates(node: Node, claim: Claim) -> bool:
    try:
        return bool(node_values(node, claim.dataset))
    except FeatureFault:
        return False


def classes_have_partners(claim: Claim) -> Iterator[Problem]:
    """Most examples have a partner with the same feature, or nothing would be tested there."""
    if claim.options.self_donation is SelfDonation.ALLOWED:
        return
    below, everywhere = roles_below(claim), frozenset(map(Role, claim.dataset.roles))
    for name, node in claim.nodes.items():
        if node.feature is EXACT or claim.options.donors is Donors.GENERATED:
            continue
        if not known_places(claim, node):
            continue
        if not isinstance(node.feature, Extent) and not _evaluates(node, claim):
            continue
        roles = below.get(name, everywhere)  # none for a node cut off by an edge that was refused
        alone = _share_alone(node, claim, claim.dataset.distinct_at(roles))
        if alone > 0.5:
            feature = "ANY" if node.feature is ANY else f"'{node.feature}'"
            yield Problem(
                f"node '{name}'",
                f"{alone:.0%} of the examples share {feature} with no other, so most draws would "
                "be the reference itself.",
                "Use a coarser feature, more data, or donors='generated'; self_donation='allowed' "
                "accepts it.",
            )


def roles_below(claim: Claim) -> Mapping[str, frozenset[Role]]:
    """The roles at which `scrub(node, x)` reads x, for each node: its own, and all below it.

    Two rows with one sequence that differ in another role only are one input to that node. Nodes
    that do not reach the sink are left out.
    """
    found: dict[str, frozenset[Role]] = {}
    for name in claim.topological:
        parents = [found[edge.parent] for edge in claim.parents[name]]
        found[name] = _role(claim.nodes[name]).union(*parents)
    return found


def roles_placed(claim: Claim, name: str) -> frozenset[Role]:
    """The roles at which a node's frame is read: its own, and its parents', placed in it."""
    parents = [_role(claim.nodes[edge.parent]) for edge in claim.parents[name]]
    return _role(claim.nodes[name]).union(*parents)


def _role(node: Node) -> frozenset[Role]:
    return frozenset([node.positions] if isinstance(node.positions, Role) else [])


def _share_alone(node: Node, claim: Claim, distinct: Ints) -> float:
    """The share of examples without a partner, counted in distinct inputs."""
    dataset = claim.dataset
    by_length = claim.by_length(node.name) and node.name != claim.sink
    frames = dataset.frames if by_length else np.zeros(len(dataset), dtype=np.int64)
    if isinstance(node.feature, Near):
        return _share_far(node.feature, node, claim, frames, distinct)
    numbers = (
        np.zeros(len(dataset), dtype=np.int64)
        if node.feature is ANY
        else class_numbers(node_values(node, dataset))
    )
    keys = class_numbers(list(zip(numbers.tolist(), frames.tolist(), strict=True)))
    pairs = np.unique(np.stack([keys, distinct]), axis=1)
    sizes = np.bincount(pairs[0])
    return float((sizes[keys] == 1).mean())


def _share_far(feature: Near, node: Node, claim: Claim, frames: Ints, distinct: Ints) -> float:
    if feature.tolerance is None:
        return 0.0
    try:
        found = as_floats(node_values(node, claim.dataset))
    except FeatureFault:
        return 0.0
    alone = 0
    for row in range(len(found)):
        close = (np.abs(found - found[row]) <= feature.tolerance) & (frames == frames[row])
        alone += len(np.unique(distinct[close])) == 1
    return alone / len(found)


def root_is_fixed(claim: Claim) -> Iterator[Problem]:
    """The sink's feature fixes the label, or the user says by name that it need not."""
    node = claim.nodes[claim.sink]
    if node.feature is EXACT or claim.options.root is Root.FREE:
        return
    if not label_is_fixed(claim):
        shown = node.feature if not isinstance(node.feature, Extent) else node.feature.value
        yield Problem(
            f"node '{node.name}'",
            f"the sink's feature '{shown}' does not fix the label, so an output could be scored "
            "against another example's answer.",
            _root_fix(claim),
        )


def _root_fix(claim: Claim) -> str:
    allow = "allow it with root='free' (the result is flagged)."
    if claim.task.label:
        return f"Use EXACT, or {allow}"
    return f"Use EXACT, name the columns that are the label with Task(label=...), or {allow}"


def label_is_fixed(claim: Claim) -> bool:
    """Whether examples that agree on the sink's feature have one label."""
    node, label = claim.nodes[claim.sink], claim.task.label
    if node.feature is EXACT:
        return True
    if not label or isinstance(node.feature, Near):
        return False
    if any(name not in claim.dataset.columns for name in label):
        return False  # kl needs no answer column, and then nothing says what the label is
    try:
        labels = class_numbers(values(Columns(label), claim.dataset))
    except FeatureFault:
        return False  # labels that cannot be compared are fixed by nothing but the whole input
    if node.feature is ANY:
        return len(set(labels.tolist())) == 1
    if not _evaluates(node, claim):
        return True  # reported by features_evaluate
    classes = class_numbers(node_values(node, claim.dataset))
    pairs = set(zip(classes.tolist(), labels.tolist(), strict=True))
    return len(pairs) == len(set(classes.tolist()))
