"""What do patching, edge circuits and attribution cost beside other libraries?

One question a script in `rivals/`. Every contestant is first held against plain hooks
(`rivals/hooks.py`); one that differs stops the run. Then all are timed in turn, each in a process
of the environment that it can be installed in, and its cost is given in plain forward passes that
the same process makes before and after it.

    python -m benchmarks.mediation --one /tmp/rivals/one --two /tmp/rivals/two
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from benchmarks import mediation_table
from benchmarks.measuring import load, machine, slug
from benchmarks.rivals import case
from benchmarks.rivals.contest import REFEREE, Environment, Question
from benchmarks.rivals.worker import QUESTIONS, question
from benchmarks.workers import ROOT, Worker, working

TOLERANCE = 1e-5  # between a contestant and the referee, relative to the largest value
ROUNDS, THREADS = 3, (1, 2)  # what counts as a measurement; less is not written down
MODULE = "benchmarks.rivals.worker"
CPU = torch.device("cpu")


Workers = Mapping[Environment, Worker]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    console = Console(stderr=True)
    asked = {name: question(name) for name in options.questions}
    with ExitStack() as stack:
        folders = {Environment.ONE: options.one, Environment.TWO: options.two}
        workers = {
            e: stack.enter_context(working(f, MODULE, options.log)) for e, f in folders.items()
        }
        found: dict[str, Any] = {}
        for name, one in asked.items():
            found[name] = {"contestants": check(name, one, workers, options.values, console)}
            apart = {n: c["apart"] for n, c in found[name]["contestants"].items()}
            if not all(value <= TOLERANCE for value in apart.values()):
                console.print(f"{name}: they differ, and nothing is timed: {apart}")
                return 1
        for number in range(options.rounds):
            for name, one in asked.items():
                measure(name, one, workers, options.threads, number, found[name]["contestants"])
            console.print(f"round {number + 1} of {options.rounds}: load {load():.1f}")
        libraries = {str(e): worker.ask("libraries") for e, worker in workers.items()}
    report = {
        "machine": machine(CPU),
        "load": load(),
        "libraries": libraries,
        "case": {name.lower(): getattr(case, name) for name in SIZES},
        "rounds": options.rounds,
        "questions": {name: {**_described(one), **found[name]} for name, one in asked.items()},
    }
    console.print(mediation_table.shown(report))
    complete = options.rounds >= ROUNDS and tuple(options.threads) == THREADS
    if not complete or tuple(asked) != QUESTIONS:
        console.print("Too little for the record: nothing is written.")
        return 0
    path = Path(__file__).parent / "results" / f"mediation-{slug(machine(CPU))}.json"
    path.write_text(json.dumps(report, indent=1) + "\n")
    mediation_table.write(path.parent.parent / "README.md", sorted(path.parent.glob("mediation-*")))
    return 0


SIZES = ("LAYERS", "HEADS", "WIDTH", "VOCABULARY", "BATCH", "POSITIONS")


def _described(one: Question) -> dict[str, Any]:
    return {"title": one.title, "unit": one.unit, "units": len(one.units), "bar": one.bar}


def check(
    name: str, one: Question, workers: Workers, folder: Path, console: Console
) -> dict[str, Any]:
    """How far every contestant is from the referee; their values are written to the folder."""
    found: dict[str, Any] = {}
    for who, entry in one.entries.items():
        path = folder / f"{name}-{slug(who)}.npz"
        answer = workers[entry.environment].ask("values", asked=name, name=who, path=str(path))
        found[who] = {"environment": str(entry.environment), **answer, "rounds": []}
        found[who] |= {"checked": asdict(entry.checked)}
        if entry.timed is not None:
            found[who] |= workers[entry.environment].ask("memory", asked=name, name=who)
        if who != REFEREE:
            console.print(f"{name}: {who} equals the hooks to {answer['apart']:.1e}")
    return found


def measure(
    name: str,
    one: Question,
    workers: Workers,
    threads: Sequence[int],
    number: int,
    found: Mapping[str, Any],
) -> None:
    """One round: every contestant in turn, on every number of threads."""
    for count in threads[:1] if one.slow else threads:
        for who, entry in one.entries.items():
            if entry.timed is not None:
                asked = {"asked": name, "name": who, "threads": count, "number": number}
                answer = workers[entry.environment].ask("timing", **asked)
                found[who]["rounds"].append({"threads": count, "load": load(), **answer})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", type=Path, default=Path("/tmp/rivals/one"), help="an environment")
    parser.add_argument("--two", type=Path, default=Path("/tmp/rivals/two"), help="the other one")
    parser.add_argument("--questions", nargs="+", default=QUESTIONS, choices=QUESTIONS)
    parser.add_argument("--threads", nargs="+", type=int, default=THREADS)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often all is timed")
    parser.add_argument("--values", type=Path, default=ROOT / "build" / "mediation")
    parser.add_argument("--log", type=Path, default=ROOT / "build" / "mediation" / "log.txt")
    return parser


if __name__ == "__main__":
    sys.exit(main())
