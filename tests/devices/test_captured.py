"""Chunks captured in a CUDA graph are the chunks as they would be run without."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch

from scrub import EXACT, Hypothesis, Task, run
from scrub.compiler import Run, compile_tree
from scrub.engine import executor as executing_module
from scrub.engine import graphs
from scrub.engine.executor import Executor
from scrub.engine.graphs import BEFORE, REPAID, Captured, Held, captured
from scrub.engine.memory import in_chunks
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.resolve import resolve
from scrub.hypothesis.unfold import unfold
from scrub.models.adapter import TransformersModel
from scrub.models.batches import Inputs
from scrub.models.recording import Place, record
from tests.architectures import claims
from tests.architectures.claims import error
from tests.devices import capturing
from tests.devices.test_scrubbing import THERE, on, slow
from tests.laws.running import draw, flat
from tests.laws.test_transformers import data, random_claim, two_heads
from tests.models.tiny import VOCABULARY, module

CHUNK = 4
ITEMS = (BEFORE + REPAID + 2) * CHUNK
REPLAYED = ITEMS // CHUNK - 2  # all but the first two
Chunks = Callable[[np.ndarray], torch.Tensor]


@pytest.fixture(autouse=True)
def nothing_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "_failed", [])


@contextmanager
def executing(
    model: Any, claim: Claim, place: Place = Place.DEVICE
) -> Iterator[tuple[Executor, np.ndarray]]:
    """An executor, and rows [draw, item] in no order: no chunk has anything of the next."""
    tree = unfold(claim)
    donors, schedule = draw(tree, draws=8), compile_tree(tree)
    inputs = Inputs.of(donors.dataset, model.graph)
    order = np.random.default_rng(7).permutation(flat(donors).shape[1])
    rows = flat(donors)[:, np.resize(order, ITEMS)]
    with record(model, inputs, schedule.sites(), batch=5, place=place) as made:
        yield Executor(schedule, model, made, donors.dataset, len(claim.dataset)), rows


def chunked(execute: Chunks, rows: np.ndarray, size: int = CHUNK) -> torch.Tensor:
    starts = range(0, rows.shape[1], size)
    return torch.cat([execute(rows[:, i : i + size]).cpu() for i in starts])


def replays() -> int:
    return sum(graph.replays for graph in capturing.graphs)


def gpt2(seed: int = 0, **options: str) -> tuple[TransformersModel, Claim]:
    model = TransformersModel(module("gpt2").to(THERE), "tiny-gpt2")
    return model, random_claim(np.random.default_rng(seed), "gpt2", **options)


@pytest.mark.parametrize(("name", "equal"), [
    ("llama", False), slow("bert", True), slow("gpt2", False), slow("t5", True),
    slow("albert", True), slow("gemma2", True), slow("mistral", False), slow("vit", True),
    slow("llava", True), slow("mamba", True), slow("deberta", True), slow("mixtral", False),
])  # fmt: skip
def test_captured_chunks_are_those_run_without(name: str, equal: bool) -> None:
    """Where padding is no matter, rows may be of any length."""
    model = on(THERE, name)
    claim = claims.random_claim(model.graph, np.random.default_rng(0), equal=equal)
    with executing(model, claim) as (executor, rows):
        found, expected = chunked(captured(executor, ITEMS), rows), chunked(executor, rows)
    assert replays() == REPLAYED
    assert torch.equal(found, expected)
    assert error(found[:CHUNK], found[CHUNK : 2 * CHUNK]) > 1e-3  # the chunks do differ


@pytest.mark.parametrize("options", [
    {"replacement": "mean_within:f"}, slow({"replacement": "mean"}), slow({"replacement": "zero"}),
    slow({"unimportant": "separately"}), slow({"unimportant": "kept"}),
])  # fmt: skip
def test_whatever_takes_the_place_of_what_is_not_explained(options: dict[str, str]) -> None:
    with executing(*gpt2(1, **options)) as (executor, rows):
        assert torch.equal(chunked(captured(executor, ITEMS), rows), chunked(executor, rows))
    assert replays() > 0


@pytest.mark.slow
def test_generated_donors_are_rows_like_any_other() -> None:
    def fresh(example: Any, agree: Any, rng: np.random.Generator) -> dict[str, Any]:
        return {**dict(example), "tokens": rng.integers(0, VOCABULARY, 7).tolist()}

    model, _ = gpt2()
    task = Task(data(np.random.default_rng(2), equal=True), at="here", generator=fresh)
    claim = nx.DiGraph([("head", "sink")])
    claim.add_node("sink", component="logits", feature=EXACT)
    claim.add_node("head", component="a1.h0", positions="here", feature="f")
    hypothesis = Hypothesis(claim, task=task, donors="generated")
    with executing(model, resolve(hypothesis, model.graph, task)) as (executor, rows):
        assert rows.max() >= executor.members
        assert torch.equal(chunked(captured(executor, ITEMS), rows), chunked(executor, rows))
        assert replays() > 0


def test_where_padding_is_hidden_lengths_have_to_be_the_same() -> None:
    model = on(THERE, "bert")
    claim = claims.random_claim(model.graph, np.random.default_rng(0), equal=False)
    with executing(model, claim) as (executor, rows):
        expected, one = chunked(executor, rows), captured(executor, 9 * ITEMS)
        assert torch.equal(chunked(one, rows), expected)
        assert replays() == 0
        same, few = np.repeat(rows[:, :1], ITEMS, axis=1), rows[:, : 2 * CHUNK]
        assert torch.equal(chunked(one, same), chunked(executor, same))
        assert replays() >= REPLAYED  # the last chunk before may have been of these lengths
        assert torch.equal(chunked(one, few), expected[: 2 * CHUNK])
        chunked(one, same[:, : (BEFORE + 1) * CHUNK])
        assert len(capturing.graphs) == 1  # once lengths have differed no other is captured


@pytest.mark.slow
def test_a_chunk_of_another_size_is_run_as_ever_and_the_graph_is_gone_before() -> None:
    with executing(*gpt2()) as (executor, rows):
        one = captured(executor, 2 * ITEMS)
        assert isinstance(one, Captured)
        chunked(one, rows)
        graph = weakref.ref(one.alike)
        assert replays() == REPLAYED
        seen: list[Any] = []
        watched, few = executing_module.TABLE[Run], rows[:, :3]

        def watching(chunk: Any, step: Any) -> None:
            seen.append(graph())
            watched(chunk, step)

        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(executing_module.TABLE, Run, watching)
            found = one(few)
        assert torch.equal(found.cpu(), executor(few).cpu())
        assert set(seen) == {None}
        assert torch.equal(chunked(one, rows, 2), chunked(executor, rows, 2))  # captured anew
        assert len(capturing.graphs) == 2


def test_few_chunks_are_not_captured() -> None:
    with executing(*gpt2()) as (executor, rows):
        few = rows[:, : (BEFORE + REPAID - 1) * CHUNK]
        chunked(captured(executor, few.shape[1]), few)
    assert not capturing.graphs


def disturbed(patch: pytest.MonkeyPatch, disturb: Callable[[torch.Tensor], object]) -> None:
    """Each run of components, with something done about what it gave."""
    plain = executing_module.TABLE[Run]

    def run_and(chunk: Any, step: Any) -> None:
        plain(chunk, step)
        disturb(chunk.slots[step.steps[0].out])

    patch.setitem(executing_module.TABLE, Run, run_and)


def test_what_looks_at_values_never_comes_to_a_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    with executing(*gpt2()) as (executor, rows):
        expected = chunked(executor, rows)
        disturbed(monkeypatch, lambda value: value.sum().item())
        one = captured(executor, ITEMS)
        assert torch.equal(chunked(one, rows), expected)
        assert isinstance(one, Captured)
        assert one.given_up
    assert not capturing.graphs
    assert torch.cuda.get_sync_debug_mode() == 0


def test_a_capture_that_fails_is_the_last_and_no_chunk_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def look(value: torch.Tensor) -> None:
        if torch.cuda.is_current_stream_capturing():
            value.sum().item()  # of a kind that a rehearsal does not see

    stream = torch.cuda.current_stream(THERE)
    with executing(*gpt2()) as (executor, rows):
        expected = chunked(executor, rows)
        disturbed(monkeypatch, look)
        assert torch.equal(chunked(captured(executor, ITEMS), rows), expected)
        assert [graph.done for graph in capturing.graphs] == [False]
        assert len(graphs._failed) == 1
        assert not capturing.underway
        assert torch.cuda.current_stream(THERE) is stream
        assert captured(executor, ITEMS) is executor


@pytest.mark.slow
def test_a_capture_without_room_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(value: torch.Tensor) -> None:
        if torch.cuda.is_current_stream_capturing():
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    with executing(*gpt2()) as (executor, rows):
        expected = chunked(executor, rows)
        disturbed(monkeypatch, full)
        assert torch.equal(chunked(captured(executor, ITEMS), rows), expected)
        assert (len(capturing.graphs), replays(), graphs._failed) == (1, 0, [])


@pytest.mark.parametrize("when", [slow(1), slow(2), 4])
def test_memory_that_runs_out_halves_the_chunk_and_loses_none(
    when: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the first chunk, in the rehearsal, and in a replay."""
    with executing(*gpt2()) as (executor, rows):
        expected = chunked(executor, rows)
        halvings: list[int] = []
        one, calls = captured(executor, ITEMS), [0]
        plain = graphs.Alike.__call__

        def tight(self: Any, some: np.ndarray) -> torch.Tensor:
            calls[0] += 1
            if calls[0] == when:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory")
            return plain(self, some)

        monkeypatch.setattr(graphs.Alike, "__call__", tight)
        found = in_chunks(ITEMS, CHUNK, lambda i, j: one(rows[:, i:j]).cpu(), halvings.append)
    assert halvings == [CHUNK // 2]
    np.testing.assert_allclose(torch.cat(found), expected, rtol=1e-4, atol=1e-5)
    assert replays() > 0


def test_a_replay_that_gives_other_values_is_noticed_and_none_comes_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rows that are not put in: the first replay on others is held against the chunk itself."""
    monkeypatch.setattr(Held, "fill", lambda self, rows: setattr(self, "rows", rows))
    with executing(*gpt2()) as (executor, rows):
        rows[:, : 3 * CHUNK] = rows[:, np.resize(np.arange(CHUNK), 3 * CHUNK)]
        one = captured(executor, ITEMS)
        assert torch.equal(chunked(one, rows), chunked(executor, rows))
        assert isinstance(one, Captured)
        assert one.given_up
    assert replays() == 2


@pytest.mark.slow
def test_what_is_not_seen_to_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The laws can fail: lengths that are not looked at again."""
    model = on(THERE, "bert")
    claim = claims.random_claim(model.graph, np.random.default_rng(0), equal=False)
    monkeypatch.setattr(Held, "fits", lambda self, rows: rows.shape == self.rows.shape)
    with executing(model, claim) as (executor, rows):
        rows[:, : BEFORE * CHUNK] = rows[:, :1]  # until the graph is there, all of one length
        found, expected = chunked(captured(executor, ITEMS), rows), chunked(executor, rows)
    assert replays() > 0
    assert error(found, expected) > 1e-3


@pytest.mark.parametrize("place", [Place.HOST, slow(Place.DISK)])
def test_a_recording_elsewhere_is_not_captured(place: Place) -> None:
    with executing(*gpt2(), place=place) as (executor, _):
        assert captured(executor, ITEMS) is executor


@pytest.mark.slow
def test_a_whole_run_is_captured_and_gives_the_losses_of_the_cpu() -> None:
    hypothesis = two_heads(data(np.random.default_rng(5), equal=False), "llama")
    expected = run(hypothesis, draws=2)
    there = TransformersModel(module("llama").to(THERE), "tiny-llama")
    found = run(hypothesis.with_model(there), draws=2, batch=2)
    assert replays() > 0
    np.testing.assert_allclose(found.per_example.scrubbed, expected.per_example.scrubbed, rtol=1e-5)
