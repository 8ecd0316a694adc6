"""Jobs cut into shards: of one model and data set, of a fixed size, whoever runs them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from scrub.study.prepare import Plan
from scrub.study.suites.jobs import Job, Kind
from scrub.study.suites.messages import Shard

SIZE = 16  # jobs that share a recording; few enough that several workers find something to do


@dataclass(frozen=True, eq=False)
class Planned:
    """A job that can be run: its plan, its model's weights and its address."""

    job: Job
    plan: Plan
    weights: str
    address: str


def cut(planned: Sequence[Planned]) -> tuple[Shard, ...]:
    """Shards of at most `SIZE` jobs that are alike in all that one recording fixes; controls and
    jobs with a stopping rule, which record for themselves, alone.

    The cut depends on the jobs and their order, and on nothing else: not on what is finished, nor
    on how many workers there are. A job that is listed twice is run once.
    """
    groups: dict[Hashable, list[Planned]] = {}
    seen: set[str] = set()
    for one in planned:
        if one.address not in seen:
            groups.setdefault(_ground(one), []).append(one)
            seen.add(one.address)
    pieces = [
        group[first : first + SIZE]
        for group in groups.values()
        for first in range(0, len(group), SIZE)
    ]
    return tuple(
        Shard(number, tuple(p.job for p in piece), tuple(p.address for p in piece))
        for number, piece in enumerate(pieces)
    )


def is_alone(job: Job) -> bool:
    """Whether a job records for itself."""
    return job.kind is not Kind.SCRUB or job.settings.until is not None


def _ground(one: Planned) -> Hashable:
    """What jobs must have in common to share a recording."""
    if is_alone(one.job):
        return one.address
    how = one.job.settings
    where = (how.device, how.memory, how.batch, how.dtype)
    return (one.weights, one.plan.task.dataset.fingerprint(), *where)
