"""A suite killed again and again, as `kill -9` does it: driver, workers, or all of them.

`python -m tests.study.suites.killing --jobs 200 --kills 30` does so at length. The slow tests call
`killed_again_and_again` with less.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from scrub.study.suites.suites import run_suite
from tests.study.suites.conftest import Table, starts, suite_of, table

ROOT = Path(__file__).resolve().parent.parent.parent.parent
TOML = """hypotheses = ["toy.py"]
references = 8
draws = 2
seeds = [{seeds}]
controls = false
[settings]
replicates = 100
"""


@dataclass
class Found:
    """What was seen: how many jobs, kills that met a running suite, and run starts."""

    jobs: int
    killed: Counter[str] = field(default_factory=Counter)
    begun: int = 0
    identical: bool = False
    seconds: float = 0.0


def killed_again_and_again(
    folder: Path, *, jobs: int, kills: int, workers: int, seed: int = 0
) -> Found:
    """Run a suite to its end though it is killed so often, and hold it against an undisturbed one.

    Raises AssertionError where anything is lost, changed, or run again that was not in flight.
    """
    began, luck, found = time.time(), random.Random(seed), Found(jobs)
    suite = suite_of(folder, seeds=range(jobs))
    run_suite(suite, folder / "undisturbed")
    toml, store = folder / "suite.toml", folder / "store"
    toml.write_text(TOML.format(seeds=", ".join(map(str, range(jobs)))))
    command = [sys.executable, "-m", "scrub", "suite", str(toml), "--store", str(store), "-q"]
    command += ["--workers", str(workers)]
    finished: set[str] = set()
    while sum(found.killed.values()) < kills:
        driver = _start(command)
        if not _wait(driver, store, luck):
            assert driver.wait() == 0
            break  # it was done before it could be killed
        found.killed[_kill(driver, luck)] += 1
        driver.send_signal(signal.SIGKILL)  # if only a worker was killed: it has gone on till here
        driver.wait()
        done = set(table(store)) if (store / "store.sqlite").exists() else set()
        assert finished <= done, "what was finished is lost"
        finished = done
    assert subprocess.run(command, cwd=ROOT, env=_environment()).returncode == 0
    log = starts(store)
    found.begun, found.seconds = len(log), time.time() - began
    found.identical = table(store) == table(folder / "undisturbed")
    assert found.identical, "the numbers are others"
    lost = sum(found.killed.values())
    assert len(log) <= jobs + lost * 2 * workers, "more was run again than was in flight"
    return found


def killed_in_forks(folder: Path, *, jobs: int, kills: int, seed: int = 0) -> Found:
    """The same with drivers that run their jobs themselves, forked from this process: without the
    seconds that an interpreter takes to start, most kills meet a job or its being written."""
    began, luck, found = time.time(), random.Random(seed), Found(jobs)
    suite, store = suite_of(folder, seeds=range(jobs)), folder / "store"
    start = time.time()
    run_suite(suite, folder / "undisturbed")
    usual = time.time() - start
    whole = table(folder / "undisturbed")
    finished: Table = {}
    while sum(found.killed.values()) < kills:
        pid = os.fork()
        if pid == 0:
            try:
                run_suite(suite, store)
            finally:
                os._exit(0)
        time.sleep(luck.uniform(0, 2 * usual / kills))
        os.kill(pid, signal.SIGKILL)
        if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0:
            break  # it was done before it could be killed
        found.killed["driver"] += 1
        now = table(store) if (store / "store.sqlite").exists() else {}
        assert finished.items() <= now.items() <= whole.items(), "lost, or changed"
        finished = now
    run_suite(suite, store)
    found.begun, found.seconds = len(starts(store)), time.time() - began
    found.identical = table(store) == whole
    assert found.identical, "the numbers are others"
    assert found.begun <= jobs + sum(found.killed.values()), "more was run than was in flight"
    return found


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, cwd=ROOT, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def _wait(driver: subprocess.Popen[bytes], store: Path, luck: random.Random) -> bool:
    """Until a random moment: mostly while jobs are run, sometimes before. False where it ended."""
    if luck.random() < 0.2:
        time.sleep(luck.uniform(0, 4))
        return driver.poll() is None
    before = _begun(store)
    while _begun(store) <= before:
        if driver.poll() is not None:
            return False
        time.sleep(0.02)
    time.sleep(luck.uniform(0, 0.4))
    return driver.poll() is None


def _begun(store: Path) -> int:
    return len(starts(store)) if (store / "store.sqlite").exists() else 0


def _kill(driver: subprocess.Popen[bytes], luck: random.Random) -> str:
    """Kill some of those that are there; a worker alone costs the driver a retry and no more."""
    workers = _children(driver.pid)
    what = luck.choice(["driver", "worker", "all"])
    if what == "worker" and workers:
        os.kill(luck.choice(workers), signal.SIGKILL)
        time.sleep(luck.uniform(0, 0.6))  # then the driver too, on its way to a new one
        return what
    for pid in [driver.pid, *(workers if what == "all" else [])]:
        os.kill(pid, signal.SIGKILL)
    return "all" if what == "all" else "driver"


def _children(pid: int) -> list[int]:
    try:
        told = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(one) for one in told.split()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("jobs", 200), ("kills", 30), ("workers", 2), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--forked", action="store_true", help="drivers without workers, forked")
    given = vars(parser.parse_args())
    forked = given.pop("forked")
    with tempfile.TemporaryDirectory(prefix="scrub-killing-") as made:
        if forked:
            del given["workers"]
        print((killed_in_forks if forked else killed_again_and_again)(Path(made), **given))
