"""The rival: the same scrub as a person writes it by hand, with forward hooks over a plain GPT-2.

A whole forward pass for every node of the unfolded tree. The plain loop makes one for leaves too;
the careful one records every head's z once and looks leaves up. With scrub they share the unfolded
tree and the draws, and nothing else: no schedule, no adapter, no recorded residual streams.
Claims over heads of equally long rows are covered, with unimportant inputs drawn `together`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from benchmarks.heads import PORTS, SINK, Head, Shares, columns, head_of, pick, share
from scrub import Dataset
from scrub.graph import Positions
from scrub.hypothesis.unfold import Occurrence, Tree


@dataclass(frozen=True, eq=False)
class HookLoop:
    """Evaluates a tree node by node; `recorded` makes it the careful loop.

    `passes` makes a node's pass, with plain hooks or by another library (`whole/`).
    """

    model: Any  # a GPT2LMHeadModel, which transformers leaves untyped
    tree: Tree
    dataset: Dataset
    recorded: torch.Tensor | None = None  # every head's z, [layer, input, position, width]
    passes: Callable[..., Pass] = field(default_factory=lambda: Pass)

    def __call__(self, rows: np.ndarray) -> Iterator[Shares]:
        """Every node's value for `rows` [draw, item], in the tree's order, the sink's last."""
        last = {g.occurrence: i for i, o in enumerate(self.tree.occurrences) for g in o.inputs}
        values: dict[int, Shares] = {}
        for number, occurrence in enumerate(self.tree.occurrences):
            values[number] = self.node(occurrence, values, rows)
            yield values[number]
            for given in occurrence.inputs:
                if last[given.occurrence] == number:
                    values.pop(given.occurrence, None)  # one node may feed several ports

    @torch.no_grad()
    def node(
        self, occurrence: Occurrence, values: Mapping[int, Shares], rows: np.ndarray
    ) -> Shares:
        """One node's value, given those of its inputs."""
        claim = self.tree.claim
        node = claim.nodes[occurrence.node]
        if claim.is_leaf(occurrence.node):
            heads = [head_of(part.component) for part in node.parts]
            drawn = rows[occurrence.reference]
            return self.leaf(heads, drawn, self.positions(node.positions, drawn))
        frame = rows[occurrence.frame]
        run = self.passes(self.model, at=self.positions(node.positions, frame))
        for given in occurrence.inputs:
            where = self.positions(claim.nodes[given.edge.parent].positions, frame)
            for head, value in values[given.occurrence].items():
                run.given.append(Given(head, value, where, given.edge.ports))
        tokens = self.tokens(frame)
        if occurrence is self.tree.root:
            return {SINK: run.logits(tokens)}
        return run.heads(tokens, [head_of(part.component) for part in node.parts])

    def tokens(self, rows: np.ndarray) -> torch.Tensor:
        stacked = np.stack([self.dataset.tokens(int(row)) for row in rows])  # [item, position]
        return torch.from_numpy(stacked).to(self.model.device)

    def positions(self, where: Positions, rows: np.ndarray) -> torch.Tensor:
        """Positions [item, n] of a node in these rows."""
        table = self.dataset.positions(where)
        if table is None:
            table = np.tile(np.arange(self.dataset.length), (len(self.dataset), 1))
        return torch.from_numpy(table[rows]).to(self.model.device)

    @torch.no_grad()
    def leaf(self, heads: Sequence[Head], rows: np.ndarray, at: torch.Tensor) -> Shares:
        """Plain heads at positions [item, n] of these rows: looked up, or one pass."""
        if self.recorded is not None:
            inputs = torch.from_numpy(self.dataset.sequence[rows]).to(at.device)
            return {
                head: share(self.model, head, self.recorded[head[0]][inputs[:, None], at])
                for head in heads
            }
        run = self.passes(self.model, at=at)
        return run.plain(self.tokens(rows), heads)


