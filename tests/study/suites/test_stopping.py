"""A suite that is killed goes on when it is started again, with the numbers of one that was not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from scrub.results.store import store as stores
from scrub.results.store.arrays import keep as keep_arrays
from scrub.results.store.owners import owner
from scrub.results.store.store import Store, StoreFailed
from scrub.study.suites.driving import Unwatched
from scrub.study.suites.jobs import Job
from scrub.study.suites.messages import Message
from scrub.study.suites.suites import Became, run_suite
from tests.study.suites.conftest import Write, starts, suite_of, table
from tests.study.suites.killing import killed_again_and_again

JOBS = 6


class Dying(Unwatched):
    """Ends the process at the nth thing that it is told, as `kill -9` would: nothing is tidied."""

    def __init__(self, after: int) -> None:
        self.left = after

    def hears(self, message: Message, job: Job | None) -> None:
        self.left -= 1
        if self.left < 0:
            os._exit(9)


def in_a_child(work: Callable[[], object]) -> int:
    """The exit code of a forked process that does some work."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_suite_killed_at_any_message_goes_on_as_if_it_had_not_been(
    toy_suite: Write, tmp_path: Path
) -> None:
    store, suite = tmp_path / "store", toy_suite(seeds=range(JOBS))
    run_suite(suite, tmp_path / "undisturbed")
    whole, kills = table(tmp_path / "undisturbed"), 0
    for after in (0, 4, 10, 11):
        before = table(store) if store.exists() else {}
        code = in_a_child(partial(run_suite, suite, store, watch=Dying(after)))
        kills += code == 9
        now = table(store)
        assert before.items() <= now.items() <= whole.items()  # nothing lost, nothing changed
    assert kills >= 3
    run_suite(suite, store)
    assert table(store) == whole
    assert len(starts(store)) <= JOBS + kills  # one job is in flight at a time


@pytest.mark.parametrize("place", ["keep", "is_whole", "commit"])
def test_killed_between_arrays_and_row_a_job_is_run_again(
    toy_suite: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """The moments at which a result is half in the store: its arrays written, its row not."""
    store, suite = tmp_path / "store", toy_suite(seeds=range(2))
    run_suite(suite, tmp_path / "undisturbed")
    real_keep, real_put = keep_arrays, Store._put

    def keep(*args: Any) -> Any:
        kept = real_keep(*args)
        if place == "keep":
            os._exit(9)
        return kept

    def put(self: Store, *args: Any, **kwargs: Any) -> None:
        if place == "is_whole":
            os._exit(9)
        real_put(self, *args, **kwargs)
        os._exit(9)  # committed, and nobody told

    monkeypatch.setattr(stores, "keep", keep)
    monkeypatch.setattr(Store, "_put", put)
    assert in_a_child(partial(run_suite, suite, store)) == 9
    monkeypatch.undo()
    assert len(table(store)) == (1 if place == "commit" else 0)
    run_suite(suite, store)
    assert table(store) == table(tmp_path / "undisturbed")
    assert len(starts(store)) == (2 if place == "commit" else 3)


def test_two_suites_on_one_store_at_once_share_the_work(
    toy_suite: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In two processes, on the same jobs: each is run by one of them, and both see all results."""
    store, suite = tmp_path / "store", toy_suite(seeds=range(JOBS))
    monkeypatch.setattr("scrub.study.suites.shards.SIZE", 1)
    run_suite(suite, tmp_path / "undisturbed")
    found: list[int] = []

    def other() -> None:
        ran = run_suite(suite, store)
        os._exit(0 if len(ran.results()) == JOBS and not ran.failed else 1)

    thread = threading.Thread(target=lambda: found.append(in_a_child(other)))
    thread.start()
    ran = run_suite(suite, store)
    thread.join()
    assert found == [0]
    assert len(ran.results()) == JOBS
    assert table(store) == table(tmp_path / "undisturbed")
    assert len(starts(store)) == JOBS


def test_what_another_suite_holds_is_waited_for_and_taken_over_when_it_dies(
    toy_suite: Write, tmp_path: Path
) -> None:
    store, suite = tmp_path / "store", toy_suite(seeds=range(3))
    run_suite(suite, tmp_path / "undisturbed")
    keys = sorted(table(tmp_path / "undisturbed"))
    holding = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(store), *keys[:2]], stdout=subprocess.PIPE
    )
    assert holding.stdout is not None
    holding.stdout.readline()
    holding.stdout.close()

    class Waiting(Unwatched):
        waited: list[int] = []  # noqa: RUF012

        def waits(self, jobs: int) -> None:
            self.waited.append(jobs)
            holding.kill()
            holding.wait()

    ran = run_suite(suite, store, watch=Waiting())
    assert Waiting.waited == [2]
    assert {part.became for part in ran.parts} == {Became.DONE}
    assert table(store) == table(tmp_path / "undisturbed")


HOLD = """
import sys, time
from scrub.results.store.store import Store
from scrub.results.store.arrays import keep as keep_arrays
from scrub.results.store.owners import owner
Store(sys.argv[1]).claim(sys.argv[2:], owner())
print("held", flush=True)
time.sleep(60)
"""


def test_an_interrupted_suite_gives_its_claims_back(toy_suite: Write, tmp_path: Path) -> None:
    store, suite = tmp_path / "store", toy_suite(seeds=range(3))

    class Interrupted(Unwatched):
        def hears(self, message: Message, job: Job | None) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_suite(suite, store, watch=Interrupted())
    run_suite(suite, tmp_path / "undisturbed")
    with Store(store) as kept:
        keys = sorted(table(tmp_path / "undisturbed"))
        assert kept.claim(keys, owner()).mine == set(keys)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=1m", "scrub-test", str(place)]
    if mount is None or subprocess.run([mount, *options], capture_output=True).returncode:
        pytest.skip("mounting a file system is not allowed here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_on_a_disk_that_fills_what_is_finished_is_intact(small_disk: Path, tmp_path: Path) -> None:
    suite = suite_of(tmp_path, seeds=range(20))
    store = small_disk / "store"
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 780_000)
    with pytest.raises(StoreFailed) as raised:
        run_suite(suite, store)
    assert str(raised.value) == (
        f"store '{store}': there is no room left on the disk. Every finished job is kept: make "
        "room and start again, and it goes on from there."
    )
    done = table(store)
    assert 0 < len(done) < 20
    filler.unlink()
    before = len(starts(store))
    smaller = suite_of(tmp_path, seeds=range(len(done) + 1))
    ran = run_suite(smaller, store)
    assert not ran.failed
    assert len(starts(store)) <= before + 3
    run_suite(smaller, tmp_path / "undisturbed")
    assert table(store) == table(tmp_path / "undisturbed")


@pytest.mark.slow
def test_a_suite_whose_processes_are_killed_again_and_again_comes_out_the_same(
    tmp_path: Path,
) -> None:
    found = killed_again_and_again(tmp_path, jobs=60, kills=5, workers=2)
    assert found.identical
    assert sum(found.killed.values()) == 5
