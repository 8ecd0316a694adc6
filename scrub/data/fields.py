"""The fields of one row as users write them: token ids, their types, images; padding stripped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scrub.graph import IMAGE, SEQUENCES, TOKENS

Row = Mapping[str, Any]

DECODER = "decoder_tokens"
TYPES = "token_types"
FIELDS = (TOKENS, DECODER, TYPES, IMAGE)
MASKS = {TOKENS: "attention_mask", DECODER: "decoder_attention_mask"}
DIMENSIONS = 3  # of an image: channel, height, width


@dataclass(frozen=True)
class Given:
    """What one row brings: its fields, and how much padding stood before each sequence."""

    fields: Mapping[str, NDArray[Any]]
    offsets: Mapping[str, int] = field(default_factory=dict)

    @property
    def main(self) -> str:
        """The field whose positions `roles` count."""
        return TOKENS if TOKENS in self.fields else IMAGE


def given_fields(row: Row) -> Given:
    """The fields of a row. Raises `ValueError` in words."""
    if not isinstance(row, Mapping):
        raise ValueError(f"must map names to values, found {type(row).__name__}.")
    if row.get(TOKENS) is None and row.get(IMAGE) is None:
        hint = " For text, use Dataset.from_text(rows, tokenizer)." if "text" in row else ""
        raise ValueError(f"has no 'tokens'. Each row needs a list of token ids.{hint}")
    found: dict[str, NDArray[Any]] = {}
    offsets: dict[str, int] = {}
    kept: dict[str, slice] = {}
    for name in SEQUENCES:
        if row.get(name) is not None:
            whole = _token_ids(row[name], name)
            kept[name] = _unpadded(row, name, len(whole))
            found[name], offsets[name] = whole[kept[name]], kept[name].start
        elif row.get(MASKS[name]) is not None:
            raise ValueError(f"has '{MASKS[name]}', and no '{name}' that it could mask.")
    if row.get(TYPES) is not None:
        found[TYPES] = _types(row, kept)
    if row.get(IMAGE) is not None:
        found[IMAGE] = _image(row[IMAGE])
    return Given(found, offsets)


def _token_ids(written: Any, name: str) -> NDArray[np.int64]:
    tokens = array(written)
    if tokens is None or tokens.ndim != 1 or tokens.size == 0:
        raise ValueError(f"'{name}' must be a list of at least one token id, not {short(written)}.")
    if not np.issubdtype(tokens.dtype, np.integer):
        whole = (int, np.integer)
        bad = next((t for t in written if isinstance(t, bool) or not isinstance(t, whole)), None)
        found = f"found {bad!r}" if bad is not None else "and of 64 bits at most"
        raise ValueError(f"'{name}' must be whole numbers, {found}.")
    if tokens.min() < 0:
        raise ValueError(f"token ids cannot be negative, found {int(tokens.min())}.")
    return tokens.astype(np.int64)


def _unpadded(row: Row, name: str, length: int) -> slice:
    """Where the entries lie that are not padding."""
    written, key = row.get(MASKS[name]), MASKS[name]
    mask = np.ones(length, dtype=bool) if written is None else _mask(written, key)
    if mask.shape != (length,):
        raise ValueError(f"{length} tokens but {mask.size} entries in '{key}'.")
    if not mask.any():
        raise ValueError(f"'{key}' hides every token.")
    first, last = int(mask.argmax()), len(mask) - int(mask[::-1].argmax())
    if not mask[first:last].all():
        raise ValueError(f"'{key}' hides tokens between others; pad at the ends only.")
    return slice(first, last)


def _mask(written: Any, key: str) -> NDArray[np.bool_]:
    mask = array(written)
    if mask is None or mask.dtype.kind not in "biuf" or not np.isin(mask, (0, 1)).all():
        raise ValueError(f"'{key}' must be a list of 0 and 1, not {short(written)}.")
    return mask.astype(bool)


def _types(row: Row, kept: Mapping[str, slice]) -> NDArray[np.int64]:
    """As many as the row has tokens, cut as these are."""
    if TOKENS not in kept:
        raise ValueError(f"has '{TYPES}', and no 'tokens' that they could belong to.")
    types = array(row[TYPES])
    if types is None or types.ndim != 1 or not np.issubdtype(types.dtype, np.integer):
        raise ValueError(f"'{TYPES}' must be a list of whole numbers, not {short(row[TYPES])}.")
    if len(types) != len(row[TOKENS]):
        raise ValueError(f"{len(row[TOKENS])} tokens but {len(types)} entries in '{TYPES}'.")
    if types.min() < 0:
        raise ValueError(f"'{TYPES}' cannot be negative, found {int(types.min())}.")
    return types[kept[TOKENS]].astype(np.int64)


def _image(written: Any) -> NDArray[np.float32]:
    image = array(written)
    if image is None or image.ndim != DIMENSIONS or not image.size or image.dtype.kind not in "iuf":
        shape = "" if image is None or image.ndim == 0 else f" of shape {image.shape}"
        found = f"an array{shape}" if shape else short(written)
        raise ValueError(f"'image' must be an array [channel, height, width], not {found}.")
    if not np.isfinite(image).all():
        raise ValueError("'image' must hold finite numbers only.")
    return image.astype(np.float32)


def content(fields: Mapping[str, NDArray[Any]]) -> bytes:
    """What an input holds: `tokens` [length] as int64 or float64, `decoder_tokens` and
    `token_types` [length] as int64, `image` [channel, height, width] as float32."""
    names = sorted(fields, key=lambda name: (name != TOKENS, name))
    return b"".join(_content("" if name == TOKENS else name, fields[name]) for name in names)


def _content(name: str, x: NDArray[Any]) -> bytes:
    return f"{name}{x.dtype}{x.shape}".encode() + x.tobytes()


def array(written: Any) -> NDArray[Any] | None:
    """What was written as an array, None where it has no rectangular shape."""
    try:
        return np.asarray(written)
    except ValueError:
        return None


def short(written: Any, most: int = 40) -> str:
    text = repr(written)
    return text if len(text) <= most else f"{text[:most]}…"
