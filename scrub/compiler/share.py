"""Sharing: equal instructions are computed once.

takes      instructions in an order of evaluation
gives      the same with equal ones merged (hash-consing), and the renamed output
preserves  every value; draws are variables, so equal names mean equal rows
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from scrub.compiler.instructions import Free, Gather, Instruction, Run, Sums


def share(instructions: Sequence[Instruction], output: int) -> tuple[list[Instruction], int]:
    """Merge what is equal; slots of what is dropped point to what stays."""
    first: dict[Hashable, int] = {}
    renamed: dict[int, int] = {}
    kept: list[Instruction] = []
    for instruction in instructions:
        if renamed and not renamed.keys().isdisjoint(instruction.reads):
            instruction = instruction.on(renamed)
        (out,) = instruction.writes
        stays = first.setdefault(_computed(instruction), out)
        if stays == out:
            kept.append(instruction)
        else:
            renamed[out] = stays
    return kept, renamed.get(output, output)


def _computed(instruction: Instruction) -> Hashable:
    """What an instruction computes, wherever it writes it."""
    match instruction:
        case Gather(_, what, own, at):
            return Gather, what, own, at
        case Sums((one,)):
            return Sums, one.stream, one.own, one.terms, one.at
        case Run((step,)):
            return Run, step.part, step.ports, step.frame, step.at
        case Sums() | Run() | Free():
            raise ValueError("sharing comes before batching and ordering")
