"""Each benchmark's arithmetic, and that the small ones run."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

from benchmarks import __main__ as every
from benchmarks import (
    growth,
    ioi,
    ioi_circuit,
    ioi_table,
    kernels,
    large,
    layered,
    simulated,
    spared,
    startup,
)
from benchmarks.case import Agreement, by_engine, error
from benchmarks.measuring import added_bytes
from benchmarks.rates import matrix_rate, memory_rate
from benchmarks.sampled import passes, sample, visit
from scrub.compiler import Shape, compile_tree, stats
from scrub.hypothesis.resolve import resolve
from scrub.hypothesis.unfold import unfold
from scrub.models.adapter import TransformersModel

CPU = torch.device("cpu")


def small(device: torch.device = CPU) -> TransformersModel:
    """GPT-2 small's heads on a stream of 48."""
    torch.manual_seed(0)
    module: nn.Module = GPT2LMHeadModel(GPT2Config(n_embd=48, initializer_range=0.2))
    return TransformersModel(module.eval().to(device), "small")


def test_a_layered_claim_has_the_nodes_of_its_series() -> None:
    size = growth.Size(heads=2, draws=1, examples=4, layers=4, width=32)
    made = growth.case(size, CPU)
    assert made.nodes == size.nodes == layered.tree_nodes(2, 4) == 31


def test_chains_have_a_node_for_every_layer_of_each() -> None:
    claim = layered.chains(6, count=2, depth=3)
    assert sorted(claim.edges) == [
        ("a3.h0", "a4.h0"),
        ("a3.h1", "a4.h1"),
        ("a4.h0", "a5.h0"),
        ("a4.h1", "a5.h1"),
        ("a5.h0", "answer"),
        ("a5.h1", "answer"),
    ]


def test_a_growth_point_is_measured() -> None:
    size = growth.Size(heads=1, draws=1, examples=4, layers=4, width=32)
    found = growth.measured(size, CPU, rounds=1)
    assert found["nodes"] == 5
    assert min(found[part] for part in ("compiling", "recording", "running")) > 0


def test_a_simulated_plan_is_bounded_by_the_slower_of_flops_and_bytes() -> None:
    asked = simulated.Asked("small", "GPT-2 small", heads=2, depth=2, examples=4, length=16)
    found = simulated.planned(asked)
    assert found["nodes"] == 7
    assert found["seconds"] >= found["flops"] / simulated.MATRIX


def test_what_is_spared_changes_nothing_that_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrub.models.prefixes.LEAST_SPARED", 1)
    for make, size in ((partial(spared.prompts, shared=20, length=24), CPU), (short_rows, CPU)):
        point = spared.measured(make(size), CPU, rounds=1)
        assert point["apart"] < spared.TOLERANCE
        assert spared.row({"what": "it", **point})[0] == "it"


def short_rows(device: torch.device) -> tuple[spared.Work, spared.Work, float]:
    return spared.queries(device, 16)


def test_two_ways_that_differ_are_not_timed() -> None:
    with pytest.raises(SystemExit, match=r"^the two ways differ by 2\.0e-03: nothing is timed\.$"):
        spared.measured((lambda: None, lambda: None, 2e-3), CPU, rounds=1)