@torch.no_grad()
def record_heads(model: Any, dataset: Dataset) -> torch.Tensor:
    """Every head's z on every input, [layer, input, position, width], from one forward pass."""
    found: list[torch.Tensor] = []
    with hooks() as handles:
        for block in model.transformer.h:
            keep = block.attn.c_proj.register_forward_pre_hook
            handles.append(keep(lambda module, args: found.append(args[0])))
        model(torch.from_numpy(np.stack(dataset.inputs)).to(model.device), use_cache=False)
    return torch.stack(found)


@dataclass(frozen=True, eq=False)
class Given:
    """A parent's scrubbed value, where it belongs in the frame, and the ports that read it."""

    head: Head
    value: torch.Tensor  # [item, n, width]
    where: torch.Tensor  # [item, n]
    ports: Sequence[str]


@dataclass(frozen=True, eq=False)
class Change:
    """A scrubbed value less the frame's own, to be added to what later layers read."""

    layer: int
    delta: torch.Tensor  # [item, n, width]
    where: torch.Tensor  # [item, n]
    ports: Sequence[str]


@dataclass(eq=False)
class Pass:
    """One forward pass on a node's frame, with the parents' values put in for the frame's own.

    The main stream stays plain up to the last layer in which the node has heads: its heads in
    earlier layers are computed by calling their attention module once more, and what they change
    is handed to the later ones alone.
    """

    model: Any
    at: torch.Tensor  # [item, n] where the node is evaluated
    given: list[Given] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def plain(self, tokens: torch.Tensor, heads: Sequence[Head]) -> Shares:
        """What heads add on these tokens, nothing put in."""
        z: dict[int, torch.Tensor] = {}
        with hooks() as handles:
            for layer in {layer for layer, _ in heads}:
                handles.append(self._on_z(layer, lambda layer, value: z.update({layer: value})))
            self.model(tokens, use_cache=False)
        return {head: self._share(head, z[head[0]], self.at) for head in heads}

    def logits(self, tokens: torch.Tensor) -> torch.Tensor:
        """The logits [item, n, vocabulary] with the final norm's input changed."""
        final = self.model.transformer.ln_f

        def change(module: Any, args: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
            return (self._changed(args[0], "in", layer=len(self.model.transformer.h)),)

        with hooks() as handles:
            handles += self._watch_parents()
            handles.append(final.register_forward_pre_hook(change))
            return pick(self.model(tokens, use_cache=False).logits, self.at)

    def heads(self, tokens: torch.Tensor, heads: Sequence[Head]) -> Shares:
        """What the node's heads add, with their queries, keys and values changed."""
        found: dict[Head, torch.Tensor] = {}
        last = max(layer for layer, _ in heads)
        with hooks() as handles:
            handles += self._watch_parents(before=last)
            for layer in {layer for layer, _ in heads}:
                members = [head for head in heads if head[0] == layer]
                place = Layer(self, layer, members, found)
                handles += place.attach(leaking=layer == last)
            self.model(tokens, use_cache=False)
        return {head: found[head] for head in heads}

    def _watch_parents(self, before: int | None = None) -> list[Any]:
        """Each parent's own output is seen on the way, and what it has to change follows."""

        waiting = {given.head[0] for given in self.given}

        def seen(layer: int, z: torch.Tensor) -> None:
            if layer not in waiting:  # the layer's attention is called once more for its members
                return
            waiting.remove(layer)
            self.compare(layer, z)

        layers = [layer for layer in sorted(waiting) if before is None or layer < before]
        return [self._on_z(layer, seen) for layer in layers]

    def compare(self, layer: int, z: torch.Tensor) -> None:
        """Note what the parents in a layer change, given its own z [item, position, width]."""
        for given in self.given:
            if given.head[0] == layer:
                own = self._share(given.head, z, given.where)
                change = Change(layer, given.value - own, given.where, given.ports)
                self.changes.append(change)

    def touched(self, port: str, layer: int) -> bool:
        """Whether what a port of this layer reads is changed."""
        return any(port in c.ports for c in self.changes if c.layer < layer)

    def _on_z(self, layer: int, take: Any) -> Any:
        def hook(module: Any, args: tuple[torch.Tensor]) -> None:
            take(layer, args[0])

        return self.model.transformer.h[layer].attn.c_proj.register_forward_pre_hook(hook)

    def _changed(self, stream: torch.Tensor, port: str, layer: int) -> torch.Tensor:
        """The residual stream as a port of this layer reads it."""
        changed = stream.clone()  # [item, position, width]
        items = torch.arange(len(stream), device=stream.device)[:, None]
        for change in self.changes:
            if change.layer < layer and port in change.ports:
                changed[items, change.where] += change.delta
        return changed

    def normed(self, stream: torch.Tensor, port: str, layer: int) -> torch.Tensor:
        """What a port's projection is handed in this layer, [item, position, width]."""
        norm = self.model.transformer.h[layer].ln_1
        changed = self._changed(stream, port, layer)
        return torch.nn.functional.layer_norm(
            changed, changed.shape[-1:], norm.weight, norm.bias, norm.eps
        )

    def _share(self, head: Head, z: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        return share(self.model, head, pick(z, at))


@dataclass(eq=False)
class Layer:
    """The hooks of one layer in which a node has heads."""

    run: Pass
    layer: int
    members: Sequence[Head]
    found: dict[Head, torch.Tensor]
    active: bool = False  # whether queries, keys and values are being replaced
    stream: torch.Tensor = field(default_factory=lambda: torch.empty(0))
    own: torch.Tensor = field(default_factory=lambda: torch.empty(0))

    def attach(self, leaking: bool) -> list[Any]:
        """In the last layer the main stream may be changed: nothing after it is read."""
        block = self.run.model.transformer.h[self.layer]
        self.active = leaking
        handles = [
            block.ln_1.register_forward_pre_hook(self._keep_stream),
            block.attn.c_attn.register_forward_hook(self._replace),
            block.attn.c_proj.register_forward_pre_hook(self._keep_z),
        ]
        if not leaking:
            handles.append(block.attn.register_forward_hook(self._again, with_kwargs=True))
        return handles

    def _keep_stream(self, module: Any, args: tuple[torch.Tensor]) -> None:
        self.stream = args[0]  # [item, position, width]

    def _replace(self, module: Any, args: Any, output: torch.Tensor) -> torch.Tensor | None:
        """The output of `c_attn` with the members' slices computed from the changed stream."""
        if not self.active:
            return None
        replaced = output.clone()  # [item, position, 3 * width]
        for port in PORTS:
            if self.run.touched(port, self.layer):
                normed = self.run.normed(self.stream, port, self.layer)
                for head in self.members:
                    part = columns(self.run.model, head, port)
                    replaced[..., part] = normed @ module.weight[:, part] + module.bias[part]
        return replaced

    def _keep_z(self, module: Any, args: tuple[torch.Tensor]) -> None:
        if not self.active:
            self.own = args[0]
            return
        for head in self.members:
            self.found[head] = self.run._share(head, args[0], self.run.at)

    def _again(self, module: Any, args: Any, kwargs: Any, output: Any) -> None:
        """The attention once more, with the members changed; later members read the difference."""
        if self.active:
            return
        self.active = True
        module(*args, **kwargs)
        self.active = False
        for head in self.members:
            own = self.run._share(head, self.own, self.run.at)
            change = Change(self.layer, self.found[head] - own, self.run.at, PORTS)
            self.run.changes.append(change)


@contextmanager
def hooks() -> Iterator[list[Any]]:
    """Handles that are removed at the end."""
    handles: list[Any] = []
    try:
        yield handles
    finally:
        for handle in handles:
            handle.remove()
