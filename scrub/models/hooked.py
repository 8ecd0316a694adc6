"""The reference: what a component does, found by whole forward passes with hooks and nothing else.

Deliberately slow and deliberately ignorant: no module is copied, no projection cut out, no weight
read. A head's inputs are swapped by replacing the layer's normed input once for each port; its
share of the output projection is found by applying the projection to that head's z alone. It
shares with the adapter only the facts of where the modules sit.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from scrub.graph import Part
from scrub.models.anatomy import Block, anatomy_of
from scrub.models.config import graph_from_config
from scrub.models.sites import What, place_of, sublayers_before
from scrub.models.substitute import attached, evaluating

Values = dict[str, torch.Tensor]


class HookedModel:
    """Component outputs of a decoder, on one unpadded row at a time."""

    def __init__(self, module: nn.Module, name: str = "") -> None:
        self.module = module
        self.anatomy = anatomy_of(module, name or type(module).__name__)
        self.graph = graph_from_config(
            module.config.to_dict(),  # type: ignore[operator, union-attr]
            name or type(module).__name__,
        )
        self._modules = tuple(module.modules())

    def outputs(self, tokens: torch.Tensor) -> Values:
        """Every component's plain output [position, width], from one forward pass."""
        seen: Values = {}
        with evaluating(self._modules):
            with attached() as handles:
                handles.append(_keep_input(self.anatomy.blocks[0].whole, "embed", seen))
                for layer, block in enumerate(self.anatomy.blocks):
                    handles.append(_keep_input(block.out, f"z{layer}", seen))
                    handles.append(_keep_output(block.mlp, f"m{layer}", seen))
                seen["logits"] = self._forward(tokens)
            found = {"embed": seen["embed"]}
            for layer, block in enumerate(self.anatomy.blocks):
                for head in range(self.anatomy.shape.heads.queries):
                    found[f"a{layer}.h{head}"] = self._share(block, head, seen[f"z{layer}"])
                found[f"m{layer}"] = seen[f"m{layer}"] - self._down_bias(block)
        return found | {"logits": seen["logits"]}

    def evaluate(
        self, part: Part, tokens: torch.Tensor, ports: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        """A component part on other sums at its ports, each [position, width]: [position, width].

        The tokens only give the passes something to run on: no value of theirs is left over.
        """
        place = place_of(part.component)
        with evaluating(self._modules):
            if place.what is What.LOGITS:
                with attached() as handles:
                    handles.append(_replace_input(self.anatomy.final_norm, ports["in"]))
                    return self._forward(tokens)
            block = self.anatomy.blocks[place.layer]
            if place.what is What.HEAD:
                return self._evaluate_head(block, place.head, tokens, ports)
            return self._evaluate_mlp(block, part, tokens, ports["in"])

    def constant(self, stream: str) -> torch.Tensor:
        """What the feeders of a stream add whatever they read, [width]."""
        attentions, mlps = sublayers_before(stream, len(self.anatomy.blocks))
        blocks = self.anatomy.blocks
        with evaluating(self._modules):
            terms = [self._out_bias(block) for block in blocks[:attentions]]
            terms += [self._down_bias(block) for block in blocks[:mlps]]
        nothing = torch.zeros(
            self.anatomy.shape.width, device=next(self.module.parameters()).device
        )
        return sum(terms, nothing)

    def _forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """The logits of one row, [position, vocabulary]."""
        logits = self.module(input_ids=tokens[None], use_cache=False, return_dict=True).logits
        assert isinstance(logits, torch.Tensor)
        return logits[0]

    def _evaluate_head(
        self, block: Block, head: int, tokens: torch.Tensor, ports: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        """One pass for each port's projection, then one with all three put in."""
        paths = self.anatomy.family.projections
        projected: Values = {}
        for port, module in block.projections.items():
            with attached() as handles:
                handles.append(_replace_input(block.attention_norm, ports[port]))
                handles.append(_keep_output(module, port, projected))
                self._forward(tokens)
        swapped: Values = {}
        for port, path in paths.items():
            swapped.setdefault(path, projected[port].clone())
            for other in range(self.anatomy.shape.heads.queries):
                start, stop = self.anatomy.slice_of(port, other)
                swapped[path][..., start:stop] = projected[port][..., start:stop]
        seen: Values = {}
        with attached() as handles:
            for port, module in block.projections.items():
                handles.append(_replace_output(module, swapped[paths[port]]))
            handles.append(_keep_input(block.out, "z", seen))
            self._forward(tokens)
        return self._share(block, head, seen["z"])

    def _evaluate_mlp(
        self, block: Block, part: Part, tokens: torch.Tensor, port: torch.Tensor
    ) -> torch.Tensor:
        seen: Values = {}
        with attached() as handles:
            handles.append(_replace_input(block.mlp_norm, port))
            handles.append(_keep_output(block.mlp, "output", seen))
            handles.append(_keep_input(block.down, "neurons", seen))
            self._forward(tokens)
        if part.neurons is None:
            return seen["output"] - self._down_bias(block)
        first, last = part.neurons
        alone = torch.zeros_like(seen["neurons"])
        alone[..., first : last + 1] = seen["neurons"][..., first : last + 1]
        return _less_bias(block.down, alone)

    def _share(self, block: Block, head: int, z: torch.Tensor) -> torch.Tensor:
        """What one head's z adds to the residual stream."""
        start, stop = self.anatomy.z_slice(head)
        alone = torch.zeros_like(z)
        alone[..., start:stop] = z[..., start:stop]
        return _less_bias(block.out, alone)

    def _out_bias(self, block: Block) -> torch.Tensor:
        heads = self.anatomy.shape.heads
        return _on_zeros(block.out, heads.queries * heads.width)

    def _down_bias(self, block: Block) -> torch.Tensor:
        return _on_zeros(block.down, self.anatomy.shape.hidden)


def _widened(module: nn.Module) -> nn.Module:
    """In float32 at least, for where a difference is to be taken."""
    half = next(module.parameters()).dtype.itemsize < torch.float32.itemsize
    return copy.deepcopy(module).float() if half else module


def _less_bias(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """A linear module's output less what it gives on zeros."""
    wide = _widened(module)
    x = x.to(next(wide.parameters()).dtype)
    output = wide(x) - wide(torch.zeros_like(x))
    assert isinstance(output, torch.Tensor)
    return output


def _on_zeros(module: nn.Module, width: int) -> torch.Tensor:
    wide = _widened(module)
    some = next(wide.parameters())
    output = wide(torch.zeros(1, width, dtype=some.dtype, device=some.device))[0]
    assert isinstance(output, torch.Tensor)
    return output


def _keep_input(module: nn.Module, name: str, seen: Values) -> RemovableHandle:
    def hook(_: nn.Module, args: tuple[torch.Tensor, ...], kwargs: dict[str, Any]) -> None:
        seen[name] = (args[0] if args else kwargs["hidden_states"])[0].clone()

    return module.register_forward_pre_hook(hook, with_kwargs=True)


def _keep_output(module: nn.Module, name: str, seen: Values) -> RemovableHandle:
    def hook(_: nn.Module, args: object, output: torch.Tensor) -> None:
        seen[name] = output[0].clone()

    return module.register_forward_hook(hook)


def _replace_input(module: nn.Module, value: torch.Tensor) -> RemovableHandle:
    def hook(_: nn.Module, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return (value[None].to(args[0]), *args[1:])

    return module.register_forward_pre_hook(hook)


def _replace_output(module: nn.Module, value: torch.Tensor) -> RemovableHandle:
    def hook(_: nn.Module, args: object, output: torch.Tensor) -> torch.Tensor:
        return value[None].to(output)

    return module.register_forward_hook(hook)
