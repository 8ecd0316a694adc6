"""Sharing: equal instructions are computed once.

takes      instructions in an order of evaluation
gives      the same with equal ones merged (hash-consing), and the renamed output
preserves  every value; draws are variables, so equal names mean equal rows
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scrub.compiler.schedule import (
    Free,
    Gather,
    Instruction,
    Projected,
    Reading,
    Run,
    Step,
    Sum,
    Term,
)


def share(instructions: Sequence[Instruction], output: int) -> tuple[list[Instruction], int]:
    """Merge what is equal; slots of what is dropped point to what stays."""
    first: dict[object, int] = {}
    renamed: dict[int, int] = {}
    kept: list[Instruction] = []
    for instruction in instructions:
        written = rename(instruction, renamed)
        out, key = _identity(written)
        if key in first:
            renamed[out] = first[key]
        else:
            first[key] = out
            kept.append(written)
    return kept, renamed.get(output, output)


def rename(instruction: Instruction, slots: Mapping[int, int]) -> Instruction:
    """The instruction on other slots; those that are not named stay."""
    new = slots.get
    match instruction:  # written out: `replace` takes four times as long, for every instruction
        case Gather(out, what, source, frame, at):
            return Gather(new(out, out), what, source, frame, at)
        case Sum(out, base, terms, frame, at):
            moved = tuple(
                Term(
                    new(t.plus, t.plus),
                    None if t.minus is None else new(t.minus, t.minus),
                    t.positions,
                )
                for t in terms
            )
            return Sum(new(out, out), new(base, base), moved, frame, at)
        case Run(steps):
            return Run(tuple(_step(step, slots) for step in steps))
        case Free(freed):
            return Free(tuple(sorted(new(slot, slot) for slot in freed)))


def _step(step: Step, slots: Mapping[int, int]) -> Step:
    ports = tuple((name, _reading(read, slots)) for name, read in step.ports)
    return Step(slots.get(step.out, step.out), step.part, ports, step.frame, step.at)


def _reading(reading: Reading, slots: Mapping[int, int]) -> Reading:
    match reading:
        case Projected(own, put):
            moved = tuple((slots.get(slot, slot), at) for slot, at in put)
            return Projected(own, moved)
        case slot:
            return slots.get(slot, slot)


def _identity(instruction: Instruction) -> tuple[int, object]:
    """The slot an instruction writes, and what it computes."""
    match instruction:
        case Gather(out, what, source, frame, at):
            return out, (Gather, what, source, frame, at)
        case Sum(out, base, terms, frame, at):
            return out, (Sum, base, terms, frame, at)
        case Run((Step(out, part, ports, frame, at),)):
            return out, (Step, part, ports, frame, at)
        case Run() | Free():
            raise ValueError("sharing comes before batching and ordering")
