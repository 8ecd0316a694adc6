"""What a malformed sample or option is told, word for word."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from scrub.statistics import Sample, recovered


def good() -> dict[str, Any]:
    """Three of four rows, two draws, two variables."""
    return {
        "rows": 4,
        "references": np.array([0, 1, 3]),
        "scrubbed": np.zeros((3, 2)),
        "baseline": np.ones((3, 2)),
        "model": np.arange(3.0),
        "donors": np.zeros((2, 3, 2), dtype=int),
        "baseline_donors": np.zeros((1, 3, 2), dtype=int),
    }


WITH_NAN = np.array([[0.0, 1.0], [np.nan, 1.0], [np.nan, 2.0]])

MALFORMED: list[tuple[dict[str, Any], str]] = [
    ({"scrubbed": [[0.0]]}, "scrubbed must be a numpy array; found list."),
    (
        {"references": np.zeros((0,), dtype=int)},
        "references must be one row id for each of at least one reference; found shape (0,).",
    ),
    (
        {"references": np.array([0, 1, 1])},
        "references must name each row at most once; found 3 references to 2 rows.",
    ),
    (
        {"references": np.array([0, 1, 4])},
        "references must lie between 0 and 3, for a dataset of 4 rows; found 4.",
    ),
    (
        {"references": np.array([0.0, 1.0, 2.0])},
        "references must be integers, the ids of rows; found float64.",
    ),
    (
        {"scrubbed": np.zeros((3, 0))},
        "scrubbed must have one value per reference and draw, with at least one draw; "
        "found shape (3, 0).",
    ),
    ({"scrubbed": np.zeros((2, 2))}, "scrubbed must have shape (3, 2); found (2, 2)."),
    ({"baseline": np.zeros((3, 1))}, "baseline must have shape (3, 2); found (3, 1)."),
    ({"model": np.zeros((3, 1))}, "model must have shape (3,); found (3, 1)."),
    ({"model": np.zeros(3, dtype=np.float32)}, "model must be float64; found float32."),
    (
        {"scrubbed": WITH_NAN},
        "scrubbed must be finite everywhere; found nan at reference 1, draw 0 "
        "(2 of 6 values are not finite).",
    ),
    (
        {"model": np.array([0.0, np.inf, 1.0])},
        "model must be finite everywhere; found inf at reference 1 (1 of 3 values are not finite).",
    ),
    (
        {"donors": np.zeros((3, 2), dtype=int)},
        "donors must have shape (variables, 3, 2); found (3, 2).",
    ),
    (
        {"donors": np.full((2, 3, 2), -2)},
        "donors must lie between -1 and 3, for a dataset of 4 rows; found -2.",
    ),
    (
        {"baseline_donors": np.full((1, 3, 2), 9)},
        "baseline_donors must lie between -1 and 3, for a dataset of 4 rows; found 9.",
    ),
    (
        {"classes": np.zeros((2, 3), dtype=int)},
        "classes must have shape (2, 4), a class for each variable and row; found (2, 3).",
    ),
    (
        {"classes": np.full((2, 4), -1)},
        "classes must be integers from 0; found int64 with -1.",
    ),
]


@pytest.mark.parametrize(("change", "message"), MALFORMED)
def test_malformed_sample(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        Sample(**(good() | change))
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"level": 1.0}, "level must lie between 0 and 1, both excluded; found 1.0."),
        ({"level": 95}, "level must lie between 0 and 1, both excluded; found 95."),
        ({"replicates": 10}, "replicates must be at least 100; found 10."),
        ({"seed": -1}, "seed must be an integer from 0; found -1."),
        ({"method": "bca"}, "method must be Interval.PERCENTILE or Interval.BCA; found 'bca'."),
        (
            {"estimand": "data"},
            "estimand must be Estimand.POPULATION or Estimand.DATA; found 'data'.",
        ),
    ],
)
def test_malformed_option(option: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        recovered(Sample(**good()), **option)
    assert str(refused.value) == message
