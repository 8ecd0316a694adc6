"""Results as JSON and arrays, and back: what a function returned, whatever it is made of.

Tensors and numpy arrays are kept bit by bit. Dataclasses come back as themselves where their class
is known to the running program; a file never makes a module be imported, but for scrub's own.
What cannot be kept (a model, a figure) is replaced by what it shows, and named.
"""

from __future__ import annotations

import enum
import importlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

DEEPEST = 40  # containers within containers
NO_ROOM = (torch.complex128,)  # what safetensors has no name for

Arrays = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Plain:
    """A value whose class the running program does not know: its name, and its fields."""

    kind: str
    fields: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        if name in ("fields", "kind") or name not in self.fields:
            raise AttributeError(f"a kept {self.kind} has no field '{name}'")
        return self.fields[name]


@dataclass(frozen=True)
class Unkept:
    """What stood where something could not be kept: the name of its class, and what it showed."""

    kind: str
    shown: str


@dataclass(eq=False)
class Encoder:
    """Values as JSON; `arrays` gathers their numbers, `unkept` the places of what is lost."""

    arrays: Arrays = field(default_factory=dict)
    unkept: list[str] = field(default_factory=list)

    def encode(self, value: Any, where: str = "result", depth: int = 0) -> Any:
        if depth > DEEPEST:
            return self._lost(value, where)
        if isinstance(value, enum.Enum):
            return {"enum": _name(type(value)), "name": value.name}
        if isinstance(value, str):
            return str(value)
        if value is None or type(value) in (bool, int):
            return value
        if type(value) is float:
            return value if np.isfinite(value) else {"float": repr(value)}
        if isinstance(value, torch.Tensor):
            return self._array("tensor", value.detach().cpu(), where)
        if isinstance(value, (np.ndarray, np.generic)):
            return self._numpy(value, where)
        if isinstance(value, Path):
            return {"path": str(value)}
        return self._composed(value, where, depth + 1)

    def _composed(self, value: Any, where: str, depth: int) -> Any:
        if isinstance(value, Mapping):
            pairs = [
                [self.encode(k, where, depth), self.encode(v, f"{where}[{k!r}]", depth)]
                for k, v in value.items()
            ]
            return {"map": pairs}
        named = getattr(value, "_fields", None)  # of a named tuple
        if is_dataclass(value) and not isinstance(value, type):
            named = [f.name for f in fields(value) if hasattr(value, f.name)]
        if named is not None and isinstance(named, (list, tuple)):
            held = {n: self.encode(getattr(value, n), f"{where}.{n}", depth) for n in named}
            return {"type": _name(type(value)), "fields": held}
        if isinstance(value, (list, tuple, set, frozenset)):
            some = [self.encode(v, f"{where}[{i}]", depth) for i, v in enumerate(value)]
            return some if isinstance(value, list) else {_container(value): some}
        return self._lost(value, where)

    def _numpy(self, value: Any, where: str) -> Any:
        kind = "array" if isinstance(value, np.ndarray) else "number"
        if value.dtype.kind not in "biufc":
            return self._lost(value, where)
        try:
            held = torch.from_numpy(np.array(value))
        except TypeError:  # a width that torch does not know
            return self._lost(value, where)
        return self._array(kind, held, where)

    def _array(self, kind: str, value: torch.Tensor, where: str) -> Any:
        if value.layout is not torch.strided or value.is_quantized or value.dtype in NO_ROOM:
            return self._lost(value, where)
        name = f"{len(self.arrays)}:{where}"
        self.arrays[name] = value.contiguous().clone()
        return {kind: name, "dtype": str(value.dtype).removeprefix("torch."), "at": where}

    def _lost(self, value: Any, where: str) -> Any:
        self.unkept.append(f"{where} ({type(value).__name__})")
        return {"unkept": _name(type(value)), "shown": repr(value)[:1000]}


def decode(tree: Any, arrays: Mapping[str, torch.Tensor]) -> Any:
    """The value that was encoded. Raises KeyError and ValueError for what no encoder wrote."""
    if isinstance(tree, list):
        return [decode(one, arrays) for one in tree]
    if not isinstance(tree, dict):
        return tree
    kind = next(iter(tree))
    if kind not in _DECODERS:
        raise ValueError(f"unknown kind '{kind}'")
    return _DECODERS[kind](tree, arrays)


def _made(tree: Mapping[str, Any], arrays: Mapping[str, torch.Tensor]) -> Any:
    """A dataclass or named tuple, if the running program has it with these fields."""
    held = {name: decode(value, arrays) for name, value in tree["fields"].items()}
    kind = _known(tree["type"])
    if kind is not None and issubclass(kind, tuple) and list(held) == list(_names(kind)):
        return kind(*held.values())
    if kind is None or not is_dataclass(kind) or not set(held) <= set(_names(kind)):
        return Plain(tree["type"], held)
    made = object.__new__(kind)  # as it was: what it does when it is made was done
    for name, value in held.items():
        object.__setattr__(made, name, value)
    return made


def _enum(tree: Mapping[str, Any], _: object) -> Any:
    kind = _known(tree["enum"])
    if kind is None or not issubclass(kind, enum.Enum) or tree["name"] not in kind.__members__:
        return Plain(tree["enum"], {"name": tree["name"]})
    return kind[tree["name"]]


def _known(name: str) -> type | None:
    """A class by module and name, of a module that is loaded already or is scrub's own."""
    module, _, qualified = name.partition(":")
    if module.split(".")[0] == "scrub":
        try:
            importlib.import_module(module)
        except ImportError:
            return None
    found: Any = sys.modules.get(module)
    for part in qualified.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, type) else None


def _names(kind: Any) -> tuple[str, ...]:
    return tuple(f.name for f in fields(kind)) if is_dataclass(kind) else tuple(kind._fields)


def _container(value: Any) -> str:
    return next(k.__name__ for k in (tuple, frozenset, set) if isinstance(value, k))


def _name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


Decoder = Callable[[Mapping[str, Any], Mapping[str, torch.Tensor]], Any]
_DECODERS: Mapping[str, Decoder] = {
    "map": lambda t, a: {decode(k, a): decode(v, a) for k, v in t["map"]},
    "tuple": lambda t, a: tuple(decode(t["tuple"], a)),
    "set": lambda t, a: set(decode(t["set"], a)),
    "frozenset": lambda t, a: frozenset(decode(t["frozenset"], a)),
    "float": lambda t, _: float(t["float"]),
    "path": lambda t, _: Path(t["path"]),
    "tensor": lambda t, a: a[t["tensor"]],
    "array": lambda t, a: a[t["array"]].numpy(),
    "number": lambda t, a: a[t["number"]].numpy()[()],
    "unkept": lambda t, _: Unkept(t["unkept"], t["shown"]),
    "type": _made,
    "enum": _enum,
}
