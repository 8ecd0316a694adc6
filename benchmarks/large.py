"""Does a model of 8B's shape scrub on one GPU, and on a budget that its recording exceeds?

Random weights in bfloat16, grouped queries; a claim of 121 nodes in four chains through 30 layers,
so that almost every layer is recorded; 256 examples of 64 tokens. Once with all memory, once within
24 GiB, weights included, where the recording spills to the host. The error of bfloat16 is that of
the scrubbed logits against float32, on a few references with the same draws.

    python -m benchmarks.large            # wants a CUDA device with 100 GB
    python -m benchmarks.large --tiny     # only to see that everything runs
"""

from __future__ import annotations

import argparse
import copy
import statistics
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import torch
from rich.console import Console
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks import ioi_circuit, layered
from benchmarks.case import Case, error
from benchmarks.measuring import added_bytes, here, seconds
from benchmarks.publishing import keep, named, table
from scrub.engine.budget import parse_bytes
from scrub.hypothesis.resolve import resolve
from scrub.models.adapter import TransformersModel

GIB = 2**30
ROUNDS = 3
CHECKED = 4  # references on which bfloat16 is held against float32
NO_DEVICE = "not measured: no CUDA device"


@dataclass(frozen=True)
class Size:
    """A model's shape, a claim of `chains` chains through `depth` layers, and the data."""

    layers: int = 32
    heads: int = 32
    groups: int = 8
    width: int = 4096
    neurons: int = 14336
    vocabulary: int = 128256
    chains: int = 4
    depth: int = 30
    examples: int = 256
    length: int = 64


FULL = Size()
TINY = Size(4, 8, 2, 64, 128, 512, chains=2, depth=3, examples=8, length=16)


def model_of(size: Size, device: torch.device) -> TransformersModel:
    """Random weights in bfloat16, drawn where they stay."""
    config = LlamaConfig(
        vocab_size=size.vocabulary,
        hidden_size=size.width,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.groups,
        intermediate_size=size.neurons,
        max_position_embeddings=8192,
        rope_parameters={"rope_type": "default", "rope_theta": 500000.0},
        bos_token_id=0,
        eos_token_id=0,
        dtype=torch.bfloat16,
    )
    torch.manual_seed(0)
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            module: nn.Module = LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(usual)
    return TransformersModel(module.eval().requires_grad_(False), "8b-shape")


def case(model: TransformersModel, size: Size, budget: str | None) -> Case:
    data = ioi_circuit.data(size.examples, size.length, vocabulary=size.vocabulary)
    claim = layered.chains(size.layers, size.chains, size.depth)
    hypothesis = ioi_circuit.hypothesis(claim, data, model)
    made = resolve(hypothesis, model.graph, ioi_circuit.task(data))
    return Case(model, made, size.examples, 1, budget=budget)


def weights_bytes(model: TransformersModel) -> int:
    return sum(weight.nbytes for weight in model.module.parameters())


def tight(model: TransformersModel, size: Size, memory: str, tiny: bool) -> str:
    """What is left of the memory beside the weights; a tiny case's is one that does not suffice."""
    if not tiny:
        return f"{parse_bytes(memory) - weights_bytes(model)}B"
    plan = case(model, size, None).forecast
    return f"{max(plan.recording_bytes * 3 // 2, plan.peak_bytes)}B"


def measured(made: Case, rounds: int) -> dict[str, Any]:
    """Seconds of recording and running, medians of some rounds, and memory beyond the weights."""
    device = made.model.device
    added = added_bytes(device, lambda: made.scrub(made.schedule))  # which fills the caches too
    recording, running = [], []
    for _ in range(rounds):
        recording.append(seconds(device, lambda: made.record().__exit__(None, None, None)))
        with made.record() as kept:
            run = partial(made.run, made.schedule, kept, made.model)
            running.append(seconds(device, lambda: deque(run(), maxlen=0)))  # noqa: B023
    return {
        "place": made.memory.place.value,
        "chunk": made.memory.chunk,
        "recording_bytes": made.forecast.recording_bytes,
        "added_bytes": added,
        "recording": statistics.median(recording),
        "running": statistics.median(running),
    }


def bfloat16_error(made: Case) -> float:
    """The largest difference of scrubbed logits from float32's, relative to the largest logit."""
    few = replace(made, references=CHECKED)
    ours = few.scrub(few.schedule).float()
    wide = TransformersModel(copy.deepcopy(made.model.module).float(), "float32")
    exact = replace(few, model=wide)
    return error(ours, exact.scrub(exact.schedule))


TITLES = ("memory", "recording lives", "recording", "chunk", "memory added", "recording pass",
          "running", "times the first")  # fmt: skip


def rows(report: Mapping[str, Any]) -> list[tuple[str, ...]]:
    first = report["runs"][0]
    return [
        (
            one["memory"],
            one["place"],
            f"{one['recording_bytes'] / GIB:.2f} GiB",
            f"{one['chunk']}",
            f"{one['added_bytes'] / GIB:.2f} GiB",
            f"{one['recording']:.2f} s",
            f"{one['running']:.2f} s",
            f"{total(one) / total(first):.2f}",
        )
        for one in report["runs"]
    ]


def total(one: Mapping[str, Any]) -> float:
    return float(one["recording"] + one["running"])


def markdown(report: Mapping[str, Any]) -> str:
    said = (
        f"{report['machine']}, load {report['load']:.1f}; weights {report['weights'] / GIB:.1f} "
        f"GiB; {report['nodes']} nodes; medians of {report['rounds']} rounds; {named(report)}. "
        f"Spilled and resident outputs are {report['apart']:.1e} apart, bfloat16 is "
        f"{report['error']:.1e} from float32 on {CHECKED} references."
    )
    return f"{said}\n\n{table(TITLES, rows(report), left=2)}"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    console = Console(stderr=True, width=140)
    if not options.tiny and not torch.cuda.is_available():
        console.print(NO_DEVICE)
        return 0
    size, device = (TINY, "cpu") if options.tiny else (FULL, "cuda")
    model = model_of(size, torch.device(device))
    budgets = {"all": None, options.memory: tight(model, size, options.memory, options.tiny)}
    cases = {name: case(model, size, budget) for name, budget in budgets.items()}
    outputs = [made.scrub(made.schedule) for made in cases.values()]
    made = cases["all"]
    report = {
        **here(model.device),
        "rounds": options.rounds,
        "size": asdict(size),
        "weights": weights_bytes(model),
        "nodes": made.nodes,
        "apart": error(outputs[1], outputs[0]),
        "runs": [{"memory": name, **measured(one, options.rounds)} for name, one in cases.items()],
        "error": bfloat16_error(made),
    }
    console.print(markdown(report))
    if options.tiny or options.rounds < ROUNDS:
        console.print("Too little for the record: nothing is written.")
        return 0
    keep("large", report, markdown)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--memory", default="24GiB", help="the tight budget, weights included")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--tiny", action="store_true", help="only to see that everything runs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
