"""The reference: what a component does, found by whole forward passes with hooks and nothing else.

Deliberately slow and deliberately ignorant: no module is copied, no projection cut out, no weight
read. A head's inputs are swapped by replacing what its projections read once for each port; its
share of the output projection is found by applying the projection to that head's z alone. It
shares with the adapter only the facts of where the modules sit.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from scrub.graph import Part
from scrub.models.adapter import config_of
from scrub.models.anatomy import Organ, beside_of
from scrub.models.base import Batch
from scrub.models.drivers import call
from scrub.models.families.base import Attention, Family, Run
from scrub.models.keywords import keywords
from scrub.models.placing import placed
from scrub.models.spots import Args, Keywords, Spot, Watch, first, hidden_of, with_hidden
from scrub.models.steps import Kind
from scrub.models.substitute import attached, evaluating, home_of, silenced

Values = dict[str, torch.Tensor]


class HookedModel:
    """Component outputs of a model, on one unpadded row at a time."""

    def __init__(self, module: nn.Module, name: str = "", family: Family | None = None) -> None:
        self.module = module
        name = name or type(module).__name__
        config = config_of(module, name)
        self.anatomy = placed(module, config, name, family)
        self.wiring = self.anatomy.wiring
        self.graph = self.wiring.graph(name)
        self._modules = tuple(module.modules())
        self.home = home_of(module)  # its layers may lie on several devices

    def outputs(self, row: Batch) -> Values:
        """Every component's plain output [position, width], from one forward pass."""
        seen: Values = {}
        with evaluating(self._modules):
            with attached() as handles:
                watch = Watch(handles)
                for group, organ in self.anatomy.organs.items():
                    match organ.step.kind:
                        case Kind.EMBED:
                            _keep_input(watch, organ.whole[0], group, seen)
                        case Kind.HEADS:
                            _keep_input(watch, _out(organ), group, seen)
                        case Kind.BRIDGE:
                            _keep_input(watch, organ.whole[1], group, seen)
                        case Kind.MODULE | Kind.NORM:
                            _keep_output(watch, organ.whole[-1], group, seen)
                seen["logits"] = self._forward(row)
            found: Values = {}
            for group, organ in self.anatomy.organs.items():
                if organ.entrance is not None:
                    seen[group] = self._at_its_places(organ, row, seen[group])
                for component in organ.step.components:
                    own = self._own(component.name, organ, seen[group])
                    found[component.name] = own.to(self.home)
        return found

    def evaluate(self, part: Part, row: Batch, ports: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """A component part on other sums at its ports, each [position, width]: [position, width].

        The row only gives the passes something to run on: no value of it is left over but what
        the frame says (tables, masks).
        """
        with evaluating(self._modules):
            return self._evaluate(part, row, ports).to(self.home)

    def _evaluate(self, part: Part, row: Batch, ports: Mapping[str, torch.Tensor]) -> torch.Tensor:
        organ = self.anatomy.organs[self.graph[part.component].group]
        match organ.step.kind:
            case Kind.HEADS:
                return self._evaluate_head(organ, part.component, row, ports)
            case Kind.BRIDGE:
                return self._evaluate_bridge(organ, row, ports["in"])
            case Kind.OUTPUT:
                with attached() as handles:
                    self._replace_final(Watch(handles), organ, ports["in"])
                    return self._forward(row)
            case _:
                return self._evaluate_module(organ, part, row, ports["in"])

    def constant(self, stream: str) -> torch.Tensor:
        """What the feeders of a stream add whatever they read, [width]."""
        feeders = self.graph.streams[stream]
        total = torch.zeros(self.graph[feeders[0]].width, device=self.home)
        with evaluating(self._modules):
            for group in dict.fromkeys(self.graph[feeder].group for feeder in feeders):
                organ = self.anatomy.organs[group]
                beside = beside_of(organ)
                total = total if beside is None else total + _scaled(organ, beside).to(self.home)
                if organ.out is not None:
                    heads = organ.step.shape.heads
                    attends = organ.step.kind is Kind.HEADS
                    width = heads.queries * heads.z if attends else organ.step.shape.hidden
                    bias = _scaled(organ, _on_zeros(organ.out.module, width))
                    total = total + bias.to(self.home)
        return total

    def _own(self, name: str, organ: Organ, value: torch.Tensor) -> torch.Tensor:
        """A component's share, from what was seen of its group."""
        match organ.step.kind:
            case Kind.HEADS:
                return self._share(organ, name, value)
            case Kind.MODULE if organ.out is not None:
                bias = _on_zeros(organ.out.module, organ.step.shape.hidden)
                return _scaled(organ, value - bias)
            case _:
                return _scaled(organ, value)

    def _forward(self, row: Batch) -> torch.Tensor:
        """The output for one row, [position, width]."""
        head = self.wiring.head
        output = head.of(call(self.module, keywords(self.module, row, ())))[0]
        assert isinstance(output, torch.Tensor)
        return output

    def _at_its_places(self, organ: Organ, row: Batch, value: torch.Tensor) -> torch.Tensor:
        """What of the first block's input is an image's, or is not."""
        space = self.graph.space[organ.step.stack.space]
        places = row.fields[space.name][0] == space.placeholder
        return value * (places == (organ.step.kind is Kind.BRIDGE))[:, None]

    def _evaluate_bridge(self, organ: Organ, row: Batch, port: torch.Tensor) -> torch.Tensor:
        bridge = self.wiring.family.bridge
        assert bridge is not None
        seen: Values = {}
        with attached() as handles:
            watch = Watch(handles)
            _replace_input(watch, organ.whole[0], port[bridge.skipped :])
            _keep_input(watch, organ.whole[1], "features", seen)
            self._forward(row)
        return self._at_its_places(organ, row, seen["features"])

    def _replace_final(self, watch: Watch, organ: Organ, value: torch.Tensor) -> None:
        """What the head reads: the input of the last norm, or the output of the last component,
        or that of the whole stack."""
        if organ.before is not None:
            _replace_input(watch, organ.before, value)
            return
        spot = Spot(self.anatomy.towers[organ.step.stack.prefix])
        feeders = self.graph.streams["final"]
        if len(feeders) == 1:
            spot = self.anatomy.organs[self.graph[feeders[0]].group].whole[-1]
        _replace_output(watch, spot, value)

    def _evaluate_head(
        self, organ: Organ, name: str, row: Batch, ports: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        """One pass for each port's projections, then one with all put in."""
        attention, turn = organ.step.sublayer, organ.whole[0].turn
        assert isinstance(attention, Attention)
        modules = organ.projections or {}
        swapped: Values = {}
        for port, paths in attention.projections.items():
            seen: Values = {}
            with attached() as handles:
                watch = Watch(handles)
                if organ.before is not None and not (organ.memory_space and port != "q"):
                    _replace_input(watch, organ.before, ports[port])
                elif attention.run is Run.TRACED:
                    _replace_input(watch, organ.whole[0], ports[port])
                else:
                    for path in paths:
                        _replace_input(watch, Spot(modules[path], turn), ports[port])
                for path in paths:
                    _keep_output(watch, Spot(modules[path], turn), path, seen)
                self._forward(row)
            for path in paths:
                if path not in swapped:
                    swapped[path] = seen[path].clone()
                    continue
                heads = organ.step.shape.heads
                for head in range(heads.queries):
                    start = attention.layout(port, head, heads)
                    stop = start + heads.wide(port)
                    swapped[path][..., start:stop] = seen[path][..., start:stop]
        found: Values = {}
        with attached() as handles:
            watch = Watch(handles)
            for path, value in swapped.items():
                _replace_output(watch, Spot(modules[path], turn), value)
            _keep_input(watch, _out(organ), "z", found)
            self._forward(row)
        return self._share(organ, name, found["z"])

    def _evaluate_module(
        self, organ: Organ, part: Part, row: Batch, port: torch.Tensor
    ) -> torch.Tensor:
        if part.experts is not None:
            return self._evaluate_experts(organ, part.experts, row, port)
        seen = self._through(organ, row, port)
        if part.neurons is None:
            return self._own(part.component, organ, seen["output"])
        start, last = part.neurons
        alone = torch.zeros_like(seen["neurons"])
        alone[..., start : last + 1] = seen["neurons"][..., start : last + 1]
        return _scaled(organ, _less_bias(_out(organ).module, alone))

    def _through(self, organ: Organ, row: Batch, port: torch.Tensor) -> Values:
        """An MLP's or a mixer's output on another sum at its port, and its neurons, if any."""
        seen: Values = {}
        with attached() as handles:
            watch = Watch(handles)
            _replace_input(watch, organ.before or organ.whole[0], port)
            _keep_output(watch, organ.whole[-1], "output", seen)
            if organ.out is not None:
                _keep_input(watch, organ.out, "neurons", seen)
            self._forward(row)
        return seen

    def _evaluate_experts(
        self, organ: Organ, experts: tuple[int, int], row: Batch, port: torch.Tensor
    ) -> torch.Tensor:
        """What the MLP lacks when these experts give zero, and no others do."""
        whole = self._through(organ, row, port)["output"]
        held = organ.whole[-1].module.get_submodule(organ.experts)
        with silenced(held, slice(experts[0], experts[1] + 1)):
            less = self._through(organ, row, port)["output"]
        return _scaled(organ, whole - less)

    def _share(self, organ: Organ, name: str, z: torch.Tensor) -> torch.Tensor:
        """What one head's z adds to the residual stream."""
        width = organ.step.shape.heads.z
        head = int(name.rpartition(".h")[2])
        alone = torch.zeros_like(z)
        alone[..., head * width : (head + 1) * width] = z[..., head * width : (head + 1) * width]
        return _scaled(organ, _less_bias(_out(organ).module, alone))


def _out(organ: Organ) -> Spot:
    assert organ.out is not None
    return organ.out


def _scaled(organ: Organ, value: torch.Tensor) -> torch.Tensor:
    """A residual multiplier, by the config or by channel."""
    if organ.scaled is not None:
        value = organ.scaled(value.to(next(organ.scaled.parameters()).dtype))
    return value * organ.scale


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
    output = wide(torch.zeros(1, width, dtype=some.dtype, device=home_of(wide)))[0]
    assert isinstance(output, torch.Tensor)
    return output


def _only_row(value: torch.Tensor) -> torch.Tensor:
    """What one row is, [position, …]: some modules are given all rows as one."""
    return value if value.ndim == 2 else value[0]


def _keep_input(watch: Watch, spot: Spot, name: str, seen: Values) -> None:
    def keep(args: Args, kwargs: Keywords) -> None:
        value = _only_row(hidden_of(args, kwargs))
        seen[name] = value.reshape(len(value), -1).clone()

    watch.before(spot, keep)


def _keep_output(watch: Watch, spot: Spot, name: str, seen: Values) -> None:
    def keep(output: Any) -> None:
        seen[name] = _only_row(first(output)).clone()

    watch.after(spot, keep)


def _replace_input(watch: Watch, spot: Spot, value: torch.Tensor) -> None:
    def swap(args: Args, kwargs: Keywords) -> tuple[Args, Keywords]:
        own = hidden_of(args, kwargs)
        return with_hidden(args, kwargs, (value if own.ndim == 2 else value[None]).to(own))

    watch.before(spot, swap)


def _replace_output(watch: Watch, spot: Spot, value: torch.Tensor) -> None:
    def swap(output: Any) -> Any:
        own = first(output)
        other = value[None].to(own).view(own.shape)
        if hasattr(output, "last_hidden_state"):
            return type(output)(**{**output, "last_hidden_state": other})
        return (other, *output[1:]) if isinstance(output, tuple) else other

    watch.after(spot, swap)
