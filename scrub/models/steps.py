"""A model as a list of steps: groups of components that run as one, in order of evaluation."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from scrub.graph import Component, ModelGraph, PassCost, Space
from scrub.models.families.base import Attention, Family, Stack, Sublayer
from scrub.models.outputs import Head
from scrub.models.shapes import Shape


class Kind(enum.Enum):
    """What a step does."""

    EMBED = "embed"  # the input of a stack's first block
    HEADS = "heads"
    MODULE = "module"  # an MLP or a mixer: modules applied in turn
    NORM = "norm"  # a norm on a sublayer's output or on the sum after it, or a stack's last
    BRIDGE = "bridge"  # features of an image, in the places of some tokens
    OUTPUT = "output"  # the model's own head, and the norm before it


@dataclass(frozen=True)
class Step:
    """Components that run as one, and where they come from.

    `reads` is the stream of their ports (of `q` alone in a cross-attention); `memory` that of
    `k` and `v` where it is another. `path` is the norm's, for norms within a block.
    """

    kind: Kind
    group: str
    components: tuple[Component, ...]
    stack: Stack
    shape: Shape
    layer: int = 0
    sublayer: Sublayer = field(default_factory=Sublayer)
    reads: str = ""
    memory: str = ""
    path: str = ""


@dataclass(frozen=True)
class Wiring:
    """A model's steps in order of evaluation, its position spaces and its head."""

    family: Family
    head: Head
    steps: tuple[Step, ...]
    spaces: tuple[Space, ...]

    def graph(self, name: str) -> ModelGraph:
        return ModelGraph(
            name,
            tuple(component for step in self.steps for component in step.components),
            output="logits",
            pass_cost=tuple(self._spent(step) for step in self.steps),
            spaces=self.spaces,
        )

    def _spent(self, step: Step) -> PassCost:
        """What a forward pass spends on a step, all its components at once."""
        cost = step.components[0].cost
        if isinstance(step.sublayer, Attention):
            cost = step.shape.attention(step.sublayer)
        spaces = {stack.prefix: stack.space for stack in self.family.stacks}
        keys = spaces[step.stack.memory] if step.memory else ""
        return PassCost(cost, step.components[0].space, keys)
