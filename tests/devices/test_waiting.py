"""Inside a chunk nothing of ours waits for the device: a GPU is handed all its work at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import scrub
from scrub.compiler import compile_tree
from scrub.engine.executor import Executor
from scrub.engine.metrics import Scorer
from scrub.hypothesis.unfold import unfold
from scrub.models.batches import Inputs
from scrub.models.recording import Place, among, record
from tests.architectures.claims import data, random_claim, task_of
from tests.devices.pretended import waits
from tests.devices.test_scrubbing import THERE, on, slow
from tests.laws.running import draw, flat

HOST = torch.device("cpu")
OURS = str(Path(scrub.__file__).parent)


def waited(executor: Executor, rows: np.ndarray) -> list[str]:
    """What a chunk waits for, by where that is written."""
    waits.clear()
    executor(rows)
    return [f"{wait.what} in {wait.file}" for wait in waits]


@pytest.mark.parametrize(("name", "place"), [
    ("llama", Place.DEVICE), ("llama", Place.HOST), ("bert", Place.DEVICE),
    slow("llama", Place.DISK), slow("bert", Place.HOST), slow("gpt2", Place.DEVICE),
    slow("t5", Place.DEVICE), slow("t5", Place.HOST), slow("mixtral", Place.DEVICE),
])  # fmt: skip
def test_inside_a_chunk_nothing_waits_for_the_device(name: str, place: Place) -> None:
    """But for the model's own code: BERT asks its mask whether it hides anything."""
    model = on(THERE, name)
    for seed in range(2):
        claim = random_claim(model.graph, np.random.default_rng(seed), equal=False)
        tree = unfold(claim)
        rows, schedule = flat(draw(tree)), compile_tree(tree)
        inputs = Inputs.of(claim.dataset, model.graph)
        with record(model, inputs, schedule.sites(), batch=5, place=place) as made:
            executor = Executor(schedule, model, made, claim.dataset, len(claim.dataset))
            executor(rows)  # what is seen of the model in the first chunk is remembered
            found = waited(executor, rows)
    assert not [wait for wait in found if OURS in wait]
    assert len(found) <= (1 if name == "bert" else 0)


@pytest.mark.parametrize("place", [Place.HOST, slow(Place.DEVICE)])
def test_looking_up_the_queries_that_are_read_waits_for_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few they are of how many."""
    monkeypatch.setattr("scrub.models.heads.queries_run", lambda read, length: read)
    monkeypatch.setattr("scrub.models.laying.among", spied := Spied(among))
    model = on(THERE, "llama")
    claim = random_claim(model.graph, np.random.default_rng(0), equal=False)
    tree = unfold(claim)
    rows, schedule = flat(draw(tree)), compile_tree(tree)
    with record(
        model, Inputs.of(claim.dataset, model.graph), schedule.sites(), batch=5, place=place
    ) as made:
        executor = Executor(schedule, model, made, claim.dataset, len(claim.dataset))
        executor(rows)
        assert not waited(executor, rows)
    assert spied.calls


class Spied:
    """A function that counts its calls."""

    def __init__(self, own: Callable[..., Any]) -> None:
        self.own, self.calls = own, 0

    def __call__(self, *args: Any) -> Any:
        self.calls += 1
        return self.own(*args)


def test_a_score_waits_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small the slices are in which it is worked out."""
    model = on(THERE, "gpt2")
    task = task_of(model.graph, data(model.graph, np.random.default_rng(0), equal=True))
    monkeypatch.setattr("scrub.engine.metrics.AT_ONCE", 1)
    output = torch.randn(4, 1, 50).to(THERE)
    waits.clear()
    scored = Scorer(task, task.dataset, THERE)(output, None, np.arange(4))
    assert len(waits) == 1
    np.testing.assert_allclose(
        scored, Scorer(task, task.dataset, HOST)(output.cpu(), None, np.arange(4))
    )


def test_a_wait_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The law can fail: indices sent as they used to be are found."""
    model = on(THERE, "gpt2")
    claim = random_claim(model.graph, np.random.default_rng(0), equal=False)
    tree = unfold(claim)
    rows, schedule = flat(draw(tree)), compile_tree(tree)
    monkeypatch.setattr(
        "scrub.engine.lookups.sent", lambda values, device: torch.from_numpy(values).to(device)
    )
    with record(model, Inputs.of(claim.dataset, model.graph), schedule.sites(), batch=5) as made:
        executor = Executor(schedule, model, made, claim.dataset, len(claim.dataset))
        assert any("host to device" in wait for wait in waited(executor, rows))
