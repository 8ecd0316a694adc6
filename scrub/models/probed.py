"""Probed once: a model that has passed is remembered, by its weights and by the code that ran.

What cannot be named for certain is not remembered: a module with hooks on it, or with code in it
that is neither torch's nor transformers', is probed every time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import types
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn

from scrub.data.fetched import cache_folder
from scrub.models.adapter import TransformersModel
from scrub.models.probe import probe

HOME = tuple(f"{Path(package.__file__ or '').parent}{os.sep}" for package in (torch, transformers))
OURS = (*HOME, str(contextlib.__file__), "<")  # what @contextmanager wraps is looked at as well
FUNCTIONS = (types.FunctionType, types.MethodType)
ATTENTIONS = ("", "eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention")


def require_probed(model: TransformersModel, fingerprint: str | None = None) -> None:
    """Run the probe unless this model has passed it here before. Raises `ModelRefused`.

    `fingerprint` is the model's, where it has been computed already.
    """
    if is_altered(model.module):
        probe(model).require()
        return
    key = _key(model, fingerprint or model.fingerprint())
    note = cache_folder() / "probes" / f"{key}.json"
    if note.is_file():
        return
    report = probe(model)
    report.require()
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        shown = {check.name: check.error for check in report.checks}
        note.write_text(json.dumps({"model": report.model, "errors": shown}, indent=2))
    except OSError:
        return  # a cache that cannot be written costs a second probe, and nothing else


def is_altered(module: nn.Module) -> bool:
    """Whether something runs in a module that its weights and config do not tell."""
    everywhere = vars(nn.modules.module)
    if everywhere["_global_forward_hooks"] or everywhere["_global_forward_pre_hooks"]:
        return True
    if getattr(module.config, "_attn_implementation", None) not in (None, *ATTENTIONS):
        return True
    parts = list(module.modules())
    if any(part._forward_hooks or part._forward_pre_hooks for part in parts):
        return True
    if any("forward" in vars(part) for part in parts):
        return True
    held = (value for part in parts for value in vars(part).values())
    if any(_foreign(value) for value in held if isinstance(value, FUNCTIONS)):
        return True
    return any(_foreign(function) for kind in {type(p) for p in parts} for function in _of(kind))


def _of(kind: type) -> Iterator[types.FunctionType]:
    """The methods that a module's class has, or takes from those it inherits from."""
    for base in kind.__mro__:
        yield from (value for value in vars(base).values() if isinstance(value, types.FunctionType))


def _foreign(function: Any) -> bool:
    """Whether it was written in neither package (what a decorator wraps counts too)."""
    while function is not None:
        if not function.__code__.co_filename.startswith(OURS):
            return True
        function = getattr(function, "__wrapped__", None)
    return False


def _key(model: TransformersModel, fingerprint: str) -> str:
    """The weights, and everything else that decides how they are run."""
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        code.update(path.read_bytes())
    parts = [
        fingerprint,
        code.hexdigest(),
        version("torch"),
        version("transformers"),
        str(model.device.type),
        str(model.dtype),
        str(getattr(model.module.config, "_attn_implementation", "")),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
