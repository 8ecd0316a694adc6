"""Facts that were inferred, as text: remembered as JSON, shown as Python. Neither needs torch."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scrub.data.fetched import cache_folder
from scrub.models.families import base
from scrub.models.families.base import Block, Config, Family

IGNORED = frozenset({"_name_or_path", "transformers_version", "architectures", "torch_dtype"})


@dataclass(frozen=True)
class ByLayer:
    """The block of each layer, where they are not all alike."""

    blocks: tuple[Block, ...]

    def __call__(self, _: Config, layer: int) -> Block:
        return self.blocks[layer]


@dataclass(frozen=True)
class Factor:
    """A residual multiplier that was measured, and stands under no one key of the config."""

    value: float

    def __call__(self, _: Config) -> float:
        return self.value


@dataclass(frozen=True)
class Known:
    """A family, and the whole config of the model that it was inferred from."""

    family: Family
    config: Config


CLASSES: Mapping[str, type] = {
    kind.__name__: kind
    for kind in (*vars(base).values(), ByLayer, Factor)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind)
}
_memory: dict[str, Known] = {}


def remembered(config: Config) -> Known | None:
    """What was inferred before from a model with this config, here or in an earlier run."""
    key = key_of(config)
    if key not in _memory:
        try:
            said = json.loads(_file(key).read_text(encoding="utf-8"))
            _memory[key] = Known(decoded(said["family"]), said["config"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None  # not there, or written by another version: it is inferred again
    return _memory[key]


def remember(config: Config, known: Known) -> None:
    """Kept for the next run too, if the cache can be written."""
    key = key_of(config)
    _memory[key] = known
    try:
        said = {"family": encoded(known.family), "config": dict(known.config)}
        text = json.dumps(said, indent=1, default=str)
        _file(key).parent.mkdir(parents=True, exist_ok=True)
        _file(key).write_text(text, encoding="utf-8")
    except OSError:
        return


def key_of(config: Config) -> str:
    """The config, and the code that read the facts off the model."""
    kept = {name: value for name, value in config.items() if name not in IGNORED}
    digest = hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode())
    for path in sorted((Path(__file__).parent / "inference").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _file(key: str) -> Path:
    return cache_folder() / "families" / f"{key}.json"


def encoded(value: Any) -> Any:
    """As JSON: of a dataclass what differs from its defaults, of a layout its name."""
    if dataclasses.is_dataclass(value):
        return {"is": type(value).__name__} | {k: encoded(v) for k, v in _said(value).items()}
    if isinstance(value, enum.Enum):
        return {"run": value.value}
    if isinstance(value, Mapping):
        return {"map": {name: encoded(held) for name, held in value.items()}}
    if isinstance(value, (tuple, list)):
        return [encoded(held) for held in value]
    return {"named": value.__name__} if callable(value) else value


def decoded(value: Any) -> Any:
    match value:
        case {"is": name, **fields}:
            return CLASSES[name](**{str(k): decoded(v) for k, v in fields.items()})
        case {"run": name}:
            return base.Run(name)
        case {"map": held}:
            return {name: decoded(one) for name, one in held.items()}
        case {"named": name}:
            return getattr(base, name)
        case list():
            return tuple(decoded(held) for held in value)
    return value


def _said(value: Any) -> dict[str, Any]:
    """The fields that differ from their defaults."""
    said = {}
    for one in dataclasses.fields(value):
        held = getattr(value, one.name)
        made = one.default_factory() if callable(one.default_factory) else one.default
        if held != made:
            said[one.name] = held
    return said


def python(value: Any, indent: int = 0) -> str:
    """As it would be written in a family file.

    >>> print(python(base.MLP("ff", before="norm2")))
    MLP(path='ff', before='norm2')
    """
    if dataclasses.is_dataclass(value):
        held = [f"{name}={python(one, indent + 4)}" for name, one in _said(value).items()]
        return _listed(f"{type(value).__name__}(", held, ")", indent)
    if isinstance(value, enum.Enum):
        return f"Run.{value.name}"
    if isinstance(value, Mapping):
        held = [f"{name!r}: {python(one, indent + 4)}" for name, one in value.items()]
        return _listed("{", held, "}", indent)
    if isinstance(value, (tuple, list)):
        held = [python(one, indent + 4) for one in value]
        return _listed("(", held, ",)" if len(held) == 1 else ")", indent)
    return str(value.__name__) if callable(value) else repr(value)


def _listed(start: str, held: list[str], end: str, indent: int) -> str:
    """On one line if it fits, else an item a line."""
    line = start + ", ".join(held) + end
    if len(line) + indent <= 88 and "\n" not in line:
        return line
    space = " " * (indent + 4)
    return (
        start + "".join(f"\n{space}{one}," for one in held) + f"\n{' ' * indent}{end.lstrip(',')}"
    )
