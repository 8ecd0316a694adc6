"""Two worlds on the same rows, and what is measured of them: what attribution and circuits read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from scrub.engine.flow import edited
from scrub.engine.worlds import Edit, World
from scrub.graph import Part
from scrub.mediation.circuits import Home, Writers
from scrub.mediation.gradients import Score

Tensor = torch.Tensor


@dataclass(frozen=True, eq=False)
class Pair:
    """A wild and a corrupted world, the metric, and the positions [row, n] that it reads."""

    wild: World
    corrupted: World
    writers: Writers
    score: Score
    at: Tensor | None

    @cached_property
    def differences(self) -> Mapping[Home, Tensor]:
        """What each writer differs by, [row · position, writer, width]: zero for those that live
        elsewhere."""
        found: dict[Home, Tensor] = {}
        for name, number in self.writers.number.items():
            value = self.difference(name).flatten(0, 1)
            home = self.writers.homes[name]
            if home not in found:
                found[home] = value.new_zeros(len(value), len(self.writers.number), value.shape[1])
            found[home][:, number] = value
        return found

    def difference(self, name: str) -> Tensor:
        """What a component gives in the corrupted world, less in the wild one."""
        return self.corrupted.shares[name] - self.wild.shares[name]

    def blended(self, names: Sequence[str], t: float) -> World:
        """The wild world in which components give t of their own and 1 - t of the other value."""

        def blend(name: str) -> Edit:
            wild, other = self.wild.shares[name], self.corrupted.shares[name]
            return Edit(Part(name), lambda _: t * wild + (1 - t) * other)

        return edited(self.wild, [blend(name) for name in names])
