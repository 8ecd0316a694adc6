"""From whole tables to rows: a padded batch of tokens, the columns of a hand-made model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scrub.data.fields import array
from scrub.data.rows import RESERVED, ROLES
from scrub.errors import InputRefused, Problem, nearest

MASK = "attention_mask"


def rows_of_batch(
    tokens: Any, given: Mapping[str, Any], columns: Mapping[str, Sequence[Any]]
) -> list[dict[str, Any]]:
    """A padded batch [row, length] as rows; `given` holds its mask, roles and further fields.

    Raises `InputRefused` where sizes differ.
    """
    matrix = array(tokens)
    if matrix is None or matrix.ndim != 2:
        found = "must be a batch [row, length], all rows equally long."
        fix = "Pad the rows and give attention_mask=, or use Dataset.from_rows."
        raise InputRefused(Problem("tokens", found, fix))
    there = {name: value for name, value in given.items() if value is not None}
    problems = [
        Problem(f"field '{name}'", "is none that a row can have.", nearest(name, RESERVED))
        for name in there
        if name not in RESERVED
    ]
    mask = array(there[MASK]) if MASK in there else matrix
    if mask is None or mask.shape != matrix.shape:
        problems.append(Problem(MASK, f"must be as large as tokens, {matrix.shape}."))
    roles = {key: value for key, value in there.items() if key in ROLES}
    entries = {f"role '{name}'": array(v) for spots in roles.values() for name, v in spots.items()}
    entries |= {f"field '{name}'": array(v) for name, v in there.items() if name not in roles}
    sizes = {where: 0 if v is None or v.ndim == 0 else len(v) for where, v in entries.items()}
    sizes |= {f"column '{name}'": len(value) for name, value in columns.items()}
    sizes.pop(f"field '{MASK}'", None)
    for where, size in sizes.items():
        if size != len(matrix):
            found = f"must have one entry for each of {len(matrix)} rows, not {size}."
            problems.append(Problem(where, found))
    if problems:
        raise InputRefused(problems)
    return [
        {
            "tokens": matrix[i].tolist(),
            **{name: np.asarray(v)[i] for name, v in there.items() if name not in roles},
            **{
                key: {name: np.asarray(value)[i].tolist() for name, value in spots.items()}
                for key, spots in roles.items()
            },
            **{name: value[i] for name, value in columns.items()},
        }
        for i in range(len(matrix))
    ]


def matrix_of_columns(
    columns: Mapping[str, Sequence[Any]], inputs: Sequence[str]
) -> NDArray[np.float64]:
    """The input vectors [row, input] of a hand-made model. Raises `InputRefused`."""
    sizes = {name: len(values) for name, values in columns.items()}
    problems = [
        Problem(f"input '{name}'", "is no column.", nearest(name, columns))
        for name in inputs
        if name not in columns
    ]
    if not inputs or not any(sizes.values()):
        problems.append(Problem("data", "holds no examples.", "Give columns of numbers."))
    elif len(set(sizes.values())) > 1:
        shown = ", ".join(f"{name}: {size}" for name, size in sizes.items())
        problems.append(Problem("data", f"columns differ in length ({shown})."))
    for name in (name for name in inputs if name in columns):
        try:
            finite = bool(np.isfinite(np.asarray(columns[name], dtype=np.float64)).all())
        except (TypeError, ValueError):
            finite = False
        if not finite:
            problems.append(Problem(f"input '{name}'", "must hold finite numbers only."))
    if problems:
        raise InputRefused(problems)
    return np.stack([np.asarray(columns[name], dtype=np.float64) for name in inputs], axis=1)
