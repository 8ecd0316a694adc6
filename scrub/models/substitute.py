"""Running a model's own modules without changing them: hooks that go away, and shallow copies.

A shallow copy shares every weight with the original; only the submodules that are replaced and
the attributes that are set differ.

Modules that accelerate has dispatched (over several GPUs, or offloaded to memory or disk) work too.
Of such a module `_hf_hook` says where it runs; its `forward` is accelerate's, bound to *this* very
module, fetches offloaded weights, moves the input to them, and only then calls the class's own.
Between calls offloaded weights are on no device ("meta"), and the hook knows where they lie.
"""

from __future__ import annotations

import functools
import logging
import types
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import copy as copied
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from scrub.models.sending import sent


@contextmanager
def attached() -> Iterator[list[RemovableHandle]]:
    """A list for the handles of hooks: all in it are removed at the end, exceptions included."""
    handles: list[RemovableHandle] = []
    try:
        yield handles
    finally:
        for handle in handles:
            handle.remove()


STATES = ("recurrent_states", "conv1d_state")  # what modules keep of a call (Recurrent Gemma's do)


def evaluating(modules: Sequence[nn.Module]) -> AbstractContextManager[None]:
    """Dropout and gradients off inside; as they were afterwards, and so is what modules keep."""
    return resting([vars(module) for module in modules])


@contextmanager
def resting(own: Sequence[dict[str, Any]]) -> Iterator[None]:
    """The same for modules of which there are the `vars`: every re-run comes through here."""
    training = [held for held in own if held["training"]]
    kept = [(held, name, held[name]) for name in STATES for held in own if name in held]
    try:
        for held in training:
            held["training"] = False
        with torch.no_grad():
            yield
    finally:
        for held in training:
            held["training"] = True
        for held, name, value in kept:
            held[name] = value


def gradients_for(inputs: Iterable[torch.Tensor]) -> torch.set_grad_enabled:
    """Gradients on inside, where one of the inputs asks for them."""
    return torch.set_grad_enabled(any(tensor.requires_grad for tensor in inputs))


@contextmanager
def silent() -> Iterator[None]:
    """No log lines of transformers' inside (on padding without a mask, for one)."""
    logger = logging.getLogger("transformers")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def silenced(experts: nn.Module, some: slice) -> Iterator[None]:
    """The last matrices of some experts, and the biases after them, zero inside; as they were
    afterwards.

    This writes into the module: it is for the reference, which copies none.
    """
    names = ("down_proj", "down_proj_bias")
    held = [getattr(experts, name)[some] for name in names if hasattr(experts, name)]
    kept = [tensor.clone() for tensor in held]
    try:
        for tensor in held:
            tensor.zero_()
        yield
    finally:
        for tensor, values in zip(held, kept, strict=True):
            tensor.copy_(values)


def shallow(module: nn.Module) -> nn.Module:
    """A copy that shares weights and submodules with the original, without its hooks.

    What accelerate put around a forward is put around the copy's own: a copy that kept the
    original's would run the original, and nothing that was replaced in it.
    """
    copy: nn.Module = module.__class__.__new__(module.__class__)
    copy.__dict__.update(module.__dict__)
    copy.__dict__["_modules"] = dict(module._modules)
    for hooks in ("_forward_hooks", "_forward_pre_hooks"):
        copy.__dict__[hooks] = type(module.__dict__[hooks])()
    if "_old_forward" in copy.__dict__:
        copy.__dict__["_parameters"] = dict(module._parameters)  # fetched into the copy alone
        copy.__dict__["_old_forward"] = _rebound(module.__dict__["_old_forward"], copy)
        copy.__dict__["forward"] = _rebound(module.__dict__["forward"], copy)
    return copy


def _rebound(forward: Any, to: nn.Module) -> Any:
    """The same function for another module: a method, or accelerate's wrapper around one."""
    if isinstance(forward, functools.partial):
        return functools.partial(forward.func, to, *forward.args[1:], **forward.keywords)
    return types.MethodType(forward.__func__, to)


def fetched(module: nn.Module, name: str) -> torch.Tensor:
    """A module's own parameter, fetched if accelerate has offloaded it."""
    held = getattr(module, name)
    assert isinstance(held, torch.Tensor)
    if not held.is_meta:
        return held
    hook: Any = module._hf_hook
    found = hook.weights_map[name].to(hook.execution_device, held.dtype)
    assert isinstance(found, torch.Tensor)
    return found


