"""Ordering: every value is made just before its first use, and freed after its last.

takes      instructions of which the runs stand in a legal order
gives      the same with gathers and sums drawn in where they are needed, frees inserted and
           slots renumbered in order of their making
preserves  what is computed; drops what nobody reads
"""

from __future__ import annotations

from collections.abc import Sequence

from scrub.compiler.instructions import Free, Instruction, Run


def order(instructions: Sequence[Instruction], output: int) -> tuple[list[Instruction], int]:
    """Runs in their order, each preceded by what it needs, on new slots; then frees."""
    maker = {slot: i for i in instructions for slot in i.writes}
    numbers: dict[int, int] = {}
    ordered: list[Instruction] = []

    def place(instruction: Instruction) -> None:
        for slot in instruction.reads:
            if slot not in numbers:
                place(maker[slot])
        for slot in instruction.writes:
            numbers[slot] = len(numbers)
        ordered.append(instruction.on(numbers))

    for instruction in instructions:
        if isinstance(instruction, Run) and instruction.writes[0] not in numbers:
            place(instruction)
    if output not in numbers:
        place(maker[output])
    return _with_frees(ordered, numbers[output]), numbers[output]


def _with_frees(instructions: Sequence[Instruction], output: int) -> list[Instruction]:
    """Each slot freed after the last instruction that uses it: the first, from the end."""
    result: list[Instruction] = []
    used = {output}
    for instruction in reversed(instructions):
        if done := {*instruction.reads, *instruction.writes} - used:
            used |= done
            result.append(Free(tuple(sorted(done))))
        result.append(instruction)
    result.reverse()
    return result
