"""Lowering: occurrences become instructions.

takes      a tree of occurrences
gives      instructions in an order of evaluation, every value in a slot of its own
preserves  each port is its frame's sum with the explained inputs put in for its own

The identity behind the speed: a sum over a hundred feeders of which three are explained equals the
recorded sum plus three differences. A leaf is a look-up, and a leaf whose donor is the frame itself
changes nothing and disappears.
"""

from __future__ import annotations

from collections.abc import Mapping

from scrub.compiler.schedule import (
    Gather,
    Instruction,
    Mean,
    MeanOver,
    Plain,
    Run,
    Source,
    Step,
    Sum,
    Term,
    Zero,
)
from scrub.graph import ALL, Part, Port, Positions, Reach
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
    (output,) = values[-1].values()
    return lowering.instructions, output


class _Lowering:
    def __init__(self, tree: Tree) -> None:
        self.tree, self.claim = tree, tree.claim
        self.instructions: list[Instruction] = []
        self._slots = 0

    def occurrence(self, occurrence: Occurrence, values: list[Values]) -> Values:
        """The slots of a node's members: looked up for a leaf, run one after the other else."""
        node = self.claim.nodes[occurrence.node]
        if self.claim.is_leaf(occurrence.node):
            draw = occurrence.reference
            return {p: self._gather(p, Plain(draw), draw, node.positions) for p in node.parts}
        done: dict[Part, int] = {}
        for member in node.parts:
            done[member] = self._run(node, member, occurrence, values, done)
        return done

    def _run(
        self,
        node: Node,
        member: Part,
        occurrence: Occurrence,
        values: list[Values],
        done: Values,
    ) -> int:
        component = self.claim.graph[member.component]
        ports = tuple(
            (port.name, self._port(node, member, port, occurrence, values, done))
            for port in component.ports
        )
        step = Step(self._slot(), member, ports, occurrence.frame, node.positions)
        self.instructions.append(Run((step,)))
        return step.out

    def _port(
        self,
        node: Node,
        member: Part,
        port: Port,
        occurrence: Occurrence,
        values: list[Values],
        done: Values,
    ) -> int:
        """The sum at one port: the unimportant inputs' base, and what is explained."""
        at = node.positions if port.reach is Reach.SAME else ALL
        terms = [
            self._term(part, slot, where, occurrence)
            for given in occurrence.inputs
            if port.name in given.edge.ports and not self._cancels(given, occurrence)
            for where in [self.claim.nodes[given.edge.parent].positions]
            for part, slot in values[given.occurrence].items()
            if self.claim.part_feeds(part, member, port.name)
        ]
        if node.merged:
            terms += [
                self._term(part, slot, node.positions, occurrence)
                for part, slot in done.items()
                if self.claim.part_feeds(part, member, port.name)
            ]
        base, feeders = self._base(port, occurrence, at)
        terms = feeders + terms
        if not terms:
            return base
        total = Sum(self._slot(), base, tuple(terms), occurrence.frame, at)
        self.instructions.append(total)
        return total.out

    def _cancels(self, given: Input, occurrence: Occurrence) -> bool:
        """A leaf on the frame itself is what the frame holds already."""
        leaf = self.tree.occurrences[given.occurrence]
        replaced = self.claim.options.replacement is not Replacement.RESAMPLE
        return (
            self.claim.is_leaf(leaf.node)
            and leaf.reference == occurrence.frame
            and not (replaced or occurrence.feeders)
        )

    def _term(self, part: Part, slot: int, where: Positions, occurrence: Occurrence) -> Term:
        """A scrubbed value in place of what stands in for its component in this frame."""
        source = self._source(occurrence)
        if occurrence.feeders:
            source = Plain(occurrence.feeders[part.component])
        if isinstance(source, Zero):
            return Term(slot, None, where)
        return Term(slot, self._gather(part, source, occurrence.frame, where), where)

    def _base(self, port: Port, occurrence: Occurrence, at: Positions) -> tuple[int, list[Term]]:
        """What a port holds where nothing is explained."""
        frame = occurrence.frame
        if not occurrence.feeders:
            return self._gather(port.stream, self._source(occurrence), frame, at), []
        terms = [
            Term(self._gather(Part(f), Plain(occurrence.feeders[f]), frame, at), None, at)
            for f in port.feeders
        ]
        return self._gather(port.stream, Zero(), frame, at), terms

    def _source(self, occurrence: Occurrence) -> Source:
        """What replaces unimportant inputs; a node without any keeps its frame's activations."""
        replacement = self.claim.options.replacement
        if not self.claim.calls_some_unimportant[occurrence.node]:
            return Plain(occurrence.frame)
        if isinstance(replacement, MeanWithin):
            return MeanOver(replacement.column, occurrence.frame)
        match replacement:
            case Replacement.ZERO:
                return Zero()
            case Replacement.MEAN:
                return Mean()
            case _:
                return Plain(occurrence.frame)

    def _gather(self, what: str | Part, source: Source, frame: int, at: Positions) -> int:
        gather = Gather(self._slot(), what, source, frame, at)
        self.instructions.append(gather)
        return gather.out

    def _slot(self) -> int:
        self._slots += 1
        return self._slots - 1
