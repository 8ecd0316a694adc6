"""The JSON form of results, and the files that it is written to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from scrub.results.files import write_whole


def plain(value: Any) -> Any:
    """Dataclasses, tuples and numbers as JSON knows them; what is not finite becomes null.

    >>> plain({"recovered": (np.float64(0.5), float("nan"))})
    {'recovered': [0.5, None]}
    """
    if isinstance(value, tuple):
        return [plain(v) for v in value]
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        return plain(asdict(value))
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value


def document_of(found: Any, without: str) -> dict[str, Any]:
    """A result's schema, and the JSON form of all its other fields but one, by name."""
    fields = {k: v for k, v in vars(found).items() if k not in (without, "schema")}
    return {"schema": found.schema, **{name: plain(value) for name, value in fields.items()}}


def write_document(
    path: str | Path, document: Mapping[str, Any], arrays: Mapping[str, Any | None]
) -> Path:
    """Write a document as JSON, and beside it, as safetensors, those of its arrays that there are.

    Both files are complete or absent: each is written under another name and then moved. The
    document names the other file. Raises `InputRefused` where nothing can be written.
    """
    from safetensors.numpy import save

    path = Path(path)
    beside = path.with_suffix(".examples.safetensors")
    held = {name: np.ascontiguousarray(v) for name, v in arrays.items() if v is not None}
    write_whole(beside, save(held, metadata={"schema": document["schema"]}))
    text = json.dumps({**document, "examples_file": beside.name}, indent=2, allow_nan=False)
    write_whole(path, f"{text}\n".encode())
    return path
