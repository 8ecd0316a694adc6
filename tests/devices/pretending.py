"""Torch for the length of a test, with CUDA devices that it has not.

Factories and copies to a device make `Pretended` tensors, in every thread; `torch.cuda` answers as
if the devices were there; memory of the host can be pinned.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import transformers.integrations.accelerate as theirs
from torch.utils._device import _device_constructors
from transformers.utils import is_accelerate_available

from tests.devices import capturing, pretended, streams
from tests.devices.pretended import Pretended, aten, said, wait

COUNT = 2  # pretended devices


def _made(operation: Any) -> Callable[..., Pretended]:
    """A factory: on the CPU, and then said to be elsewhere."""

    def make(*args: Any, device: Any = None, pin_memory: Any = None, **options: Any) -> Pretended:
        made = Pretended(operation(*args, device=torch.device("cpu"), **options), device)
        pretended.wrote([], [made], in_place=False)
        return made

    return make


def _attention(*args: Any, **kwargs: Any) -> torch.Tensor:
    """By plain operations: which kernel to take is asked of CUDA before an operation is seen."""
    found: torch.Tensor = aten._scaled_dot_product_attention_math(*args, **kwargs)[0]
    return found


FACTORIES = (  # all others are made of these
    aten.empty.memory_format,
    aten.empty_strided.default,
    aten.arange.default,
    aten.arange.start,
    aten.arange.start_step,
    aten.eye.default,
    aten.eye.m,
    aten.linspace.default,
    aten.randperm.default,
    aten.tril_indices.default,
    aten.triu_indices.default,
)


@contextlib.contextmanager
def pretending(patch: pytest.MonkeyPatch, free: int = 2**30) -> Iterator[None]:
    """`COUNT` devices with so many bytes free each, in all threads, until the end."""
    if torch.version.cuda:
        pytest.skip("this torch has CUDA")
    _device_constructors()  # remembers torch's own functions, before they are patched
    library: Any = torch.library.Library("aten", "IMPL")  # type: ignore[no-untyped-call]
    try:
        for factory in FACTORIES:
            for key in ("CUDA", "Lazy"):
                library.impl(factory.name(), _made(factory), key, allow_override=True)
        _answer(patch, free)
        _convert(patch)
        _spread(patch)
        _pin(patch)
        streams.attend(patch)
        capturing.attend(patch)
        yield
    finally:
        library._destroy()


def _answer(patch: pytest.MonkeyPatch, free: int) -> None:
    """What torch.cuda says of the devices."""
    answers: dict[str, Callable[..., Any]] = {
        "_lazy_init": lambda: None,
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "device_count": lambda: COUNT,
        "current_device": lambda: 0,
        "mem_get_info": lambda *_: (free, free),
        "memory_allocated": lambda *_: 0,
        "memory_reserved": lambda *_: 0,
        "max_memory_allocated": lambda *_: 0,
        "get_device_capability": lambda *_: (9, 0),
        "get_device_name": lambda *_: "pretended",
        "get_device_properties": lambda *_: SimpleNamespace(total_memory=free, name="pretended"),
        "synchronize": lambda *_: wait("synchronize"),
        "set_device": lambda *_: None,
        "empty_cache": lambda: None,
        "device": lambda *_: contextlib.nullcontext(),
    }
    for name, answer in answers.items():
        patch.setattr(torch.cuda, name, answer)


def _convert(patch: pytest.MonkeyPatch) -> None:
    """Of "cuda" without a number, and in `torch.tensor`, torch asks for a device's guard."""
    convert, to = torch.tensor, torch.Tensor.to

    def tensor(data: Any, *, device: Any = None, **options: Any) -> torch.Tensor:
        made = convert(data, **options)
        return made if device is None else made.to(device)

    def moved(self: torch.Tensor, *args: Any, **options: Any) -> torch.Tensor:
        if "device" in options:
            options["device"] = _numbered(options["device"])
        args = tuple(map(_numbered, args))
        if (
            isinstance(self, Pretended)
            and not options.keys() - {"non_blocking"}
            and (args == (self.device,))
        ):
            return self  # as torch does, which takes it to be elsewhere
        return to(self, *args, **options)

    patch.setattr(torch, "tensor", tensor)
    patch.setattr(torch.Tensor, "to", moved)
    patch.setattr(torch.Tensor, "cuda", lambda self, device=0: moved(self, said(device)))


def _numbered(given: Any) -> Any:
    """ "cuda" as CUDA's first device, and a number as that of a device; all else as it is."""
    if type(given) is int:
        return torch.device("cuda", given)
    here = isinstance(given, str | torch.device) and str(given) == "cuda"
    return torch.device("cuda:0") if here else given


def _spread(patch: pytest.MonkeyPatch) -> None:
    """Accelerate numbers devices, which a torch without CUDA does not know by their number."""
    if not is_accelerate_available():
        return
    infer = theirs.infer_auto_device_map

    def inferred(*args: Any, **options: Any) -> dict[str, Any]:
        return {part: _numbered(where) for part, where in infer(*args, **options).items()}

    patch.setattr(theirs, "infer_auto_device_map", inferred)
    # it takes memory beforehand, and of so little a negative number of bytes
    patch.setattr("transformers.modeling_utils.caching_allocator_warmup", lambda *_, **__: None)


def _pin(patch: pytest.MonkeyPatch) -> None:
    """Memory of the host that says it is pinned."""
    held: dict[int, torch.Tensor] = {}  # by storage, and kept, so that no address comes twice
    empty = torch.empty

    def pinned(tensor: torch.Tensor) -> torch.Tensor:
        held[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    def made(*args: Any, pin_memory: bool = False, **options: Any) -> torch.Tensor:
        tensor = empty(*args, **options)
        return pinned(tensor) if pin_memory else tensor

    def is_pinned(tensor: torch.Tensor, *_: object) -> bool:
        here = not isinstance(tensor, Pretended)
        return here and tensor.untyped_storage().data_ptr() in held

    patch.setattr(torch, "empty", made)
    patch.setattr(torch.Tensor, "pin_memory", lambda tensor, *_: pinned(tensor.clone()))
    patch.setattr(torch.Tensor, "is_pinned", is_pinned)
