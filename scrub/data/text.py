"""Text and a tokenizer become token ids; roles and answers may be written as words.

    {"text": "When Mary and John went to the store, John gave a drink to",
     "roles": {"io": "Mary", "end": -1}, "answer": " Mary"}

A role given as a substring is all tokens that cover its first occurrence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scrub.errors import InputRefused, Problem

Tokenizer = Callable[..., Mapping[str, Any]]
"""Called like a transformers tokenizer: `tokenizer(text, return_offsets_mapping=True,
add_special_tokens=True)` gives `input_ids` and `offset_mapping`."""

Span = tuple[int, int]


@dataclass(frozen=True)
class Field:
    """A text of a row and what becomes of it; `special`: whether special tokens are added."""

    text: str
    tokens: str
    roles: str
    special: bool


TEXT = Field("text", "tokens", "roles", special=True)
DECODER_TEXT = Field("decoder_text", "decoder_tokens", "decoder_roles", special=False)


def tokenize_rows(
    rows: Sequence[Mapping[str, Any]],
    tokenizer: Tokenizer,
    *,
    answers: Sequence[str] = (),
    where: str = "data",
    places: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """The rows with `tokens` for their `text`, positions for substrings, ids for `answers`.

    Raises `InputRefused` with every row's problem (the first ten are listed).

    >>> def letters(text, return_offsets_mapping=False, add_special_tokens=True):
    ...     spans = [(i, i + 1) for i in range(len(text))]
    ...     return {"input_ids": [ord(c) - 97 for c in text], "offset_mapping": spans}
    >>> [row] = tokenize_rows([{"text": "abcab", "roles": {"ca": "ca"}, "answer": "c"}], letters,
    ...                       answers=["answer"])
    >>> row["tokens"], row["roles"], row["answer"]
    ([0, 1, 2, 0, 1], {'ca': [2, 3]}, 2)
    """
    found, problems = [], []
    for number, row in enumerate(rows):
        try:
            found.append(_tokenized(row, tokenizer, answers))
        except ValueError as error:
            place = places[number] if places else f"row {number}"
            problems.append(Problem(f"{where}, {place}", str(error)))
    if problems:
        raise InputRefused(problems[:10])
    return found


def _tokenized(
    row: Mapping[str, Any], tokenizer: Tokenizer, answers: Sequence[str]
) -> dict[str, Any]:
    changed = dict(row)
    for column in answers:
        if column not in row:
            raise ValueError(f"lacks the answer column '{column}'.")
        changed[column] = _answer(row[column], tokenizer, column)
    for field in (TEXT, DECODER_TEXT):
        text = row.get(field.text)
        if field.tokens in row or (text is None and _may_lack(row, field)):
            continue
        if not isinstance(text, str) or not text:
            found = f"has neither '{field.tokens}' nor a '{field.text}' that could be tokenized."
            raise ValueError(found)
        changed |= _encoded(row, text, field, tokenizer)
    return changed


def _may_lack(row: Mapping[str, Any], field: Field) -> bool:
    """An image may stand alone, and few models have a decoder of their own."""
    return field is DECODER_TEXT or row.get("image") is not None


def _encoded(
    row: Mapping[str, Any], text: str, field: Field, tokenizer: Tokenizer
) -> dict[str, Any]:
    """The tokens of a text, and roles that were written as parts of it."""
    roles = row.get(field.roles) or {}
    words = isinstance(roles, Mapping) and any(isinstance(v, str) for v in roles.values())
    encoded = _encode(tokenizer, text, offsets=words, special=field.special)
    found: dict[str, Any] = {field.tokens: list(encoded["input_ids"])}
    if words:
        spans = [(int(a), int(b)) for a, b in encoded["offset_mapping"]]
        found[field.roles] = {
            name: covering(written, text, spans, name) if isinstance(written, str) else written
            for name, written in roles.items()
        }
    return found


def _encode(tokenizer: Tokenizer, text: str, *, offsets: bool, special: bool) -> Mapping[str, Any]:
    """The encoded text. Offsets are asked for only where needed: slow tokenizers have none."""
    wanted = {"return_offsets_mapping": True} if offsets else {}
    try:
        return tokenizer(text, add_special_tokens=special, **wanted)
    except NotImplementedError:
        raise ValueError(
            "names a role by its text, which needs a fast tokenizer (one with offsets). "
            "Load one with use_fast=True, or give positions."
        ) from None


def covering(wanted: str, text: str, spans: Sequence[Span], role: str = "role") -> list[int]:
    """All token positions that cover the first occurrence of a substring.

    >>> covering("Mary", "Hi Mary Mary", [(0, 0), (0, 2), (2, 5), (5, 7), (7, 12)])
    [2, 3]
    """
    start = text.find(wanted) if wanted else -1
    if start < 0:
        raise ValueError(f"role '{role}': '{wanted}' does not occur in its text {_short(text)}.")
    end = start + len(wanted)
    return list(_overlapping(spans, start, end))


def _overlapping(spans: Sequence[Span], start: int, end: int) -> Iterator[int]:
    for position, (first, last) in enumerate(spans):
        if first < last and first < end and start < last:  # special tokens span nothing
            yield position


def _answer(written: Any, tokenizer: Tokenizer, column: str) -> Any:
    """A token id for a text, ids for a list of texts; ids stay as they are."""
    if isinstance(written, (list, tuple)):
        return tuple(_answer(one, tokenizer, column) for one in written)
    return answer_token(written, tokenizer, column) if isinstance(written, str) else written


def answer_token(text: str, tokenizer: Tokenizer, column: str = "answer") -> int:
    """The one token that an answer is. Raises `ValueError` if it is several."""
    ids = list(tokenizer(text, add_special_tokens=False)["input_ids"])
    if len(ids) != 1:
        shown = f" ({', '.join(map(str, ids[:6]))})" if ids else ""
        raise ValueError(
            f"column '{column}' holds '{text}', which is {len(ids)} tokens{shown}. An answer is "
            "one token; many words are one only with the space before them."
        )
    return int(ids[0])


def _short(text: str, most: int = 40) -> str:
    return f"'{text}'" if len(text) <= most else f"'{text[:most]}…'"
