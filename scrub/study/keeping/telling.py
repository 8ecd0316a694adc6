"""What a call depends on, told as JSON: the function by its source, its arguments by their content.

Models and data sets are told by their fingerprints, tensors by shape and hash, files and model
folders by the hash of what is in them. What cannot be told for certain (a random generator, an
open file) is shown and marked: a call with such an argument is like no other.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import hashlib
import inspect
import re
import sys
import tokenize
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from scrub.errors import InputRefused
from scrub.hypothesis.loading import resolve_model_source
from scrub.models.adapter import config_of
from scrub.models.code import code_text
from scrub.models.fingerprint import fingerprint_of

DEEPEST = 12  # containers within containers
LONGEST = 1000  # of a string that could be a path
FUNCTIONS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, functools.partial)
INSTALLED = ("site-packages", "dist-packages")


@dataclass(eq=False)
class Teller:
    """Tells values; `unsure` gathers what could not be told for certain, by where it stands."""

    folder: Path = field(default_factory=Path.cwd)
    unsure: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)  # of all functions told, by name

    def tell(self, value: Any, where: str, depth: int = 0) -> Any:
        """A value as JSON: equal for equal values, and for those alone."""
        if depth > DEEPEST:
            return self._doubt(value, where)
        if isinstance(value, enum.Enum):
            return {"enum": _name(type(value)), "value": str(value.value)}
        if isinstance(value, (str, Path)):
            return self._text(value)
        if value is None or isinstance(value, (bool, int)):
            return value
        if isinstance(value, float):
            return value if np.isfinite(value) else {"float": str(value)}
        if isinstance(value, FUNCTIONS):
            return self.function(value, where, depth)
        if isinstance(value, (type, torch.dtype, torch.device, range, slice, complex, bytes)):
            return {"value": self._class(value) if isinstance(value, type) else repr(value)}
        if isinstance(value, (np.ndarray, np.generic, torch.Tensor)):
            return self._array(value, where)
        if (held := _fingerprint(value)) is not None:
            return held
        return self._composed(value, where, depth + 1)

    def _composed(self, value: Any, where: str, depth: int) -> Any:
        """Containers and dataclasses, part by part."""
        if isinstance(value, Mapping):
            pairs = [
                [self.tell(k, where, depth), self.tell(v, f"{where}[{k!r}]", depth)]
                for k, v in value.items()
            ]
            return {"map": pairs}
        if isinstance(value, (list, tuple)):
            some = [self.tell(v, f"{where}[{i}]", depth) for i, v in enumerate(value)]
            return some if isinstance(value, list) else {"tuple": some}
        if isinstance(value, (set, frozenset)):
            return {"set": sorted((self.tell(v, where, depth) for v in value), key=repr)}
        if is_dataclass(value):
            held = {
                f.name: self.tell(getattr(value, f.name, None), f"{where}.{f.name}", depth)
                for f in fields(value)
            }
            return {"type": self._class(type(value)), "fields": held}
        return self._doubt(value, where)

    def _doubt(self, value: Any, where: str) -> Any:
        self.unsure.append(f"{where} ({type(value).__name__})")
        return {"unsure": _name(type(value)), "shown": repr(value)[:200]}

    def _text(self, value: str | Path) -> Any:
        """A name; with the hash of what it names, if that is a file, or a model that is here."""
        if isinstance(value, str) and ("\n" in value or len(value) > LONGEST):
            return value
        for place in self._places(value):
            if (content := _content(place)) is not None:
                return {"path": str(value), "sha256": content}
        return str(value) if isinstance(value, str) else {"path": str(value)}

    def _places(self, name: str | Path) -> Iterator[Path]:
        """Where what it names could be: beside us, or among the models that come with scrub."""
        if str(name):
            yield self.folder / Path(name).expanduser()
        with contextlib.suppress(InputRefused, OSError, RuntimeError):
            yield Path(resolve_model_source(name, self.folder))

    def _array(self, value: Any, where: str) -> Any:
        if isinstance(value, torch.Tensor):
            raw = value.detach().cpu().contiguous()
            content = raw.flatten().view(torch.uint8).numpy().tobytes() if raw.numel() else b""
            return _told_array("tensor", value.dtype, value.shape, content)
        if value.dtype == object:
            return self._doubt(value, where)
        content = np.ascontiguousarray(value).tobytes()
        return _told_array("array", value.dtype, value.shape, content)

    def function(self, function: Any, where: str, depth: int = 0) -> Any:
        """A function by its source, and by what it closes over, looks up and calls."""
        if isinstance(function, functools.partial):
            held = (function.func, function.args, function.keywords)
            return {"partial": [self.tell(part, where, depth + 1) for part in held]}
        name = _name(function)
        told: dict[str, Any] = {"function": name}
        if isinstance(function, types.MethodType):
            told["of"] = self.tell(function.__self__, f"{where} of", depth + 1)
        if is_installed(function) or name in self.sources:
            return told
        plain = inspect.unwrap(function)
        self.sources[name] = source_of(function)
        code = getattr(plain, "__code__", None)
        told["source"] = self.sources[name]
        if code is not None:  # the file may have been changed since it was imported
            told["code"] = hashlib.sha256(code_text(code).encode()).hexdigest()
        defaults = getattr(plain, "__defaults__", None), getattr(plain, "__kwdefaults__", None)
        told["defaults"] = self.tell(defaults, f"{where}'s defaults", depth + 1)
        told["uses"] = {n: self.tell(v, f"{where}'s {n}", depth + 1) for n, v in _uses(plain)}
        return told

    def _class(self, kind: type) -> str:
        """A class's name; its source is kept too, where it is no package's."""
        name = _name(kind)
        if not is_installed(kind) and name not in self.sources:
            self.sources[name] = source_of(kind)
        return name


def source_of(thing: Any) -> str:
    """The source of a function or class; where Python has none, that, in words.

    >>> source_of(len)
    'no source: len is built into Python or compiled.'
    """
    name = getattr(thing, "__qualname__", type(thing).__name__)
    last = getattr(thing, "__name__", "")
    try:
        found = inspect.getsource(thing)
        begins = re.compile(rf"@|(async def|def|class) {last}\b")
        if not last.isidentifier() or begins.match(found.lstrip()):
            return found
        return f"no source: the file that {name} came from holds it no more."
    except TypeError:
        return f"no source: {name} is built into Python or compiled."
    except (OSError, SyntaxError, tokenize.TokenError):
        return f"no source: {name} was typed or made where Python keeps none."


def is_installed(thing: Any) -> bool:
    """Whether something belongs to Python, to scrub or to an installed package: its version tells
    what it is."""
    file = getattr(getattr(thing, "__code__", None), "co_filename", "")
    if file.startswith("<") and not file.startswith("<frozen"):
        return False  # typed
    module = getattr(thing, "__module__", None) or "builtins"
    top = module.split(".")[0]
    if top == "scrub" or top in sys.stdlib_module_names:
        return True
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    return any(part in INSTALLED for part in Path(file).parts)


def _uses(function: Any) -> Iterator[tuple[str, Any]]:
    """What a function closes over and looks up, modules left out."""
    code = getattr(function, "__code__", None)
    if code is None:
        return
    closed = getattr(function, "__closure__", None) or ()
    for name, cell in zip(code.co_freevars, closed, strict=True):
        yield name, cell.cell_contents
    known = function.__globals__
    for name in sorted(_names(code)):
        if name in known and not isinstance(known[name], types.ModuleType):
            yield name, known[name]


def _names(code: types.CodeType) -> set[str]:
    inner = [_names(c) for c in code.co_consts if isinstance(c, types.CodeType)]
    return set(code.co_names).union(*inner)


def _fingerprint(value: Any) -> Any:
    """Of models and data sets; None for what is neither."""
    if isinstance(value, nn.Module):
        known = hasattr(getattr(value, "config", None), "to_dict")
        config = config_of(value, type(value).__name__) if known else {"module": str(value)}
        mode = {"training": True} if value.training and not known else {}
        return {"model": _name(type(value)), "fingerprint": fingerprint_of(value, config), **mode}
    if callable(make := getattr(value, "fingerprint", None)) and not isinstance(value, type):
        return {"model": _name(type(value)), "fingerprint": str(make())}
    return None


def _content(path: Path) -> str | None:
    """The hash of a file, or of a model's folder; None for any other folder, and for nothing."""
    try:
        if path.is_file():
            return _hash([path])
        if (path / "config.json").is_file():
            return _hash(sorted(p for p in path.rglob("*") if p.is_file()), path)
    except (OSError, ValueError):
        return None  # no name that a file could have, or none of ours to read
    return None


def _hash(paths: Sequence[Path], folder: Path | None = None) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update((str(path.relative_to(folder)) if folder else "").encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _told_array(kind: str, dtype: Any, shape: Sequence[int], content: bytes) -> dict[str, Any]:
    hashed = hashlib.sha256(content).hexdigest()
    return {kind: str(dtype).removeprefix("torch."), "shape": list(shape), "sha256": hashed}


def _name(thing: Any) -> str:
    if not hasattr(thing, "__qualname__"):
        thing = type(thing)
    return f"{getattr(thing, '__module__', None) or 'builtins'}.{thing.__qualname__}"


def named_arguments(function: Callable[..., Any], args: Any, kwargs: Any) -> dict[str, Any]:
    """Arguments by name, defaults filled in: two ways to write one call are the same call.

    Raises TypeError where they do not fit the function.
    """
    try:
        signature = inspect.signature(function)
    except ValueError:  # some compiled functions have none
        return {**{str(i): value for i, value in enumerate(args)}, **kwargs}
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    return dict(bound.arguments)
