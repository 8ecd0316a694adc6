"""What does the IOI circuit cost against hook loops?

The circuit of Wang et al. on a GPT-2-small shape with random weights, in two forms, against the
same scrub written by hand with forward hooks (`hook_loop.py`), plainly and carefully. Engine and
rivals are first held together over the whole tree; if they differ, nothing is timed. Then all are
timed in turn in one process. A rival is timed on a random sample of its passes, and extrapolated.

    python -m benchmarks.ioi
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

from benchmarks import ioi_circuit, ioi_table
from benchmarks.case import BATCH, Agreement, Case, compare, counted_flops, forecast_flops
from benchmarks.hook_loop import record_heads
from benchmarks.measuring import added_bytes, load, machine, peak_bytes, seconds, slug, versions
from benchmarks.rates import matrix_rate, memory_rate
from benchmarks.sampled import sample, visit
from scrub.compiler import compile_tree
from scrub.hypothesis.resolve import resolve
from scrub.models.adapter import TransformersModel

FORMS = {"a": (ioi_circuit.by_head, 1), "b": (ioi_circuit.by_class, 16)}  # claim, draws
CHECKED = 4  # examples over which engine and rivals are compared
TOLERANCE = 1e-5
SAMPLE, ROUNDS, EXAMPLES = 42, 3, 64  # what counts as a measurement; less is not written down
FOLDER = Path(__file__).parent


@dataclass
class Figures:
    """Raw figures of one form; times in seconds, one entry for each round."""

    nodes: int
    inner: int
    draws: int
    head_runs: int
    agreement: Mapping[str, Agreement]
    forecast_flops: int
    recording_flops: int
    counted_flops: int
    chunk: int
    planned_bytes: Mapping[str, int]
    peak_bytes: int = 0
    added_bytes: int = 0  # beyond libraries, the model and a small pass, in a process of its own
    sampled: dict[str, int] = field(default_factory=dict)  # passes of each rival
    times: dict[str, list[float]] = field(default_factory=dict)
    rates: dict[str, list[float]] = field(default_factory=dict)  # FLOPs and bytes a second

    def add(self, name: str, taken: float) -> None:
        self.times.setdefault(name, []).append(taken)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    console = Console(stderr=True)
    model = random_model(device)
    found: dict[str, Figures] = {}
    for form in FORMS:
        console.print(f"form {form}: comparing the engine with both rivals …")
        agreement = check(model, form)
        worst = max(max(a.logits, a.nodes) for a in agreement.values())
        if not worst <= TOLERANCE:
            console.print(f"form {form}: they differ, and nothing is timed: {agreement}")
            return 1
        if min(a.effect for a in agreement.values()) < 10 * TOLERANCE:
            console.print(
                f"form {form}: what is put in hardly shows, nothing is timed: {agreement}"
            )
            return 1
        console.print(f"form {form}: equal to {worst:.1e}. Timing …")
        found[form] = measure(form, model, agreement, options, console)
    report = {
        "machine": machine(device),
        "device": device.type,
        "threads": torch.get_num_threads(),
        "load": load(),
        "versions": versions(),
        "examples": options.examples,
        "rounds": options.rounds,
        "forms": {form: asdict(figures) for form, figures in found.items()},
    }
    console.print(ioi_table.shown(report))
    if (options.rounds, options.sample, options.examples) < (ROUNDS, SAMPLE, EXAMPLES):
        console.print("Too little for the record: nothing is written.")
        return 0
    path = FOLDER / "results" / f"ioi-{slug(machine(device))}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")
    ioi_table.write(FOLDER / "README.md", sorted(path.parent.glob("ioi-*.json")))
    return 0


def random_model(device: torch.device) -> TransformersModel:
    torch.manual_seed(0)
    module: nn.Module = GPT2LMHeadModel(GPT2Config())
    return TransformersModel(module.eval().to(device), "gpt2-small-shape")


def case(model: TransformersModel, form: str, examples: int, references: int | None = None) -> Case:
    """A form of the circuit over `examples`, of which the first `references` are scored."""
    graph, draws = FORMS[form]
    dataset = ioi_circuit.data(examples)
    hypothesis = ioi_circuit.hypothesis(graph(), dataset, model)
    claim = resolve(hypothesis, model.graph, ioi_circuit.task(dataset))
    return Case(model, claim, references or examples, draws)


def check(model: TransformersModel, form: str) -> dict[str, Agreement]:
    few = case(model, form, EXAMPLES, references=CHECKED)
    return {"plain": compare(few, careful=False), "careful": compare(few, careful=True)}


def measure(
    form: str,
    model: TransformersModel,
    agreement: dict[str, Agreement],
    options: argparse.Namespace,
    console: Console,
) -> Figures:
    """Engine and rivals in turn, round by round."""
    made = case(model, form, options.examples)
    tree, device = made.tree, model.device
    figures = Figures(
        nodes=made.nodes,
        inner=tree.n_inner,
        draws=made.draws,
        head_runs=made.head_runs,
        agreement=agreement,
        forecast_flops=forecast_flops(made),
        recording_flops=made.forecast.recording_flops,
        counted_flops=counted_flops(made),
        chunk=made.memory.chunk,
        planned_bytes=planned_bytes(made),
    )
    figures.peak_bytes, figures.added_bytes = alone(engine_memory, form, options)
    loops = {name: made.hook_loop(careful=name == "careful") for name in ("plain", "careful")}
    samples = {name: sample(made, name == "careful", options.sample) for name in loops}
    figures.sampled = {name: len(drawn) for name, drawn in samples.items()}
    once = {"pass": forward(made), "trunk": trunk(made), "recording": lambda: made.record()}
    once |= {"recording of z": lambda: record_heads(made.model.module, made.dataset)}
    once |= {"compiling": lambda: compile_tree(tree), "engine": lambda: engine(made)}
    for number in range(options.rounds):
        for name, rate in rates(model).items():  # the machine's own change from round to round
            figures.rates.setdefault(name, []).append(rate)
        for name, work in once.items():
            figures.add(name, seconds(device, work))
        for name, loop in loops.items():
            passes = samples[name][number :: options.rounds]
            taken = seconds(device, lambda: visit(made, loop, passes))  # noqa: B023
            figures.add(f"{name}, one pass", taken / len(passes))
        latest = ", ".join(f"{name} {taken[-1]:.2f} s" for name, taken in figures.times.items())
        console.print(f"  round {number + 1}: {latest}")
    return figures


def rates(model: TransformersModel) -> dict[str, float]:
    """What the machine can do at this moment."""
    width, rows = model.graph["embed"].width, BATCH * ioi_circuit.LENGTH
    return {
        "matrix": matrix_rate(model.device, torch.float32, rows, width),
        "memory": memory_rate(model.device, width),
    }


def planned_bytes(made: Case) -> dict[str, int]:
    """What the plan says is kept, alive at the most, and moved: by the recording, and by the
    schedule."""
    plan = made.forecast
    return {
        "recording": plan.recording_bytes,
        "live": made.memory.live_bytes,
        "recorded": plan.recording_moved,
        "moved": plan.recording_moved + plan.bytes * made.items,
    }


def alone(work: Callable[..., tuple[int, int]], *arguments: Any) -> tuple[int, int]:
    """Some work in a fresh process: what was run here before would count towards its memory."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        return pool.submit(work, *arguments).result()


