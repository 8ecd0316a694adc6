"""A worker process: `python -m scrub.study.suites.worker FD` runs what comes in on a line."""

from __future__ import annotations

import os
import sys
import threading
import time
from multiprocessing.connection import Connection
from typing import Any

from scrub.study.suites.messages import Advanced, Message, Tell

OFTEN = 0.1  # seconds between two words on how far a stage is


class Brief:
    """Hands messages on; of steps, only now and then how many there were."""

    def __init__(self, tell: Tell) -> None:
        self._tell, self._steps, self._last = tell, 0, 0.0

    def __call__(self, message: Message) -> None:
        if not isinstance(message, Advanced):
            self._steps = 0  # whatever is told next is another stage, or its end
            self._tell(message)
            return
        self._steps += message.amount
        if time.monotonic() - self._last > OFTEN:
            self._last = time.monotonic()
            self._tell(Advanced(message.shard, self._steps))
            self._steps = 0


def main(number: int) -> None:
    """Run tasks until the line is closed, or the driver is gone."""
    _leave_with(os.getppid())
    line: Connection[Any, Any] = Connection(number)
    from scrub.study.suites.working import Workshop  # brings torch

    def send(message: Message) -> None:
        try:
            line.send(message)
        except OSError:
            os._exit(1)  # nobody listens; an exception would be taken for the job's own

    shop, tell = Workshop(), Brief(send)
    while True:
        try:
            task = line.recv()
        except (EOFError, OSError):
            return
        shop.run(task, tell)


def _leave_with(parent: int) -> None:
    """End with the driver, even in the middle of a job: nobody would write what came of it."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main(int(sys.argv[1]))
