"""Where jobs are run: in this process, in several of this machine, or on a Ray cluster."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import Protocol

from scrub.errors import InputRefused, Problem, nearest
from scrub.study.suites.driving import POLL, Driver
from scrub.study.suites.messages import Message
from scrub.study.suites.working import Workshop

ENGINES = ("local", "ray")


class Engine(Protocol):
    """Runs what a driver hands out until nothing is left, and tells it what comes of it."""

    def run(self, driver: Driver) -> None: ...


class Stopped(BaseException):
    """What the driver could not write. No job is to blame, and none may catch it."""

    def __init__(self, error: Exception) -> None:
        self.error = error


@dataclass(eq=False)
class Here:
    """Jobs one after another in this process."""

    shop: Workshop = field(default_factory=Workshop)

    def run(self, driver: Driver) -> None:
        def tell(message: Message) -> None:
            try:
                driver.tell(message)
            except Exception as error:
                raise Stopped(error) from error

        try:
            while True:
                task = driver.take()
                if task is not None:
                    self.shop.run(task, tell)
                elif driver.is_waiting:
                    time.sleep(POLL)
                else:
                    return
        except Stopped as stopped:
            raise stopped.error from None


def engine_of(name: str, workers: int | None, address: str | None, device: str) -> Engine:
    """The engine by its name. Raises `InputRefused`."""
    if name not in ENGINES:
        raise InputRefused(Problem("option 'engine'", f"'{name}' is none.", nearest(name, ENGINES)))
    if address is not None and name != "ray":
        found = "is that of a Ray cluster, and the engine is local."
        raise InputRefused(Problem("option 'address'", found, "Add --engine ray."))
    if workers is not None and workers < 1:
        raise InputRefused(Problem("option 'workers'", f"must be at least 1, found {workers}."))
    if name == "ray":
        from scrub.study.suites.rayed import Ray

        return Ray(workers, address, device)
    if (workers or 1) > 1:
        from scrub.study.suites.workers import Workers

        return Workers(workers or 1)
    return Here()


def threads_of(engine: Engine, workers: int | None) -> int | None:
    """Threads of each worker: this machine's cores, shared out. In this process torch's own choice
    (None); one on a cluster, where it is not said how many workers there shall be."""
    if isinstance(engine, Here):
        return None
    return max(1, (os.cpu_count() or 1) // workers) if workers else 1
