"""CUDA devices that are pretended: tensors that say they are there, with their values on the CPU.

A `Pretended` tensor refuses to be mixed with one of another device, as CUDA's do, and writes down
whatever would make the host wait for the device. What cannot be pretended: kernels (the CPU's run,
so the numbers are the CPU's), and how much memory there is.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch.utils._pytree import tree_flatten, tree_unflatten

UNDER = "lazy"  # what torch's own code takes them for: it is in every build, and nothing uses it
aten: Any = torch.ops.aten
PASSED_BY = (str(Path(torch.__file__).parent), str(Path(__file__).parent / "preten"))
LOOKS = {  # the host reads a value, or a size that depends on values
    aten._local_scalar_dense.default,
    aten.nonzero.default,
    aten.equal.default,
    aten.is_nonzero.default,
    aten.masked_select.default,
    aten.unique_dim.default,
    aten._unique2.default,
    aten.unique_consecutive.default,
    aten.bincount.default,
    aten.repeat_interleave.Tensor,
}
INDEXING = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default}
INDEXING |= {aten._index_put_impl_.default}
COPIES = {aten._to_copy.default, aten.copy_.default}

waits: list[Wait] = []  # what made the host wait, in order


@dataclass(frozen=True)
class Wait:
    """Something that the host waits for, and the file of the code that asked for it."""

    what: str
    file: str


def wait(what: str) -> None:
    frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith(PASSED_BY):
        frame = frame.f_back
    waits.append(Wait(what, frame.f_code.co_filename))
    refused(what)


def refused(what: str) -> None:
    """What is done about a wait: nothing, where no graph is captured."""


def read(operands: list[Any]) -> None:
    """What is done where tensors are read: nothing, where there are no streams."""


def wrote(operands: list[Any], gave: list[Any], in_place: bool) -> None:
    """The same where they are written."""


def crossed(of: torch.Tensor, to: torch.device) -> None:
    """The same where one is copied from the host."""


class Pretended(torch.Tensor):
    """A tensor that says it is on a CUDA device; its values are in `held`, on the CPU."""

    held: torch.Tensor
    __torch_function__: Any = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(
        cls, held: torch.Tensor, device: Any = None, requires_grad: bool = False
    ) -> Pretended:
        anew = isinstance(held, Pretended)  # accelerate makes parameters so, of their own class
        if isinstance(held, Pretended):
            held, device = held.held, device or held.device
        device = said(device)
        made: Pretended = torch.Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=torch.device(UNDER, device.index or 0),
            requires_grad=requires_grad,
        )
        made.held = held.detach()
        made._is_param = anew
        return made

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return said(super().device)

    @property
    def is_cuda(self) -> bool:  # type: ignore[override]
        return True

    def data_ptr(self) -> int:
        return self.held.data_ptr()  # accelerate tells tied weights by it

    def get_device(self) -> int:
        return self.device.index

    def __repr__(self) -> str:  # type: ignore[override]
        return f"Pretended({self.held}, device='{self.device}')"

    def __format__(self, how: str) -> str:
        return format(self.item(), how) if self.ndim == 0 else repr(self)

    def __getitem__(self, index: Any) -> Any:
        return super().__getitem__(_sent(index, self.device))

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(_sent(index, self.device), value)

    def tolist(self) -> Any:
        return self.cpu().tolist()  # torch has none for subclasses

    def numpy(self, *, force: bool = False) -> Any:
        if force:
            return self.detach().cpu().numpy()
        raise TypeError(f"can't convert {self.device} device type tensor to numpy.")

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, operation: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        flat, layout = tree_flatten((args, kwargs or {}))
        home = _home(operation, flat)
        wrappers = {id(x.held): x for x in flat if isinstance(x, Pretended)}
        args, kwargs = tree_unflatten(
            [x.held if isinstance(x, Pretended) else x for x in flat], layout
        )
        if operation in LOOKS:
            wait(operation.name())
        if operation in COPIES:
            home = _transfer(operation, flat, args, kwargs, home)
        elif kwargs.get("device") is not None:
            home = said(kwargs["device"])
            kwargs["device"] = torch.device("cpu")
        read(flat)
        found, shape = tree_flatten(INSTEAD.get(operation, operation)(*args, **kwargs))
        for wrapper in wrappers.values():
            assert wrapper.shape == wrapper.held.shape, f"{operation} changes a shape in place"
        made = [_wrapped(x, home, wrappers) for x in found]
        wrote(flat, made, operation._schema.is_mutable)
        return tree_unflatten(made, shape)


def _histc(counted: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    """CUDA counts integers too, and mixtures of experts ask it to; the CPU counts floats alone."""
    found: torch.Tensor = aten.histc.default(counted.double(), *args, **kwargs)
    return found.to(counted.dtype)


INSTEAD = {aten.histc.default: _histc}


def said(device: Any) -> torch.device:
    """A device as it is told: with its number, and CUDA's where it is a pretended one."""
    device = torch.device(device)
    known = "cuda" if device.type == UNDER else device.type
    return torch.device(known) if known == "cpu" else torch.device(known, device.index or 0)


def _sent(index: Any, device: torch.device) -> Any:
    """Lists among indices, sent to the device as torch sends them."""
    if isinstance(index, tuple):
        return tuple(_sent(part, device) for part in index)
    return torch.tensor(index).to(device) if isinstance(index, list) else index


def _wrapped(x: Any, home: torch.device, wrappers: dict[int, Pretended]) -> Any:
    if not isinstance(x, torch.Tensor):
        return x
    if id(x) in wrappers:
        return wrappers[id(x)]  # changed in place
    return x if home.type == "cpu" else Pretended(x, home)


def _home(operation: Any, flat: list[Any]) -> torch.device:
    """The one device of all operands; copies may have two, and indices may be the CPU's."""
    tensors = [x for x in flat if isinstance(x, torch.Tensor)]
    homes = {x.device for x in tensors if x.ndim or x.device.type != "cpu"}
    if operation in INDEXING:
        _look_at_indices(operation, tensors)
        homes = {x.device for x in tensors[:1]} | {x.device for x in tensors if x.is_cuda}
    first = tensors[0].device
    if len(homes) > 1 and operation not in COPIES:
        places = " and ".join(sorted(map(str, homes)))
        raise RuntimeError(
            "Expected all tensors to be on the same device, but found at least two devices, "
            f"{places}! (when checking {operation.name()})"
        )
    return first if operation in COPIES else homes.pop()


def _look_at_indices(operation: Any, tensors: list[torch.Tensor]) -> None:
    for index in tensors[1:]:
        if index.dtype in (torch.bool, torch.uint8):
            wait(f"{operation.name()} by a mask")
        elif index.device.type == "cpu" and index.ndim:
            wait(f"{operation.name()} by indices of the host")


def _transfer(operation: Any, flat: list[Any], args: Any, kwargs: Any, home: Any) -> torch.device:
    """Where a copy goes; one that the host waits for is written down."""
    if operation is aten.copy_.default:
        to, source = flat[0], flat[1]
        at_once = (args[2] if len(args) > 2 else kwargs.get("non_blocking")) or False
    else:
        source, wanted = flat[0], kwargs.pop("device", None)
        to, at_once = SimpleNamespace(device=said(wanted or home)), False
        at_once = kwargs.get("non_blocking") or False
    if "cpu" in (to.device.type, source.device.type) and not at_once and source.numel():
        way = "host to device" if source.device.type == "cpu" else "device to host"
        wait(f"copy, {way}")
    if source.device.type == "cpu" and to.device.type != "cpu":
        crossed(source, to.device)
    return torch.device(to.device)
