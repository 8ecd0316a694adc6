"""Bars for a suite on stderr: all jobs with the time left, and each shard at hand with its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from scrub.study.suites.jobs import Job
from scrub.study.suites.messages import (
    Advanced,
    Began,
    Ended,
    Failed,
    Finished,
    Lost,
    Message,
    Stage,
)

WIDE = 52  # columns for what a job is called


class SuiteBars:
    """One bar for the suite, and one for each shard that somebody is at."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._all = progress.add_task("reading and checking", total=None)
        self._shards: dict[int, TaskID] = {}
        self._jobs: dict[int, str] = {}

    def starts(self, jobs: int, done: int) -> None:
        # what is done is not counted in: it would make the rest look quick
        self._progress.reset(self._all, total=jobs - done, description=_suite(jobs, done))

    def loads(self, model: str) -> None:
        self._progress.update(self._all, description=f"reading the weights of {model}")

    def finds(self, job: Job) -> None:
        self._progress.advance(self._all)

    def waits(self, jobs: int) -> None:
        self._progress.update(self._all, description=f"waiting for {jobs} jobs of another suite")

    def hears(self, message: Message, job: Job | None) -> None:
        number = message.shard
        match message:
            case Began() if job is not None:
                self._jobs[number] = job.label
            case Finished() | Failed():
                self._progress.advance(self._all)
            case Stage(name=name, total=total):
                self._stage(number, name, total)
            case Advanced(amount=amount) if number in self._shards:
                self._progress.advance(self._shards[number], amount)
            case Ended() | Lost() if number in self._shards:
                self._progress.remove_task(self._shards.pop(number))
                self._jobs.pop(number, None)
            case _:
                return

    def _stage(self, number: int, name: str, total: int) -> None:
        called = self._jobs.get(number, f"shard {number + 1}")
        shown = f"{called[:WIDE]}: {name}"
        if number in self._shards:
            self._progress.reset(self._shards[number], total=total, description=shown)
        else:
            self._shards[number] = self._progress.add_task(shown, total=total)


def _suite(jobs: int, done: int) -> str:
    return f"{jobs} jobs" + (f", {done} of them done before" if done else "")


@contextmanager
def watching(quiet: bool, console: Console | None = None) -> Iterator[SuiteBars]:
    """Bars while the block runs, gone afterwards; none where nobody would see them."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = console or Console(file=sys.stderr)
    hidden = quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        yield SuiteBars(progress)
