"""What the adapter does with each kind of step: record it, re-run it, say what it adds.

Nothing here knows an architecture; heads have a file of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import nn

from scrub.graph import Kind, Part, Reach, Site
from scrub.models.anatomy import Organ
from scrub.models.base import Batch, Call, Whole
from scrub.models.batches import Lazy
from scrub.models.circumstances import Surroundings
from scrub.models.linear import bias_of, columns
from scrub.models.spots import Spot, Watch, first, hidden_of
from scrub.models.substitute import Catch, Caught, replaced, weighing

NONE = (0, -1)  # an empty range of experts
Found = dict[Site, torch.Tensor]
Tensor = torch.Tensor


@dataclass(eq=False)
class Piece:
    """One step of a model at work. `surroundings` says what its modules are handed besides."""

    organ: Organ
    dtype: torch.dtype
    surroundings: Surroundings = field(repr=False)

    def watch(self, watch: Watch, site: Site, found: Found) -> None:
        """Puts what passes at a site of this step into `found`."""
        raise NotImplementedError

    def output(self, part: Part, stored: Tensor) -> Tensor:
        """A part's share of its readers' sums, [..., width], from what was recorded of it."""
        return self.scaled(stored)

    def map(self, part: Part) -> Tensor | None:
        """The matrix that does the same, [stored, width], if it is one and no more."""
        return None

    def run(self, calls: Sequence[Call]) -> list[Tensor]:
        """All calls of this step, on assembled ports: [row, n, width] for each."""
        raise NotImplementedError

    def stored(self, calls: Sequence[Call]) -> list[Tensor]:
        """The same before the linear map that ends the step, [row, n, stored] for each."""
        raise ValueError(f"'{calls[0].part}' does not end in a linear map of its own.")

    def whole(self, ports: Mapping[str, Tensor], frame: Batch) -> Whole:
        """All that the step holds, on the same ports [row, length, width]."""
        (component,) = self.organ.step.components
        (value,) = self.run([Call(Part(component.name), ports, frame)])
        constant = self.constant()
        gross = value if constant is None else value + constant
        return Whole(gross, {component.name: value}, constant)

    def constant(self) -> Tensor | None:
        """What it adds whatever it reads, [width]: its bias."""
        return None

    def scaled(self, value: Tensor) -> Tensor:
        """A residual multiplier, by the config or by channel."""
        if self.organ.scaled is not None:
            with torch.set_grad_enabled(value.requires_grad):
                value = self.organ.scaled(value)
        return value if self.organ.scale == 1.0 else value * self.organ.scale

    def columns(self, start: int, stop: int) -> Tensor | None:
        """Some columns of the linear map that ends the step, [stop - start, width], if nothing
        scales what it makes."""
        if self.organ.out is None or self.organ.scaled is not None or self.organ.scale != 1.0:
            return None
        return columns(self.organ.out.module, start, stop).T

    def normed(self, calls: Sequence[Call]) -> Iterator[tuple[int, Tensor]]:
        """Each call's input through the norm before it, once for calls on the same tensor."""
        shared: dict[int, list[int]] = {}
        for i, call in enumerate(calls):
            shared.setdefault(id(call.ports["in"]), []).append(i)
        for members in shared.values():
            normed = self.before(calls[members[0]].ports["in"].to(self.dtype))  # [row, n, width]
            yield from ((i, normed) for i in members)

    def before(self, x: Tensor) -> Tensor:
        """The norm that this step reads through, and the factor on it."""
        spot, gain = self.organ.before, self.organ.gain
        normed = x if spot is None else first(spot.module(x))
        return normed if gain == 1.0 else normed * gain


class EmbedPiece(Piece):
    """The input of a stack's first block."""

    def watch(self, watch: Watch, site: Site, found: Found) -> None:
        watch_input(watch, self.organ.whole[0], site, found)


