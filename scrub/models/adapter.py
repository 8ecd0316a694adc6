"""A transformers decoder as a `Model`: recorded by hooks, re-run by its own modules.

The user's module is never changed: its weights, its training flags and its `requires_grad` are
as they were after every call, also after one that failed, and no hook stays behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from scrub.errors import InputRefused, ModelRefused, Problem
from scrub.graph import Part
from scrub.models.anatomy import Block, anatomy_of
from scrub.models.attention import Circumstances, run_heads
from scrub.models.base import Call, Kind, Site
from scrub.models.config import graph_from_config
from scrub.models.fingerprint import fingerprint_of
from scrub.models.linear import bias_of, columns
from scrub.models.sites import What, place_of, sublayers_before
from scrub.models.substitute import (
    Bound,
    TrunkOutput,
    Weights,
    attached,
    evaluating,
    replaced,
    silent,
)
from scrub.models.taps import tap


class TransformersModel:
    """A decoder in memory, behind the interface that the engine asks of a model."""

    def __init__(self, module: nn.Module, name: str = "") -> None:
        self.module = module
        self.name = name or type(module).__name__
        self.anatomy = anatomy_of(module, self.name)
        self.config: dict[str, Any] = module.config.to_dict()  # type: ignore[operator, union-attr]
        self.graph = graph_from_config(self.config, self.name)
        some = next(module.parameters())
        self.device = some.device
        self.dtype = some.dtype
        self._modules = tuple(module.modules())
        self._circumstances: dict[tuple[int, object], tuple[Circumstances, ...]] = {}

    def record(
        self, inputs: torch.Tensor, lengths: torch.Tensor, sites: Sequence[Site]
    ) -> dict[Site, torch.Tensor]:
        """One forward pass over plain inputs [row, length]: each site's [row, length, stored].

        The unembedding runs only where the logits are asked for.
        """
        self._check_inputs(inputs)
        found: dict[Site, torch.Tensor] = {}
        logits = Site(Kind.OUTPUT, "logits")
        with evaluating(self._modules), silent(), attached() as handles:
            handles += [tap(self.anatomy, site, found) for site in sites if site != logits]
            if logits in sites:
                found[logits] = self._logits(self.module, inputs)
            else:
                self._pass(inputs)
        missed = [str(site) for site in sites if site not in found]
        if missed:
            raise ModelRefused(f"model '{self.name}': a forward pass never reached {missed[0]}.")
        return found

    def output(self, part: Part, stored: torch.Tensor) -> torch.Tensor:
        """A component part's share of its readers' sums, from what was recorded of it."""
        place = place_of(part.component)
        if place.what is What.HEAD:
            out = self.anatomy.blocks[place.layer].out
            return nn.functional.linear(stored, columns(out, *self.anatomy.z_slice(place.head)))
        if place.what is not What.MLP:
            return stored
        down = self.anatomy.blocks[place.layer].down
        if part.neurons is not None:
            first, last = part.neurons
            return nn.functional.linear(stored, columns(down, first, last + 1))
        return _without(stored, bias_of(down))

    def run(self, calls: Sequence[Call]) -> list[torch.Tensor]:
        """Components of one group on assembled ports: [row, n, width] for each call."""
        if not calls:
            return []
        place = place_of(calls[0].part.component)
        with evaluating(self._modules):
            if place.what is What.HEAD:
                return self._run_heads(place.layer, calls)
            if place.what is What.MLP:
                return self._run_mlps(self.anatomy.blocks[place.layer], calls)
            if place.what is What.LOGITS:
                return self._run_logits(calls)
        raise ValueError(f"'{calls[0].part}' has no ports to be run on.")

    def constant(self, stream: str) -> torch.Tensor:
        """The output biases of all that feeds a stream, [width]; float32 at least."""
        attentions, mlps = sublayers_before(stream, len(self.anatomy.blocks))
        wide = torch.promote_types(self.dtype, torch.float32)
        total = torch.zeros(self.anatomy.shape.width, dtype=wide, device=self.device)
        terms = [block.out for block in self.anatomy.blocks[:attentions]]
        terms += [block.down for block in self.anatomy.blocks[:mlps]]
        for bias in map(bias_of, terms):
            total = total if bias is None else total + bias.to(wide)
        return total

    def fingerprint(self) -> str:
        """A hash of the weights and the config as they are now: both may be changed in place."""
        return fingerprint_of(self.module, self.config)

    def _check_inputs(self, inputs: torch.Tensor) -> None:
        where = f"model '{self.name}'"
        vocabulary = self.anatomy.shape.vocabulary
        if inputs.numel() and not 0 <= int(inputs.min()) <= int(inputs.max()) < vocabulary:
            wrong = inputs[(inputs < 0) | (inputs >= vocabulary)][0].item()
            found = f"token {wrong} is not in its vocabulary of {vocabulary}."
            raise InputRefused(Problem(where, found))
        longest = self.config.get(self.anatomy.family.longest)
        if longest and inputs.shape[1] > longest:
            found = f"{inputs.shape[1]} tokens are more than the {longest} it has positions for."
            raise InputRefused(Problem(where, found, "Shorten the rows."))

    def _pass(self, inputs: torch.Tensor) -> None:
        # No mask: rows are right-padded and the model causal, so that what is padding is never
        # read by what is not; no cache: a re-run would read keys and values from it.
        self.anatomy.trunk(input_ids=inputs, use_cache=False, return_dict=True)

    def _logits(self, module: nn.Module, inputs: torch.Tensor | None) -> torch.Tensor:
        logits = module(input_ids=inputs, use_cache=False, return_dict=True).logits
        assert isinstance(logits, torch.Tensor)
        return logits

    def _run_heads(self, layer: int, calls: Sequence[Call]) -> list[torch.Tensor]:
        """Heads in as few module calls as their frames allow, then each one's share."""
        frames: dict[torch.Size, list[int]] = {}
        for i, call in enumerate(calls):
            frames.setdefault(call.ports["k"].shape, []).append(i)
        results: dict[int, torch.Tensor] = {}
        for frame, members in frames.items():
            batch = [calls[i] for i in members]
            z = run_heads(self.anatomy, layer, batch, self._seen(frame[1])[layer])
            results |= zip(members, z, strict=True)
        return [self.output(call.part, results[i]) for i, call in enumerate(calls)]

    def _seen(self, length: int) -> tuple[Circumstances, ...]:
        """What each attention module is handed in a forward pass of one row of this length."""
        # "eager" is handed a mask where "sdpa" is handed none
        key = (length, getattr(self.module.config, "_attn_implementation", None))
        if key not in self._circumstances:
            seen: dict[int, Circumstances] = {}
            with silent(), attached() as handles:
                for layer, block in enumerate(self.anatomy.blocks):
                    handles.append(_listen(block.attention, layer, seen))
                self._pass(torch.zeros(1, length, dtype=torch.int64, device=self.device))
            self._circumstances[key] = tuple(seen[i] for i in range(len(self.anatomy.blocks)))
        return self._circumstances[key]

    def _run_mlps(self, block: Block, calls: Sequence[Call]) -> list[torch.Tensor]:
        results: dict[int, torch.Tensor] = {}
        for i, normed in self._normed(block.mlp_norm, calls):
            neurons = calls[i].part.neurons
            if neurons is None:
                results[i] = _without(block.mlp(normed), bias_of(block.down))
            else:
                first, stop = neurons[0], neurons[1] + 1
                some = Weights(columns(block.down, first, stop), first, stop)
                results[i] = replaced(block.mlp, {self.anatomy.family.down: some})(normed)
        return [results[i] for i in range(len(calls))]

    def _run_logits(self, calls: Sequence[Call]) -> list[torch.Tensor]:
        """The model's own read-out, with everything before it replaced by the normed sum."""
        results: dict[int, torch.Tensor] = {}
        for i, normed in self._normed(self.anatomy.final_norm, calls):
            trunk = Bound(TrunkOutput(normed))
            copy = replaced(self.module, {self.anatomy.family.trunk: trunk})
            results[i] = self._logits(copy, None)
        return [results[i] for i in range(len(calls))]

    def _normed(self, norm: nn.Module, calls: Sequence[Call]) -> Iterator[tuple[int, torch.Tensor]]:
        """Each call's normed input; calls on the same tensor in turn, normed once for all."""
        shared: dict[int, list[int]] = {}
        for i, call in enumerate(calls):
            shared.setdefault(id(call.ports["in"]), []).append(i)
        for members in shared.values():
            normed = norm(calls[members[0]].ports["in"].to(self.dtype))  # [row, n, width]
            yield from ((i, normed) for i in members)


def _listen(module: nn.Module, layer: int, seen: dict[int, Circumstances]) -> RemovableHandle:
    def hook(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        others = {name: value for name, value in kwargs.items() if name != "hidden_states"}
        seen[layer] = Circumstances(args[1:], others | {"past_key_values": None})

    return module.register_forward_pre_hook(hook, with_kwargs=True)


def _without(output: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    return output if bias is None else output - bias
