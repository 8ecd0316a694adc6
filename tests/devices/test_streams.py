"""What was recorded crosses from the host beside what a device computes, and is read when it is
there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from scrub.compiler import compile_tree
from scrub.engine.executor import Executor
from scrub.hypothesis.unfold import unfold
from scrub.models import sending
from scrub.models.batches import Inputs
from scrub.models.recording import Place, record
from scrub.models.sending import AHEAD, Crossing, crossing
from tests.architectures.claims import error, random_claim
from tests.devices import streams
from tests.devices.streams import Stream
from tests.devices.test_scrubbing import THERE, on, slow
from tests.laws.running import draw, engine, flat

HOST = torch.device("cpu")


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    """The way across is kept for good, and this test's streams are its own."""
    crossing.cache_clear()
    yield
    crossing.cache_clear()


def chunk(name: str, place: Place) -> tuple[torch.Tensor, torch.Tensor]:
    """The output of a chunk on the device, and on the CPU."""
    model = on(THERE, name)
    claim = random_claim(model.graph, np.random.default_rng(0), equal=False)
    tree = unfold(claim)
    schedule, inputs = compile_tree(tree), Inputs.of(claim.dataset, model.graph)
    with record(model, inputs, schedule.sites(), batch=5, place=place) as made:
        streams.copies.clear()
        executor = Executor(schedule, model, made, claim.dataset, len(claim.dataset))
        return executor(flat(draw(tree))).cpu(), engine(on(HOST, name), claim)


@pytest.mark.parametrize(("name", "place"), [
    ("llama", Place.HOST), slow("t5", Place.HOST), slow("llama", Place.DISK),
])  # fmt: skip
def test_what_was_recorded_crosses_beside_the_computation(name: str, place: Place) -> None:
    """The rest are rows and tokens; what is read too early would be refused."""
    found, expected = chunk(name, place)
    assert error(found, expected) < 1e-4
    computing, beside = streams.current(THERE), crossing(THERE).stream
    crossed = [copy for copy in streams.copies if copy.dtype.is_floating_point]
    assert crossed
    assert {copy.stream for copy in crossed} == {beside}
    assert {copy.stream for copy in streams.copies if copy not in crossed} == {computing}
    assert [told.stream for told in streams.told] == [computing] * len(crossed)


def test_what_lies_on_the_device_crosses_nowhere() -> None:
    chunk("llama", Place.DEVICE)
    assert not [copy for copy in streams.copies if copy.dtype.is_floating_point]


def test_a_copy_that_is_not_waited_for_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stream, "wait_stream", lambda self, other: None)
    with pytest.raises(AssertionError, match="a stream reads what another may not have written"):
        chunk("llama", Place.HOST)


def test_the_host_is_a_few_copies_ahead_at_most() -> None:
    """It waits until the device has come to the copy that lies so many back."""
    cross = Crossing(THERE)
    for number in range(AHEAD + 3):
        assert len(streams.synchronised) == max(0, number - AHEAD)
        assert cross(torch.full((2,), float(number))).tolist() == [number, number]
    assert {event.stream for event in streams.synchronised} == {streams.current(THERE)}


def test_each_device_has_one_way_across() -> None:
    other = torch.device("cuda:0")
    assert crossing(THERE) is crossing(THERE)
    assert crossing(THERE).stream is not crossing(other).stream
    assert crossing(other)(torch.ones(2)).device == other


def test_what_is_kept_is_sent_once_and_found_by_its_values() -> None:
    kept = sending.Kept()
    with sending.keeping(kept):
        one = sending.sent(np.array([1, 2]), THERE)
        assert sending.sent(torch.tensor([1, 2]), THERE) is one
        others = [np.array([1, 3]), np.array([[1, 2]]), np.array([1, 2], dtype=np.int32)]
        for other in others:
            there = sending.sent(other, THERE)
            assert there is not one
            assert there.tolist() == other.tolist()
        kept.closed = True
        assert sending.sent(np.array([1, 3]), THERE).tolist() == [1, 3]
        with pytest.raises(RuntimeError, match="a value of the host was not sent before"):
            sending.sent(np.array([4]), THERE)
    assert sending.sent(np.array([1, 2]), THERE) is not one
