"""A suite from end to end: expand → address → claim → run → keep → read.

What is finished is found by its address and never run again; what was stopped is gone on with.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scrub.errors import InputRefused, Problem
from scrub.results.result import Result
from scrub.results.store.owners import owner
from scrub.results.store.results import as_result
from scrub.results.store.store import Row, Store
from scrub.study.prepare import Plan
from scrub.study.suites.driving import Driver, Unwatched, Watch, beating
from scrub.study.suites.engines import Here, engine_of, threads_of
from scrub.study.suites.jobs import Job, Kind, Reader
from scrub.study.suites.page import Page, require_columns
from scrub.study.suites.planning import entry_of, jobs_of, planned
from scrub.study.suites.shards import Planned, cut
from scrub.study.suites.suite import Suite
from scrub.study.suites.weights import Weights

STORE = "scrub-store"


class Became(enum.Enum):
    """What became of a job of a suite."""

    FOUND = "found"  # it was finished before
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, eq=False)
class Part:
    """One job of a suite and what became of it; `row` is its place in the store, `plan` what it
    runs (None where it cannot be planned), `why` the reason where it failed."""

    job: Job
    became: Became
    row: Row | None
    plan: Plan | None = field(repr=False)
    why: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Ran:
    """A suite that was run: every job in its order, and the store that holds what they came to.

    `failed` are those that could not be done; each may be tried again by running the suite again.
    """

    suite: Suite
    parts: tuple[Part, ...]
    folder: Path
    name: str = field(default="")

    def __repr__(self) -> str:
        """One line: how many jobs, and how many of them failed."""
        return f"<Ran {self.suite.name}: {len(self.parts)} jobs, {len(self.failed)} failed>"

    @property
    def failed(self) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.became is Became.FAILED)

    def results(self) -> tuple[Result, ...]:
        """The results of all scrubs that are done, in order, with their per-example values.

        Each is called as in this suite. Raises `StoreFailed` where a file is gone.
        """
        with Store.reading(self.folder) as store:
            return tuple(
                as_result(store, part.row, name=part.job.name)
                for part in self.parts
                if part.row is not None and part.row.is_done and part.job.kind is Kind.SCRUB
            )


def run_suite(
    suite: Suite | str | Path,
    store: str | Path = STORE,
    *,
    only: str | None = None,
    workers: int | None = None,
    engine: str = "local",
    address: str | None = None,
    watch: Watch | None = None,
) -> Ran:
    """Run what of a suite is not finished yet, and keep it in a store.

    `only` is a pattern for the lines that `--dry-run` shows; `workers` how many processes run at a
    time (1: this one); `engine` "local" or "ray", `address` that of a Ray cluster. Neither changes
    a number. A job that raises is kept as failed, with what it said, and costs no other.
    Raises `InputRefused` for what cannot be run at all, and `StoreFailed` where the store cannot be
    written: what is finished is kept.

    >>> import tempfile
    >>> suite = Suite(["induction"], references=16, draws=2, controls=False)
    >>> run_suite(suite, tempfile.mkdtemp())
    <Ran suite: 1 jobs, 0 failed>
    """
    if not isinstance(suite, Suite):
        suite = Suite.read(suite)
    watch = watch or Unwatched()
    jobs = jobs_of(suite, only)
    runner = engine_of(engine, workers, address, str(suite.settings.get("device", "cpu")))
    if not isinstance(runner, Here):
        _require_told(jobs)
    with Store(store) as kept:
        reader = runner.shop.reader if isinstance(runner, Here) else Reader()
        found, refused = planned(jobs, reader, Weights(kept, watch.loads))
        if isinstance(suite.page, Page):
            require_columns(suite.page, (one.plan for one in found))
        plans = {one.job: one for one in found}
        before = {one.address for one in plans.values() if kept.is_done(one.address)}
        watch.starts(len(jobs), sum(one.address in before for one in plans.values()))
        driver = Driver(
            kept,
            owner(),
            cut(found),
            {one.address: entry_of(one) for one in found},
            watch,
            threads_of(runner, workers),
        )
        driver.settled |= before
        with beating(kept, driver.owner):
            runner.run(driver)
        parts = _parts(jobs, plans, before, {**driver.failed, **refused}, kept)
        return Ran(suite, parts, kept.folder)


def _require_told(jobs: Sequence[Job]) -> None:
    """Other processes read hypotheses from their files. Raises `InputRefused`."""
    names = dict.fromkeys(job.name for job in jobs if not job.is_told)
    fix = "Write it into a file, or use one worker of the local engine."
    found = "is in memory, or its model or data are, and other processes read them from files."
    if names:
        raise InputRefused([Problem(f"hypothesis '{name}'", found, fix) for name in names])


def _parts(
    jobs: Sequence[Job],
    plans: Mapping[Job, Planned],
    before: set[str],
    failed: Mapping[Any, str],
    store: Store,
) -> tuple[Part, ...]:
    found = []
    for job in jobs:
        one = plans.get(job)
        if one is None:
            found.append(Part(job, Became.FAILED, None, None, failed[job]))
            continue
        row, why = store.row(one.address), failed.get(one.address)
        if why is not None:
            found.append(Part(job, Became.FAILED, row, one.plan, why))
        else:
            became = Became.FOUND if one.address in before else Became.DONE
            found.append(Part(job, became, row, one.plan))
    return tuple(found)
