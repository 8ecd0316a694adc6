"""From whole tables to rows: a padded batch of tokens, the columns of a hand-made model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scrub.data.rows import array
from scrub.errors import InputRefused, Problem, nearest


def rows_of_batch(
    tokens: Any,
    attention_mask: Any,
    roles: Mapping[str, Any],
    columns: Mapping[str, Sequence[Any]],
) -> list[dict[str, Any]]:
    """A padded batch [row, length] as rows. Raises `InputRefused` where sizes differ."""
    matrix, mask = array(tokens), None if attention_mask is None else array(attention_mask)
    if matrix is None or matrix.ndim != 2:
        found = "must be a batch [row, length], all rows equally long."
        fix = "Pad the rows and give attention_mask=, or use Dataset.from_rows."
        raise InputRefused(Problem("tokens", found, fix))
    problems = []
    if attention_mask is not None and (mask is None or mask.shape != matrix.shape):
        problems.append(Problem("attention_mask", f"must be as large as tokens, {matrix.shape}."))
    spots = {name: array(value) for name, value in roles.items()}
    tables = [(f"role '{n}'", 0 if v is None or v.ndim == 0 else len(v)) for n, v in spots.items()]
    tables += [(f"column '{name}'", len(value)) for name, value in columns.items()]
    for where, size in tables:
        if size != len(matrix):
            found = f"must have one entry for each of {len(matrix)} rows, not {size}."
            problems.append(Problem(where, found))
    if problems:
        raise InputRefused(problems)
    return [
        {
            "tokens": matrix[i].tolist(),
            **({} if mask is None else {"attention_mask": mask[i].tolist()}),
            "roles": {
                name: value[i].tolist() for name, value in spots.items() if value is not None
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
