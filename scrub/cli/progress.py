"""Progress bars on stderr: what is being done, how far it is, how fast it goes.

Imported by `scrub run` alone, when it runs: rich.progress is slow to load.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

UNITS = {"recording": "inputs"}  # everything else runs items: a reference and a draw


class RateColumn(ProgressColumn):
    """How many of what a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} {task.fields['unit']}/s", style="cyan")


class Bars:
    """One bar per stage; until the first stage starts, a spinner says that work has begun."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._waiting: TaskID | None = self._add("checking and loading", None)
        self._task = self._waiting

    def start(self, stage: str, total: int) -> None:
        if self._waiting is not None:
            self._progress.remove_task(self._waiting)
            self._waiting = None
        self._task = self._add(stage, total)

    def advance(self, amount: int) -> None:
        self._progress.advance(self._task, amount)

    def _add(self, stage: str, total: int | None) -> TaskID:
        return self._progress.add_task(stage, total=total, unit=UNITS.get(stage, "items"))


@contextmanager
def bars(quiet: bool, console: Console | None = None) -> Iterator[Bars]:
    """Bars while the block runs, gone afterwards; none where nobody would see them."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<20}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
    )
    console = console or Console(file=sys.stderr)
    hidden = quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        yield Bars(progress)
