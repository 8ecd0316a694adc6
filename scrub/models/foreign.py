"""Transformers that transformers does not know: torch's own, nanoGPT's, hand-written ones.

Such a net has no config and its own way of being called. It is put into a module that has both,
and from there on it is a model like all others: recorded by hooks, re-run by its own modules,
probed before its first use.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from scrub.errors import InputRefused, ModelRefused, Problem
from scrub.models.adapter import TransformersModel
from scrub.models.base import Batch, Call
from scrub.models.code import code_text
from scrub.models.exhaustion import is_out_of_memory
from scrub.models.families.base import MLP, Attention, Family, Run, Stack, separate
from scrub.models.inference import inferred_family
from scrub.models.inference.seen import random_batch
from scrub.models.linear import is_linear, weight_of
from scrub.models.measure import difference
from scrub.models.multihead import no_fast_path, opened
from scrub.models.pieces import Evaluation
from scrub.models.substitute import answering, attached, evaluating, replaced, resting

Forward = Callable[..., torch.Tensor]
NET = "net"  # where the user's module stands in ours


class NetModel(TransformersModel):
    """A `Net` as a model: what comes before its head is its blocks and its last norm."""

    def __init__(self, module: nn.Module, name: str = "", family: Family | None = None) -> None:
        super().__init__(module, name, family)
        self._tuples = self._given()

    def _head(self, normed: torch.Tensor, frame: Batch) -> torch.Tensor:
        """The net as it is, but for its blocks and its last norm, which give the normed sum."""
        stack = self.wiring.family.stacks[-1]
        tower = self.module.get_submodule(stack.path)
        at = ".".join(filter(None, (stack.path, stack.blocks)))
        bound: dict[str, nn.Module] = {}
        for child, block in self.module.get_submodule(at).named_children():
            bound[f"{at}.{child}"] = answering(block, _like(normed, self._tuples))
        if stack.final_norm and getattr(tower, stack.final_norm, tower) is not None:
            path = f"{stack.path}.{stack.final_norm}"
            bound[path] = answering(self.module.get_submodule(path), normed)
        return self._logits(replaced(self.module, bound), frame)

    def _evaluated(self, calls: Sequence[Call], how: Evaluation) -> list[torch.Tensor]:
        """As every model; what code of the user's own cannot do is said in words."""
        try:
            return super()._evaluated(calls, how)
        except (ValueError, TypeError, IndexError, RuntimeError) as error:
            group = self.graph[calls[0].part.component].group
            if is_out_of_memory(error) or self._way(group) is not Run.ALONE:
                raise
            raise ModelRefused(
                f"model '{self.name}' is refused: the attention of '{group}' does not run with "
                f"another number of heads ({type(error).__name__}: {error}). Say "
                "run=Run.TOGETHER in its facts."
            ) from error

    def _way(self, group: str) -> Run | None:
        """How the heads of a group are run, if it has any."""
        sublayer = self.anatomy.organs[group].step.sublayer
        return sublayer.run if isinstance(sublayer, Attention) else None

    def _given(self) -> int:
        """How many things a block gives, 0 where it is a tensor and no tuple."""
        found: list[int] = []
        block = self.anatomy.organs[self.wiring.steps[0].group].whole[0]
        with resting(self._own), attached() as handles:
            module = block.module
            handles.append(
                module.register_forward_hook(
                    lambda _, __, out: found.append(len(out) if isinstance(out, tuple) else 0)
                )
            )
            self._pass(self._dummy(1, {"tokens": 1}))
        return found[0]


