"""The driver of a suite: hands out shards, writes what comes back, and is the only one to write."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from scrub.results.store.store import LEASE, Entry, Store, StoreFailed
from scrub.study.suites.jobs import Job
from scrub.study.suites.messages import (
    Began,
    Ended,
    Failed,
    Finished,
    Lost,
    Message,
    Shard,
    Task,
)

DEATHS = 3  # times that a job may take its worker along before it is given up
POLL = 0.5  # seconds between looks at what another suite is running


class Watch(Protocol):
    """Told how a suite goes, for whoever looks on."""

    def starts(self, jobs: int, done: int) -> None:
        """So many jobs, of which so many are finished already."""
        ...

    def hears(self, message: Message, job: Job | None) -> None:
        """Something was told of a shard; `job` is the one that it is about, if it is about one."""
        ...

    def finds(self, job: Job) -> None:
        """A job has been finished by another suite meanwhile."""
        ...

    def waits(self, jobs: int) -> None:
        """Nothing is left but what another suite is running."""
        ...

    def loads(self, model: str) -> None:
        """A model's weights are read, to know them by their fingerprint."""
        ...


class Unwatched:
    """Nobody looks on."""

    def starts(self, jobs: int, done: int) -> None: ...

    def hears(self, message: Message, job: Job | None) -> None: ...

    def finds(self, job: Job) -> None: ...

    def waits(self, jobs: int) -> None: ...

    def loads(self, model: str) -> None: ...


@dataclass(eq=False)
class Driver:
    """What is to be done, and what became of it.

    `entries` holds, by address, what the store is to know of each job besides its result; `failed`
    why jobs failed. Every method is called by one thread. Raises `StoreFailed` where the store
    cannot be written: then all stops, and what is finished is kept.
    """

    store: Store
    owner: str
    shards: Sequence[Shard]
    entries: Mapping[str, Entry]
    watch: Watch
    threads: int | None = None
    queue: deque[Shard] = field(init=False)
    running: dict[int, Task] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    begun: dict[int, str] = field(default_factory=dict)  # the job at hand, by shard
    deaths: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.queue = deque(self.shards)

    @property
    def is_waiting(self) -> bool:
        """Whether there are shards that another suite has claims on."""
        return bool(self.queue)

    def take(self) -> Task | None:
        """The next shard of which something can be run now, claimed; None where there is none."""
        held = 0
        for _ in range(len(self.queue)):
            shard = self.queue.popleft()
            left = [key for key in shard.addresses if key not in self.settled]
            claimed = self.store.claim(left, self.owner)
            for key in claimed.done:
                self.settled.add(key)
                self.watch.finds(shard.jobs[shard.addresses.index(key)])
            if claimed.mine:
                skip = tuple(key not in claimed.mine for key in shard.addresses)
                self.running[shard.number] = task = Task(shard, skip, self.threads)
                return task
            if claimed.held:
                held += len(claimed.held)
                self.queue.append(shard)
        if held:
            self.watch.waits(held)
        return None

    def tell(self, message: Message) -> None:
        """Write what has come of a shard, and say it to whoever looks on."""
        task = self.running[message.shard]
        job = None
        if isinstance(message, (Began, Finished, Failed)):
            job, key = task.shard.jobs[message.job], task.shard.addresses[message.job]
            self._settle(message, key)
        elif isinstance(message, Ended):
            self._end(task)
        elif isinstance(message, Lost):
            self._lose(task, message.why)
        self.watch.hears(message, job)

    def _settle(self, message: Began | Finished | Failed, key: str) -> None:
        entry = self.entries[key]
        match message:
            case Began():
                self.begun[message.shard] = key
                self.store.began(key, self.owner)
            case Finished(outcome=found):
                kept = Entry(
                    entry.kind,
                    entry.name,
                    entry.said,
                    found.seconds,
                    found.schema,
                    found.document,
                    found.arrays,
                )
                self.store.finish(key, kept)
                self._settled(message.shard, key)
            case Failed(message=why):
                self.failed[key] = why
                self.store.fail(key, entry, why)
                self._settled(message.shard, key)

    def _settled(self, shard: int, key: str) -> None:
        self.settled.add(key)
        if self.begun.get(shard) == key:
            del self.begun[shard]

    def _end(self, task: Task) -> None:
        """What another suite had claims on is looked at again when all else is done."""
        del self.running[task.shard.number]
        self.begun.pop(task.shard.number, None)
        if any(key not in self.settled for key in task.shard.addresses):
            self.queue.append(task.shard)

    def _lose(self, task: Task, why: str) -> None:
        """The job at hand is counted a death; before any has begun, all that were to be run are."""
        left = [i for i in task.left if task.shard.addresses[i] not in self.settled]
        at = self.begun.pop(task.shard.number, None)
        for i in left:
            key = task.shard.addresses[i]
            if at in (None, key):
                self.deaths[key] += 1
                if self.deaths[key] >= DEATHS:
                    said = f"its worker was lost {DEATHS} times, the last time since it {why}."
                    self.tell(Failed(task.shard.number, i, said))
        self.store.release(self.owner, [task.shard.addresses[i] for i in left])
        del self.running[task.shard.number]
        if any(key not in self.settled for key in task.shard.addresses):
            self.queue.appendleft(task.shard)


@contextmanager
def beating(store: Store, owner: str) -> Iterator[None]:
    """Renew an owner's claims while the block runs, and give them back at its end.

    A disk that is full costs no more than the claims: they lapse, and a job may be run twice.
    """
    done = threading.Event()

    def beat() -> None:
        try:
            with Store.reading(store.folder) as mine:
                while not done.wait(LEASE / 4):
                    mine.renew(owner)
        except StoreFailed:
            return

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        with suppress(StoreFailed):  # whatever stopped the suite is what is to be said
            store.release(owner)
