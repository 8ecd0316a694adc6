"""What do a prompt that is recorded once, and queries that nobody reads, spare?

Each is measured with and without, in turn, round by round, in one process: recordings of inputs
that begin alike, in full and from the prompt on (looking whether the model goes on as it should is
in the time); and runs of heads that are read at one position, with all queries and with that one.
Both ways must find the same first.

    python -m benchmarks.spared
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from rich.console import Console

from benchmarks import growth
from benchmarks.case import Case, error
from benchmarks.measuring import here, seconds
from benchmarks.publishing import keep, named, table
from benchmarks.random_gpt2 import random_gpt2
from scrub.graph import Kind, Site
from scrub.models.adapter import TransformersModel
from scrub.models.batches import Inputs
from scrub.models.prefixes import shared_prefix
from scrub.models.recording import Recording, record

ROUNDS = 5
INPUTS, LENGTH, SHARED = 64, 96, (48, 64, 80)
LENGTHS = (16, 32, 64, 128, 256)
TOLERANCE = 1e-5
Work = Callable[[], object]
Ways = tuple[Work, Work, float]  # without, with, and how far what they find differs
Make = Callable[[torch.device, int], Ways]


def prompts(device: torch.device, shared: int, length: int = LENGTH) -> Ways:
    """Recording inputs of which so many tokens are the same: in full, from there on, and how far
    the two differ."""
    module = random_gpt2(layers=6, heads=8, width=256, vocabulary=1000, positions=length)
    model = TransformersModel(module.to(device), "prompted")
    drawn = np.random.default_rng(0)
    begin, ends = drawn.integers(1000, size=shared), drawn.integers(1000, size=(INPUTS, length))
    inputs = Inputs({"tokens": [np.concatenate([begin, end[shared:]]) for end in ends]})
    sites = [Site(Kind.STREAM, name) for name in model.graph.streams if name != "final"]

    def whole() -> Recording:
        return record(model, inputs, sites, batch=INPUTS)

    def spared() -> Recording:
        prefix = shared_prefix(model, inputs, sites)
        assert prefix is not None  # it pays, and the model goes on from it
        return record(model, inputs, sites, batch=INPUTS, prefix=prefix)

    with whole() as plain, spared() as once:
        apart = max(error(once.values[site], plain.values[site]) for site in sites)
    return whole, spared, apart


def queries(device: torch.device, length: int) -> Ways:
    """Running four layers of heads, read at one position, for all queries and for that one."""
    made = growth.case(growth.Size(length=length), device)
    recording = made.record()
    return (
        partial(_for_all, made, recording),
        partial(_outputs, made, recording),
        error(_outputs(made, recording), _for_all(made, recording)),
    )


def _outputs(made: Case, recording: Recording) -> torch.Tensor:
    return torch.cat(list(made.run(made.schedule, recording, made.model)))


def _for_all(made: Case, recording: Recording) -> torch.Tensor:
    with patch("scrub.models.heads.queries_run", lambda read, length: length):
        return _outputs(made, recording)


def measured(ways: Ways, device: torch.device, rounds: int) -> dict[str, Any]:
    """Seconds without and with, round by round after one that fills the caches."""
    without, having, apart = ways
    if not apart <= TOLERANCE:
        raise SystemExit(f"the two ways differ by {apart:.1e}: nothing is timed.")
    found: dict[str, list[float]] = {"without": [], "with": []}
    for _ in range(rounds + 1):
        found["without"].append(seconds(device, without))
        found["with"].append(seconds(device, having))
    return {name: taken[1:] for name, taken in found.items()} | {"apart": apart}


TITLES = ("what", "without", "with", "times faster", "least – most", "apart")


def row(point: dict[str, Any]) -> tuple[str, ...]:
    pairs = zip(point["without"], point["with"], strict=True)
    ratios = sorted(without / having for without, having in pairs)
    return (
        point["what"],
        f"{statistics.median(point['without']):.2f} s",
        f"{statistics.median(point['with']):.2f} s",
        f"{statistics.median(ratios):.1f}",
        f"{ratios[0]:.1f} – {ratios[-1]:.1f}",
        f"{point['apart']:.1e}",
    )


def markdown(report: Any) -> str:
    said = (
        f"{report['machine']}, {report['threads']} threads, load {report['load']:.1f}; 6 layers, "
        f"width 256; {INPUTS} inputs; medians of {report['rounds']} rounds; {named(report)}"
    )
    return f"{said}\n\n{table(TITLES, [row(point) for point in report['points']])}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    options = parser.parse_args(arguments)
    device = torch.device(options.device)
    asked: list[tuple[str, Make, int]]
    asked = [(f"recording, {n} of {LENGTH} tokens shared", prompts, n) for n in SHARED]
    asked += [(f"running, {n} tokens, one read", queries, n) for n in LENGTHS]
    points = [
        {"what": what, **measured(make(device, n), device, options.rounds)}
        for what, make, n in asked
    ]
    report = {
        **here(device),
        "rounds": options.rounds,
        "points": points,
    }
    console = Console(stderr=True, width=140)
    console.print(markdown(report))
    if options.rounds < ROUNDS:
        console.print("Too little for the record: nothing is written.")
        return 0
    keep("spared", report, markdown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
