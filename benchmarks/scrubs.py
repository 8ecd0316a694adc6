"""What does a whole scrub cost beside the same scrub in other libraries?

Two claims about the IOI circuit on a GPT-2 shape, by loops over whole passes in plain hooks,
TransformerLens and nnsight; two about the shipped paren model and one about a toy, by rust-circuit.
The same tree and the same draws for everyone, each in a process of its own. First, all must compute
the same as the referee; then they are timed in turn.

    python -m benchmarks.scrubs --one /tmp/rivals/one
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from benchmarks import scrubs_table
from benchmarks.measuring import load, machine, slug
from benchmarks.whole.cases import HEADS, LAYERS, SETTINGS, VOCABULARY, WIDTH
from benchmarks.whole.ways import UNTIMED, WAYS
from benchmarks.workers import ROOT, Worker, working

TOLERANCE = 1e-5  # between a way and the referee, relative to the largest value
ROUNDS = 3  # what counts as a measurement; less is not written down
CPU = torch.device("cpu")
MODULE = "benchmarks.whole.worker"
SHAPE = {"layers": LAYERS, "heads": HEADS, "width": WIDTH, "vocabulary": VOCABULARY}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    console = Console(stderr=True, width=160)
    found: dict[str, Any] = {}
    for name in options.settings:
        console.print(f"{SETTINGS[name].title}: comparing …")
        try:
            found[name] = measured(name, options, console)
        except Disagreement as error:
            console.print(f"{SETTINGS[name].title}: nothing is timed: {error}")
            return 1
    with working(options.one, MODULE, options.log) as worker:
        libraries = worker.ask("libraries")
    report = {
        "machine": machine(CPU),
        "load": load(),
        "threads": options.threads,
        "libraries": libraries,
        "shape": SHAPE,
        "rounds": options.rounds,
        "settings": found,
    }
    console.print(scrubs_table.shown(report))
    if options.rounds < ROUNDS or options.tiny or set(options.settings) != set(SETTINGS):
        console.print("Too little for the record: nothing is written.")
        return 0
    path = Path(__file__).parent / "results" / f"scrubs-{slug(machine(CPU))}.json"
    path.write_text(json.dumps(report, indent=1) + "\n")
    scrubs_table.write(path.parent.parent / "README.md", sorted(path.parent.glob("scrubs-*")))
    return 0


class Disagreement(Exception):
    """Two ways that compute different things, or a comparison that would show nothing."""


def measured(name: str, options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """One setting: memory of each way, its distance from the referee, and its times."""
    found: dict[str, Any] = {}
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for who in WAYS[name]:
            worker = stack.enter_context(working(options.one, MODULE, options.log))
            told = worker.ask(
                "start", asked=name, who=who, tiny=options.tiny, threads=options.threads
            )
            found[who] = {**told, "rounds": []}
            if "missing" in told:
                console.print(f"  {who} is not here: {told['missing']}")
                continue
            workers[who] = worker
            if who not in UNTIMED:
                found[who] |= worker.ask("memory")
        effect = compare(name, workers, found, options.values, console)
        for number in range(options.rounds):
            for who, worker in workers.items():
                if who not in UNTIMED:
                    answer = worker.ask("timing", number=number)
                    found[who]["rounds"].append({"load": load(), **answer})
            console.print(f"  round {number + 1} of {options.rounds}: load {load():.1f}")
    return {"title": SETTINGS[name].title, "effect": effect, "ways": found}


def compare(
    name: str,
    workers: Mapping[str, Worker],
    found: dict[str, Any],
    folder: Path,
    console: Console,
) -> float:
    """Hold every way against the first, and give the least effect of what is put in.

    Raises `Disagreement`.
    """
    first: dict[str, np.ndarray] = {}
    effect = float("nan")
    for who, worker in workers.items():
        path = folder / f"{name}-{slug(who)}.npz"
        answer = worker.ask("values", path=str(path), referee=not first)
        values = dict(np.load(path))
        if not first:
            first, effect = values, answer["effect"]
            if not effect >= 10 * TOLERANCE:
                raise Disagreement(f"what is put in hardly shows ({effect:.1e}).")
        found[who]["apart"] = apart = distance(values, first)
        if not apart <= TOLERANCE:
            raise Disagreement(f"{who} is {apart:.1e} from the referee.")
        console.print(f"  {who} equals the referee to {apart:.1e}")
    return effect


def distance(values: Mapping[str, np.ndarray], referee: Mapping[str, np.ndarray]) -> float:
    """The largest difference of anything both tell, relative to the largest value of each.

    Infinite where they tell of different things.

    >>> distance({"output": np.array([1.0, 4.0])}, {"output": np.array([1.0, 2.0])})
    1.0
    """
    if values.keys() != referee.keys():
        return float("inf")
    apart = [
        float(np.abs(v - referee[k]).max() / np.abs(referee[k]).max()) for k, v in values.items()
    ]
    return max(apart) if all(one == one for one in apart) else float("inf")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", type=Path, default=Path("/tmp/rivals/one"), help="an environment")
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS), choices=list(SETTINGS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often all is timed")
    parser.add_argument("--tiny", action="store_true", help="only to see that everything runs")
    parser.add_argument("--values", type=Path, default=ROOT / "build" / "scrubs")
    parser.add_argument("--log", type=Path, default=ROOT / "build" / "scrubs" / "log.txt")
    return parser


if __name__ == "__main__":
    sys.exit(main())
