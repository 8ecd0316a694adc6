"""What long work tells of itself while it runs; the command line draws bars of it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told what is going on: a stage of so many steps begins, and some of them are done."""

    def start(self, stage: str, total: int) -> None: ...

    def advance(self, amount: int) -> None: ...


class Silent:
    """No progress.

    >>> Silent().start("recording", 8)
    """

    def start(self, stage: str, total: int) -> None:
        pass

    def advance(self, amount: int) -> None:
        pass
