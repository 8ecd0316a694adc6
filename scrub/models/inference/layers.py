"""One block as facts: what its sublayers are, after it is known how they hang together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from scrub.models.families.base import (
    MLP,
    Attention,
    Block,
    Config,
    Family,
    Heads,
    Sizes,
    Stack,
    Sublayer,
)
from scrub.models.inference.attention import facts_of
from scrub.models.inference.coarse import uncut, whole
from scrub.models.inference.cores import cores_in
from scrub.models.inference.effects import mixes
from scrub.models.inference.refusal import refused
from scrub.models.inference.seen import Event, Seen, same
from scrub.models.inference.trace import Found, Tracer
from scrub.models.inferred import Factor
from scrub.models.linear import is_linear, weight_of


class Layer:
    """One block, explained: its sublayers as facts, and the sizes that they show."""

    def __init__(self, seen: Seen, path: str, config: Config, where: str) -> None:
        (self.event,) = seen.of(path)
        self.config = config
        self.events = [_relative(event, path) for event in seen.below(path)]
        self.heads: Heads | None = None
        self.hidden: int | None = None
        self.looks_ahead = False
        tracer = Tracer(_relative(self.event, path), self.events)
        found = tracer.explain()
        if found is None:
            kinds = [self._sublayer(f, tracer.norms) for f in tracer.best]
            said = f"what the modules of '{path}' give does not add up to its output."
            if tracer.nearest < float("inf"):
                said += f" The nearest sum differs by {tracer.nearest:.2g} of what is added."
            known = Family(str(config.get("model_type", "?")), (Stack(block=tuple(kinds)),))
            raise refused(where, said, self.event.module, known)
        self.norms = tracer.norms
        self.block = _lettered(tuple(self._sublayer(f, tracer.norms) for f in found))

    def _sublayer(self, found: Found, norms: Sequence[Event]) -> Sublayer:
        """An attention whose heads can be cut, an MLP, or a mixer as a whole."""
        mixing, later = mixes(found)
        self.looks_ahead |= later
        around = _around(found, self.config)
        cores = list(cores_in(found, self.events))
        if mixing and len(cores) == 1:
            made = facts_of(cores[0], found, norms, self.config, Sizes())
            if made is not None:
                attention, heads = made
                self.heads = self.heads or heads
                return replace(attention, **{k: v for k, v in around.items() if k != "before"})
        paths = tuple(event.path for event in found.chain)
        path = paths[0] if len(paths) == 1 else paths
        if mixing:
            return whole(path, around, "ttention" in type(found.chain[0].module).__name__)
        down = self._down(found)
        if down is not None:
            self.hidden = self.hidden or int(weight_of(down.module).shape[1])
        last = paths[-1]
        matrices = MLP.matrices if down is None else self._matrices(down, paths)
        return MLP(
            path=path,
            down=None if down is None else down.within(last) if down.path != last else "",
            matrices=matrices,
            **around,
        )

    def _matrices(self, down: Event, paths: Sequence[str]) -> int:
        """How many matrix products of the size of the last one there are; two may be fused."""
        inside = {e.module for e in self.events if is_linear(e.module) and _below(e, paths)}
        whole_size = sum(weight_of(module).numel() for module in inside)
        return max(1, round(whole_size / weight_of(down.module).numel()))

    def _down(self, found: Found) -> Event | None:
        """The linear map that gives an MLP's output from its neurons."""
        last = found.chain[-1]
        for event in reversed(self.events):
            inside = event.path == last.path or event.path.startswith(f"{last.path}.")
            if inside and is_linear(event.module) and same(event.gave, found.gave):
                return event
        return None


def _below(event: Event, paths: Sequence[str]) -> bool:
    return any(event.path == p or event.path.startswith(f"{p}.") for p in paths)


def _relative(event: Event, path: str) -> Event:
    return replace(event, path=event.within(path) if event.path != path else "")


def _around(found: Found, config: Config) -> dict[str, Any]:
    """The norms around a sublayer and the factors on it, as facts."""
    said = {
        "before": found.before.path if found.before else "",
        "after": found.after.path if found.after else "",
        "on_sum": found.on_sum.path if found.on_sum else "",
        "scaled": found.scaled.path if found.scaled else "",
        "scale": _factor(found.scale, config) if found.scale != 1.0 else "",
        "parallel": found.parallel,
        "beside": found.beside,
    }
    return {name: value for name, value in said.items() if value or name == "before"}


def _factor(measured: float, config: Config) -> str | Factor:
    """The config's key for a residual multiplier, or the number itself."""
    for name, value in config.items():
        if isinstance(value, float) and abs(value - measured) < 1e-3 * abs(value):
            return name
    return Factor(float(f"{measured:.5g}"))


def _lettered(block: Block) -> Block:
    """A second MLP in a block has another letter."""
    made: list[Sublayer] = []
    for sublayer in block:
        if isinstance(sublayer, MLP) and any(isinstance(s, MLP) for s in made):
            sublayer = replace(sublayer, letter="ms")
        made.append(sublayer)
    return tuple(made)


def fitting(layer: Layer, heads: Heads | None, hidden: int | None) -> Block:
    """A layer of other sizes than the stack's cannot be cut by them: it stays coarser."""
    block: Block = layer.block
    if layer.heads is not None and layer.heads != heads:
        block = tuple(uncut(s) if isinstance(s, Attention) else s for s in block)
    if layer.hidden is not None and layer.hidden != hidden:
        block = tuple(replace(s, down=None) if isinstance(s, MLP) else s for s in block)
    return block
