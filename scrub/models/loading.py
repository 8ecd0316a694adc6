"""A model from a folder, a hub id or memory: safetensors only, complete, and errors in words."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrub.errors import InputRefused, Problem, nearest
from scrub.models.config import graph_from_config, read_config

if TYPE_CHECKING:
    import torch
    from torch import nn

    from scrub.models.adapter import TransformersModel

DTYPES = ("float32", "bfloat16", "float16", "float64")


def load(
    source: str | Path | nn.Module, dtype: str = "float32", device: str = "cpu"
) -> TransformersModel:
    """The model behind its adapter. Raises `InputRefused`.

    A module in memory is taken as it is: its dtype and its device are the user's.
    """
    from torch import nn

    from scrub.models.adapter import TransformersModel

    if isinstance(source, nn.Module):
        return TransformersModel(source)
    kind, place = _dtype(dtype), _device(device)
    name = str(Path(source).expanduser()) if str(source).startswith("~") else str(source)
    if Path(name).is_dir() or _is_path(name):
        graph_from_config(read_config(name), name)  # says in words what is wrong, before loading
    module = _from_pretrained(name, kind)
    return TransformersModel(module.to(place).eval(), name=name)


def _is_path(name: str) -> bool:
    """Whether a name that is no folder was meant as one: a hub id is `owner/name` at most."""
    return name.startswith((".", "/")) or name.count("/") > 1 or "\\" in name


def _dtype(name: str) -> torch.dtype:
    import torch

    if name not in DTYPES:
        raise InputRefused(Problem(f"dtype '{name}'", "is not one.", nearest(name, DTYPES)))
    dtype = getattr(torch, name)
    assert isinstance(dtype, torch.dtype)
    return dtype


def _device(name: str) -> torch.device:
    import torch

    where = f"device '{name}'"
    try:
        device = torch.device(name)
    except RuntimeError:
        fix = "Known: cpu, cuda, cuda:0, …."
        raise InputRefused(Problem(where, "is not one.", fix)) from None
    if device.type not in ("cpu", "cuda"):
        raise InputRefused(Problem(where, "is not covered.", "Known: cpu, cuda, cuda:0, …."))
    count = torch.cuda.device_count() if device.type == "cuda" else 0
    if device.type == "cuda" and count == 0:
        found = "this torch finds no CUDA device on this machine."
        raise InputRefused(Problem(where, found, "Use --device cpu."))
    if device.type == "cuda" and (device.index or 0) >= count:
        found = f"there are {count} CUDA devices, counted from 0."
        raise InputRefused(Problem(where, found))
    return device


def _from_pretrained(name: str, dtype: torch.dtype) -> nn.Module:
    """Whatever goes wrong inside transformers comes out as one sentence."""
    from torch import nn
    from transformers import AutoModelForCausalLM

    where = f"model '{name}'"
    read: Any = AutoModelForCausalLM.from_pretrained
    try:
        with _silent():
            module, info = read(
                name,
                dtype=dtype,
                use_safetensors=True,  # a pickle can run code
                trust_remote_code=False,
                ignore_mismatched_sizes=True,  # reported below, with whatever else does not fit
                output_loading_info=True,
            )
    except Exception as error:
        raise InputRefused(_why(where, name, error)) from None
    problems = list(_incomplete(where, info))
    if problems:
        raise InputRefused(problems)
    assert isinstance(module, nn.Module)
    return module


def _why(where: str, name: str, error: Exception) -> Problem:
    """What a loading error means for the person who named the model."""
    said = f"{type(error).__name__}: {error}".splitlines()[0].strip()
    if type(error).__name__ == "SafetensorError":
        found = f"a safetensors file is damaged or cut short ({error})."
        return Problem(where, found, "Copy or download it again.")
    if Path(name).is_dir():
        if not any(Path(name).glob("*.safetensors")):
            held = sorted(path.name for path in Path(name).glob("*.bin"))
            found = "the folder holds no weights as safetensors"
            found += f", only {held[0]}, a pickle, which is never opened." if held else "."
            fix = "Write it with save_pretrained, or convert it with safetensors' own tool."
            return Problem(where, found, fix)
        return Problem(where, f"transformers cannot load the folder ({said}).")
    if isinstance(error, OSError):
        found = "is no folder here, and no model in the hub's cache or reachable on the hub."
        return Problem(where, found, "Check the spelling, the path and the network.")
    return Problem(where, f"transformers cannot load it ({said}).")


def _incomplete(where: str, info: dict[str, Any]) -> Iterator[Problem]:
    """Transformers fills gaps with random weights and says so in a log line: here, errors."""
    shapes = [
        f"{name} ({list(theirs)} in the file, {list(ours)} by the config)"
        for name, theirs, ours in info.get("mismatched_keys") or ()
    ]
    found = {
        "weights that the model needs are missing from its files": info.get("missing_keys"),
        "its files hold weights that the model has no place for": info.get("unexpected_keys"),
        "weights have another shape than the config says": shapes,
        "some weights could not be read": info.get("error_msgs"),
    }
    for sentence, names in found.items():
        if names:
            ordered = sorted(map(str, names))
            more = f", … ({len(ordered)} in all)" if len(ordered) > 3 else ""
            fix = "Is config.json that of these weights?"
            yield Problem(where, f"{sentence}: {', '.join(ordered[:3])}{more}.", fix)


@contextmanager
def _silent() -> Iterator[None]:
    """No progress bars, log lines or warnings inside; as before afterwards."""
    from transformers.utils import logging as transformers_logging

    from scrub.models.substitute import silent

    theirs: Any = transformers_logging
    bars = theirs.is_progress_bar_enabled()
    theirs.disable_progress_bar()
    try:
        with silent(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if bars:
            theirs.enable_progress_bar()
