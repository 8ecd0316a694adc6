"""What a store holds, as the values that were put into it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from scrub.errors import InputRefused, Problem
from scrub.results import adversary, controls, result
from scrub.results.adversary import WorstAllowed
from scrub.results.controls import Controls
from scrub.results.decoding import decode
from scrub.results.result import Result
from scrub.results.store.rows import Row
from scrub.results.store.store import Store

KINDS: dict[str, type[Any]] = {
    result.SCHEMA: Result,
    controls.SCHEMA: Controls,
    adversary.SCHEMA: WorstAllowed,
}

PER_EXAMPLE: dict[type[Any], Callable[[dict[str, Any]], Any]] = {
    Result: lambda values: result.PerExample(**{"kl": None, **values}),
    Controls: lambda values: values,
    WorstAllowed: lambda values: adversary.PerExample(**values),
}


def read_stored(folder: str | Path) -> list[Result | Controls | WorstAllowed]:
    """Everything that is finished in a store, the oldest first. Raises as `Store.reading`."""
    with Store.reading(folder) as store:
        return [as_result(store, row) for row in store.rows() if row.is_done]


def as_result(store: Store, row: Row, name: str | None = None) -> Any:
    """The `Result` (or `Controls`, or `WorstAllowed`) of a finished job, with its per-example
    values; called `name` where one is given.

    Raises `InputRefused` for a job that failed, and for one of a schema that this version does not
    know; `StoreFailed` where its arrays are gone.
    """
    where = f"job '{row.key[:12]}' of '{store.folder}'"
    if row.document is None:
        raise InputRefused(Problem(where, f"holds no result: it failed. {row.message}".strip()))
    if row.schema not in KINDS:
        found = f"its schema is '{row.schema}'; what can be read is {', '.join(KINDS)}."
        raise InputRefused(Problem(where, found, "Another version of scrub wrote it."))
    kind, values = KINDS[row.schema], store.arrays(row)
    held = PER_EXAMPLE[kind](values)
    made = decode(kind, row.document, where, per_example=held)
    return made if name is None else replace(made, name=name)
