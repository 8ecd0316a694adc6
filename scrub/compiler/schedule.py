"""The schedule: what is computed to scrub one chunk of examples, as a few frozen instructions.

A schedule depends on the hypothesis and the model graph alone. Donors are its inputs: instructions
name draws (variables over rows), so that one schedule serves every seed, chunk and data set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scrub.compiler.instructions import (
    Free,
    Gather,
    Instruction,
    Projected,
    Reading,
    Run,
    Step,
    Sum,
    Sums,
    Term,
)
from scrub.graph import Everywhere, ModelGraph, Site


@dataclass(frozen=True, eq=False)
class Schedule:
    """Instructions in order, and the slot that holds the model's output.

    >>> from scrub.compiler import Plain, Recorded
    >>> from scrub.graph import ALL, Component, Part, Port
    >>> x, y = Component("x"), Component("y", ports=(Port("in", "y.in", ("x",)),))
    >>> read = Gather(0, "y.in", Recorded(Plain(1), 1), ALL)
    >>> run = Run((Step(1, Part("y"), (("in", 0),), 1, ALL),))
    >>> print(Schedule(ModelGraph("toy", (x, y), "y"), (read, run), output=1).pretty())
       0  gather  y.in @all            x1
       1  run     y(in=0) @all         x1
    """

    graph: ModelGraph
    instructions: tuple[Instruction, ...]
    output: int
    bases: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def sites(self) -> tuple[Site, ...]:
        """What has to be recorded, each place once."""
        return tuple(dict.fromkeys(site for i in self.instructions for site in i.sites))

    def steps(self) -> Iterator[Step]:
        return (s for i in self.instructions if isinstance(i, Run) for s in i.steps)

    def sums(self) -> Iterator[Sum]:
        return (one for i in self.instructions if isinstance(i, Sums) for one in i.each)

    def pretty(self) -> str:
        """One aligned line for each instruction; a slot is named by the line that makes it."""
        return "\n".join(line for i in self.instructions for line in _lines(i))


def _lines(instruction: Instruction) -> Iterator[str]:
    match instruction:
        case Gather(out, what, own, at):
            yield f"{out:>4}  gather  {f'{what} @{at}':<20} {own}"
        case Sums(each):
            for number, one in enumerate(each):
                verb = "sum " if number == 0 else "  + "
                text = " ".join([f"{one.stream} @{one.at}", *[_term(t, one) for t in one.terms]])
                yield f"{one.out:>4}  {verb}    {text:<20} {one.own}"
        case Run(steps):
            for number, step in enumerate(steps):
                ports = ", ".join(f"{name}={_shown(read)}" for name, read in step.ports)
                verb = "run " if number == 0 else "  + "
                text = f"{step.part}({ports}) @{step.at}"
                yield f"{step.out:>4}  {verb}    {text:<20} x{step.frame}"
        case Free(slots):
            yield f"      free    {', '.join(map(str, slots))}"


def _shown(reading: Reading) -> str:
    match reading:
        case Projected(own, put):
            return f"{own}" + "".join(f"<{slot}@{at}" for slot, at in put)
        case slot:
            return f"{slot}"


def _term(term: Term, total: Sum) -> str:
    text = f"{term.plus}" if term.minus is None else f"{term.plus} - {term.minus}"
    same = term.at == total.at or isinstance(term.at, Everywhere)
    return f"+ {term.part}[{text}]" + ("" if same else f"@{term.at}")