class NormPiece(Piece):
    """A norm that is a component: its port is its input, its output what feeds later ports."""

    def watch(self, watch: Watch, site: Site, found: Found) -> None:
        if site.kind is Kind.STREAM:
            watch_input(watch, self.organ.whole[0], site, found)
        else:
            watch_output(watch, self.organ.whole[0], site, found)

    def run(self, calls: Sequence[Call]) -> list[Tensor]:
        norm = self.organ.whole[0].module
        return [self.scaled(first(norm(call.ports["in"].to(self.dtype)))) for call in calls]


class ModulePiece(Piece):
    """An MLP or a mixer: modules applied in turn."""

    def watch(self, watch: Watch, site: Site, found: Found) -> None:
        if site.kind is Kind.STREAM:
            watch_input(watch, self.organ.before or self.organ.whole[0], site, found)
        elif site.kind is Kind.NEURONS:
            assert self.organ.out is not None  # a module without neurons has no such site
            watch_input(watch, self.organ.out, site, found)
        elif site.experts is not None:
            some = partial(self._experts, experts=site.experts)
            watch_input(watch, self.organ.whole[-1], site, found, some)
        else:
            watch_unfolded(watch, self.organ.whole[-1], site, found)

    def output(self, part: Part, stored: Tensor) -> Tensor:
        if part.experts is not None:
            return self.scaled(stored)
        if part.neurons is None:
            return self.scaled(without(stored, self._bias()))
        assert self.organ.out is not None
        start, last = part.neurons
        weight = columns(self.organ.out.module, start, last + 1)
        return self.scaled(nn.functional.linear(stored, weight))

    def map(self, part: Part) -> Tensor | None:
        return self.columns(part.neurons[0], part.neurons[1] + 1) if part.neurons else None

    def constant(self) -> Tensor | None:
        bias = self._bias()
        return None if bias is None else self.scaled(bias)

    def whole(self, ports: Mapping[str, Tensor], frame: Batch) -> Whole:
        name, constant = self.organ.step.components[0].name, self.constant()
        call = Call(Part(name), ports, frame)
        ((_, normed),) = self.normed([call])
        gross = self.scaled(self._apply(normed, call))
        return Whole(gross, Lazy([name], lambda _: without(gross, constant)), constant)

    def run(self, calls: Sequence[Call]) -> list[Tensor]:
        results: dict[int, Tensor] = {}
        for i, normed in self.normed(calls):
            neurons, experts = calls[i].part.neurons, calls[i].part.experts
            if experts is not None:
                results[i] = self.scaled(self._experts(normed, experts))
            elif neurons is None:
                value = self._apply(normed, calls[i])
                results[i] = self.scaled(without(value, self._bias()))
            else:
                results[i] = self.output(calls[i].part, self._some(normed, neurons))
        return [narrow(results[i], call, self.mixes) for i, call in enumerate(calls)]

    def stored(self, calls: Sequence[Call]) -> list[Tensor]:
        """What some neurons hold."""
        results: dict[int, Tensor] = {}
        for i, normed in self.normed(calls):
            some = calls[i].part.neurons
            assert some is not None  # nothing else of an MLP is kept so
            results[i] = self._some(normed, some)
        return [narrow(results[i], call, self.mixes) for i, call in enumerate(calls)]

    @property
    def mixes(self) -> bool:
        """Whether it reads other positions than its own, and so runs on whole sequences."""
        return self.organ.step.components[0].ports[0].reach is not Reach.SAME

    def _apply(self, value: Tensor, call: Call) -> Tensor:
        for i, spot in enumerate(self.organ.whole):
            if i == 0 and self.mixes:
                space = self.organ.step.stack.space
                padded = {space: value.shape[1]}
                seen = self.surroundings.of(self.organ.step.group, padded, call.frame)
                value = unfolded(first(seen.call(spot.module, value)), value.shape)
            else:
                value = unfolded(first(spot.module(value)), value.shape)
        return value

    def neurons(self, call: Call) -> Tensor:
        """What the linear map that ends it reads, [row, length, neurons]."""
        ((_, normed),) = self.normed([call])
        return self._hidden(normed)

    def _some(self, normed: Tensor, neurons: tuple[int, int]) -> Tensor:
        """Some of them, in memory of their own: a view would keep all of them alive."""
        return self._hidden(normed)[..., neurons[0] : neurons[1] + 1].contiguous()

    def _hidden(self, normed: Tensor) -> Tensor:
        """The same of what went through the norm."""
        value, last = normed, self.organ.whole[-1].module
        ending = replaced(last, {self.organ.within: Catch()}) if self.organ.within else None
        for module in [*(spot.module for spot in self.organ.whole[:-1]), ending]:
            try:
                value = value if module is None else first(module(value))
            except Caught as caught:
                value = caught.value
        return unfolded(value, normed.shape)

    def _experts(self, value: Tensor, experts: tuple[int, int]) -> Tensor:
        """What some experts add: the MLP with them alone, less the MLP with none of them.

        The rest of it (a shared expert) is in both, and cancels.
        """
        last, path = self.organ.whole[-1].module, self.organ.experts
        held = last.get_submodule(path)
        some, none = (
            first(replaced(last, {path: weighing(held, *kept)})(value)) for kept in (experts, NONE)
        )
        return unfolded(some - none, value.shape)

    def _bias(self) -> Tensor | None:
        return None if self.organ.out is None else bias_of(self.organ.out.module)


