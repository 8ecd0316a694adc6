"""From rows as users write them to a `Dataset`: padding stripped, roles resolved, all checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scrub.data.dataset import Dataset, Ints, Row
from scrub.errors import InputRefused, Problem

RESERVED = ("tokens", "attention_mask", "roles")
MOST_PROBLEMS = 10


def dataset_from_rows(rows: Sequence[Row], where: str, places: Sequence[str] = ()) -> Dataset:
    """See `Dataset.from_rows`; `places` says where each row stands in a file ("line 3")."""
    if len(rows) == 0:
        raise InputRefused(Problem(where, "holds no examples.", "Give at least two rows."))
    places = [f"{where}, {place}" for place in places or [f"row {i}" for i in range(len(rows))]]
    problems: list[Problem] = []
    inputs: dict[bytes, int] = {}
    distinct: list[NDArray[Any]] = []
    sequence: list[int] = []
    spots: list[Mapping[str, tuple[int, ...]]] = []
    for place, row in zip(places, rows, strict=True):
        try:
            tokens, offset = _tokens(row)
            spots.append(_roles(row, len(tokens), offset))
        except ValueError as error:
            problems.append(Problem(place, str(error)))
            continue
        key = str(tokens.dtype).encode() + tokens.tobytes()
        if key not in inputs:
            inputs[key] = len(distinct)
            distinct.append(tokens)
        sequence.append(inputs[key])
    problems.extend(_columns_problems(rows, places))
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


def _tokens(row: Row) -> tuple[Ints, int]:
    """The unpadded tokens, and how many positions of padding stood before them."""
    if not isinstance(row, Mapping):
        raise ValueError(f"must map names to values, found {type(row).__name__}.")
    if row.get("tokens") is None:
        hint = " For text, use Dataset.from_text(rows, tokenizer)." if "text" in row else ""
        raise ValueError(f"has no 'tokens'. Each row needs a list of token ids.{hint}")
    tokens = _token_ids(row["tokens"])
    written = row.get("attention_mask")
    mask = np.ones(len(tokens), dtype=bool) if written is None else _mask(written)
    if mask.shape != tokens.shape:
        raise ValueError(f"{len(tokens)} tokens but {mask.size} entries in 'attention_mask'.")
    if not mask.any():
        raise ValueError("'attention_mask' hides every token.")
    first, last = int(mask.argmax()), len(mask) - int(mask[::-1].argmax())
    if not mask[first:last].all():
        raise ValueError("'attention_mask' hides tokens between others; pad at the ends only.")
    return tokens[first:last], first


def _token_ids(written: Any) -> Ints:
    tokens = array(written)
    if tokens is None or tokens.ndim != 1 or tokens.size == 0:
        raise ValueError(
            f"'tokens' must be a list of at least one token id, not {_short(written)}."
        )
    if not np.issubdtype(tokens.dtype, np.integer):
        whole = (int, np.integer)
        bad = next((t for t in written if isinstance(t, bool) or not isinstance(t, whole)), None)
        found = f"found {bad!r}" if bad is not None else "and of 64 bits at most"
        raise ValueError(f"'tokens' must be whole numbers, {found}.")
    if tokens.min() < 0:
        raise ValueError(f"token ids cannot be negative, found {int(tokens.min())}.")
    return tokens.astype(np.int64)


def _mask(written: Any) -> NDArray[np.bool_]:
    mask = array(written)
    if mask is None or mask.dtype.kind not in "biuf" or not np.isin(mask, (0, 1)).all():
        raise ValueError(f"'attention_mask' must be a list of 0 and 1, not {_short(written)}.")
    return mask.astype(bool)


def array(written: Any) -> NDArray[Any] | None:
    """What was written as an array, None where it has no rectangular shape."""
    try:
        return np.asarray(written)
    except ValueError:
        return None


def _roles(row: Row, length: int, offset: int) -> dict[str, tuple[int, ...]]:
    """Positions of each role, moved to the unpadded sequence; negative ones count from its end.

    A role that is None is missing in this row.
    """
    roles = row.get("roles")
    if roles is None:
        return {}
    if not isinstance(roles, Mapping):
        raise ValueError(f"'roles' must map names to positions, not {_short(roles)}.")
    given = {str(name): written for name, written in roles.items() if written is not None}
    if "all" in given:
        raise ValueError("a role cannot be called 'all', which stands for all positions.")
    return {name: _spots(name, written, length, offset) for name, written in given.items()}


def _spots(name: str, written: Any, length: int, offset: int) -> tuple[int, ...]:
    spots = array(written)
    if spots is not None and spots.size == 0 and spots.ndim == 1:
        return ()  # a role without positions is missing in this row
    if spots is None or spots.ndim > 1 or not np.issubdtype(spots.dtype, np.integer):
        hint = ""
        if isinstance(written, str):
            hint = " A role given by its text needs Dataset.from_text."
        raise ValueError(
            f"role '{name}' must be a position or a list of them, not {_short(written)}.{hint}"
        )
    numbers = spots.reshape(-1).tolist()
    moved = [s + length if s < 0 else s - offset for s in numbers]
    for wanted, spot in zip(numbers, moved, strict=True):
        if not 0 <= spot < length:
            unpadded = f" (after {offset} of padding)" if offset else ""
            raise ValueError(
                f"role '{name}' is at {wanted}, outside the row's {length} tokens{unpadded}."
            )
    if len(set(moved)) < len(moved):
        raise ValueError(f"role '{name}' names a position twice: {_short(numbers)}.")
    return tuple(moved)


def _columns_problems(rows: Sequence[Row], places: Sequence[str]) -> Iterable[Problem]:
    """All rows have the columns of the first."""
    if not all(isinstance(row, Mapping) for row in rows):
        return  # reported with the tokens
    expected = set(rows[0]) - set(RESERVED)
    for place, row in zip(places, rows, strict=True):
        found = set(row) - set(RESERVED)
        if missing := sorted(map(str, expected - found)):
            yield Problem(place, f"lacks the column '{missing[0]}' that the first row has.")
        if extra := sorted(map(str, found - expected)):
            yield Problem(place, f"has a column '{extra[0]}' that the first row lacks.")


def _plain(value: Any) -> Any:
    """Lists become tuples and numpy scalars Python's, so that a column's values can be compared."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, np.ndarray)):
        return tuple(_plain(v) for v in value)
    return value


def _short(written: Any, most: int = 40) -> str:
    text = repr(written)
    return text if len(text) <= most else f"{text[:most]}…"


def _shortened(problems: list[Problem], where: str) -> list[Problem]:
    if len(problems) <= MOST_PROBLEMS:
        return problems
    rest = len(problems) - MOST_PROBLEMS
    return [*problems[:MOST_PROBLEMS], Problem(where, f"and {rest} more problems like these.")]
