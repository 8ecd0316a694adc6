"""Worker processes: whatever happens to one costs a retry of what it was at, and no result."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from scrub.study.suites import workers
from scrub.study.suites.driving import Unwatched
from scrub.study.suites.jobs import Job
from scrub.study.suites.messages import Finished, Lost, Message
from scrub.study.suites.suites import Became, Ran, run_suite
from scrub.study.suites.worker import Brief
from tests.study.suites.conftest import Write, starts, table

STUB = """
import os, signal, sys
from multiprocessing.connection import Connection
from pathlib import Path

if (Path(os.environ["STUB"]) / "broken").exists():
    sys.exit("no such luck")

from scrub.study.suites.messages import Began, Ended, Finished, Outcome

line = Connection(int(sys.argv[1]))
while True:
    try:
        task = line.recv()
    except EOFError:
        break
    for i in task.left:
        seed = task.shard.jobs[i].settings.seed
        line.send(Began(task.shard.number, i))
        deadly = Path(os.environ["STUB"]) / f"deadly{seed}"
        if deadly.exists():
            lives = int(deadly.read_text())
            deadly.write_text(str(lives - 1))
            if lives > 0:
                os.kill(os.getpid(), signal.SIGKILL)
        line.send(Finished(task.shard.number, i, Outcome("s/1", {"seed": seed}, {}, 0.1)))
    line.send(Ended(task.shard.number))
"""


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Workers that answer at once, and die where a file says so: they load no torch."""
    monkeypatch.setattr(workers, "PROGRAM", ("-c", STUB))
    monkeypatch.setenv("STUB", str(tmp_path))
    return tmp_path


class Counted(Unwatched):
    """Counts what it is told."""

    def __init__(self) -> None:
        self.told: Counter[type] = Counter()

    def hears(self, message: Message, job: Job | None) -> None:
        self.told[type(message)] += 1


def became(ran: Ran) -> list[Became]:
    return [part.became for part in ran.parts]


def test_a_worker_that_dies_costs_a_retry_and_no_result(toy_suite: Write, stub: Path) -> None:
    store, watch = stub / "store", Counted()
    (stub / "deadly3").write_text("1")
    ran = run_suite(toy_suite(seeds=range(6)), store, workers=2, watch=watch)
    assert became(ran) == [Became.DONE] * 6
    assert watch.told[Lost] == 1
    assert watch.told[Finished] == 6
    assert len(starts(store)) == 6 + 1  # the job at hand, and no other


@pytest.mark.slow  # five interpreters; below, the same rule with workers that end at once
def test_a_job_that_kills_three_workers_is_given_up_in_words(toy_suite: Write, stub: Path) -> None:
    store, watch = stub / "store", Counted()
    (stub / "deadly1").write_text("9")
    ran = run_suite(toy_suite(seeds=range(4)), store, workers=2, watch=watch)
    assert became(ran) == [Became.DONE, Became.FAILED, Became.DONE, Became.DONE]
    assert ran.failed[0].why == (
        "its worker was lost 3 times, the last time since it was killed (SIGKILL, as the kernel "
        "does when memory runs out)."
    )
    assert watch.told[Lost] == 3
    assert _children() == []  # nobody is left behind


def test_workers_that_cannot_start_say_why(toy_suite: Write, stub: Path) -> None:
    (stub / "broken").write_text("")
    ran = run_suite(toy_suite(seeds=range(2)), stub / "store", workers=2)
    assert became(ran) == [Became.FAILED] * 2
    said = "its worker was lost 3 times, the last time since it ended with code 1 (no such luck)."
    assert {part.why for part in ran.failed} == {said}


def test_steps_are_told_now_and_then_and_all_else_at_once() -> None:
    from scrub.study.suites.messages import Advanced, Stage

    told: list[Message] = []
    tell = Brief(told.append)
    tell(Stage(0, "running scrub", 1000))
    for _ in range(1000):
        tell(Advanced(0, 1))
    tell(Stage(0, "running null", 10))
    assert len(told) < 100
    assert told[0] == Stage(0, "running scrub", 1000)
    assert told[-1] == Stage(0, "running null", 10)
    steps = [message.amount for message in told if isinstance(message, Advanced)]
    assert 0 < sum(steps) <= 1000


def _children() -> list[int]:
    told = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
    return [int(one) for one in told.split()]


@pytest.mark.slow
def test_results_do_not_depend_on_how_many_workers_there_are(
    toy_suite: Write, tmp_path: Path
) -> None:
    """Nor does a worker that is killed in the middle change a bit of them."""
    suite = toy_suite(seeds=range(40), conventions={"unimportant": ["together", "one"]})
    run_suite(suite, tmp_path / "alone")
    whole = table(tmp_path / "alone")
    for count in (2, 3):
        assert not run_suite(suite, tmp_path / str(count), workers=count).failed
        assert table(tmp_path / str(count)) == whole

    class Killing(Counted):
        def hears(self, message: Message, job: Job | None) -> None:
            super().hears(message, job)
            if isinstance(message, Finished) and self.told[Finished] in (3, 30):
                os.kill(_children()[0], signal.SIGKILL)

    watch = Killing()
    assert not run_suite(suite, tmp_path / "killed", workers=2, watch=watch).failed
    assert watch.told[Lost] >= 1
    assert table(tmp_path / "killed") == whole
    assert len(starts(tmp_path / "killed")) <= 80 + watch.told[Lost]


@pytest.mark.slow
def test_workers_end_with_their_driver(toy_suite: Write, tmp_path: Path) -> None:
    toy_suite(seeds=[0])
    text = 'hypotheses = ["toy.py"]\nreferences = 8\ncontrols = false\nseeds = ['
    (tmp_path / "s.toml").write_text(text + ", ".join(map(str, range(400))) + "]\n")
    store = tmp_path / "store"
    command = [sys.executable, "-m", "scrub", "suite", str(tmp_path / "s.toml"), "-q"]
    driver = subprocess.Popen([*command, "--store", str(store), "--workers", "2"])
    while not (store / "store.sqlite").exists() or not starts(store):
        time.sleep(0.1)
        assert driver.poll() is None
    listed = Path(f"/proc/{driver.pid}/task/{driver.pid}/children").read_text()
    workers_of = [int(one) for one in listed.split()]
    assert len(workers_of) == 2
    driver.kill()
    driver.wait()
    last = time.monotonic() + 30
    while any(_is_there(pid) for pid in workers_of):
        assert time.monotonic() < last, "a worker goes on without its driver"
        time.sleep(0.1)


def _is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
