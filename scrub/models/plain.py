"""The model on the probe's own inputs: what every check compares with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

import torch

from scrub.graph import Component, Part, Reach, Space
from scrub.models.adapter import TransformersModel
from scrub.models.base import Batch, Call, Kind, Site
from scrub.models.hooked import HookedModel
from scrub.models.keywords import dummy, with_places
from scrub.models.measure import Pairs, rounding

ROWS, LENGTH = 2, 10


class Plain:
    """Two rows of random tokens (and noise for an image), and what the model makes of them."""

    def __init__(self, model: TransformersModel, seed: int) -> None:
        self.model = model
        self.hooked = HookedModel(model.module, model.name, model.wiring.family)
        self.noise = torch.Generator().manual_seed(seed)
        self.sequences = [s for s in model.graph.spaces if s.given and not s.fixed]
        self.lengths = {s.name: _length(s) for s in self.sequences}
        self.batch = self._batch()
        self.tolerance = rounding(model.dtype)

    def _batch(self) -> Batch:
        like = torch.empty(0, dtype=self.model.dtype, device=self.model.device)
        empty = dummy(self.model.graph, like, ROWS, self.lengths)
        fields = dict(empty.fields)
        for space in (s for s in self.model.graph.spaces if s.given):
            shape = fields[space.name].shape
            if space.shape:
                fields[space.name] = torch.randn(shape, generator=self.noise).to(like)
            else:
                tokens = torch.randint(space.vocabulary, shape, generator=self.noise)
                fields[space.name] = with_places(space, tokens.to(like.device))
        return Batch(fields, empty.lengths)

    @cached_property
    def recorded(self) -> Mapping[Site, torch.Tensor]:
        return self.record(self.batch)

    def record(self, batch: Batch) -> Mapping[Site, torch.Tensor]:
        """Every stream and every component's output."""
        sites = [Site(Kind.STREAM, name) for name in self.model.graph.streams]
        sites += [Site(Kind.OUTPUT, c.name) for c in self.model.graph.components]
        return self.model.record(batch, sites)

    def stream(self, name: str) -> torch.Tensor:
        return self.recorded[Site(Kind.STREAM, name)]

    def share(self, component: str) -> torch.Tensor:
        """What a component adds to the streams that it feeds."""
        return self.model.output(Part(component), self.recorded[Site(Kind.OUTPUT, component)])

    def call(self, component: Component, changed: Mapping[str, torch.Tensor] | None = None) -> Call:
        """The component on its plain ports, some of them changed."""
        ports = {port.name: self.stream(port.stream) for port in component.ports}
        return Call(Part(component.name), ports | dict(changed or {}), self.batch)

    def groups(self) -> list[list[Component]]:
        """Components that run as one batch."""
        groups: dict[str, list[Component]] = {}
        for component in self.model.graph.components:
            if component.ports:
                groups.setdefault(component.group, []).append(component)
        return list(groups.values())

    def random(self, like: torch.Tensor) -> torch.Tensor:
        """Other values, as large as those that are there."""
        random = torch.randn(like.shape, generator=self.noise).to(like)
        return random * like.float().std().to(like.dtype)

    def by_hooks(self, call: Call) -> torch.Tensor:
        """The first row of what whole passes of the model with hooks give for a call."""
        ports = {name: value[0] for name, value in call.ports.items()}
        return self.hooked.evaluate(call.part, self.row(0), ports)

    def row(self, i: int) -> Batch:
        """One of the rows alone."""
        fields = {name: value[i : i + 1] for name, value in self.batch.fields.items()}
        return Batch(fields, {name: value[i : i + 1] for name, value in self.batch.lengths.items()})

    def other(self, space: Space, rows: slice, positions: slice) -> Batch:
        """The batch with other tokens (or another image) in these places."""
        changed = self.batch.fields[space.name].clone()
        if space.shape:
            changed[rows] = changed[rows].flip(-1) + 1
        else:
            changed[rows, positions] = (changed[rows, positions] + 1) % space.vocabulary
            changed = with_places(space, changed)
        return replace(self.batch, fields={**self.batch.fields, space.name: changed})

    def space_of(self, site: Site) -> str:
        """The position space that a recorded site is laid out along."""
        graph = self.model.graph
        if site.kind is Kind.STREAM:
            return graph.stream_spaces[site.name]
        return graph[site.name].space

    def is_causal(self, space: Space) -> bool:
        """Whether nothing in a space reads later positions of it."""
        graph = self.model.graph
        return not any(
            port.reach is Reach.ANY and graph.stream_spaces[port.stream] == space.name
            for component in graph.components
            for port in component.ports
        )

    def changed(self, space: Space, rows: slice, positions: slice, kept: slice) -> Pairs:
        """What the rows `kept` hold before `positions` (in other spaces: everywhere) when another
        input, and other inputs of re-run components, stand in the given places of a space."""
        pairs: Pairs = {}
        other = self.record(self.other(space, rows, positions))
        for site, value in self.recorded.items():
            spots = self._before(self.space_of(site), space, positions)
            pairs[str(site)] = (other[site][kept, spots], value[kept, spots])
        for group in self.groups():
            changed: dict[str, torch.Tensor] = {}
            for port in group[0].ports:
                value = self.stream(port.stream).clone()
                if self.model.graph.stream_spaces[port.stream] == space.name:
                    value[rows, positions] = self.random(value)[rows, positions]
                changed[port.stream] = value
            calls = [self.call(c, {p.name: changed[p.stream] for p in c.ports}) for c in group]
            for component, output in zip(group, self.model.run(calls), strict=True):
                spots = self._before(component.space, space, positions)
                share = self.share(component.name)
                pairs[f"{component.name}, re-run"] = (output[kept, spots], share[kept, spots])
        return pairs

    def _before(self, name: str, space: Space, positions: slice) -> slice:
        if name != space.name or positions.start is None:
            return slice(None)
        return slice(0, positions.start)


def _length(space: Space) -> int:
    """Long enough for the places of an image and some tokens after them."""
    least = LENGTH if not space.placeholders else max(LENGTH, space.placeholders + LENGTH // 2)
    return min(least, space.longest or least)
