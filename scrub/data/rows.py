"""From rows as users write them to a `Dataset`: padding stripped, roles resolved, all checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scrub.data.dataset import Dataset, Row
from scrub.errors import InputRefused, Problem

RESERVED = ("tokens", "attention_mask", "roles")
MOST_PROBLEMS = 10


def dataset_from_rows(rows: Sequence[Row], where: str) -> Dataset:
    """See `Dataset.from_rows`."""
    if len(rows) == 0:
        raise InputRefused(Problem(where, "holds no examples.", "Give at least two rows."))
    problems: list[Problem] = []
    inputs: dict[bytes, int] = {}
    distinct: list[NDArray[Any]] = []
    sequence: list[int] = []
    spots: list[Mapping[str, tuple[int, ...]]] = []
    for number, row in enumerate(rows):
        try:
            tokens, offset = _tokens(row)
            spots.append(_roles(row, len(tokens), offset))
        except ValueError as error:
            problems.append(Problem(f"{where}, row {number}", str(error)))
            continue
        key = str(tokens.dtype).encode() + tokens.tobytes()
        if key not in inputs:
            inputs[key] = len(distinct)
            distinct.append(tokens)
        sequence.append(inputs[key])
    problems.extend(_columns_problems(rows, where))
    if problems:
        raise InputRefused(_shortened(problems, where))
    names = [name for name in rows[0] if name not in RESERVED]
    roles = {name: None for row in spots for name in row}
    return Dataset(
        inputs=tuple(distinct),
        sequence=np.array(sequence, dtype=np.int64),
        columns={name: [_plain(row[name]) for row in rows] for name in names},
        roles={name: [row.get(name, ()) for row in spots] for name in roles},
    )


def _tokens(row: Row) -> tuple[NDArray[Any], int]:
    """The unpadded tokens, and how many positions of padding stood before them."""
    if "tokens" not in row:
        raise ValueError("has no 'tokens'. Each row needs a list of token ids.")
    tokens = np.asarray(row["tokens"])
    if tokens.ndim != 1 or tokens.size == 0:
        raise ValueError("'tokens' must be a list of at least one token id.")
    if not np.issubdtype(tokens.dtype, np.integer):
        raise ValueError(f"'tokens' must be integers, found {row['tokens'][0]!r}.")
    if tokens.min() < 0:
        raise ValueError(f"token ids cannot be negative, found {int(tokens.min())}.")
    mask = np.asarray(row.get("attention_mask", np.ones(len(tokens)))).astype(bool)
    if mask.shape != tokens.shape:
        raise ValueError(f"{len(tokens)} tokens but {mask.size} entries in 'attention_mask'.")
    if not mask.any():
        raise ValueError("'attention_mask' hides every token.")
    first, last = int(mask.argmax()), len(mask) - int(mask[::-1].argmax())
    if not mask[first:last].all():
        raise ValueError("'attention_mask' hides tokens between others; pad at the ends only.")
    return tokens[first:last].astype(np.int64), first


def _roles(row: Row, length: int, offset: int) -> dict[str, tuple[int, ...]]:
    """Positions of each role, moved to the unpadded sequence; negative ones count from its end."""
    roles = row.get("roles", {})
    if not isinstance(roles, Mapping):
        raise ValueError(f"'roles' must map names to positions, found {roles!r}.")
    found = {}
    for name, written in roles.items():
        spots = [written] if isinstance(written, (int, np.integer)) else list(written)
        if not all(isinstance(s, (int, np.integer)) and not isinstance(s, bool) for s in spots):
            raise ValueError(f"role '{name}' must be a position or a list of them, not {written!r}.")
        moved = [int(s) + length if s < 0 else int(s) - offset for s in spots]
        for wanted, spot in zip(spots, moved, strict=True):
            if not 0 <= spot < length:
                raise ValueError(f"role '{name}' is at {wanted}, outside its {length} tokens.")
        if len(set(moved)) < len(moved):
            raise ValueError(f"role '{name}' names a position twice: {spots}.")
        found[str(name)] = tuple(moved)
    return found


def _columns_problems(rows: Sequence[Row], where: str) -> Iterable[Problem]:
    expected = set(rows[0]) - set(RESERVED)
    for number, row in enumerate(rows):
        found = set(row) - set(RESERVED)
        if missing := sorted(expected - found):
            yield Problem(f"{where}, row {number}", f"lacks the column '{missing[0]}' of row 0.")
        if extra := sorted(found - expected):
            yield Problem(f"{where}, row {number}", f"has a column '{extra[0]}' that row 0 lacks.")


def _plain(value: Any) -> Any:
    """Lists become tuples and numpy scalars Python's, so that a column's values can be compared."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, np.ndarray)):
        return tuple(_plain(v) for v in value)
    return value


def _shortened(problems: list[Problem], where: str) -> list[Problem]:
    if len(problems) <= MOST_PROBLEMS:
        return problems
    rest = len(problems) - MOST_PROBLEMS
    return [*problems[:MOST_PROBLEMS], Problem(where, f"and {rest} more rows with problems.")]
