"""The sizes of one stack, read from its config under the family's names for them, and their costs.

Torch-free, as all of this is that a hypothesis can be checked with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scrub.errors import InputRefused, Problem
from scrub.graph import Cost
from scrub.models.families.base import (
    MLP,
    Attention,
    Block,
    Config,
    Heads,
    Key,
    Mixture,
    Sizes,
    Stack,
)

NO_HEADS = Heads(1, 1, 1)  # of a layer that has no attention


@dataclass(frozen=True)
class Routed:
    """The numbers of a mixture of experts: how many there are, and what each position passes."""

    experts: int
    taken: int
    hidden: int  # neurons of one expert
    shared: int = 0  # neurons of every position
    inner: int = 0  # the width that experts read, where it is not the stream's

    def flops(self, matrices: int, width: int) -> int:
        """For each position: the router, the experts that it takes, and what all positions pass.

        What they need, that is: an implementation that runs all experts on all positions, of which
        it then weighs some with zero (Llama 4), takes more; one with room for so many positions and
        no more (Switch) takes less. Gates of one number are left out.

        >>> Routed(experts=8, taken=2, hidden=5, shared=1).flops(matrices=3, width=10)
        820
        """
        router = 2 * width * self.experts
        projected = 2 * 2 * width * self.inner
        one = 2 * matrices * (self.inner or width) * self.hidden
        return router + projected + self.taken * one + 2 * matrices * width * self.shared


@dataclass(frozen=True)
class Shape:
    """The sizes of one block of a stack, and what they cost in matrix products (2 FLOPs each)."""

    width: int
    heads: Heads
    hidden: int
    routed: Routed | None = None

    @property
    def experts(self) -> int:
        return self.routed.experts if self.routed else 0

    def head(self, attention: Attention) -> Cost:
        """One head alone: its own queries, keys, values and its share of the output projection."""
        query, value = 2 * self.width * self.heads.width, 2 * self.width * self.heads.z
        scores = 2 * (self.heads.width + self.heads.z)
        return Cost(
            per_position=query + value,
            per_key=query + value,
            per_pair=0 if attention.asks else scores,
            per_pair_read=scores if attention.asks else 0,
        )

    def attention(self, attention: Attention) -> Cost:
        """All heads; keys and values once for each of their heads."""
        one, queries, shared = self.head(attention), self.heads.queries, self.heads.shared
        return Cost(
            one.per_position * queries,
            one.per_key * shared,
            one.per_pair * queries,
            one.per_pair_read * queries,
        )

    def mlp(self, mlp: MLP) -> Cost:
        """A dense one, or a mixture as its positions are routed."""
        if mlp.mixture and self.routed:
            return Cost(per_position=self.routed.flops(mlp.matrices, self.width))
        return Cost(per_position=2 * mlp.matrices * self.width * self.hidden)


def own_config(config: Config, stack: Stack) -> Config:
    """The part of a config that is about this stack, over what is said for all of them."""
    if not stack.config:
        return config
    part = config.get(stack.config)
    return {**config, **part} if isinstance(part, Mapping) else config


def layers_of(stack: Stack, config: Config, where: str) -> int:
    """How many blocks are applied and read by something."""
    own = own_config(config, stack)
    inner = size(own, Key((stack.inner,), 1), where) if stack.inner else 1
    count = size(own, stack.sizes.layers, where) * inner
    return count - unused_of(stack, config)


def unused_of(stack: Stack, config: Config) -> int:
    """How many of its last blocks nothing reads."""
    return stack.unused(config) if callable(stack.unused) else stack.unused


def block_of(stack: Stack, config: Config, layer: int) -> Block:
    """The sublayers of a layer, which a hybrid's config names."""
    if callable(stack.block):
        return stack.block(own_config(config, stack), layer)
    return stack.block


def shape_of(stack: Stack, config: Config, where: str, layer: int = 0) -> Shape:
    """The sizes of a layer. Raises `InputRefused`."""
    block = block_of(stack, config, layer)
    attends = any(isinstance(sublayer, Attention) for sublayer in block)
    mixtures = [sub.mixture for sub in block if isinstance(sub, MLP) and sub.mixture]
    config, sizes = own_config(config, stack), stack.sizes
    width = size(config, sizes.width, where, layer)
    hidden = size(config, sizes.hidden, where, layer, otherwise=4 * width)
    return Shape(
        width=width,
        heads=_heads(config, sizes, where, layer, width) if attends else NO_HEADS,
        hidden=hidden,
        routed=_routed(mixtures[0], config, sizes, where, layer, hidden) if mixtures else None,
    )


def _routed(
    mixture: Mixture, config: Config, sizes: Sizes, where: str, layer: int, hidden: int
) -> Routed:
    def number(key: Key, otherwise: int = 0) -> int:
        said = given(config, key)
        return size(config, key, where, layer) if said not in (None, 0) else otherwise

    return Routed(
        experts=number(sizes.experts),
        taken=number(mixture.taken, 1),
        hidden=number(mixture.hidden, hidden),
        shared=number(mixture.shared),
        inner=number(mixture.inner),
    )


def _heads(config: Config, sizes: Sizes, where: str, layer: int, width: int) -> Heads:
    queries = size(config, sizes.heads, where, layer)
    shared = size(config, sizes.shared, where, layer, otherwise=queries)
    if not given(config, sizes.head_width) and width % queries:
        found = f"{queries} heads do not divide the width {width}"
        raise InputRefused(Problem(where, f"{found}, and the config names no head width."))
    if queries % shared:
        found = f"{queries} heads of queries cannot share {shared} heads of keys and values."
        raise InputRefused(Problem(where, found))
    head_width = size(config, sizes.head_width, where, layer, otherwise=width // queries)
    values = size(config, sizes.value_width, where, layer, otherwise=head_width)
    common = given(config, sizes.common)
    return Heads(
        queries,
        shared,
        head_width,
        0 if values == head_width else values,
        common if isinstance(common, int) else 0,
    )


def given(config: Config, key: Key) -> object:
    """What the config says, else what transformers takes; None where it is derived."""
    if key.of is not None:
        return key.of(config)
    said = (config[name] for name in key.names if config.get(name) is not None)
    return next(said, key.default)


def size(config: Config, key: Key, where: str, layer: int = 0, otherwise: int | None = None) -> int:
    """A size as a whole number; one of a list is that of the layer. Raises `InputRefused`."""
    found: Any = given(config, key)
    if isinstance(found, (list, tuple)) and layer < len(found):
        found = found[layer]
    number = otherwise if found is None else found
    if isinstance(number, int) and not isinstance(number, bool) and number > 0:
        return number
    name = key.names[0]
    raise InputRefused(
        Problem(where, f"config key '{name}' must be a whole number above 0, not {number!r}.")
    )