def weights(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """All of a module's state by name, in order, each tensor fetched when its turn comes."""
    for name, held in sorted(module.state_dict().items()):
        owner, _, own = name.rpartition(".")
        yield name, fetched(module.get_submodule(owner), own) if held.is_meta else held


def homes_of(module: nn.Module) -> Iterator[torch.device]:
    """Where each of its weights is when it is used; an offloaded one is fetched to there."""
    for part in module.modules():
        for held in part._parameters.values():
            if held is not None:
                hook: Any = getattr(part, "_hf_hook", None)
                yield torch.device(hook.execution_device) if held.is_meta else held.device


def home_of(module: nn.Module) -> torch.device:
    """The device on which a module takes its inputs: that of the first of its weights."""
    return next(homes_of(module), torch.device("cpu"))


def replaced(module: nn.Module, parts: Mapping[str, nn.Module]) -> nn.Module:
    """A shallow copy with other modules at these (dotted) paths."""
    copy = shallow(module)
    below: dict[str, dict[str, nn.Module]] = {}
    for path, part in parts.items():
        child, _, rest = path.partition(".")
        if rest:
            below.setdefault(child, {})[rest] = part
        else:
            copy._modules[child] = part
    for child, inner in below.items():
        copy._modules[child] = replaced(module.get_submodule(child), inner)
    return copy


def parametrised(
    module: nn.Module, entries: Mapping[str, Sequence[int]], axis: int = 0
) -> nn.Module:
    """A shallow copy in which some tensors have only these entries, in this order.

    What accelerate fetches into the copy before it runs is cut in the same way.
    """
    copy = shallow(module)
    copy.__dict__["_parameters"] = dict(module._parameters)
    copy.__dict__["_buffers"] = dict(module._buffers)
    cut: dict[str, torch.Tensor] = {}
    for name, wanted in entries.items():
        held = fetched(module, name)
        index = sent(torch.tensor(list(wanted)), held.device)
        cut[name] = held.detach().index_select(axis, index)
        if name in copy._buffers:
            copy._buffers[name] = cut[name]
        else:
            copy._parameters[name] = nn.Parameter(cut[name], requires_grad=False)
    if any(getattr(module, name).is_meta for name in entries):
        hook: Any = copied(module._hf_hook)
        hook.weights_map = ChainMap(cut, hook.weights_map)
        copy.__dict__["_hf_hook"] = hook
    return copy


def weighing(experts: nn.Module, first: int, last: int) -> nn.Module:
    """A shallow copy of a module of experts in which all but some of them have the weight zero.

    The experts that each position takes, and what those weigh, are computed as ever before it.
    """
    copy = shallow(experts)
    own = copy.forward

    def forward(x: torch.Tensor, chosen: torch.Tensor, weights: torch.Tensor) -> Any:
        return own(x, chosen, weights * ((chosen >= first) & (chosen <= last)))

    copy.__dict__["forward"] = forward
    return copy


def answering(module: nn.Module, value: Any) -> nn.Module:
    """A shallow copy that returns one value; what it holds can still be read from it."""
    copy = shallow(module)
    copy.__dict__["forward"] = lambda *_, **__: value
    return copy


class Bound(nn.Module):
    """Returns one value when it is first called, whatever with.

    A module that is applied again to something else (a projection that DeBERTa applies to its
    table of distances too) is itself from then on.
    """

    def __init__(self, value: Any, then: nn.Module | None = None) -> None:
        super().__init__()
        self.value = value
        self.then = (then,)  # in a tuple, so that it is not registered again
        self.done = False

    def forward(self, *args: object, **kwargs: object) -> Any:
        (then,) = self.then
        if self.done and then is not None:
            return then(*args, **kwargs)
        self.done = True
        return self.value


class Caught(Exception):  # no error: it carries a value out of a module
    """What a module was about to be applied to."""

    def __init__(self, value: torch.Tensor) -> None:
        super().__init__()
        self.value = value


class Catch(nn.Module):
    """Stands where a run is to end: whatever it is applied to is raised, and nothing after runs."""

    weight = None  # T5 asks the map that reads its neurons for its weight's dtype

    def forward(self, x: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
        raise Caught(x)


class TrunkOutput(tuple[torch.Tensor]):
    """What a trunk returns, as its reader takes it: by index or by name, and no extras."""

    pooler_output: torch.Tensor | None

    def __new__(cls, hidden: torch.Tensor, pooled: torch.Tensor | None = None) -> TrunkOutput:
        made = super().__new__(cls, (hidden,) if pooled is None else (hidden, pooled))
        made.pooler_output = pooled
        return made

    @property
    def last_hidden_state(self) -> torch.Tensor:
        return self[0]

    def __getattr__(self, name: str) -> None:
        """No cache, no attention weights: whatever else a model passes on is None."""
        if name.startswith("__"):
            raise AttributeError(name)


class Scaling(nn.Module):
    """Multiplies by a parameter of another module, channel by channel."""

    def __init__(self, module: nn.Module, name: str) -> None:
        super().__init__()
        self.factors = getattr(module, name)
        self.home = (module, name)  # in a tuple, so that it is not registered again

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * fetched(*self.home)
