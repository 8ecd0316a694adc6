"""Ray and local give the same results; where Ray is missing it says what to install."""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scrub.errors import InputRefused
from scrub.study.suites import rayed
from scrub.study.suites.driving import Unwatched
from scrub.study.suites.jobs import Job
from scrub.study.suites.messages import Finished, Lost, Message
from scrub.study.suites.suites import run_suite
from tests.study.suites.conftest import Write, starts, table

HERE = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not HERE, reason="ray is not installed")


def test_without_ray_it_says_what_to_install(
    toy_suite: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rayed, "find_spec", lambda name: None)
    with pytest.raises(InputRefused) as raised:
        run_suite(toy_suite(), tmp_path / "store", engine="ray")
    assert str(raised.value) == (
        "option 'engine': 'ray' needs the package ray, which is not installed. Run: pip install "
        "'causal-scrub[ray]'"
    )


def test_ray_hands_out_the_gpus_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rayed, "find_spec", lambda name: name)
    with pytest.raises(InputRefused) as raised:
        rayed.Ray(None, None, "cuda:1")
    assert str(raised.value) == (
        "setting 'device': 'cuda:1' cannot be had from Ray, which hands out the GPUs itself. Write "
        "cuda, or cpu."
    )


@pytest.mark.parametrize(
    ("cluster", "threads", "gpus", "room"),
    [
        ({"CPU": 16.0}, 1, 0, 16),
        ({"CPU": 16.0}, 4, 0, 4),
        ({"CPU": 16.0, "GPU": 2.0}, 2, 1, 2),
        ({"CPU": 16.0}, 2, 1, 1),  # none there yet: one is asked for, and waited for
        ({}, 1, 0, 1),
    ],
)
def test_as_many_tasks_as_the_cluster_has_room_for(
    cluster: dict[str, float], threads: int, gpus: int, room: int
) -> None:
    assert rayed.room_in(cluster, threads, gpus) == room


class Killing(Unwatched):
    """Kills a Ray worker in the middle of a shard, twice."""

    def __init__(self) -> None:
        self.done = self.lost = 0

    def hears(self, message: Message, job: Job | None) -> None:
        self.lost += isinstance(message, Lost)
        self.done += isinstance(message, Finished)
        if isinstance(message, Finished) and self.done in (3, 21):
            for pid in _ray_workers():
                os.kill(pid, signal.SIGKILL)


def _ray_workers() -> list[int]:
    """The processes, among those that descend from this one, that are at a task of ours."""
    return [pid for pid in _descendants(os.getpid()) if "ray::work" in _command(pid)]


def _descendants(pid: int) -> Iterator[int]:
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, thread.read_text().split()):
            yield child
            yield from _descendants(child)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


@needs_ray
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_ray_and_local_give_identical_results_though_workers_are_killed(
    toy_suite: Write, tmp_path: Path
) -> None:
    suite = toy_suite(seeds=range(24), conventions={"unimportant": ["together", "one"]})
    run_suite(suite, tmp_path / "local")
    whole = table(tmp_path / "local")
    assert not run_suite(suite, tmp_path / "ray", engine="ray", workers=2).failed
    assert table(tmp_path / "ray") == whole
    assert len(starts(tmp_path / "ray")) == 48
    watch = Killing()
    ran = run_suite(suite, tmp_path / "killed", engine="ray", workers=2, watch=watch)
    assert not ran.failed
    assert watch.lost >= 1
    assert table(tmp_path / "killed") == whole
    assert len(starts(tmp_path / "killed")) <= 48 + 2 * watch.lost


class LosingANode(Unwatched):
    """Takes a node of a cluster away in the middle of a suite."""

    def __init__(self, cluster: Any, node: Any) -> None:
        self.cluster, self.node = cluster, node
        self.done = self.lost = 0

    def hears(self, message: Message, job: Job | None) -> None:
        self.lost += isinstance(message, Lost)
        self.done += isinstance(message, Finished)
        if isinstance(message, Finished) and self.done == 3:
            self.cluster.remove_node(self.node, allow_graceful=False)


@needs_ray
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_a_node_that_is_lost_costs_a_retry_and_no_result(toy_suite: Write, tmp_path: Path) -> None:
    from ray.cluster_utils import Cluster

    suite = toy_suite(seeds=range(24), conventions={"unimportant": ["together", "one"]})
    run_suite(suite, tmp_path / "local")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        watch = LosingANode(cluster, cluster.add_node(num_cpus=1))
        ran = run_suite(
            suite, tmp_path / "ray", engine="ray", address=cluster.address, workers=2, watch=watch
        )
    finally:
        cluster.shutdown()
    assert not ran.failed
    assert watch.lost >= 1
    assert table(tmp_path / "ray") == table(tmp_path / "local")


@needs_ray
@pytest.mark.slow
def test_an_address_at_which_there_is_no_cluster_is_refused(
    toy_suite: Write, tmp_path: Path
) -> None:
    with pytest.raises(InputRefused) as raised:
        run_suite(toy_suite(), tmp_path / "store", engine="ray", address="127.0.0.1:1")
    assert "option 'address' (127.0.0.1:1): no Ray cluster can be reached" in str(raised.value)
