"""What whoever runs jobs tells the driver, which alone writes the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scrub.study.suites.jobs import Job


@dataclass(frozen=True)
class Shard:
    """Jobs of one model and data set, which share a recording.

    `addresses` are what each must come to be known by: a file or a model that changed meanwhile is
    found out. How jobs are cut into shards depends on the suite alone.
    """

    number: int
    jobs: tuple[Job, ...]
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """A shard to be run, but for the jobs to `skip`, which take their place in the recording."""

    shard: Shard
    skip: tuple[bool, ...]
    threads: int | None = None

    @property
    def left(self) -> tuple[int, ...]:
        return tuple(i for i, skipped in enumerate(self.skip) if not skipped)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a job came to: the JSON form of its result, its arrays, and its own seconds."""

    schema: str
    document: Mapping[str, Any]
    arrays: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True)
class Began:
    """A job is being run."""

    shard: int
    job: int


@dataclass(frozen=True)
class Finished:
    """A job is done, and nothing of it is kept yet."""

    shard: int
    job: int
    outcome: Outcome


@dataclass(frozen=True)
class Failed:
    """A job cannot be done, and why; the others go on."""

    shard: int
    job: int
    message: str


@dataclass(frozen=True)
class Ended:
    """A shard has been gone through."""

    shard: int


@dataclass(frozen=True)
class Lost:
    """Whoever ran a shard is gone; what it had not told is to be run again."""

    shard: int
    why: str


@dataclass(frozen=True)
class Stage:
    """A stage of so many steps begins."""

    shard: int
    name: str
    total: int


@dataclass(frozen=True)
class Advanced:
    """Some steps of a stage are done."""

    shard: int
    amount: int


Message = Began | Finished | Failed | Ended | Lost | Stage | Advanced
Tell = Callable[[Message], None]
