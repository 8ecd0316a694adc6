"""Sharing: equal instructions are computed once.

takes      instructions in an order of evaluation
gives      the same with equal ones merged (hash-consing), and the renamed output
preserves  every value; draws are variables, so equal names mean equal rows
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scrub.compiler.schedule import Free, Gather, Instruction, Run, Step, Sum, Term


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


def rename(instruction: Instruction, slots: dict[int, int]) -> Instruction:
    """The instruction reading other slots."""

    def new(slot: int) -> int:
        return slots.get(slot, slot)

    match instruction:
        case Sum(_, base, terms):
            moved = tuple(
                Term(new(t.plus), None if t.minus is None else new(t.minus), t.positions)
                for t in terms
            )
            return replace(instruction, base=new(base), terms=moved)
        case Run(steps):
            return Run(
                tuple(
                    replace(s, ports=tuple((name, new(slot)) for name, slot in s.ports))
                    for s in steps
                )
            )
        case _:
            return instruction


def _identity(instruction: Instruction) -> tuple[int, object]:
    """The slot an instruction writes, and what it computes."""
    match instruction:
        case Gather(out) | Sum(out):
            return out, replace(instruction, out=-1)
        case Run((Step(out) as step,)):
            return out, replace(step, out=-1)
        case Run() | Free():
            raise ValueError("sharing comes before batching and ordering")
