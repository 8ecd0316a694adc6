"""A process in one of the two environments: it answers and is timed as `benchmarks.mediation` asks.

Only one of the two processes is ever at work, and each times its own plain forward pass beside what
it measures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import torch

from benchmarks.measuring import added_bytes, seconds
from benchmarks.rivals.case import Case, the_case
from benchmarks.rivals.contest import REFEREE, Contestant, Entry, Part, Question
from benchmarks.workers import Answer, answer_all, installed

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


def memory(asked: str, name: str) -> Answer:
    """The most that recording and running some units add to this process, which others were at
    work in before: what those hold is there already."""
    torch.set_num_threads(1)
    entry = question(asked).entries[name]
    assert entry.timed is not None
    one = entry.make(case(entry.timed))
    chosen = sample(entry, len(question(asked).units), 0)

    def work() -> None:
        one.record()
        one.run(chosen)

    return {"memory": added_bytes(CPU, work)}


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
    return dict(installed(LIBRARIES))


TASKS: dict[str, Callable[..., Answer]] = {
    "values": values,
    "timing": timing,
    "memory": memory,
    "libraries": libraries,
}


def main() -> None:
    torch.set_num_threads(1)
    answer_all(TASKS)


if __name__ == "__main__":
    main()
