"""Jobs on a Ray cluster; this process alone writes the store."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from scrub.errors import InputRefused, Problem
from scrub.study.suites.driving import POLL, Driver
from scrub.study.suites.messages import Ended, Lost, Message, Task
from scrub.study.suites.worker import Brief

INSTALL = "Run: pip install 'causal-scrub[ray]'"
SECONDS = 10  # that an address has to answer


@dataclass(eq=False)
class Ray:
    """So many tasks at a time (as many as the cluster has room for, if none is said), on a cluster
    that is there already or one of this machine, which ends with the suite.

    Raises `InputRefused` where Ray is missing, or no cluster is at the address.
    """

    workers: int | None
    address: str | None
    device: str
    at: dict[Any, int] = field(default_factory=dict)  # the shard of each stream of messages

    def __post_init__(self) -> None:
        if find_spec("ray") is None:
            found = "'ray' needs the package ray, which is not installed."
            raise InputRefused(Problem("option 'engine'", found, INSTALL))
        if self.device not in ("cpu", "cuda"):
            found = f"'{self.device}' cannot be had from Ray, which hands out the GPUs itself."
            raise InputRefused(Problem("setting 'device'", found, "Write cuda, or cpu."))

    def run(self, driver: Driver) -> None:
        import ray

        mine = not ray.is_initialized()
        if mine:
            self._join(ray)
        try:
            self._run(ray, driver)
        finally:
            for stream in self.at:
                ray.cancel(stream, force=True)
            self.at.clear()
            if mine:
                ray.shutdown()

    def _join(self, ray: Any) -> None:
        where = {"address": self.address} if self.address else {"include_dashboard": False}
        try:
            _knock(self.address)
            ray.init(**where, log_to_driver=False, logging_level="ERROR")
        except Exception as error:
            said = str(error).strip().splitlines() or [type(error).__name__]
            found = f"no Ray cluster can be reached or started there ({said[0]})."
            raise InputRefused(
                Problem(f"option 'address' ({self.address or 'local'})", found)
            ) from None

    def _run(self, ray: Any, driver: Driver) -> None:
        threads = driver.threads or 1
        gpus = 1 if self.device == "cuda" else 0
        # a lost worker is our affair: what it has told is kept, and only the rest is run again
        remote = ray.remote(
            num_cpus=threads, num_gpus=gpus, max_retries=0, num_returns="streaming"
        )(work)
        room = self.workers or room_in(ray.cluster_resources(), threads, gpus)
        while True:
            while len(self.at) < room and (task := driver.take()) is not None:
                self.at[remote.remote(task)] = task.shard.number
            if not self.at:
                if not driver.is_waiting:
                    return
                threading.Event().wait(POLL)
                continue
            ready, _ = ray.wait(list(self.at), num_returns=1, timeout=POLL)
            for stream in ready:
                self._hear(ray, stream, driver)

    def _hear(self, ray: Any, stream: Any, driver: Driver) -> None:
        try:
            message: Message = ray.get(next(stream))
        except StopIteration:  # after the last message, which says so
            self.at.pop(stream)
            return
        except ray.exceptions.RayTaskError:
            raise  # the task catches all that a job can raise: this is a fault of ours
        except ray.exceptions.RayError as error:
            said = " ".join(str(error).split())
            driver.tell(Lost(self.at.pop(stream), f"was lost by Ray ({said[:200]})"))
            return
        driver.tell(message)


def room_in(found: dict[str, float], threads: int, gpus: int) -> int:
    """How many tasks the cluster can run at a time."""
    room = int(found.get("CPU", 1) // threads)
    return max(1, min(room, int(found.get("GPU", 0))) if gpus else room)


_SHOPS: list[Any] = []  # one for each worker process, which Ray uses again


def work(task: Task) -> Iterator[Message]:
    """What a Ray worker runs: the messages of a shard, as they come.

    The jobs run in a thread of their own, so that what they tell on their way can be handed on.
    """
    from scrub.study.suites.working import Workshop  # brings torch

    shop = _SHOPS[0] if _SHOPS else Workshop()
    _SHOPS[:] = [shop]
    told: queue.SimpleQueue[Message] = queue.SimpleQueue()
    thread = threading.Thread(target=shop.run, args=(task, Brief(told.put)), daemon=True)
    thread.start()
    while True:
        message = told.get()
        yield message
        if isinstance(message, Ended):
            return


def _knock(address: str | None) -> None:
    """Raises OSError where nothing listens at host:port, which Ray itself would try for minutes."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=SECONDS).close()
