"""A process in one of the two environments: it answers and is timed as `benchmarks.mediation` asks.

Requests and answers are lines of JSON on its standard input and output. Only one of the two
processes is ever at work, and each times its own plain forward pass beside what it measures.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch

from benchmarks.measuring import seconds
from benchmarks.rivals.case import Case, the_case
from benchmarks.rivals.contest import REFEREE, Contestant, Entry, Part, Question

QUESTIONS = ("head_sweep", "one_edge", "edge_circuit", "attribution", "integrated", "faithfulness")
LIBRARIES = (
    "torch",
    "transformers",
    "numpy",
    "transformer-lens",
    "auto-circuit",
    "nnsight",
    "pyvene",
)
CPU = torch.device("cpu")
Answer = dict[str, Any]


def question(name: str) -> Question:
    found: Question = import_module(f"benchmarks.rivals.{name}").QUESTION
    return found


@cache
def case(part: Part) -> Case:
    return part.of(_whole())


@cache
def _whole() -> Case:
    return the_case()


@cache
def contestant(asked: str, name: str, part: Part) -> Contestant:
    """Loaded once for each part of the case."""
    return question(asked).entries[name].make(case(part))


def values(asked: str, name: str, path: str) -> Answer:
    """All of a contestant's answers, and the referee's for the same part of the case.

    Both, and what patches nothing, are written to an .npz file.
    """
    entry = question(asked).entries[name]
    units = range(len(question(asked).units))
    both = [contestant(asked, who, entry.checked) for who in (name, REFEREE)]
    for one in both[: 1 if name == REFEREE else 2]:
        one.record()
    theirs = _answers(both[0], units)
    referee = theirs if name == REFEREE else _answers(both[1], units)
    plain = np.asarray(question(asked).baseline(case(entry.checked)), dtype=np.float64)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    names = np.array(question(asked).units)
    np.savez(path, units=names, values=theirs, referee=referee, plain=plain)
    top = np.abs(referee).max()
    changed = np.abs(referee - plain).max(axis=1)
    return {
        "apart": float(np.abs(theirs - referee).max() / top),
        "effect": float(np.median(changed) / top),
    }


def _answers(one: Contestant, units: Sequence[int]) -> np.ndarray:
    return one.run(units).detach().double().numpy()


def timing(asked: str, name: str, threads: int, number: int) -> Answer:
    """Seconds of some units, of what is recorded once, and of the plain passes around them."""
    torch.set_num_threads(threads)
    entry = question(asked).entries[name]
    assert entry.timed is not None
    one = contestant(asked, name, entry.timed)
    chosen = sample(entry, len(question(asked).units), number)
    unit = case(Part()).forward
    unit()
    passes = [seconds(CPU, unit)]
    recording = seconds(CPU, one.record)
    passes.append(seconds(CPU, unit))
    running = seconds(CPU, lambda: one.run(chosen))
    passes.append(seconds(CPU, unit))
    factor = entry.timed.factor
    return {
        "passes": passes,
        "recording": recording * factor,
        "unit": running * factor / len(chosen),
        "units": len(chosen),
        "factor": factor,
    }


def sample(entry: Entry, count: int, number: int) -> list[int]:
    """The units of a round: all of them, or other ones in every round until all have been.

    >>> entry = Entry(None, None, sampled=2)
    >>> sorted(sample(entry, 4, 0) + sample(entry, 4, 1))
    [0, 1, 2, 3]
    """
    if entry.sampled is None:
        return list(range(count))
    order = np.random.default_rng(0).permutation(count)
    first = number * entry.sampled
    return [int(order[(first + i) % count]) for i in range(entry.sampled)]


def libraries() -> Answer:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


TASKS: dict[str, Callable[..., Answer]] = {
    "values": values,
    "timing": timing,
    "libraries": libraries,
}


@contextmanager
def answering() -> Iterator[TextIO]:
    """Where the answers go. What the libraries print goes to standard error instead."""
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        yield answers


def main() -> None:
    torch.set_num_threads(1)
    with answering() as answers:
        for line in sys.stdin:
            asked = json.loads(line)
            answer = TASKS[asked.pop("task")](**asked)
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
