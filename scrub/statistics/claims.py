"""How much a hypothesis claims, and how far single outputs moved."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scrub.statistics.sample import Floats, Integers


def bits(class_sizes: Sequence[int] | Integers) -> Floats:
    """The bits that a node lets vary for each of its classes: log2 of the class size, [C].

    Raises ValueError for a class without members.

    >>> bits([1, 2, 8])
    array([0., 1., 3.])
    """
    sizes = np.asarray(class_sizes)
    if sizes.size and sizes.min() < 1:
        raise ValueError(f"class sizes must be at least 1; found {sizes.min()}.")
    counted: Floats = np.log2(sizes.astype(np.float64))
    return counted


def divergence(scrubbed: Floats, model: Floats) -> float:
    """Mean |scrubbed − model| over references and draws: [R, T] against [R], draw by draw.

    Errors that cancel in the mean do not cancel here.

    >>> divergence(np.array([[0.0, 2.0]]), np.array([1.0]))
    1.0
    """
    return float(np.abs(scrubbed - model[:, None]).mean())
