"""What an adversary can turn: the draws of a node, what is known there, what may be asked for.

A *lever* is the donors of one node, or its unimportant inputs. What a rule may know of the
reference is what the claim lets the sampler know: for donors, the value of the node's feature; for
unimportant inputs the same of the node that they feed, since the claim says that its value depends
on nothing else. At an EXACT node that is the whole input. What a rule may ask of donors is any
*attribute* of rows, or to be this row and no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from scrub.data.dataset import Dataset, Ints
from scrub.data.features import ANY, EXACT, Extent, Near, class_numbers
from scrub.graph import SEQUENCES, Space
from scrub.hypothesis.claim import Claim, Node
from scrub.hypothesis.rules.features import node_values
from scrub.hypothesis.unfold import Draw, DrawKind, Tree
from scrub.sampling.chosen import ANYTHING, rows_claimed
from scrub.sampling.samplers import ByClass, Within, sampler_of, uniform_sampler
from scrub.study.comparing.contrasting import subgroups

DONORS, INPUTS, EACH = "donors", "unimportant inputs", "each unimportant input"
CALLED = {DrawKind.DONOR: DONORS, DrawKind.FRAME: INPUTS, DrawKind.FEEDER: EACH}


@dataclass(frozen=True, eq=False)
class Attribute:
    """A way to tell rows apart: `marks[row]` counts into `labels`; rows without one have -1."""

    name: str
    marks: Ints
    labels: tuple[str, ...]

    def says(self, mark: int) -> str:
        """A mark in words."""
        return f"{self.name} = {self.labels[mark]}"


@dataclass(frozen=True, eq=False)
class Lever:
    """The draws of one kind at one node; `variables` count in the draws of the tree.

    `handed` are the variables that hold the references of those draws. `home` [row]: rows of one
    number may draw the same donors. `known` tells references apart by as much as a rule may know,
    the finest last, with a name for each of its numbers.
    """

    node: Node
    kind: DrawKind
    variables: tuple[int, ...]
    handed: tuple[int, ...]
    sampler: ByClass | Within
    home: Ints
    known: tuple[Attribute, ...]

    @property
    def key(self) -> tuple[str, DrawKind]:
        return self.node.name, self.kind

    @property
    def of(self) -> str:
        return CALLED[self.kind]

    @property
    def feature(self) -> str:
        """The feature of the node, as it is written in reports."""
        feature = self.node.feature
        return feature.value if isinstance(feature, Extent) else str(feature)

    def rows_of(self, home: int) -> Ints:
        """The rows that may be drawn for references of this number."""
        reference = int(np.argmax(self.home == home))
        if isinstance(self.sampler, ByClass):
            one = self.sampler.of[reference]
            first, size = self.sampler.start[one], self.sampler.size[one]
            return self.sampler.order[first : first + size]
        return self.sampler.order[self.sampler.first[reference] : self.sampler.last[reference]]


def attributes(dataset: Dataset) -> tuple[Attribute, ...]:
    """Columns, the place of each role, and the length: by value, or by quarters of a number.

    As `subgroups` takes them: groups of fewer than ten rows are never asked for. Of two that tell
    the same rows apart, the first.
    """
    told = {f"position of {name}": _places(spots) for name, spots in dataset.roles.items()}
    for field in [name for name in SEQUENCES if name in dataset.fields]:
        told[f"length of {field}"] = dataset.lengths_in(Space(field)).tolist()
    apart = {name: held for name, held in told.items() if len(set(held)) > 1}
    rows = range(len(dataset))
    found: dict[str, list[tuple[str, Ints]]] = {}
    for name, value, members in subgroups(
        replace(dataset, columns={**apart, **dataset.columns}), rows
    ):
        found.setdefault(name, []).append((value, members))
    apart_by: dict[bytes, Attribute] = {}
    for name, groups in found.items():
        one = _attribute(name, groups, len(rows))
        apart_by.setdefault(one.marks.tobytes(), one)
    return tuple(apart_by.values())


def has_classes(node: Node) -> bool:
    """Whether donors of a node are of a class, and not of all rows with weights (a kernel)."""
    return not (isinstance(node.feature, Near) and node.feature.bandwidth is not None)


def _places(spots: Sequence[tuple[int, ...]]) -> list[int]:
    """Where a role of one position stands; nothing for a role of several."""
    return [one[0] for one in spots] if all(len(one) == 1 for one in spots) else []


def _attribute(name: str, groups: Sequence[tuple[str, Ints]], rows: int) -> Attribute:
    marks = np.full(rows, ANYTHING, dtype=np.int64)
    for number, (_, members) in enumerate(groups):
        marks[members] = number
    return Attribute(name, marks, tuple(value for value, _ in groups))


def levers(tree: Tree, told: Sequence[Attribute]) -> tuple[Lever, ...]:
    """All that can be chosen, from the sink down.

    Not what a partner column fixes, nor what a kernel weights (it has no classes to choose
    within), nor where every class has a single row.
    """
    variables: dict[tuple[str, DrawKind], list[int]] = {}
    for i, draw in enumerate(tree.draws):
        if draw.kind in CALLED:
            variables.setdefault((draw.node, draw.kind), []).append(i)
    nodes = list(dict.fromkeys(node for node, _ in variables))
    ordered = sorted(variables.items(), key=lambda pair: nodes.index(pair[0][0]))
    found = (_lever(tree, mine, told) for _, mine in ordered)
    return tuple(one for one in found if one is not None)


def _lever(tree: Tree, variables: Sequence[int], told: Sequence[Attribute]) -> Lever | None:
    claim, draw = tree.claim, tree.draws[variables[0]]
    node, rows = claim.nodes[draw.node], np.arange(len(claim.dataset))
    sampler = _sampler(claim, node, draw)
    if not isinstance(sampler, (ByClass, Within)) or rows_claimed(sampler, rows).max() < 2:
        return None
    home = _home(sampler, rows)
    finest = _finest(node, claim.dataset)
    known = [one for one in told if finest is None or fixes(finest.marks, one.marks)]
    if finest is not None and len(finest.labels) > 1:
        known = [one for one in known if not fixes(one.marks, finest.marks)] + [finest]
    handed = tuple(tree.draws[i].of for i in variables)
    return Lever(node, draw.kind, tuple(variables), handed, sampler, home, tuple(known))


def _sampler(claim: Claim, node: Node, draw: Draw) -> object:
    members = len(claim.dataset)
    if draw.kind is not DrawKind.DONOR:
        return uniform_sampler(claim.dataset, members, draw.within_length)
    return sampler_of(node, claim.dataset, members, draw.within_length)


def _home(sampler: ByClass | Within, rows: Ints) -> Ints:
    """A number for each row: rows with equal ones may draw the same donors."""
    if isinstance(sampler, ByClass):
        return sampler.of
    return class_numbers(list(zip(sampler.first.tolist(), sampler.last.tolist(), strict=True)))


def _finest(node: Node, dataset: Dataset) -> Attribute | None:
    """All that may be known of a reference; None where that is the whole input."""
    if node.feature is EXACT:
        return None
    if node.feature is ANY:
        return Attribute("", np.zeros(len(dataset), dtype=np.int64), ("",))
    values = node_values(node, dataset)
    marks = class_numbers(values)
    firsts = np.unique(marks, return_index=True)[1]
    return Attribute(str(node.feature), marks, tuple(str(values[i]) for i in firsts))


def fixes(finer: Ints, coarser: Ints) -> bool:
    """Whether rows with equal numbers of the first have equal ones of the second.

    >>> fixes(np.array([0, 1, 2]), np.array([0, 0, 1])), fixes(np.zeros(2), np.array([0, 1]))
    (True, False)
    """
    pairs = np.unique(np.stack([finer, coarser]), axis=1)
    return len(pairs[0]) == len(np.unique(finer))
