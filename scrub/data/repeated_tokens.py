"""The induction task: a random period, repeated to the end of the sequence.

Every sequence draws a period, fills it with tokens that do not repeat inside it, and writes it
over and over. From its second occurrence on, a token tells which token follows. Each example
scores one query inside the *second* period, where the query's token has occurred exactly once
before: with two earlier occurrences a head that attends to both is right, and a claim about
one of them is not.

    position    0   1   2   3   4   5   6   7   8   9   10  ...
    token       a   b   c   d   e   f   a   b   c   d   e   ...  period 6
                        |   |                   |   |
                     match  after_match       query target

The period varies because a fixed one can be solved by position alone: attend so-and-so many
tokens back.

Nothing here needs torch. `rows` makes a data set, `like` makes one more row that agrees with a
given one, and `sequences` makes bare sequences, for training; all three draw from one
distribution.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

VOCABULARY = 32
LENGTH = 32
SHORTEST_PERIOD = 6
LONGEST_PERIOD = 16
COLUMNS = ("current_token", "next_token", "period")


def rows(
    n: int,
    *,
    seed: int,
    vocabulary: int = VOCABULARY,
    length: int = LENGTH,
    shortest_period: int = SHORTEST_PERIOD,
    longest_period: int = LONGEST_PERIOD,
) -> list[dict[str, Any]]:
    """`n` examples with their roles and columns; the first rows of a longer list are the same.

    >>> [row] = rows(1, seed=2)
    >>> row["tokens"][:12]
    (6, 2, 28, 27, 10, 18, 5, 29, 6, 2, 28, 27)
    >>> row["roles"]
    {'query': 10, 'match': 2, 'after_match': 3}
    >>> row["current_token"], row["next_token"], row["period"]
    (28, 27, 8)
    """
    _check(vocabulary, length, shortest_period, longest_period)
    # Two streams: were the queries drawn after the sequences from one, they would depend on n.
    for_sequences, for_queries = (np.random.default_rng([seed, stream]) for stream in (0, 1))
    tokens, periods = sequences(
        n,
        for_sequences,
        vocabulary=vocabulary,
        length=length,
        shortest_period=shortest_period,
        longest_period=longest_period,
    )
    return [
        _row(sequence, period, _query(period, length, for_queries))
        for sequence, period in zip(tokens.tolist(), periods.tolist(), strict=True)
    ]


def sequences(
    n: int,
    rng: np.random.Generator,
    *,
    vocabulary: int = VOCABULARY,
    length: int = LENGTH,
    shortest_period: int = SHORTEST_PERIOD,
    longest_period: int = LONGEST_PERIOD,
) -> tuple[np.ndarray, np.ndarray]:
    """Token ids, `[n, length]`, and the period of each sequence, `[n]`.

    The token after position i is fixed by what came before where i >= period, and only there.

    >>> tokens, periods = sequences(2, np.random.default_rng(0), length=8, longest_period=6)
    >>> tokens
    array([[10,  2, 19, 12,  1, 20, 10,  2],
           [25, 19, 14, 28, 21, 27, 25, 19]])
    >>> periods
    array([6, 6])
    """
    _check(vocabulary, length, shortest_period, longest_period)
    # One row of uniforms per sequence, so that a sequence does not depend on how many follow it.
    uniform = rng.random((n, 1 + vocabulary))
    periods = shortest_period + (uniform[:, 0] * (longest_period - shortest_period + 1)).astype(int)
    shuffled = uniform[:, 1:].argsort(axis=1)
    place = np.arange(length) % periods[:, None]
    return np.take_along_axis(shuffled, place, axis=1), periods


def like(
    row: Mapping[str, Any],
    agree: Collection[str],
    rng: np.random.Generator,
    *,
    vocabulary: int = VOCABULARY,
    shortest_period: int = SHORTEST_PERIOD,
    longest_period: int = LONGEST_PERIOD,
) -> dict[str, Any]:
    """A fresh row, distributed like `rows` given that it agrees with `row` on the columns `agree`.

    Token values are exchangeable and independent of period and query, so putting the agreed
    tokens in their places and drawing all else gives that conditional distribution exactly.

    >>> [row] = rows(1, seed=2)
    >>> fresh = like(row, ["current_token", "period"], np.random.default_rng(0))
    >>> fresh["current_token"] == row["current_token"], fresh["period"] == row["period"]
    (True, True)
    >>> fresh["tokens"] == row["tokens"]
    False
    """
    length = len(row["tokens"])
    _check(vocabulary, length, shortest_period, longest_period)
    _check_columns(agree)
    drawn = int(rng.integers(shortest_period, longest_period, endpoint=True))
    period = row["period"] if "period" in agree else drawn
    query = _query(period, length, rng)
    place_of = {"current_token": query % period, "next_token": (query + 1) % period}
    agreed = {place: row[column] for column, place in place_of.items() if column in agree}
    others = [token for token in range(vocabulary) if token not in agreed.values()]
    free = iter(rng.permutation(others).tolist())
    repeated = [agreed[place] if place in agreed else next(free) for place in range(period)]
    return _row([repeated[i % period] for i in range(length)], period, query)


def _query(period: int, length: int, rng: np.random.Generator) -> int:
    """A position of the second period whose next token is still inside the sequence."""
    return int(rng.integers(period, min(2 * period, length - 1)))


def _row(tokens: list[int], period: int, query: int) -> dict[str, Any]:
    match = query - period
    return {
        "tokens": tuple(tokens),
        "roles": {"query": query, "match": match, "after_match": match + 1},
        "current_token": tokens[query],
        "next_token": tokens[query + 1],
        "period": period,
    }


def _check(vocabulary: int, length: int, shortest_period: int, longest_period: int) -> None:
    """Raise one ValueError that lists everything wrong with the sizes."""
    rules = {
        # With period 1 the next token would be the current one, and both columns one column.
        f"shortest_period must be at least 2, not {shortest_period}": shortest_period >= 2,
        f"shortest_period ({shortest_period}) must not exceed longest_period ({longest_period})": (
            shortest_period <= longest_period
        ),
        f"a period of {longest_period} different tokens needs a vocabulary of at least as many, "
        f"not {vocabulary}": vocabulary >= longest_period,
        f"a period of {longest_period}, a query and its target need a length of at least "
        f"{longest_period + 2}, not {length}": length >= longest_period + 2,
    }
    broken = [rule for rule, holds in rules.items() if not holds]
    if broken:
        raise ValueError("repeated_tokens: " + "; ".join(broken))


def _check_columns(agree: Collection[str]) -> None:
    unknown = sorted(set(agree) - set(COLUMNS))
    if unknown:
        raise ValueError(
            f"repeated_tokens: rows cannot agree on {', '.join(map(repr, unknown))}; "
            f"what they can agree on: {', '.join(COLUMNS)}"
        )
