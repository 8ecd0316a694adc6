"""Who feeds whom in a model, from its family's facts and its config: neither weights nor torch.

A model is a list of *steps* in order of evaluation. A step is a group of components that run as
one (the heads of a layer, an MLP, a norm that is a component of its own). The model graph, and
later the place of each step among the loaded modules, are both read off this list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from scrub.graph import Component, Cost, Port, Projection, Reach
from scrub.models.axes import spaces_of
from scrub.models.families.base import (
    MLP,
    Attention,
    Bridge,
    Config,
    Family,
    Heads,
    Mixer,
    Run,
    Stack,
    Sublayer,
)
from scrub.models.outputs import Head, head_of
from scrub.models.shapes import block_of, layers_of, shape_of
from scrub.models.steps import Kind, Step, Wiring


def wire(family: Family, config: Config, where: str, head: Head | None = None) -> Wiring:
    """The steps of the model that a config describes. Raises `InputRefused`."""
    head = head or head_of(config)
    main = family.stacks[-1]
    steps: list[Step] = []
    outs: dict[str, tuple[str, ...]] = {}  # what feeds the readers of each stack that is done
    for stack in family.stacks:
        tower = _Tower(stack, config, where, outs.get(stack.memory, ()))
        if stack is main and family.bridge is not None:
            tower.bridge = (family.bridge, outs[family.bridge.reads])
        steps += tower.steps()
        if stack is not main:
            steps += tower.last_norm()
        outs[stack.prefix] = tower.feeders
    steps.append(_output(tower, head, config, where))
    return Wiring(family, head, tuple(steps), tuple(spaces_of(family, config, where, head)))


class _Tower:
    """One stack as it is built: what has been added to its stream so far."""

    def __init__(self, stack: Stack, config: Config, where: str, memory: tuple[str, ...]) -> None:
        self.stack, self.config, self.where = stack, config, where
        self.memory = memory
        self.shape = shape_of(stack, config, where)
        self.feeders: tuple[str, ...] = ()
        self.bridge: tuple[Bridge, tuple[str, ...]] | None = None  # and what feeds it

    def steps(self) -> Iterator[Step]:
        yield self._embed()
        if self.bridge is not None:
            yield self._bridged(*self.bridge)
        for layer in range(layers_of(self.stack, self.config, self.where)):
            start = read = self.feeders
            first = True
            self.shape = shape_of(self.stack, self.config, self.where, layer)
            for i, sublayer in enumerate(block_of(self.stack, self.config, layer)):
                if not sublayer.beside:
                    read = start if sublayer.parallel else self.feeders
                    first = i == 0 or sublayer.parallel
                step = self._sublayer(sublayer, layer, read, first)
                yield step
                yield from self._norms(sublayer, layer, step)

    def last_norm(self) -> Iterator[Step]:
        """The norm at the end of a stack that others read: a component of its own."""
        if self.stack.final_norm:
            step = self._norm(f"{self.stack.prefix}n", 0, self.feeders, "", Sublayer())
            self.feeders = (step.group,)
            yield step

    def stream(self, name: str) -> str:
        return f"{self.stack.prefix}.{name}" if self.stack.prefix else name

    def _embed(self) -> Step:
        name = f"{self.stack.prefix}.embed" if self.stack.prefix else "embed"
        width = self.shape.width
        component = Component(name, width=width, stored=width, group=name, space=self.stack.space)
        self.feeders = (name,)
        return Step(Kind.EMBED, name, (component,), self.stack, self.shape)

    def _bridged(self, bridge: Bridge, source: tuple[str, ...]) -> Step:
        """What comes in beside the tokens' own embeddings."""
        stream, width = f"{bridge.reads}.out", self.shape.width
        component = Component(
            bridge.name,
            ports=(Port("in", stream, source, Reach.ANY),),
            width=width,
            stored=width,
            group=bridge.name,
            cost=Cost(per_key=4 * width**2),
            space=self.stack.space,
        )
        self.feeders += (bridge.name,)
        return Step(
            Kind.BRIDGE,
            bridge.name,
            (component,),
            self.stack,
            self.shape,
            reads=stream,
            memory=bridge.reads,
            path=bridge.path,
        )

    def _sublayer(
        self, sublayer: Sublayer, layer: int, feeders: tuple[str, ...], first: bool
    ) -> Step:
        group = f"{self.stack.prefix}{letter_of(sublayer, self.stack.prefix)}{layer}"
        if isinstance(sublayer, Attention):
            name = "resid" if first else "cross" if sublayer.memory else "attend"
            stream = self.stream(f"{name}.{layer}")
            components = tuple(self._heads(sublayer, group, stream, feeders))
            memory = self._memory_stream() if sublayer.memory else ""
        else:
            stream = self.stream(f"{'resid' if first else 'mid'}.{layer}")
            components = (self._module(sublayer, group, stream, feeders),)
            memory = ""
        kind = Kind.HEADS if isinstance(sublayer, Attention) else Kind.MODULE
        if not sublayer.after:
            self.feeders += tuple(component.name for component in components)
        return Step(
            kind, group, components, self.stack, self.shape, layer, sublayer, stream, memory
        )

    def _memory_stream(self) -> str:
        return f"{self.stack.memory}.out"

    def _heads(
        self, attention: Attention, group: str, stream: str, feeders: tuple[str, ...]
    ) -> Iterator[Component]:
        reach = Reach.CAUSAL if self.stack.causal else Reach.ANY
        read, source = stream, feeders
        if attention.memory:
            reach, read, source = Reach.ANY, self._memory_stream(), self.memory
        heads, width = self.shape.heads, self.shape.width
        own = _projections(attention, group, heads)
        for head in range(heads.queries):
            yield Component(
                f"{group}.h{head}",
                ports=(
                    Port("q", stream, feeders, Reach.SAME, own("q", head)),
                    Port("k", read, source, reach, own("k", head)),
                    Port("v", read, source, reach, own("v", head)),
                ),
                width=width,
                stored=heads.z,
                group=group,
                cost=self.shape.head(attention),
                expand=2 * width * heads.z,
                space=self.stack.space,
            )

    def _module(
        self, sublayer: Sublayer, group: str, stream: str, feeders: tuple[str, ...]
    ) -> Component:
        """An MLP reads its own position; what mixes positions reads those before it, or all."""
        assert isinstance(sublayer, (MLP, Mixer))
        alone = isinstance(sublayer, MLP) and not sublayer.recurrent
        wide = Reach.CAUSAL if self.stack.causal else Reach.ANY
        cost = self.shape.mlp(sublayer) if isinstance(sublayer, MLP) else self._mixing()
        dense = isinstance(sublayer, MLP) and sublayer.down is not None
        return Component(
            group,
            ports=(Port("in", stream, feeders, Reach.SAME if alone else wide),),
            width=self.shape.width,
            stored=self.shape.width,
            group=group,
            neurons=self.shape.hidden if dense else 0,
            cost=cost,
            space=self.stack.space,
            experts=self.shape.experts if isinstance(sublayer, MLP) and sublayer.experts else 0,
        )

    def _mixing(self) -> Cost:
        """Of a recurrence: some six square products for each position that it passes."""
        return Cost(per_key=12 * self.shape.width**2)

    def _norms(self, sublayer: Sublayer, layer: int, step: Step) -> Iterator[Step]:
        """Norms that are components: on the sublayer's output, on the sum after it."""
        group = f"{self.stack.prefix}{letter_of(sublayer, self.stack.prefix, norm=True)}n{layer}"
        if sublayer.after:
            names = tuple(component.name for component in step.components)
            yield self._norm(group, layer, names, sublayer.after, sublayer)
            self.feeders += (group,)
        if sublayer.on_sum:
            yield self._norm(group, layer, self.feeders, sublayer.on_sum, sublayer)
            self.feeders = (group,)

    def _norm(
        self, group: str, layer: int, feeders: tuple[str, ...], path: str, sublayer: Sublayer
    ) -> Step:
        width = self.shape.width
        component = Component(
            group,
            ports=(Port("in", f"{group}.in", feeders),),
            width=width,
            stored=width,
            group=group,
            space=self.stack.space,
        )
        return Step(
            Kind.NORM,
            group,
            (component,),
            self.stack,
            self.shape,
            layer,
            sublayer,
            f"{group}.in",
            path=path,
        )


