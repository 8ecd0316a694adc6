"""What do CUDA graphs, and copies beside the computation, save a GPU? For a GPU alone.

The tree of `growth` in small chunks, which a GPU works off faster than they are launched: each
chunk run as ever and replayed from a graph. And the same with its recording in the host's memory:
what is looked up crosses on a stream of its own, or on the one that computes. In turn, round by
round; both ways must find the same first.

    python -m benchmarks.launches
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from rich.console import Console

from benchmarks import growth
from benchmarks.case import Case, error
from benchmarks.measuring import here, seconds
from benchmarks.publishing import keep, named, table
from scrub.engine.executor import Executor
from scrub.engine.graphs import captured
from scrub.models.batches import Inputs
from scrub.models.recording import Place, Recording, record

ROUNDS = 5
CHUNKS = 32
SIZES = (1, 8, 64, 512)  # items in a chunk
TOLERANCE = 1e-5
Execute = Callable[[np.ndarray], torch.Tensor]


def recorded(made: Case, place: Place) -> Recording:
    inputs = Inputs.of(made.dataset, made.model.graph)
    return record(made.model, inputs, made.schedule.sites(), batch=64, place=place)


def executor_of(made: Case, recording: Recording) -> Executor:
    return Executor(made.schedule, made.model, recording, made.dataset, len(made.dataset))


def in_chunks(execute: Execute, rows: np.ndarray, size: int) -> torch.Tensor:
    starts = range(0, rows.shape[1], size)
    return torch.cat([execute(rows[:, i : i + size]) for i in starts])


def on_the_computing_stream(device: torch.device) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda pinned: pinned.to(device, non_blocking=True)


def graphs(device: torch.device, size: int, rounds: int) -> dict[str, Any]:
    """Chunks of so many items, launched and replayed."""
    made = growth.case(growth.Size(draws=1), device)
    rows = made.rows[:, np.resize(np.arange(made.items), (CHUNKS + 4) * size)]
    with recorded(made, Place.DEVICE) as recording:
        ever = executor_of(made, recording)
        graph = captured(ever, 1000 * rows.shape[1])
        agree(in_chunks(graph, rows, size), in_chunks(ever, rows, size))  # it is captured here
        return in_turn(
            lambda: in_chunks(ever, rows, size),
            lambda: in_chunks(graph, rows, size),
            device,
            rounds,
        )


def crossings(device: torch.device, size: int, rounds: int) -> dict[str, Any]:
    """Chunks of so many items on a recording of the host's."""
    made = growth.case(growth.Size(draws=1), device)
    rows = made.rows[:, np.resize(np.arange(made.items), CHUNKS * size)]
    with recorded(made, Place.HOST) as recording:
        execute = executor_of(made, recording)

        def beside() -> torch.Tensor:
            return in_chunks(execute, rows, size)

        def behind() -> torch.Tensor:
            with patch("scrub.models.recording.crossing", on_the_computing_stream):
                return in_chunks(execute, rows, size)

        agree(beside(), behind())
        return in_turn(behind, beside, device, rounds)


def agree(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    if not (apart := error(ours, theirs)) <= TOLERANCE:
        raise SystemExit(f"the two ways differ by {apart:.1e}: nothing is timed.")


def in_turn(
    ever: Callable[[], object], ours: Callable[[], object], device: torch.device, rounds: int
) -> dict[str, Any]:
    """Seconds of both, round by round after one that fills the caches, and the peak of memory."""
    found: dict[str, list[float]] = {"without": [], "with": []}
    torch.cuda.reset_peak_memory_stats(device)
    for _ in range(rounds + 1):
        found["without"].append(seconds(device, ever))
        found["with"].append(seconds(device, ours))
    kept = {name: taken[1:] for name, taken in found.items()}
    return {**kept, "reserved": torch.cuda.max_memory_reserved(device)}


TITLES = ("what", "items a chunk", "without", "with", "times faster", "memory reserved")


def row(point: dict[str, Any]) -> tuple[str, ...]:
    pairs = zip(point["without"], point["with"], strict=True)
    return (
        point["what"],
        f"{point['size']:,}",
        f"{statistics.median(point['without']) * 1000:,.1f} ms",
        f"{statistics.median(point['with']) * 1000:,.1f} ms",
        f"{statistics.median(without / having for without, having in pairs):.1f}",
        f"{point['reserved'] / 2**20:,.0f} MiB",
    )


def markdown(report: Any) -> str:
    said = f"{report['machine']}, load {report['load']:.1f}; medians of {report['rounds']} rounds"
    rows = [row(point) for point in report["points"]]
    return f"{said}; {named(report)}\n\n{table(TITLES, rows)}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        raise SystemExit("There is no CUDA device: nothing is measured.")
    device = torch.device("cuda:0")
    asked = [("CUDA graphs", graphs), ("copies beside the computation", crossings)]
    points = [
        {"what": what, "size": size, **measure(device, size, options.rounds)}
        for what, measure in asked
        for size in SIZES
    ]
    report = {
        **here(device),
        "rounds": options.rounds,
        "points": points,
    }
    Console(stderr=True, width=140).print(markdown(report))
    if options.rounds >= ROUNDS:
        keep("launches", report, markdown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
