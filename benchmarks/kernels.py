"""Which operations take the time of a run, and how near are they to what the machine can do?

A profile of the tree-unfolded IOI circuit on a recording that stands. For each operation and shape:
its share of the time, and the larger of its FLOPs at the machine's matrix rate and its bytes at the
memory rate, over its time. Profiling makes small operations slower than they are.

    python -m benchmarks.kernels
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from rich.console import Console
from torch.profiler import ProfilerActivity, profile

from benchmarks import ioi, ioi_circuit
from benchmarks.case import BATCH
from benchmarks.measuring import here
from benchmarks.publishing import keep, named, table
from benchmarks.rates import matrix_rate, memory_rate

SHOWN = 10  # operations in the table
EXAMPLES = {"cpu": 64, "cuda": 512}
SIZE = 4  # bytes of a float32
WIDTH = 768  # of GPT-2 small's residual stream
VIEWS = frozenset(  # which move nothing, or leave that to an operation below them
    f"aten::{name}"
    for name in ("as_strided", "contiguous", "expand", "linear", "matmul", "narrow", "permute",
                 "reshape", "select", "slice", "split", "squeeze", "t", "transpose", "unbind",
                 "unsqueeze", "view", "_reshape_alias", "_unsafe_view")
)  # fmt: skip
PRODUCTS = ("aten::mm", "aten::addmm", "aten::addmm_", "aten::bmm", "aten::baddbmm")
Shapes = Sequence[Sequence[int]]


def moved(name: str, shapes: Shapes) -> int:
    """Bytes that an operation reads and writes at the least, as its input shapes tell.

    A gather reads only what it picks. An output not known is as large as the largest input.

    >>> moved("aten::mm", [[2, 3], [3, 5]]), moved("aten::index_select", [[9, 4], [], [2]])
    (124, 64)
    """
    tensors = [list(shape) for shape in shapes if shape]
    if not tensors or name in VIEWS:
        return 0
    sizes = [math.prod(shape) for shape in tensors]
    if name == "aten::index_select":
        return 2 * SIZE * sizes[-1] * math.prod(tensors[0][1:])
    if name in PRODUCTS:
        left, right = tensors[-2:]
        return SIZE * (sum(sizes) + math.prod(left[:-1]) * right[-1])
    return SIZE * (sum(sizes) + max(sizes))


def added(name: str, shapes: Sequence[Sequence[int]]) -> int:
    """FLOPs of a product that is added in place, which torch's profiler leaves out.

    >>> added("aten::addmm_", [[4, 2], [4, 3], [3, 2]])
    48
    """
    if name != "aten::addmm_":
        return 0
    left, right = [shape for shape in shapes if shape][-2:]  # factors that scale it have none
    return 2 * math.prod(left) * right[-1]


def profiled(device: torch.device, examples: int) -> list[dict[str, Any]]:
    """Every operation of a run by its shapes: microseconds, FLOPs and bytes, longest first."""
    made = ioi.case(ioi.random_model(device), "a", examples)
    cuda = device.type == "cuda"
    watched = [ProfilerActivity.CUDA] if cuda else []
    with made.record() as recording:
        deque(made.run(made.schedule, recording, made.model), maxlen=0)  # fills the caches
        with profile(
            activities=[ProfilerActivity.CPU, *watched], record_shapes=True, with_flops=True
        ) as kept:
            deque(made.run(made.schedule, recording, made.model), maxlen=0)
    events: Any = kept.key_averages(group_by_input_shape=True)
    found = [
        {
            "name": event.key,
            "shapes": [list(shape) for shape in event.input_shapes],
            "count": event.count,
            "microseconds": event.self_device_time_total if cuda else event.self_cpu_time_total,
            "flops": event.flops or event.count * added(event.key, event.input_shapes),
            "bytes": event.count * moved(event.key, event.input_shapes),
        }
        for event in events
        if event.key.startswith("aten::")
    ]
    return sorted(found, key=lambda one: -one["microseconds"])


def reached(one: Mapping[str, Any], rates: Mapping[str, float]) -> float:
    """The share of the machine's matrix or memory rate, whichever is more, of an operation.

    >>> one = {"microseconds": 2e6, "flops": 3, "bytes": 10}
    >>> reached(one, {"matrix": 2.0, "memory": 10.0})
    0.75
    """
    taken = one["microseconds"] / 1e6
    return float(max(one["flops"] / rates["matrix"], one["bytes"] / rates["memory"]) / taken)


TITLES = ("operation", "shapes", "times", "share of the time", "of the machine's rate")


def rows(report: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            one["name"].removeprefix("aten::"),
            " ".join("×".join(map(str, shape)) for shape in one["shapes"] if shape),
            f"{one['count']:,}",
            f"{one['microseconds'] / report['microseconds']:.1%}",
            f"{reached(one, report['rates']):.0%}",
        )
        for one in report["operations"][:SHOWN]
        if one["microseconds"]
    ]


def markdown(report: Mapping[str, Any]) -> str:
    rates = report["rates"]
    said = (
        f"{report['machine']}, load {report['load']:.1f}; {report['examples']} examples; "
        f"{rates['matrix'] / 1e9:,.0f} GFLOP/s, {rates['memory'] / 1e9:,.1f} GB/s; {named(report)}"
    )
    return f"{said}\n\n{table(TITLES, rows(report), left=2)}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--examples", type=int, help="64 on a CPU, 512 on a GPU")
    options = parser.parse_args(arguments)
    device = torch.device(options.device)
    usual = EXAMPLES[device.type]
    examples = options.examples or usual
    operations = profiled(device, examples)
    report: dict[str, Any] = {
        **here(device),
        "examples": examples,
        "rates": {
            "matrix": matrix_rate(device, torch.float32, BATCH * ioi_circuit.LENGTH, WIDTH),
            "memory": memory_rate(device, WIDTH),
        },
        "microseconds": sum(one["microseconds"] for one in operations),
        "operations": operations[: 4 * SHOWN],
    }
    console = Console(stderr=True, width=140)
    console.print(markdown(report))
    if examples < usual:
        console.print("Too little for the record: nothing is written.")
        return 0
    keep("kernels", report, markdown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
