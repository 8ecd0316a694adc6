"""A data set followed by further rows, which generators make, and which have to be like its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scrub.data.dataset import Dataset
from scrub.data.fields import Row, content
from scrub.errors import InputRefused, Problem
from scrub.graph import IMAGE


def extended(data: Dataset, rows: Sequence[Row], where: str) -> Dataset:
    """See `Dataset.extended`. Raises `InputRefused`."""
    more = Dataset.from_rows(rows, where)
    if problems := [*_columns_differ(data, more, where), *_fields_differ(data, more, where)]:
        raise InputRefused(problems)
    inputs = [data.input(i) for i in range(len(data.inputs))]
    known = {content(x): i for i, x in enumerate(inputs)}
    moved = []  # the place of each of `more`'s inputs in `inputs`
    for i in range(len(more.inputs)):
        made = more.input(i)
        x = {name: made[name].astype(first.dtype) for name, first in inputs[0].items()}
        moved.append(known.setdefault(content(x), len(inputs)))
        if moved[-1] == len(inputs):
            inputs.append(x)
    missing: list[tuple[int, ...]] = [()] * len(more)
    return Dataset(
        fields={name: tuple(x[name] for x in inputs) for name in data.fields},
        sequence=np.concatenate([data.sequence, np.array(moved)[more.sequence]]),
        columns={k: [*v, *more.columns[k]] for k, v in data.columns.items()},
        roles={k: [*v, *more.roles.get(k, missing)] for k, v in data.roles.items()},
        role_spaces=data.role_spaces,
    )


def _fields_differ(data: Dataset, made: Dataset, where: str) -> list[Problem]:
    fix = "Mend the generator: its rows have the fields and roles of the data."
    lacking, extra = set(data.fields) - set(made.fields), set(made.fields) - set(data.fields)
    found = [f"lack the '{name}' that the data has." for name in sorted(lacking)]
    found += [f"have '{name}', which the data lacks." for name in sorted(extra)]
    if not found and IMAGE in data.fields:
        ours, theirs = (x.fields[IMAGE][0].shape for x in (data, made))
        found += [f"have images of {theirs}, and the data of {ours}."] if ours != theirs else []
    for name in (name for name in made.roles if name in data.roles):
        ours_in, theirs_in = data.role_space(name), made.role_space(name)
        if ours_in != theirs_in:
            found.append(f"have role '{name}' in '{theirs_in}', and the data in '{ours_in}'.")
    return [Problem(where, text, fix) for text in found]


def _columns_differ(data: Dataset, made: Dataset, where: str) -> list[Problem]:
    expected, found = set(data.columns), set(made.columns)
    lacking, extra = sorted(expected - found), sorted(found - expected)
    fix = "Mend the generator: its rows have the columns of the data."
    return [Problem(where, f"lack the column '{n}' that the data has.", fix) for n in lacking] + [
        Problem(where, f"have a column '{n}' that the data lacks.", fix) for n in extra
    ]