def engine_memory(form: str, options: argparse.Namespace) -> tuple[int, int]:
    """The peak memory of a process that loads the model and runs the engine, and nothing else.

    And how much of it the engine has added to what was held after a pass over one example.
    """
    if options.threads:
        torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    made = case(random_model(device), form, options.examples)
    one = torch.from_numpy(made.dataset.inputs[0][None]).to(device)
    torch.no_grad()(lambda: made.model.module(one, use_cache=False))()
    added = added_bytes(device, lambda: engine(made))
    return peak_bytes(device), added


def engine(made: Case) -> None:
    """All that scrub does between the tree with its draws and the outputs, chunk by chunk."""
    schedule = compile_tree(made.tree)
    with made.record() as recording:
        deque(made.run(schedule, recording, made.model), maxlen=0)


def forward(made: Case) -> Callable[[], object]:
    ids = torch.from_numpy(np.stack(made.dataset.inputs)).to(made.model.device)
    return torch.no_grad()(lambda: made.model.module(ids, use_cache=False))


def trunk(made: Case) -> Callable[[], object]:
    """A pass without the unembedding."""
    ids = torch.from_numpy(np.stack(made.dataset.inputs)).to(made.model.device)
    return torch.no_grad()(lambda: made.model.anatomy.towers[""](ids, use_cache=False))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often all is timed")
    parser.add_argument("--sample", type=int, default=SAMPLE, help="passes of each rival, in all")
    parser.add_argument("--examples", type=int, default=EXAMPLES)
    parser.add_argument("--threads", type=int, help="torch's own choice if not given")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    return parser


if __name__ == "__main__":
    sys.exit(main())
