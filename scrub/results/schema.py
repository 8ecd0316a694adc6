"""The JSON Schema of a result, and its fields as the table in `docs/reference/result.md`.

`python -m scrub.results.schema` prints that table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("schema.json")


def schema() -> dict[str, Any]:
    """The schema (draft 2020-12).

    >>> schema()["properties"]["schema"]["const"]
    'scrub-result/1'
    """
    found: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    return found


def field_table() -> str:
    """Every field, its type and its description, as a Markdown table."""
    whole = schema()
    rows = [
        f"| `{path}` | {kind} | {_cell(text)} |"
        for path, kind, text in _fields(whole, whole["$defs"])
    ]
    return "\n".join(["| field | type | what it is |", "|---|---|---|", *rows]) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")  # a bare one would begin another column


def _fields(
    node: Mapping[str, Any], defs: Mapping[str, Any], path: str = ""
) -> Iterator[tuple[str, str, str]]:
    for name, written in node.get("properties", {}).items():
        field = (
            {**defs[written["$ref"].rpartition("/")[2]], **written}
            if "$ref" in written
            else written
        )
        here = f"{path}.{name}" if path else name
        yield here, _kind(field), field["description"]
        inner = next((o for o in field.get("anyOf", ()) if "properties" in o), field)
        items = field.get("items", {})
        yield from _fields(items, defs, f"{here}[]") if items else _fields(inner, defs, here)


def _kind(field: Mapping[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_kind(option) for option in field["anyOf"])
    if "const" in field:
        return f"`{field['const']}`"
    kind = field["type"]
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


if __name__ == "__main__":
    print(field_table(), end="")
