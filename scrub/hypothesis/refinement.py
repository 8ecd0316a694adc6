"""Which of two claims refines the other, recognised from their graphs and features alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scrub.data.dataset import Ints
from scrub.data.features import ANY, EXACT, Near, class_numbers
from scrub.hypothesis.claim import Claim, Edge, Node
from scrub.hypothesis.rules.features import node_values


@dataclass(frozen=True)
class Refinement:
    """What a finer claim says beyond a coarser one; nothing at all where they are one claim.

    `nodes`, `edges`: how many more it names. `opened`: leaves of the coarser one, by its names, for
    which the finer one says what feeds them. `sharper`: nodes of the coarser one whose feature the
    finer one replaces by one with smaller classes.
    """

    nodes: int
    edges: int
    opened: tuple[str, ...]
    sharper: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether the two claims are one, whatever their nodes are called.

        >>> Refinement(0, 0, (), ()).same
        True
        """
        return not (self.nodes or self.edges or self.opened or self.sharper)


def refinement(finer: Claim, coarser: Claim) -> Refinement | None:
    """What `finer` says beyond `coarser`; None where it does not refine it.

    It does where every node of the coarser claim has a counterpart: the same components, positions
    and inner convention, read through the same ports by the counterpart of its child, with a
    feature whose classes on the data are at least as fine. Names count for nothing. Such a claim
    need not recover more: what feeds a leaf is intact in the coarser one, and scrubbed in the
    finer one.
    """
    found = _Matching(finer, coarser)
    if not found.match(finer.sink, coarser.sink):
        return None
    pairs = found.chosen()
    return Refinement(
        nodes=len(finer.nodes) - len({mine for mine, _ in pairs}),
        edges=len(finer.edges) - found.edges(),
        opened=tuple(
            dict.fromkeys(
                theirs
                for mine, theirs in pairs
                if coarser.is_leaf(theirs) and not finer.is_leaf(mine)
            )
        ),
        sharper=tuple(
            dict.fromkeys(
                theirs
                for mine, theirs in pairs
                if not _as_fine(coarser, coarser.nodes[theirs], finer, finer.nodes[mine])
            )
        ),
    )


class _Matching:
    """Counterparts, looked for from the sinks down; each pair of nodes is looked at once."""

    def __init__(self, finer: Claim, coarser: Claim) -> None:
        self.finer, self.coarser = finer, coarser
        self._known: dict[tuple[str, str], bool] = {}

    def match(self, mine: str, theirs: str) -> bool:
        """Whether this node of the finer claim can stand for that of the coarser one."""
        pair = (mine, theirs)
        if pair not in self._known:
            self._known[pair] = self._alike(mine, theirs) and all(
                self._counterpart(mine, edge) is not None for edge in self.coarser.parents[theirs]
            )
        return self._known[pair]

    def chosen(self) -> tuple[tuple[str, str], ...]:
        """The pairs of counterparts that are reached from the two sinks."""
        found = {(self.finer.sink, self.coarser.sink): None}
        waiting = list(found)
        while waiting:
            mine, theirs = waiting.pop()
            for edge in self.coarser.parents[theirs]:
                own = self._counterpart(mine, edge)
                assert own is not None  # the sinks match
                pair = (own.parent, edge.parent)
                if pair not in found:
                    found[pair] = None
                    waiting.append(pair)
        return tuple(found)

    def edges(self) -> int:
        """How many edges of the finer claim have a counterpart."""
        used = {
            self._counterpart(mine, edge)
            for mine, theirs in self.chosen()
            for edge in self.coarser.parents[theirs]
        }
        return len(used)

    def _counterpart(self, mine: str, edge: Edge) -> Edge | None:
        """The edge into `mine` that says what `edge` says, and perhaps more."""
        for own in self.finer.parents[mine]:
            if set(own.ports) >= set(edge.ports) and self.match(own.parent, edge.parent):
                return own
        return None

    def _alike(self, mine: str, theirs: str) -> bool:
        one, other = self.finer.nodes[mine], self.coarser.nodes[theirs]
        if one.label != other.label or one.inner != other.inner:
            return False
        return _as_fine(self.finer, one, self.coarser, other)


def _as_fine(claim: Claim, node: Node, other_claim: Claim, other: Node) -> bool:
    """Whether the classes of one node are at least as fine as those of the other."""
    if node.feature is EXACT or other.feature is ANY or node.feature == other.feature:
        return True
    mine, theirs = _classes(claim, node), _classes(other_claim, other)
    if mine is None or theirs is None:
        return False  # what is drawn by a tolerance or a kernel has no classes
    pairs = np.unique(np.stack([mine, theirs]), axis=1)
    return bool(pairs.shape[1] == len(np.unique(mine)))


def _classes(claim: Claim, node: Node) -> Ints | None:
    if node.feature is EXACT:
        return np.arange(len(claim.dataset), dtype=np.int64)
    if node.feature is ANY:
        return np.zeros(len(claim.dataset), dtype=np.int64)
    if isinstance(node.feature, Near):
        return None
    return class_numbers(node_values(node, claim.dataset))