class Network(NetModel):
    """A net in memory that is no transformers model, behind the same interface.

    `forward(module, tokens)` or `forward(module, tokens, mask)` gives the net's output, [row,
    position, width] or [row, width]; the mask is 1 where a row has a token and 0 where it has
    padding, and a net whose positions read later ones needs it. Left out, the net is called with
    the tokens, and what it gives (the first of a tuple) is the output.

    `family` holds the facts, with paths from `module` on; left out, they are read off the net.
    `heads` is how many heads its attentions have, `longest` how many positions it has.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        heads: int,
        vocabulary: int,
        family: Family | None = None,
        forward: Forward | None = None,
        longest: int = 0,
        name: str = "",
    ) -> None:
        name = name or type(module).__name__
        where = f"model '{name}'"
        self.original = (module, forward or plain_forward)
        config = {"vocab_size": vocabulary, "num_attention_heads": heads, "longest": longest}
        held = _wrapped(opened(module, where), self.original[1], config, where)
        _require_mask(held, vocabulary, longest, where)
        if family is None:
            family = inferred_family(held, held.config.to_dict(), name, NetModel)
        else:
            family = _under(family)
            _measure(held, family.stacks[-1], heads, where)
        held.config.said["model_type"] = family.model_type
        (stack,) = family.stacks
        family = replace(family, stacks=(_ending(stack, longest),), trunk=())
        super().__init__(held, name, family)
        self._require_same()

    def _require_same(self) -> None:
        """What has been put in for torch's attention gives what the user's own net gives."""
        module, forward = self.original
        space = next(s for s in self.graph.spaces if s.vocabulary)
        batch = random_batch(space.vocabulary, space.longest, self.device)
        tokens = batch.fields["tokens"]
        with evaluating(tuple(module.modules())):
            own = _called(forward, module, tokens, None)
        with resting(self._own):
            ours = self.module(input_ids=tokens).logits
        error = difference(ours, own) if ours.shape == own.shape else float("inf")
        if not error <= torch.finfo(self.dtype).eps ** (2 / 3):
            raise ModelRefused(
                f"model '{self.name}' is refused: with its attention opened it gives another "
                f"output than by itself; the error is {error:.2g}."
            )


class Net(nn.Module):
    """The user's net with a config, called as transformers models are."""

    trunkless = True  # what comes before the head need not be one module (inference asks)

    def __init__(self, module: nn.Module, forward: Forward, config: dict[str, Any]) -> None:
        super().__init__()
        self.net = module
        self.asked = forward
        self.config = _Config(config | {"forward": code_text(forward)})
        self.training = module.training

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None
    ) -> SimpleNamespace:
        return SimpleNamespace(logits=_called(self.asked, self.net, input_ids, attention_mask))


class NetForTokenClassification(Net):
    """A net that gives something else than a distribution over its own vocabulary."""


class NetForSequenceClassification(Net):
    """A net that gives one output a row."""


