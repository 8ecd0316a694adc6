"""Lowering: occurrences become instructions.

takes      a tree of occurrences
gives      instructions in an order of evaluation, every value in a slot of its own
preserves  each port is its frame's sum with the explained inputs put in for its own

The identity behind the speed: a sum over a hundred feeders of which three are explained equals the
recorded sum plus three differences. A leaf is a look-up, and a leaf whose donor is the frame itself
changes nothing and disappears. What a head's projection makes of a row is a look-up too: a sum is
made, normed and projected at the positions that explained inputs touch, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scrub.compiler.instructions import (
    Gather,
    Instruction,
    Mean,
    MeanOver,
    Plain,
    Projected,
    Reading,
    Recorded,
    Run,
    Source,
    Step,
    Sum,
    Sums,
    Term,
    Zero,
)
from scrub.graph import ALL, Part, Port, Positions, Projection, Reach
from scrub.hypothesis.claim import Node
from scrub.hypothesis.options import MeanWithin, Replacement
from scrub.hypothesis.unfold import Input, Occurrence, Tree

Values = Mapping[Part, int]  # a node's members -> slots


def lower(tree: Tree) -> tuple[list[Instruction], int]:
    """Instructions for a tree, and the slot of the output."""
    lowering = _Lowering(tree)
    values: list[Values] = []
    for occurrence in tree.occurrences:
        values.append(lowering.occurrence(occurrence, values))
    output = lowering.output(values[-1])
    return lowering.instructions, output


@dataclass(frozen=True)
class _Member:
    """A part of a node as one occurrence of it is evaluated.

    `own` replaces its unimportant inputs; `values` are those of the occurrences before, `done`
    those of the node's members before it.
    """

    node: Node
    part: Part
    occurrence: Occurrence
    own: Recorded
    values: list[Values]
    done: Values


class _Lowering:
    def __init__(self, tree: Tree) -> None:
        self.tree, self.claim = tree, tree.claim
        self.instructions: list[Instruction] = []
        self._slots = 0

    def occurrence(self, occurrence: Occurrence, values: list[Values]) -> Values:
        """The slots of a node's members, run one after the other; a leaf is looked up by those
        that read it."""
        if self.claim.is_leaf(occurrence.node):
            return {}
        node, own = self.claim.nodes[occurrence.node], self._own(occurrence)
        done: dict[Part, int] = {}
        for part in node.parts:
            done[part] = self._run(_Member(node, part, occurrence, own, values, done))
        return done

    def output(self, values: Values) -> int:
        """The slot of the output, which may be a leaf itself."""
        root = self.tree.root
        node = self.claim.nodes[root.node]
        (part,) = node.parts
        if values:
            return values[part]
        return self._gather(part, Recorded(Plain(root.reference), root.reference), node.positions)

    def _run(self, one: _Member) -> int:
        component = self.claim.graph[one.part.component]
        ports = tuple((port.name, self._port(port, one)) for port in component.ports)
        step = Step(self._slot(), one.part, ports, one.occurrence.frame, one.node.positions)
        self.instructions.append(Run((step,)))
        return step.out

    def _port(self, port: Port, one: _Member) -> Reading:
        """One port: the unimportant inputs' base, and what is explained in place of its own."""
        at = one.node.positions if port.reach is Reach.SAME else ALL
        terms = self._terms(port, one)
        touched = tuple(dict.fromkeys(term.at for term in terms))
        own = self._recorded(port, touched, one)
        if own is None:
            return self._sum(port, terms, one, at)
        sums = tuple(self._sum(port, terms, one, spot) for spot in touched)
        return Projected(own, tuple(zip(sums, touched, strict=True)))

    def _recorded(
        self, port: Port, touched: tuple[Positions, ...], one: _Member
    ) -> Projection | None:
        """What the port's projection made of the frame, if it is read anywhere as it was."""
        if one.occurrence.feeders or not isinstance(one.own.source, Plain):
            return None
        elsewhere = not touched if port.reach is Reach.SAME else ALL not in touched
        return port.projection if elsewhere else None

    def _terms(self, port: Port, one: _Member) -> list[Term]:
        """What is explained at one port."""
        terms = [
            self._term(part, given, one)
            for given in one.occurrence.inputs
            if port.name in given.edge.ports and not self._cancels(given, one.occurrence)
            for part in self.claim.nodes[given.edge.parent].parts
            if self.claim.part_feeds(part, one.part, port.name)
        ]
        if one.node.merged:
            terms += [
                Term(part, slot, self._stand_in(part, one), one.node.positions)
                for part, slot in one.done.items()
                if self.claim.part_feeds(part, one.part, port.name)
            ]
        return terms

    def _sum(self, port: Port, terms: list[Term], one: _Member, at: Positions) -> int:
        """The sum at one port, at positions."""
        own = one.own
        if one.occurrence.feeders:
            own, terms = Recorded(Zero(), own.frame), [*self._feeders(port, one, at), *terms]
        if not terms:
            return self._gather(port.stream, own, at)
        total = Sum(self._slot(), port.stream, own, tuple(terms), at)
        self.instructions.append(Sums((total,)))
        return total.out

    def _cancels(self, given: Input, occurrence: Occurrence) -> bool:
        """A leaf on the frame itself is what the frame holds already."""
        leaf = self.tree.occurrences[given.occurrence]
        if leaf.reference != occurrence.frame or occurrence.feeders:
            return False
        resampled = self.claim.options.replacement is Replacement.RESAMPLE
        return resampled and self.claim.is_leaf(leaf.node)

    def _term(self, part: Part, given: Input, one: _Member) -> Term:
        """A scrubbed value in place of what stands in for its component in this frame."""
        values = one.values[given.occurrence]
        draw = self.tree.occurrences[given.occurrence].reference
        plus = values[part] if values else Recorded(Plain(draw), draw)
        where = self.claim.nodes[given.edge.parent].positions
        return Term(part, plus, self._stand_in(part, one), where)

    def _stand_in(self, part: Part, one: _Member) -> Recorded | None:
        """What a component is in a frame where it is not explained; None where that is zero."""
        if one.occurrence.feeders:
            return Recorded(Plain(one.occurrence.feeders[part.component]), one.own.frame)
        return None if isinstance(one.own.source, Zero) else one.own

    def _feeders(self, port: Port, one: _Member, at: Positions) -> list[Term]:
        """What a port holds where each of its feeders is another row's."""
        donors = [(Part(f), Plain(one.occurrence.feeders[f])) for f in port.feeders]
        return [Term(part, Recorded(donor, one.own.frame), None, at) for part, donor in donors]

    def _own(self, occurrence: Occurrence) -> Recorded:
        """What replaces unimportant inputs; a node without any keeps its frame's activations."""
        return Recorded(self._source(occurrence), occurrence.frame)

    def _source(self, occurrence: Occurrence) -> Source:
        replacement = self.claim.options.replacement
        kept = not self.claim.calls_some_unimportant[occurrence.node]
        if kept or replacement is Replacement.RESAMPLE:
            return Plain(occurrence.frame)
        if isinstance(replacement, MeanWithin):
            return MeanOver(replacement.column, occurrence.frame)
        return Zero() if replacement is Replacement.ZERO else Mean()

    def _gather(self, what: str | Part, own: Recorded, at: Positions) -> int:
        gather = Gather(self._slot(), what, own, at)
        self.instructions.append(gather)
        return gather.out

    def _slot(self) -> int:
        self._slots += 1
        return self._slots - 1
