"""What a question is, and who answers it: the seam at which a library is plugged in.

A question is a module of this folder with a `QUESTION`. Its contestants answer it unit by unit (a
head, an edge, a circuit), each in the environment that it can be installed in.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Any

import torch

from benchmarks.rivals.case import BATCH, POSITIONS, Case

REFEREE = "hooks"  # the contestant that all others must agree with


class Environment(StrEnum):
    """Which of the two virtual environments of the README a contestant runs in."""

    ONE = "one"
    TWO = "two"


class Contestant(ABC):
    """One way of answering a question about a case.

    What is loaded in `__init__` is not timed; `record`, what is needed once for all units, is
    timed by itself; `run` is what the table shows.
    """

    def __init__(self, case: Case) -> None:
        self.case = case

    @abstractmethod
    def record(self) -> None:
        """Runs the model on clean and corrupted inputs, once for all units."""

    @abstractmethod
    def run(self, units: Sequence[int]) -> torch.Tensor:
        """The answer for some units, [unit, value]."""


def ours(name: str) -> Callable[[Case], Contestant]:
    """One of `ours.py`. That is imported where it is asked for: one environment has no scrub."""

    def make(case: Case) -> Contestant:
        found: type[Contestant] = getattr(import_module("benchmarks.rivals.ours"), name)
        return found(case)

    return make


@dataclass(frozen=True)
class Part:
    """So many rows and positions of the case."""

    rows: int = BATCH
    positions: int = POSITIONS

    def of(self, case: Case) -> Case:
        return case.part(self.rows, self.positions)

    @property
    def factor(self) -> float:
        """How many times the part fits into the whole."""
        return BATCH * POSITIONS / (self.rows * self.positions)


@dataclass(frozen=True)
class Entry:
    """A contestant's place in a question.

    `sampled`: units in a round, out of all; None where all are asked for at once, so that what
    they share counts. `checked` and `timed`: the parts of the case on which it is held against the
    referee, and on which it is timed, the time then multiplied up; None where it is not timed.
    """

    environment: Environment
    make: Callable[[Case], Contestant]
    sampled: int | None = None
    checked: Part = Part()
    timed: Part | None = Part()


@dataclass(frozen=True)
class Question:
    """`baseline` gives what a unit's answer is compared with, to see that it changes anything."""

    title: str
    unit: str
    units: Sequence[str]
    bar: str  # for us, in forward passes
    entries: Mapping[str, Entry]
    baseline: Callable[[Case], Any] = lambda case: case.plain
    slow: bool = False  # asked on one thread only
