"""Addition modulo a prime: a + b = ? on a circle of numbers.

    position   0   1   2
    token      a   b   =      answer (a + b) mod p, read at the last position

Tokens 0 to p - 1 are the numbers, p is "=". Every pair occurs once, in a seeded order. After Nanda
et al. 2023, "Progress measures for grokking via mechanistic interpretability".

Nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from scrub.data.words import require_known

PRIME = 53
COLUMNS = ("a", "b", "answer")


def rows(n: int, *, seed: int, prime: int = PRIME) -> list[dict[str, Any]]:
    """`n` pairs, none twice (all p² if there are fewer), with their roles and columns.

    >>> rows(1, seed=0, prime=5)
    [{'tokens': (3, 4, 5), 'roles': {'a': 0, 'b': 1, 'end': 2}, 'a': 3, 'b': 4, 'answer': 2}]
    """
    _check(prime)
    order = np.random.default_rng(seed).permutation(prime * prime)[:n].tolist()
    return [_row(pair // prime, pair % prime, prime) for pair in order]


def like(
    row: Mapping[str, Any], agree: Collection[str], rng: np.random.Generator, *, prime: int = PRIME
) -> dict[str, Any]:
    """A fresh pair, uniform among those that agree with `row` on the columns `agree`.

    >>> [row] = rows(1, seed=0, prime=5)
    >>> like(row, ["answer"], np.random.default_rng(0), prime=5)["answer"]
    2
    """
    require_known("modular_addition", agree, COLUMNS)
    a, b = (int(number) for number in rng.integers(prime, size=2))
    a = row["a"] if "a" in agree else a
    b = row["b"] if "b" in agree else b
    if "answer" in agree and "b" not in agree:
        b = (row["answer"] - a) % prime
    elif "answer" in agree and "a" not in agree:
        a = (row["answer"] - b) % prime
    return _row(a, b, prime)


def _row(a: int, b: int, prime: int) -> dict[str, Any]:
    roles = {"a": 0, "b": 1, "end": 2}
    return {"tokens": (a, b, prime), "roles": roles, "a": a, "b": b, "answer": (a + b) % prime}


def _check(prime: int) -> None:
    if prime < 3 or any(prime % k == 0 for k in range(2, int(prime**0.5) + 1)):
        raise ValueError(f"modular_addition: {prime} is no odd prime")
