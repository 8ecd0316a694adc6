"""What a Python function computes, as text: equal code with equal constants gives equal text.

Memory addresses are no part of it, so that the text is the same in another process.
"""

from __future__ import annotations

import functools
import hashlib
import re
import types
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

DEEPEST = 6  # functions that call functions, containers within containers

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def code_text(value: Any, depth: int = 0) -> str:
    """A function by its code, constants, defaults, and the values that it closes over or looks up.

    >>> code_text(lambda x: x + 1) == code_text(lambda x: x + 1) != code_text(lambda x: x + 2)
    True
    """
    if depth > DEEPEST:
        return type(value).__qualname__
    if isinstance(value, types.MethodType):
        return f"{code_text(value.__func__, depth)} of {_instance(value.__self__, depth + 1)}"
    if isinstance(value, types.FunctionType):
        return "; ".join(_function(value, depth))
    if isinstance(value, functools.partial):
        parts = (value.func, value.args, value.keywords)
        return f"partial{[code_text(part, depth + 1) for part in parts]}"
    if isinstance(value, types.CodeType):
        return _code(value, depth)
    return _plain(value, depth)


def _function(function: types.FunctionType, depth: int) -> Iterator[str]:
    code = function.__code__
    yield _code(code, depth)
    yield code_text((function.__defaults__, function.__kwdefaults__), depth + 1)
    for cell in function.__closure__ or ():
        try:
            yield code_text(cell.cell_contents, depth + 1)
        except ValueError:
            yield "empty cell"  # a function that is still being defined
    for name in _names(code):
        if name in function.__globals__:
            yield f"{name}={code_text(function.__globals__[name], depth + 1)}"


def _names(code: types.CodeType) -> list[str]:
    """The names that a function looks up, those of functions inside it included."""
    inner = [name for c in code.co_consts if isinstance(c, types.CodeType) for name in _names(c)]
    return sorted({*code.co_names, *inner})


def _code(code: types.CodeType, depth: int) -> str:
    constants = [code_text(constant, depth + 1) for constant in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {constants}"


def _plain(value: Any, depth: int) -> str:
    """A value that is no function; arrays and tensors by their bytes, modules and types by name."""
    if isinstance(value, types.ModuleType):
        return value.__name__
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    if hasattr(value, "detach"):  # a tensor
        value = value.detach().cpu().double().numpy()
    if isinstance(value, np.ndarray) and value.dtype != object:
        raw = np.ascontiguousarray(value).tobytes()
        return f"{value.dtype}{value.shape}{hashlib.sha256(raw).hexdigest()}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{k!r}: {code_text(v, depth + 1)}' for k, v in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"({', '.join(code_text(item, depth + 1) for item in value)})"
    if isinstance(value, (set, frozenset)):
        return f"{{{', '.join(sorted(code_text(item, depth + 1) for item in value))}}}"
    if callable(value):
        return _instance(value, depth)
    return _ADDRESS.sub("", repr(value))


def _instance(value: Any, depth: int) -> str:
    """An object that is called, or whose method is: its type's code, and what it holds."""
    kind = type(value)
    call = getattr(kind, "__call__", None)  # noqa: B004  # its code is wanted, not whether it has
    shown = code_text(call, depth + 1) if isinstance(call, types.FunctionType) else ""
    state = code_text(getattr(value, "__dict__", {}), depth + 1)
    return f"{kind.__module__}.{kind.__qualname__} {shown} {state}"
