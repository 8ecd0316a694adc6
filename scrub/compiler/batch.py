"""Batching: runs of one group that do not wait for one another become one run.

takes      shared instructions, one step in each run
gives      instructions in levels, the runs of a level and group merged up to a width
preserves  what every step computes; only the order changes

A level is the longest chain of runs below an instruction. A wider batch means fewer launches and
more live values, so the width is the caller's choice for the device. Steps of one part stand next
to one another: what they read is projected by the same weights, in one product.
"""

from __future__ import annotations

from collections.abc import Sequence

from scrub.compiler.instructions import Instruction, Run, Step
from scrub.graph import ModelGraph, Part

Key = tuple[int, str, bool]  # level, group, and whether what is kept of a run is its output


def batch(instructions: Sequence[Instruction], graph: ModelGraph, width: int) -> list[Instruction]:
    """Runs sorted by level and group, merged; all else stays in front of its first reader."""
    levels = _levels(instructions)
    groups: dict[Key, dict[Part, list[Step]]] = {}
    rest: list[Instruction] = []
    for instruction in instructions:
        if isinstance(instruction, Run):
            (step,) = instruction.steps
            group = graph[step.part.component].group or step.part.component
            key = (levels[step.out], group, not graph.is_linear(step.part))
            groups.setdefault(key, {}).setdefault(step.part, []).append(step)
        else:
            rest.append(instruction)
    runs: list[Instruction] = []
    for key in sorted(groups):
        steps = [step for alike in groups[key].values() for step in alike]
        runs += [Run(tuple(steps[i : i + width])) for i in range(0, len(steps), width)]
    return rest + runs


def _levels(instructions: Sequence[Instruction]) -> dict[int, int]:
    levels: dict[int, int] = {}
    for instruction in instructions:
        below = max([levels[slot] for slot in instruction.reads], default=0)
        (out,) = instruction.writes
        levels[out] = below + isinstance(instruction, Run)
    return levels
