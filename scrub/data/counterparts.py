"""A column that pairs each example with another that is read at the same positions.

Where the scored role stands elsewhere in each example, values that cross by index are read at the
wrong place in an example drawn at random. A counterpart is as long as its example, and scored where
it is, so that there is one frame for both.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from scrub.data.dataset import Dataset, Ints
from scrub.data.task import Task
from scrub.data.tasks import resolve_task
from scrub.errors import InputRefused, Problem
from scrub.graph import Positions

COLUMN = "counterpart"


def with_counterparts(
    task: Task | str | Path, folder: str | Path | None = None, seed: int = 0
) -> Task:
    """The task with a column `counterpart`: for each row the number of another, drawn by the seed
    among those of its lengths that are scored at its positions.

    A row that has none names itself. A data file is looked for in `folder`, the current one if none
    is given. Raises `InputRefused` where the task does not exist, or has such a column.

    >>> paired = with_counterparts("repeated_tokens(n=64)")
    >>> other = paired.dataset.columns["counterpart"][5]
    >>> queries = paired.dataset.roles["query"]
    >>> other != 5, queries[other] == queries[5]
    (True, True)
    """
    found = resolve_task(task, Path.cwd() if folder is None else Path(folder))
    dataset = found.dataset
    if COLUMN in dataset.columns:
        problem = Problem(f"column '{COLUMN}'", "is in the data already.", "Name it yourself.")
        raise InputRefused(problem)
    pairs = counterparts(dataset, found.positions, seed).tolist()
    return replace(found, dataset=replace(dataset, columns={**dataset.columns, COLUMN: pairs}))


def counterparts(dataset: Dataset, at: Positions, seed: int = 0) -> Ints:
    """Another row with other inputs, equal lengths and equal positions `at` for each, [row]; the
    row itself where there is none."""
    groups = _groups(dataset, at)
    found = np.arange(len(dataset), dtype=np.int64)
    rng = np.random.default_rng(seed)
    for group in range(int(groups.max()) + 1):
        rows = np.nonzero(groups == group)[0]
        for row in rows.tolist():
            others = rows[dataset.sequence[rows] != dataset.sequence[row]]
            if len(others):
                found[row] = rng.choice(others)
    return found


def is_fixed(dataset: Dataset, at: Positions) -> bool:
    """Whether all rows have equal lengths and the same positions.

    >>> from scrub.graph import Indices
    >>> is_fixed(Dataset.from_tokens([[1, 2], [3, 4]]), Indices((1,)))
    True
    """
    return bool((_groups(dataset, at) == 0).all())


def _groups(dataset: Dataset, at: Positions) -> Ints:
    """A number for each row [row], shared by those of equal lengths and positions."""
    table = dataset.positions(at)
    spots = np.zeros((len(dataset), 1), dtype=np.int64) if table is None else table
    keys = np.concatenate([dataset.frames[:, None], spots], axis=1)
    numbers: Ints = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return numbers
