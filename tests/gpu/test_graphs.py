"""On a CUDA device: captured chunks are those run without, what fails leaves it usable, and what
crosses beside the computation is read when it is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from scrub import run
from scrub.engine import graphs
from scrub.engine.graphs import BEFORE, Captured, captured
from scrub.models.recording import Place
from scrub.models.sending import AHEAD, crossing
from tests.architectures.claims import error
from tests.devices.test_captured import CHUNK, ITEMS, chunked, disturbed, executing
from tests.gpu.test_cuda import on_gpu
from tests.laws.test_transformers import data, random_claim, two_heads

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def nothing_failed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The graphs of captures that failed stay alive: torch asks them again."""
    yield
    kept = list(graphs._failed)
    monkeypatch.setattr(graphs, "_failed", [])
    ALIVE.extend(kept)


ALIVE: list[Any] = []


def graph_of(one: Any) -> Any:
    assert isinstance(one, Captured)
    return one.alike and one.alike.taken


@pytest.mark.parametrize("family", ["gpt2", "llama", "mistral", "qwen3"])
def test_captured_chunks_are_those_run_without(family: str) -> None:
    for seed in range(4):
        claim = random_claim(np.random.default_rng(seed), family)
        with executing(on_gpu(family), claim) as (executor, rows):
            expected = chunked(executor, rows)
            one = captured(executor, ITEMS)
            assert error(chunked(one, rows), expected) < 1e-5  # sums by index have no fixed order
            assert graph_of(one) is not None
            assert error(one(rows[:, :3]).cpu(), executor(rows[:, :3]).cpu()) < 1e-5
            assert graph_of(one) is None


@pytest.mark.parametrize("options", [
    {"replacement": "mean_within:f"}, {"replacement": "mean"}, {"replacement": "zero"},
    {"unimportant": "separately"},
])  # fmt: skip
def test_whatever_takes_the_place_of_what_is_not_explained(options: dict[str, str]) -> None:
    claim = random_claim(np.random.default_rng(0), "gpt2", **options)
    with executing(on_gpu("gpt2"), claim) as (executor, rows):
        one = captured(executor, ITEMS)
        assert error(chunked(one, rows), chunked(executor, rows)) < 1e-5
        assert graph_of(one) is not None


def test_half_precision_is_captured_too() -> None:
    claim = random_claim(np.random.default_rng(0), "llama")
    with executing(on_gpu("llama", torch.bfloat16), claim) as (executor, rows):
        one = captured(executor, ITEMS)
        assert error(chunked(one, rows), chunked(executor, rows)) < 2e-2
        assert graph_of(one) is not None


def allocated() -> int:
    """Bytes in use, when all is done and what waited for it is free."""
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    return torch.cuda.memory_allocated()


def test_the_memory_of_a_graph_is_given_back() -> None:
    claim = random_claim(np.random.default_rng(0), "gpt2")
    with executing(on_gpu("gpt2"), claim) as (executor, rows):
        chunked(executor, rows)
        chunked(captured(executor, ITEMS), rows)  # what is made once for all is made
        before = allocated()
        one = captured(executor, ITEMS)
        chunked(one, rows)
        assert allocated() > before
        del one
        assert allocated() <= before


def test_what_looks_at_values_never_comes_to_a_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    claim = random_claim(np.random.default_rng(0), "gpt2")
    with executing(on_gpu("gpt2"), claim) as (executor, rows):
        expected = chunked(executor, rows)
        disturbed(monkeypatch, lambda value: value.sum().item())
        one = captured(executor, ITEMS)
        assert error(chunked(one, rows), expected) < 1e-5
        assert isinstance(one, Captured)
        assert one.given_up
    assert not graphs._failed


def test_a_capture_that_fails_leaves_the_device_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(value: torch.Tensor) -> None:
        if torch.cuda.is_current_stream_capturing():
            value.sum().item()

    stream = torch.cuda.current_stream()
    claim = random_claim(np.random.default_rng(0), "gpt2")
    with executing(on_gpu("gpt2"), claim) as (executor, rows):
        expected = chunked(executor, rows)
        disturbed(monkeypatch, look)
        assert error(chunked(captured(executor, ITEMS), rows), expected) < 1e-5
        assert len(graphs._failed) == 1
        assert torch.cuda.current_stream() == stream
        assert captured(executor, ITEMS) is executor
    torch.cuda.synchronize()
    torch.cuda.empty_cache()  # which says so where the allocator believes that a capture goes on
    assert torch.ones(1000, 1000, device="cuda").sum().item() == 1e6


@pytest.mark.parametrize("place", [Place.HOST, Place.DISK])
def test_what_crosses_is_there_when_it_is_read(place: Place) -> None:
    claim = random_claim(np.random.default_rng(0), "llama")
    with executing(on_gpu("llama"), claim) as (executor, rows):
        expected = chunked(executor, rows)
    with executing(on_gpu("llama"), claim, place) as (executor, rows):
        assert error(chunked(executor, rows), expected) < 1e-5


def test_memory_of_a_copy_is_not_used_again_before_it_is_read() -> None:
    """Each copy is freed at once, and read late: behind products that take far longer."""
    device = torch.device("cuda", torch.cuda.current_device())
    large = torch.full((4096, 4096), 1 / 4096, device=device)
    found = []
    for number in range(8 * AHEAD):
        pinned = torch.full((1 << 20,), float(number)).pin_memory()
        there = crossing(device)(pinned)
        for _ in range(4):
            large = large @ large
        found.append((there + large[0, 0] * 0).sum() / there.numel())
        del there, pinned
    assert torch.stack(found).tolist() == list(map(float, range(8 * AHEAD)))


def test_a_whole_run_is_captured_and_gives_the_losses_of_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[Any] = []
    plain = graphs.Taken.again

    def again(self: Any) -> torch.Tensor:
        taken.append(self)
        return plain(self)

    monkeypatch.setattr(graphs.Taken, "again", again)
    hypothesis = two_heads(data(np.random.default_rng(5), equal=False), "llama")
    expected = run(hypothesis, draws=4)
    found = run(hypothesis.with_model(on_gpu("llama")), draws=4, batch=CHUNK)
    np.testing.assert_allclose(found.per_example.scrubbed, expected.per_example.scrubbed, rtol=2e-4)
    assert len(taken) >= ITEMS // CHUNK - BEFORE
