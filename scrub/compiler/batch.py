"""Batching: runs of one group that do not wait for one another become one run.

takes      shared instructions, one step in each run
gives      instructions in levels, the runs of a level and group merged up to a width
preserves  what every step computes; only the order changes

A level is the longest chain of runs below an instruction. A wider batch means fewer launches and
more live values, so the width is the caller's choice for the device.
"""

from __future__ import annotations

from collections.abc import Sequence

from scrub.compiler.instructions import Instruction, Run, Step
from scrub.graph import ModelGraph


def batch(instructions: Sequence[Instruction], graph: ModelGraph, width: int) -> list[Instruction]:
    """Runs sorted by level and group, merged; all else stays in front of its first reader."""
    levels = _levels(instructions)
    groups: dict[tuple[int, str], list[Step]] = {}
    rest: list[Instruction] = []
    for instruction in instructions:
        if isinstance(instruction, Run):
            (step,) = instruction.steps
            group = graph[step.part.component].group or step.part.component
            groups.setdefault((levels[step.out], group), []).append(step)
        else:
            rest.append(instruction)
    runs: list[Instruction] = [
        Run(tuple(steps[i : i + width]))
        for _, steps in sorted(groups.items(), key=lambda item: item[0])
        for i in range(0, len(steps), width)
    ]
    return rest + runs


def _levels(instructions: Sequence[Instruction]) -> dict[int, int]:
    levels: dict[int, int] = {}
    for instruction in instructions:
        below = max([levels[slot] for slot in instruction.reads], default=0)
        (out,) = instruction.writes
        levels[out] = below + isinstance(instruction, Run)
    return levels