def test_memory_that_some_work_adds_is_seen_and_given_back_memory_too() -> None:
    size = 2**26
    assert added_bytes(CPU, lambda: None) < size / 4
    assert added_bytes(CPU, lambda: torch.ones(size // 4)) > 0.9 * size


def test_the_rates_are_those_of_a_machine() -> None:
    assert matrix_rate(CPU, torch.float32, rows=64, width=64) > 1e8
    assert memory_rate(CPU, width=64, size=2**22) > 1e7


def test_a_loops_passes_are_all_nodes_and_a_careful_ones_the_inner_nodes() -> None:
    made = ioi.case(small(), "b", 4, references=2)
    assert len(passes(made, careful=False)) == made.nodes * made.draws
    assert len(passes(made, careful=True)) == made.tree.n_inner * made.draws
    some = sample(made, careful=True, size=2)
    assert set(some) <= set(passes(made, careful=True))
    visit(made, made.hook_loop(careful=True), some)


def test_the_engine_tells_every_inner_node_and_the_output() -> None:
    made = ioi.case(small(), "b", 4, references=2)
    inner = {
        number
        for number, one in enumerate(made.tree.occurrences)
        if not made.claim.is_leaf(one.node)
    }
    assert {number for number, _ in by_engine(made)} == inner


def test_an_ioi_report_puts_the_engine_beside_what_the_machine_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(ioi.FORMS, "b", (ioi_circuit.by_class, 1))
    monkeypatch.setattr(ioi, "alone", lambda *_: (3 * 2**30, 2**20))
    options = argparse.Namespace(examples=4, sample=2, rounds=1, threads=None, device="cpu")
    agreement = {"plain": Agreement(0.0, 0.0, 1.0, 1)}
    figures = ioi.measure("b", small(), agreement, options, Console(quiet=True))
    raw = json.loads(json.dumps(asdict(figures)))
    raw["rates"] = {"matrix": [1e9], "memory": [1e9]}
    form = ioi_table.Derived(raw)
    allowed = (raw["forecast_flops"] + raw["planned_bytes"]["moved"]) / 1e9
    recorded = (raw["recording_flops"] + raw["planned_bytes"]["recorded"]) / 1e9
    cells = {what: cell for what, _, cell in ioi_table.rows({"forms": {"b": raw}})}
    assert cells["engine in full, in those"] == f"{form.engine / allowed:.2f}"
    assert cells["… the recording pass, in its own"] == f"{form.time('recording') / recorded:.2f}"
    assert cells["peak memory of the process"] == "3.00 GiB"
    assert cells["memory that the engine adds, in those"].endswith("(0.00 GiB)")


def test_a_large_model_scrubs_the_same_within_a_tight_budget() -> None:
    model = large.model_of(large.TINY, CPU)
    free = large.case(model, large.TINY, None)
    tight = large.case(model, large.TINY, large.tight(model, large.TINY, "24GiB", tiny=True))
    assert (free.memory.place.value, tight.memory.place.value) == ("device", "disk")
    outputs = [one.scrub(one.schedule) for one in (free, tight)]
    assert error(outputs[1], outputs[0]) < 1e-6
    assert 0 < large.bfloat16_error(free) < 0.1


def test_the_full_large_case_exceeds_half_of_what_the_weights_leave_of_24_gib() -> None:
    """From the config alone: else nothing would spill."""
    graph = simulated.graph_of("8B")
    size = large.FULL
    data = ioi_circuit.data(size.examples, size.length)
    claim = layered.chains(size.layers, size.chains, size.depth)
    resolved = resolve(ioi_circuit.hypothesis(claim, data, None), graph, ioi_circuit.task(data))
    tree = unfold(resolved)
    shape = Shape(
        {"tokens": size.length}, size.examples, dict.fromkeys(simulated.ROLES, 1), bytes_per_value=2
    )
    plan = stats(compile_tree(tree), shape)
    weights = 2 * 8.03e9
    assert len(tree.occurrences) == 121
    assert plan.recording_bytes > (24 * large.GIB - weights) / 2


def test_large_says_that_there_is_no_device(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert large.main([]) == 0
    assert "not measured: no CUDA device" in capsys.readouterr().err


def test_a_profile_names_operations_and_what_they_reach() -> None:
    one = {"name": "aten::mm", "shapes": [[4, 2], [2, 3]], "count": 2, "microseconds": 5.0}
    report: dict[str, Any] = {
        "rates": {"matrix": 1e9, "memory": 1e9},
        "microseconds": 20.0,
        "operations": [{**one, "flops": 1000, "bytes": 10}],
    }
    assert kernels.rows(report) == [("mm", "4×2 2×3", "2", "25.0%", "20%")]


@pytest.mark.parametrize("name", sorted(kernels.VIEWS))
def test_a_view_moves_nothing(name: str) -> None:
    assert kernels.moved(name, [[100, 100]]) == 0


def test_startups_third_bar_is_beyond_the_imports() -> None:
    timed = startup.commands(Path("claim.py"))
    last = timed[-1]
    assert last.command[1:] == ["run", "induction"]
    assert last.beyond == timed[-2].name


def test_all_benchmarks_skip_what_is_not_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(every, "has_device", lambda: False)
    names = ["scrubs", "large", "ioi on a GPU"]
    assert every.main([*names, "--environments", str(tmp_path)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [
        f"scrubs: skipped, no environment {tmp_path}/one: see benchmarks/README.md",
        "ioi on a GPU: skipped, not measured: no CUDA device",
        "large: skipped, not measured: no CUDA device",
    ]


def test_a_name_that_no_benchmark_has_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        every.main(["ioy"])
    assert "no benchmark is named ioy. Known: startup, ioi, kernels" in capsys.readouterr().err


def test_what_a_script_wrote_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(every, "RESULTS", tmp_path)
    (tmp_path / "old.json").write_text("{}")
    before = every.stamps(tmp_path)
    (tmp_path / "new.json").write_text("{}")
    assert every.stamps(tmp_path).keys() - before.keys() == {"new.json"}
