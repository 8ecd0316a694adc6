"""How does the time grow with the tree, the draws, the examples, the model?

One quantity at a time is doubled, and the time beyond the recording pass is measured: compiling the
schedule and running it on a recording that stands. The exponent is the slope of log time against
log size: 1 is proportional. Points are measured in turn, round by round, in one process.

    python -m benchmarks.growth
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

from benchmarks import ioi_circuit, layered
from benchmarks.case import Case
from benchmarks.growth_table import table, write
from benchmarks.measuring import here, machine, seconds, slug
from scrub.compiler import compile_tree
from scrub.hypothesis.resolve import resolve
from scrub.models.adapter import TransformersModel

ROUNDS = 3
VOCABULARY = 1000
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Size:
    """One point: the model, the data, and a claim of `heads` heads in each of four layers."""

    heads: int = 4
    draws: int = 2
    examples: int = 64
    length: int = 16
    layers: int = 6
    width: int = 256

    @property
    def nodes(self) -> int:
        return layered.tree_nodes(self.heads, DEPTH)


DEPTH = 4
USUAL = Size()
SERIES: dict[str, tuple[int, ...]] = {
    "heads": (2, 4, 8),
    "draws": (1, 2, 4, 8, 16),
    "examples": (32, 64, 128, 256),
    "length": (16, 32, 64, 128),
    "layers": (6, 12, 24),
    "width": (128, 256, 512, 1024),
}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    console = Console(stderr=True)
    points: list[dict[str, Any]] = []
    for name, size in sizes():
        console.print(f"{name}: {size}")
        points.append({"series": name, **asdict(size), **measured(size, device, options.rounds)})
    report = {
        **here(device),
        "rounds": options.rounds,
        "points": points,
    }
    console.print(table(report))
    if options.rounds < ROUNDS:
        console.print("Too little for the record: nothing is written.")
        return 0
    path = FOLDER / "results" / f"growth-{slug(machine(device))}.json"
    path.write_text(json.dumps(report, indent=1) + "\n")
    write(FOLDER / "README.md", sorted(path.parent.glob("growth-*.json")))
    return 0


def sizes() -> Iterator[tuple[str, Size]]:
    for name, values in SERIES.items():
        for value in values:
            yield name, replace(USUAL, **{name: value})


def case(size: Size, device: torch.device) -> Case:
    torch.manual_seed(0)
    config = GPT2Config(
        n_layer=size.layers,
        n_embd=size.width,
        n_head=8,
        vocab_size=VOCABULARY,
        n_positions=256,
        bos_token_id=0,
        eos_token_id=0,
    )
    module: nn.Module = GPT2LMHeadModel(config)
    model = TransformersModel(module.eval().to(device), "growing")
    data = ioi_circuit.data(size.examples, size.length, vocabulary=VOCABULARY)
    claim = layered.claim(size.layers, size.heads, DEPTH)
    hypothesis = ioi_circuit.hypothesis(claim, data, model)
    made = resolve(hypothesis, model.graph, ioi_circuit.task(data))
    return Case(model, made, size.examples, size.draws)


def measured(size: Size, device: torch.device, rounds: int) -> dict[str, Any]:
    """Seconds of compiling, recording and running, each the median of some rounds."""
    made = case(size, device)
    assert made.nodes == size.nodes
    found: dict[str, list[float]] = {"compiling": [], "recording": [], "running": []}
    for _ in range(rounds + 1):  # the first fills caches
        found["compiling"].append(seconds(device, lambda: compile_tree(made.tree)))
        found["recording"].append(seconds(device, lambda: made.record().__exit__(None, None, None)))
        with made.record() as recording:
            run = partial(made.run, made.schedule, recording, made.model)
            found["running"].append(seconds(device, lambda: deque(run(), maxlen=0)))  # noqa: B023
    kept = {name: statistics.median(taken[1:]) for name, taken in found.items()}
    return {"nodes": made.nodes, "chunk": made.memory.chunk, **kept}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--device", default="cpu")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
