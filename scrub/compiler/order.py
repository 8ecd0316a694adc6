"""Ordering: every value is made just before its first use, and freed after its last.

takes      instructions of which the runs stand in a legal order
gives      the same with gathers and sums drawn in where they are needed, those sums of one form
           that are made and freed together made at once, frees inserted and slots renumbered in
           order of their making
preserves  what is computed; drops what nobody reads
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

from scrub.compiler.instructions import Free, Gather, Instruction, Run, Sum, Sums


def order(instructions: Sequence[Instruction], output: int) -> tuple[list[Instruction], int]:
    """Runs in their order, each preceded by what it needs, on new slots; then frees."""
    maker = {slot: i for i in instructions for slot in i.writes}
    runs = [i for i in instructions if isinstance(i, Run)]
    last = {
        slot: number for number, run in enumerate(runs) for slot in run.reads
    }  # its last reader
    numbers: dict[int, int] = {}
    ordered: list[Instruction] = []

    def place(instruction: Instruction) -> None:
        for slot in instruction.writes:
            numbers[slot] = len(numbers)
        ordered.append(instruction.on(numbers))

    for run in runs:
        needed = dict.fromkeys(slot for slot in run.reads if slot not in numbers)
        for made in _at_once([maker[slot] for slot in needed], last):
            place(made)
        place(run)
    if output not in numbers:
        place(maker[output])
    return _with_frees(ordered, numbers[output]), numbers[output]


def _at_once(instructions: Iterable[Instruction], last: Mapping[int, int]) -> Iterator[Instruction]:
    """Gathers, then sums: those of one form that the same run reads last, together. They lie in one
    tensor, which is freed when none of them is read any more."""
    alike: dict[Hashable, list[Sum]] = {}
    for instruction in instructions:
        match instruction:
            case Sums((one,)):
                alike.setdefault((last[one.out], one.form), []).append(one)
            case Gather():
                yield instruction
            case _:
                raise ValueError("runs stand behind what they read")
    for each in alike.values():
        yield Sums(tuple(each))


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
