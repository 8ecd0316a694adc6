"""A call of a function, told: what it is known by, and what a reader wants to know of it."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from scrub import __version__
from scrub.errors import InputRefused, Problem
from scrub.mediation.journal import code
from scrub.study.keeping.telling import Teller, named_arguments, source_of

PACKAGES = ("torch", "transformers", "numpy")


@dataclass(frozen=True)
class Call:
    """A call, as it is told.

    - `function`: its qualified name; `module` where it lives; `source` its text, or why there is
      none; `sources` the texts of the functions and classes of one's own that it uses, by name.
    - `arguments`: by name, models by fingerprint, tensors by shape and hash.
    - `versions`: of Python, scrub and what it stands on, `code` the hash of scrub's own.
    - `unsure`: what could not be told for certain; with any such, the call is like no other.
    """

    function: str
    module: str
    source: str
    sources: Mapping[str, str]
    arguments: Mapping[str, Any]
    versions: Mapping[str, str]
    told: Any
    unsure: tuple[str, ...] = ()

    @cached_property
    def key(self) -> str:
        """A hash of all that the call depends on."""
        said = [self.told, self.sources, self.arguments, self.versions["code"]]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    @staticmethod
    def of(function: Callable[..., Any], args: Any, kwargs: Any) -> Call:
        """Raises `InputRefused` where the arguments do not fit the function."""
        plain = function
        while hasattr(plain, "func") and hasattr(plain, "args"):  # functools.partial
            plain = plain.func
        name = getattr(plain, "__qualname__", type(plain).__qualname__)
        try:
            named = named_arguments(function, args, kwargs)
        except TypeError as error:
            found = f"cannot be called like this: {error}."
            raise InputRefused(Problem(f"function '{name}'", found)) from None
        teller = Teller()
        told = teller.tell(function, name)
        arguments = {n: teller.tell(value, f"argument '{n}'") for n, value in named.items()}
        return Call(
            function=name,
            module=getattr(plain, "__module__", None) or "builtins",
            source=source_of(plain),
            sources=dict(teller.sources),
            arguments=arguments,
            versions=_versions(),
            told=told,
            unsure=tuple(teller.unsure),
        )


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "causal-scrub": __version__, "code": code()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
