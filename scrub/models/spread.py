"""A transformers model whose layers lie on several devices, as one that lies on the first of them.

The engine keeps everything on one device, that of the model's inputs. What a component reads goes
to its own layer's device, is run there, and what comes of it goes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import nn

from scrub.graph import Part, Site
from scrub.models.adapter import TransformersModel
from scrub.models.anatomy import Organ
from scrub.models.base import Batch, Call, Given, Shares, Whole
from scrub.models.batches import Lazy
from scrub.models.families.base import Family
from scrub.models.past import Past
from scrub.models.pieces import Evaluation
from scrub.models.substitute import homes_of


def adapted(module: nn.Module, name: str = "") -> TransformersModel:
    """A transformers module behind the adapter that fits where its weights lie."""
    several = len(set(homes_of(module))) > 1
    return SpreadModel(module, name) if several else TransformersModel(module, name)


class SpreadModel(TransformersModel):
    """A model over several devices; `homes` names that of each step's modules, by group."""

    def __init__(self, module: nn.Module, name: str = "", family: Family | None = None) -> None:
        super().__init__(module, name, family)
        self.homes = {
            group: _home(organ, self.device) for group, organ in self.anatomy.organs.items()
        }
        for piece in self.pieces.values():
            piece.surroundings.homes = self.homes

    def record(
        self, batch: Batch, sites: Sequence[Site], past: Past | None = None
    ) -> dict[Site, torch.Tensor]:
        found = super().record(batch, sites, past)
        return {site: value.to(self.device) for site, value in found.items()}

    def output(self, part: Part, stored: torch.Tensor) -> torch.Tensor:
        home = self._home_of(part.component)
        return super().output(part, stored.to(home)).to(self.device)

    def add(self, shares: Shares, to: torch.Tensor) -> None:
        for part, stored in shares:
            to += self.output(part, stored)

    def _evaluated(self, calls: Sequence[Call], how: Evaluation) -> list[torch.Tensor]:
        if not calls:
            return []
        moved = _Moved(self._home_of(calls[0].part.component))
        found = super()._evaluated([moved.call(call) for call in calls], how)
        return [value.to(self.device) for value in found]

    def whole(self, group: str, ports: Mapping[str, torch.Tensor], frame: Batch) -> Whole:
        moved = _Moved(self.homes[group])
        there = super().whole(group, moved.ports(ports), moved.frame(frame))
        shares = Lazy(tuple(there.shares), lambda name: there.shares[name].to(self.device))
        constant = None if there.constant is None else there.constant.to(self.device)
        return Whole(there.gross.to(self.device), shares, constant)

    def neurons(
        self, component: str, ports: Mapping[str, torch.Tensor], frame: Batch
    ) -> torch.Tensor:
        moved = _Moved(self._home_of(component))
        return super().neurons(component, moved.ports(ports), moved.frame(frame)).to(self.device)

    def _home_of(self, component: str) -> torch.device:
        return self.homes[self.graph[component].group]


class _Moved:
    """What several calls read, moved once each: they are run together where it is the same."""

    def __init__(self, to: torch.device) -> None:
        self.to = to
        self._done: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}  # both kept alive
        self._frames: dict[int, tuple[Batch, Batch]] = {}

    def tensor(self, value: torch.Tensor) -> torch.Tensor:
        if id(value) not in self._done:
            self._done[id(value)] = value, value.to(self.to)
        return self._done[id(value)][1]

    def ports(self, ports: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {name: self.tensor(value) for name, value in ports.items()}

    def given(self, given: Given) -> Given:
        """The same, with what is looked up handed over here."""
        put = [(self.tensor(total), self.tensor(at)) for total, at in given.put]
        return Given(replace(given.own, device=self.to), put)

    def frame(self, frame: Batch) -> Batch:
        """Its fields are moved when they are asked for; its lengths are the host's."""
        if id(frame) not in self._frames:
            fields = Lazy(tuple(frame.fields), lambda name: frame.fields[name].to(self.to))
            self._frames[id(frame)] = frame, Batch(fields, frame.lengths)
        return self._frames[id(frame)][1]

    def call(self, call: Call) -> Call:
        at = None if call.at is None else self.tensor(call.at)
        given = {name: self.given(value) for name, value in call.given.items()}
        ports, frame = self.ports(call.ports), self.frame(call.frame)
        return replace(call, ports=ports, frame=frame, at=at, given=given)


def _home(organ: Organ, otherwise: torch.device) -> torch.device:
    """Where the first of a step's modules that has weights runs."""
    spots = [spot for spot in (*organ.whole, organ.out, organ.before) if spot is not None]
    found = (home for spot in spots for home in homes_of(spot.module))
    return next(found, otherwise)