class _Config:
    """What stands in for a transformers config: sizes by their usual keys."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.said = said

    def to_dict(self) -> dict[str, Any]:
        return dict(self.said)


def plain_forward(module: nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    """The net on tokens, and the first of what it gives."""
    given = module(tokens)
    given = given[0] if isinstance(given, tuple) else given
    return getattr(given, "logits", given)  # type: ignore[no-any-return]


def _called(
    forward: Forward, module: nn.Module, tokens: torch.Tensor, mask: torch.Tensor | None
) -> torch.Tensor:
    """Without the fast path, and with a mask where the function takes one."""
    with no_fast_path():
        if len(inspect.signature(forward).parameters) < 3:
            return forward(module, tokens)
        return forward(module, tokens, torch.ones_like(tokens) if mask is None else mask)


def _wrapped(module: nn.Module, forward: Forward, config: dict[str, Any], where: str) -> Any:
    """In a class whose name says what kind of output it has."""
    device = next(module.parameters()).device
    tokens = random_batch(config["vocab_size"], config["longest"], device).fields["tokens"]
    with evaluating(tuple(module.modules())):
        try:
            output = _called(forward, module, tokens, None)
        except Exception as error:
            said = f"{type(error).__name__}: {error}".splitlines()[0]
            found = f"it cannot be called with tokens {list(tokens.shape)} ({said})."
            fix = "Give forward=lambda module, tokens: …, which returns its output."
            raise InputRefused(Problem(where, found, fix)) from error
    shape = tuple(getattr(output, "shape", ()))
    if len(shape) == 3 and shape[:2] == tuple(tokens.shape):
        kind = Net if shape[2] == config["vocab_size"] else NetForTokenClassification
    elif len(shape) == 2 and shape[0] == len(tokens):
        kind = NetForSequenceClassification
    else:
        shown = " × ".join(map(str, shape)) or type(output).__name__
        found = f"its output must be [row, position, width] or [row, width], found {shown}."
        fix = "Give forward=lambda module, tokens: …, which returns such a tensor."
        raise InputRefused(Problem(where, found, fix))
    return kind(module, forward, config | {"num_labels": shape[-1]})


def _require_mask(held: Any, vocabulary: int, longest: int, where: str) -> None:
    """A net that looks ahead would look at the padding of a row, if it were not told."""
    if len(inspect.signature(held.asked).parameters) >= 3:
        return
    tokens = random_batch(vocabulary, longest, next(held.parameters()).device).fields["tokens"]
    other = tokens.clone()
    other[:, -1] = (other[:, -1] + 1) % vocabulary
    with evaluating(tuple(held.modules())):
        plain, changed = held(tokens).logits, held(other).logits
    if plain.ndim == 2 or not torch.allclose(plain[:, :-1], changed[:, :-1], rtol=1e-3, atol=1e-5):
        found = "its output reads later positions, and so would read the padding of a row."
        fix = "Give forward=lambda module, tokens, mask: …, with 1 in the mask for a token."
        raise InputRefused(Problem(where, found, fix))


def _under(family: Family) -> Family:
    """The facts with every path from our module on."""
    if len(family.stacks) != 1:
        found = f"its facts name {len(family.stacks)} stacks; a net of one stack is covered."
        raise InputRefused(Problem(f"family '{family.model_type}'", found))
    (stack,) = family.stacks
    pooler = f"{NET}.{family.pooler}" if family.pooler else ""
    path = f"{NET}.{stack.path}" if stack.path else NET
    return replace(family, stacks=(replace(stack, path=path),), trunk=(), pooler=pooler)


def _ending(stack: Stack, longest: int) -> Stack:
    """The stream ends with the last block where no norm comes after it, whatever else does."""
    if not stack.final_norm:
        path = f"{stack.path}.{stack.blocks}" if stack.blocks else stack.path
        stack = replace(stack, path=path, blocks="")
    return replace(stack, longest="longest", reserved=0) if longest else stack


def _measure(held: Any, stack: Stack, heads: int, where: str) -> None:
    """The sizes that facts leave to a config, from the weights."""
    try:
        blocks = list(held.get_submodule(stack.path).get_submodule(stack.blocks).children())
        layers = [
            (block, stack.block(held.config.said, i) if callable(stack.block) else stack.block)
            for i, block in enumerate(blocks)
        ]
        said: dict[str, int] = {"num_hidden_layers": len(blocks)}
        for block, sublayers in layers:
            for sublayer in sublayers:
                if isinstance(sublayer, Attention):
                    said = _attention(block, sublayer, heads) | said
                elif isinstance(sublayer, MLP) and sublayer.down is not None:
                    said = _mlp(block, sublayer) | said
    except AttributeError as error:
        fix = "Paths in a family are attribute names, from the module on."
        raise InputRefused(Problem(where, f"{error}.", fix)) from error
    held.config.said.update(said)


def _attention(block: nn.Module, attention: Attention, heads: int) -> dict[str, int]:
    assert isinstance(attention.path, str)
    core = block.get_submodule(attention.path)
    beside = attention.out.startswith("../")
    parent = block.get_submodule(attention.path.rpartition(".")[0]) if beside else core
    width, z = weight_of(parent.get_submodule(attention.out.removeprefix("../"))).shape
    q, k, _ = (core.get_submodule(attention.projections[port][-1]) for port in "qkv")
    wide, value = len(weight_of(q)) // heads, int(z) // heads
    shared = len(weight_of(k)) // wide if wide else heads
    if attention.layout is not separate:
        wide, shared = value, (len(weight_of(q)) // value - heads) // 2
    return {
        "hidden_size": int(width),
        "num_key_value_heads": shared,
        "head_dim": wide,
        "v_head_dim": value,
    }


def _mlp(block: nn.Module, mlp: MLP) -> dict[str, int]:
    last = mlp.path if isinstance(mlp.path, str) else mlp.path[-1]
    down = block.get_submodule(last).get_submodule(mlp.down or "")
    width, hidden = weight_of(down).shape if is_linear(down) else (0, 0)
    return {"hidden_size": int(width), "intermediate_size": int(hidden)}


def _like(value: torch.Tensor, count: int) -> Any:
    return (value, *([None] * (count - 1))) if count else value
