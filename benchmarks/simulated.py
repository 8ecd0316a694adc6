"""What would a scrub of a large model cost? Planned, not run: no weights are made or loaded.

A tree of 111 nodes over 256 examples of 64 tokens, on the shapes of an 8B and of a 70B model in
bfloat16, and trees of 10⁴ to 10⁶ nodes on GPT-2 small's. Bytes and FLOPs are the plan's own (the
numbers of `scrub plan`); a time is the larger of FLOPs over a matrix rate and bytes over a memory
rate, which no run goes below. Compiling is measured, here.

    python -m benchmarks.simulated
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from transformers import GPT2Config, LlamaConfig

from benchmarks import ioi_circuit, layered, publishing
from benchmarks.measuring import here
from benchmarks.publishing import keep, named
from scrub.compiler import Shape, Stats, compile_tree, stats
from scrub.graph import ModelGraph
from scrub.hypothesis.resolve import resolve
from scrub.hypothesis.unfold import unfold
from scrub.models.config import graph_from_config

HARDWARE = "one H200: 790 TFLOP/s in bfloat16, 4.8 TB/s"
MATRIX, MEMORY = 790e12, 4.8e12  # a second
GIB = 2**30
ROLES = ("io", "s1", "s1_next", "s2", "end")


@dataclass(frozen=True)
class Asked:
    """A plan: a model's shape, a claim of `heads` heads in each of `depth` layers, and the data."""

    name: str
    model: str
    heads: int
    depth: int
    examples: int
    length: int
    draws: int = 1


PLANS = (
    Asked("8B", "8B", heads=10, depth=2, examples=256, length=64),
    Asked("70B", "70B", heads=10, depth=2, examples=256, length=64),
    Asked("10⁴ nodes", "GPT-2 small", heads=10, depth=4, examples=64, length=16),
    Asked("10⁵ nodes", "GPT-2 small", heads=10, depth=5, examples=64, length=16),
    Asked("10⁶ nodes", "GPT-2 small", heads=10, depth=6, examples=64, length=16),
)


def graph_of(model: str) -> ModelGraph:
    """The graph of a model that is there as a config alone."""
    llama: dict[str, Any] = {
        "vocab_size": 128256,
        "num_key_value_heads": 8,
        "max_position_embeddings": 8192,
    }
    configs: Mapping[str, Any] = {
        "GPT-2 small": lambda: GPT2Config(architectures=["GPT2LMHeadModel"]),
        "8B": lambda: LlamaConfig(
            **llama, hidden_size=4096, num_hidden_layers=32, num_attention_heads=32,
            intermediate_size=14336, architectures=["LlamaForCausalLM"],
        ),
        "70B": lambda: LlamaConfig(
            **llama, hidden_size=8192, num_hidden_layers=80, num_attention_heads=64,
            intermediate_size=28672, architectures=["LlamaForCausalLM"],
        ),
    }  # fmt: skip
    return graph_from_config(configs[model]().to_dict(), model)


def layers_of(graph: ModelGraph) -> int:
    return len({one.group for one in graph.components if one.name.startswith("a")})


def planned(asked: Asked) -> dict[str, Any]:
    """The plan's own numbers, and the seconds that it took to make it."""
    graph, data = graph_of(asked.model), ioi_circuit.data(asked.examples, asked.length)
    claim = layered.claim(layers_of(graph), asked.heads, asked.depth)
    hypothesis = ioi_circuit.hypothesis(claim, data, None)
    hypothesis = hypothesis.with_options(limit=2_000_000)
    resolved = resolve(hypothesis, graph, ioi_circuit.task(data))
    start = time.perf_counter()
    tree = unfold(resolved)
    schedule = compile_tree(tree)
    compiling = time.perf_counter() - start
    recorded = 4 if asked.model == "GPT-2 small" else 2  # bytes a value, as the model runs
    lengths, roles = {"tokens": asked.length}, dict.fromkeys(ROLES, 1)
    shape = Shape(lengths, asked.examples, roles, bytes_per_value=recorded)
    found = stats(schedule, shape)
    return {
        **asdict(asked),
        "nodes": len(tree.occurrences),
        "compiling": compiling,
        **cost(found, asked),
    }


def cost(found: Stats, asked: Asked) -> dict[str, float]:
    items = asked.examples * asked.draws
    flops = found.recording_flops + found.flops * items
    moved = found.recording_moved + found.bytes * items
    return {
        "steps": found.steps,
        "recording_bytes": found.recording_bytes,
        "peak_bytes": found.peak_bytes,
        "flops": flops,
        "passes": found.passes(items, asked.examples),
        "seconds": max(flops / MATRIX, moved / MEMORY),
    }


TITLES = (
    "plan", "tree nodes", "steps", "compiling (measured)", "recording", "an item, at its peak",
    "FLOPs", "forward passes", "no less than",
)  # fmt: skip


def rows(report: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            one["name"],
            f"{one['nodes']:,}",
            f"{one['steps']:,}",
            f"{one['compiling']:.2f} s",
            f"{one['recording_bytes'] / GIB:.2f} GiB",
            f"{one['peak_bytes'] / GIB:.3f} GiB",
            f"{one['flops']:.2e}",
            f"{one['passes']:.2f}",
            f"{one['seconds']:.3g} s",
        )
        for one in report["plans"]
    ]


def markdown(report: Mapping[str, Any]) -> str:
    where = f"{report['machine']}, load {report['load']:.1f}"
    return (
        f"{HARDWARE}. Compiled on {where}; {named(report)}\n\n"
        f"{publishing.table(TITLES, rows(report))}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--most", type=int, default=2_000_000, help="tree nodes, at most")
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    found = []
    for asked in PLANS:
        nodes = layered.tree_nodes(asked.heads, asked.depth)
        if nodes <= options.most:
            console.print(f"{asked.name}: {nodes:,} nodes")
            found.append(planned(asked))
    report: dict[str, Any] = {
        **here(torch.device("cpu")),
        "plans": found,
    }
    table = Table(*TITLES)
    for row in rows(report):
        table.add_row(*row)
    console.print(table)
    if len(found) < len(PLANS):
        console.print("Not all plans: nothing is written.")
        return 0
    keep("simulated", report, markdown)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
