"""The rows of a store: one for each job that finished or failed."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

COLUMNS = (
    "key",
    "kind",
    "status",
    "name",
    "said",
    "schema",
    "document",
    "arrays",
    "digest",
    "bytes",
    "message",
    "created",
    "seconds",
    "host",
)


class Status(enum.Enum):
    """What became of a job."""

    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Row:
    """One job: its address, what was asked for, and what came of it.

    `said` names model, task, metric, conventions and settings; `document` is the result's JSON
    form, of the schema `schema` (None where the job failed, and `message` says why); `arrays` the
    file with its values, beside the database. `seconds` is the job's own time, `created` in UTC.
    """

    key: str
    kind: str
    status: Status
    name: str
    said: Mapping[str, Any]
    schema: str
    arrays: str | None
    digest: str | None
    bytes: int
    message: str
    created: str
    seconds: float
    host: str
    text: str | None = field(repr=False)

    @cached_property
    def document(self) -> dict[str, Any] | None:
        return None if self.text is None else json.loads(self.text)

    @property
    def is_done(self) -> bool:
        return self.status is Status.DONE


def row_of(values: Sequence[Any]) -> Row:
    """A row from the values of its `COLUMNS`."""
    held = dict(zip(COLUMNS, values, strict=True))
    held["text"] = held.pop("document")
    return Row(**{**held, "status": Status(held["status"]), "said": json.loads(held["said"])})