def _projections(
    attention: Attention, group: str, heads: Heads
) -> Callable[[str, int], Projection | None]:
    """By port and head, what its slice of the projection can be recorded as: the first head's that
    reads the same slice. None where the module does not cut into heads."""
    first: dict[tuple[str, int], Projection] = {}

    def own(port: str, head: int) -> Projection | None:
        if attention.run is not Run.ALONE:
            return None
        start = attention.layout(port, head, heads)
        made = Projection(f"{group}.h{head}", port, heads.wide(port))
        return first.setdefault((port, start), made)

    return own


def letter_of(sublayer: Sublayer, prefix: str, *, norm: bool = False) -> str:
    """`a`, `x`, `m`, `s`; the self-attention of a stack with a prefix has the prefix alone.

    >>> letter_of(Attention(), ""), letter_of(Attention(), "e"), letter_of(MLP(), "e")
    ('a', '', 'm')
    """
    match sublayer:
        case Attention(memory=memory) if memory:
            return "x"
        case Attention():
            return "a" if norm or not prefix else ""
        case Mixer(letter=letter) | MLP(letter=letter):
            return letter
        case _:
            return "m"


def _output(tower: _Tower, head: Head, config: Config, where: str) -> Step:
    """The model's own head, on the stream of the last stack through its last norm."""
    width = head.width(tower.stack, config, where)
    space, reach = ("pooled", Reach.ANY) if head.pooled else (tower.stack.space, Reach.SAME)
    component = Component(
        "logits",
        ports=(Port("in", "final", tower.feeders, reach),),
        width=width,
        stored=width,
        group="logits",
        cost=Cost(per_position=2 * tower.shape.width * width),
        space=space,
    )
    return Step(Kind.OUTPUT, "logits", (component,), tower.stack, tower.shape, reads="final")
