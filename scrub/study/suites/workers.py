"""Jobs in several processes of this machine; whatever happens to one costs a retry of its shard."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import IO, Any

from scrub.study.suites.driving import POLL, Driver
from scrub.study.suites.messages import Ended, Lost, Task

PACKAGES = Path(__file__).resolve().parents[3]  # where `scrub` is imported from
PROGRAM = ("-m", "scrub.study.suites.worker")
LINGER = 5.0  # seconds that a worker is given to end by itself


@dataclass(eq=False)
class Worker:
    """A process, the line to it, and the task that it is at. It is a fresh interpreter: neither
    the driver's threads nor its `__main__` are in it."""

    process: subprocess.Popen[bytes]
    line: Connection[Any, Any]
    said: IO[bytes]  # what it writes to stderr
    task: Task | None = None

    def why(self) -> str:
        """How the process ended, in words; its last line where it said any."""
        try:
            code = self.process.wait(LINGER)
        except subprocess.TimeoutExpired:
            return "closed its line"
        if code == -signal.SIGKILL:
            return "was killed (SIGKILL, as the kernel does when memory runs out)"
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        self.said.seek(0)
        lines = self.said.read().decode(errors="replace").strip().splitlines()
        return f"ended with code {code}" + (f" ({lines[-1].strip()})" if lines else "")


@dataclass(eq=False)
class Workers:
    """So many processes at most, started when there is something for them to do."""

    count: int
    staff: list[Worker] = field(default_factory=list)

    def run(self, driver: Driver) -> None:
        with self._staffed():
            while True:
                self._feed(driver)
                busy = {one.line: one for one in self.staff if one.task}
                if not busy and not driver.is_waiting:
                    return
                for line in wait(list(busy), POLL):  # with nobody busy it waits for other suites
                    self._hear(busy[line], driver)  # type: ignore[index]

    def _feed(self, driver: Driver) -> None:
        """Something to do for everyone who has nothing."""
        while any(one.task is None for one in self.staff) or len(self.staff) < self.count:
            task = driver.take()
            if task is None:
                return
            one = next((one for one in self.staff if one.task is None), None)
            if one is None:
                one = _start(driver.threads or 1)
                self.staff.append(one)
            one.task = task
            try:
                one.line.send(task)
            except OSError:
                self._bury(one, driver)

    def _hear(self, one: Worker, driver: Driver) -> None:
        try:
            message = one.line.recv()
        except (EOFError, OSError):  # it is gone, perhaps in the middle of a word
            self._bury(one, driver)
            return
        if isinstance(message, Ended):
            one.task = None
        driver.tell(message)

    def _bury(self, one: Worker, driver: Driver) -> None:
        self.staff.remove(one)
        task, why = one.task, one.why()
        _end(one)
        assert task is not None  # only those that are at something are listened to
        driver.tell(Lost(task.shard.number, why))

    @contextmanager
    def _staffed(self) -> Iterator[None]:
        try:
            yield
        finally:
            for one in self.staff:
                _end(one)
            self.staff.clear()


def _start(threads: int) -> Worker:
    mine, theirs = Pipe()
    said = tempfile.TemporaryFile()  # noqa: SIM115  # closed when the worker is ended
    paths = [str(PACKAGES), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "OMP_NUM_THREADS": str(threads),
    }
    number = theirs.fileno()
    process = subprocess.Popen(
        [sys.executable, "-P", *PROGRAM, str(number)],
        pass_fds=[number],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # what hypothesis files print
        stderr=said,
        env=environment,
        start_new_session=True,  # Ctrl-C is for the driver, which then ends them
    )
    theirs.close()
    return Worker(process, mine, said)


def _end(one: Worker) -> None:
    """Whatever it is at: nothing of it is needed any more."""
    one.line.close()
    one.process.kill()
    one.process.wait()
    one.said.close()
