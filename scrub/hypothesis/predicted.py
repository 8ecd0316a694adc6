"""The answers that a claim predicts: what they have to be for a model to give them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from scrub.errors import InputRefused, Problem
from scrub.graph import ModelGraph


def as_tuple(value: Any) -> tuple[Any, ...]:
    """One value for each scored position.

    >>> as_tuple(3), as_tuple((3, 4))
    ((3,), (3, 4))
    """
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def require_answers(values: Sequence[Any], sink: str, graph: ModelGraph) -> None:
    """Refuse predictions that no answer of the model could equal. Raises `InputRefused`."""
    width = graph[graph.output].width
    for row, value in enumerate(values):
        for one in as_tuple(value):
            problem = _problem(one, width)
            if problem:
                raise InputRefused(
                    Problem(
                        f"node '{sink}'",
                        f"its value on row {row} is {value!r}, {problem}.",
                        "The sink's value is compared with the model's answer.",
                    )
                )


def _problem(value: Any, width: int) -> str:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)):
        return "and must be a number" if width == 1 else "and must be a token id"
    if width == 1:
        return "" if math.isfinite(value) else "and must be a number"
    whole = isinstance(value, (int, np.integer))
    return "" if whole and 0 <= value < width else f"and token ids run from 0 to {width - 1}"