@dataclass(eq=False)
class OutputPiece(Piece):
    """The model's own head on a normed stream, read where its last stack ends."""

    tower: Spot
    head: Callable[[Tensor, Batch], Tensor]

    def watch(self, watch: Watch, site: Site, found: Found) -> None:
        if self.organ.before is not None:
            watch_input(watch, self.organ.before, site, found)
        elif self.organ.whole:
            watch_input(watch, self.organ.whole[0], site, found)
        else:
            watch_output(watch, self.tower, site, found)

    def run(self, calls: Sequence[Call]) -> list[Tensor]:
        results = {i: self.head(self._projected(x), calls[i].frame) for i, x in self.normed(calls)}
        return [results[i] for i in range(len(calls))]

    def _projected(self, normed: Tensor) -> Tensor:
        """Through what a stack applies after its last norm."""
        for spot in self.organ.whole:
            normed = spot.module(normed)
        return normed


def watch_input(
    watch: Watch, spot: Spot, site: Site, found: Found, of: Callable[[Tensor], Tensor] = lambda x: x
) -> None:
    def keep(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        found[site] = of(hidden_of(args, kwargs))

    watch.before(spot, keep)


def watch_output(watch: Watch, spot: Spot, site: Site, found: Found) -> None:
    def keep(output: Any) -> None:
        found[site] = first(output).clone()  # some blocks add to it in place

    watch.after(spot, keep)


def watch_unfolded(watch: Watch, spot: Spot, site: Site, found: Found) -> None:
    """The output with the rows and positions of the input."""
    shape: list[int] = []

    def see(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        shape[:] = hidden_of(args, kwargs).shape

    def keep(output: Any) -> None:
        found[site] = unfolded(first(output), shape).clone()  # Falcon adds to it in place

    watch.before(spot, see)
    watch.after(spot, keep)


def unfolded(output: Tensor, shape: Sequence[int]) -> Tensor:
    """Rows and positions on axes of their own; some experts return them on one (Llama 4)."""
    return output if output.ndim == len(shape) else output.reshape(*shape[:-1], -1)


def without(output: Tensor, bias: Tensor | None) -> Tensor:
    return output if bias is None else output - bias


def narrow(value: Tensor, call: Call, whole: bool = True) -> Tensor:
    """The positions that a call asks for, of a value at all of them [row, length, width]."""
    if call.at is None or not whole:
        return value
    return value[torch.arange(len(call.at), device=call.at.device)[:, None], call.at]


Pieces = Mapping[str, Piece]
Evaluation = Callable[[Piece, Sequence[Call]], list[Tensor]]
"""What is asked of a step: its outputs, or what they are made of."""
