"""Memory: budgets as written, places of the recording, chunks that halve and lose nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from scrub import InputRefused, run
from scrub.compiler import Stats
from scrub.engine.budget import parse_bytes
from scrub.engine.memory import in_chunks, is_out_of_memory, plan_memory
from scrub.models.batches import Inputs
from scrub.models.recording import Place, record
from tests.laws.cases import random_case

CPU = torch.device("cpu")
COST = Stats(
    flops=1, bytes=1, peak_bytes=100, pass_flops=1, recording_flops=1, recording_bytes=10_000,
    runs=1, steps=1, gathers=1, sums=1,
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "size"), [("4GiB", 2**32), ("800MB", 800_000_000), ("123", 123), (" 1.5 KiB ", 1536)]
)
def test_budgets_as_users_write_them(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1GiB", "0", "1.2.3GB", "4XB"])
def test_a_budget_that_is_none_is_refused(text):
    with pytest.raises(InputRefused, match=r"is no amount of memory\. Write 4GiB or 800MB\."):
        parse_bytes(text)


def test_the_recording_goes_to_disk_where_it_would_fill_the_budget():
    assert plan_memory(COST, 50, CPU, 100_000, None).place is Place.DEVICE
    assert plan_memory(COST, 50, CPU, 15_000, None).place is Place.DISK


def test_a_chunk_is_what_fits_and_no_more_than_asked():
    assert plan_memory(COST, 1000, CPU, 20_500, 500).chunk == 100  # of the 105 that fit: ten alike
    assert plan_memory(COST, 1000, CPU, 10**9, 7).chunk == 7
    assert plan_memory(COST, 3, CPU, 10**9, 7).chunk == 3


@pytest.mark.parametrize(
    ("item", "run", "recorded"),
    [
        (2**24, 125, 64),  # forty alike
        (2**23, 250, 64),
        (2**20, 500, 64),
        (2**12, 1000, 1024),
        (2**7, 5000, 2**15),
    ],
)
def test_a_cpu_runs_as_many_items_as_its_caches_hold_or_at_least_so_many(item, run, recorded):
    cost = replace(COST, peak_bytes=item, pass_bytes=item)
    planned = plan_memory(cost, 5000, CPU, 2**40, None)
    assert (planned.chunk, planned.inputs) == (run, recorded)


def test_an_item_that_does_not_fit_is_refused_before_anything_runs():
    with pytest.raises(InputRefused) as refused:
        plan_memory(replace(COST, peak_bytes=2**30), 1, CPU, 2**20, None)
    assert str(refused.value) == (
        "option 'memory': one item needs 1,024 MiB of live values, and 1 MiB are left of the "
        "budget. Raise the budget, score the output at fewer positions, or claim about fewer "
        "nodes."
    )


def test_out_of_memory_halves_the_chunk_and_keeps_what_is_done():
    sizes: list[int] = []

    def hungry(first: int, last: int) -> list[int]:
        if last - first > 3:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return list(range(first, last))

    done = in_chunks(20, 16, hungry, sizes.append)
    assert [i for piece in done for i in piece] == list(range(20))
    assert sizes == [8, 4, 2]


def test_an_error_that_is_not_about_memory_is_not_swallowed():
    def broken(first: int, last: int) -> int:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        in_chunks(4, 2, broken, lambda chunk: None)
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: not enough memory: you tried"))


def test_a_run_that_runs_out_of_memory_gives_the_same_numbers(monkeypatch):
    """The engine meets an allocator that refuses more than three items at a time."""
    from scrub.engine.executor import Executor

    case = random_case(np.random.default_rng(4), equal_lengths=True)
    expected = run(case.hypothesis, draws=2)
    plain = Executor.__call__

    def tight(self: Any, rows: Any) -> torch.Tensor:
        if rows.shape[1] > 3:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return plain(self, rows)

    monkeypatch.setattr(Executor, "__call__", tight)
    found = run(case.hypothesis, draws=2)
    np.testing.assert_allclose(found.per_example.scrubbed, expected.per_example.scrubbed)
    assert found.cost.halvings > 0
    assert expected.cost.halvings == 0


def test_the_real_allocators_words_are_known():
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(raised.value)


def test_own_outputs_that_do_not_fit_are_computed_anew_and_change_nothing(monkeypatch):
    from scrub.engine import scrubbing

    case = random_case(np.random.default_rng(4), equal_lengths=True)
    expected = run(case.hypothesis, draws=2)
    monkeypatch.setattr(scrubbing.Bench, "_keep", lambda self, first, output: None)
    found = run(case.hypothesis, draws=2)
    np.testing.assert_allclose(found.per_example.scrubbed, expected.per_example.scrubbed)
    np.testing.assert_allclose(found.per_example.kl, expected.per_example.kl, atol=1e-12)


def test_own_outputs_and_scoring_count_against_the_budget():
    cost = replace(COST, output_bytes=1000)
    assert plan_memory(cost, 9, CPU, 30_000, None, references=5).keeps_own
    assert not plan_memory(cost, 9, CPU, 30_000, None, references=50).keeps_own
    case = random_case(np.random.default_rng(4), equal_lengths=True)
    found = run(case.hypothesis, draws=1).cost
    assert found.peak_bytes >= found.chunk * 16 * 8  # two outputs in float64 at the least


def test_a_recording_on_disk_is_removed_afterwards_also_after_an_error():
    case = random_case(np.random.default_rng(1))
    inputs = Inputs.of(case.claim.dataset, case.model.graph)
    from scrub.compiler import compile_tree
    from scrub.hypothesis.unfold import unfold

    sites = compile_tree(unfold(case.claim)).sites()
    with record(case.model, inputs, sites, batch=4, place=Place.DISK) as recording:
        assert recording.folder is not None
        folder = recording.folder.name
        with pytest.raises(ZeroDivisionError), recording:
            raise ZeroDivisionError
    import os

    assert not os.path.exists(folder)


def test_a_small_budget_gives_the_same_numbers_from_disk():
    case = random_case(np.random.default_rng(9), equal_lengths=True)
    expected = run(case.hypothesis, draws=2)
    bytes_needed = expected.cost.recording_bytes + expected.cost.peak_bytes
    found = run(case.hypothesis, draws=2, memory=str(max(bytes_needed // 2, 2500)))
    np.testing.assert_allclose(found.per_example.scrubbed, expected.per_example.scrubbed)
    assert found.cost.place == "disk"
