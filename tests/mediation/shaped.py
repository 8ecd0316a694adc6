"""Random interventions on a model of each shape, ours and by hand, on rows of unequal length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, cached_property

import numpy as np
import pytest
import torch
from hypothesis import reject
from hypothesis import strategies as st

from scrub import InputRefused
from scrub.engine.edits import Edit, Input, State, What
from scrub.engine.flow import edited
from scrub.engine.worlds import World
from scrub.graph import Part
from scrub.models.adapter import TransformersModel
from scrub.models.base import Batch
from tests.mediation.hookloops import SHAPES, Change, Loop
from tests.models.tiny import VOCABULARY, WIDTH

Tensor = torch.Tensor
ROWS, LENGTH, NEURONS = 3, 7, 40
every_shape = pytest.mark.parametrize("shape", SHAPES)
random = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@cache
def loop_of(shape: str, dtype: torch.dtype) -> Loop:
    return Loop.of(shape, dtype=dtype)


@cache
def model_of(shape: str, dtype: torch.dtype) -> TransformersModel:
    return TransformersModel(loop_of(shape, dtype).module, shape)


class Case:
    """A model of ours and the same by hand, on some rows of unequal length."""

    def __init__(
        self, shape: str, rng: np.random.Generator, dtype: torch.dtype = torch.float64
    ) -> None:
        self.shape, self.rng, self.dtype = shape, rng, dtype
        self.tokens = torch.from_numpy(rng.integers(0, VOCABULARY, (ROWS, LENGTH)))
        self.lengths = torch.from_numpy(rng.integers(4, LENGTH + 1, ROWS))
        self.lengths[0] = LENGTH

    @property
    def loop(self) -> Loop:
        return loop_of(self.shape, self.dtype)

    @property
    def model(self) -> TransformersModel:
        return model_of(self.shape, self.dtype)

    @cached_property
    def plain(self) -> World:
        return World.plain(self.model, Batch.of_tokens(self.tokens, self.lengths))

    def by_hand(self, changes: Sequence[Change] = ()) -> dict[str, Tensor]:
        return self.loop.run(self.tokens, changes, self.lengths)

    def error(self, world: World, seen: dict[str, Tensor]) -> float:
        """The largest difference anywhere, relative to the largest value there."""
        real = torch.arange(LENGTH) < self.lengths[:, None]
        found = {"logits": world.output(None), **world.streams, **world.shares}
        assert set(found) <= set(seen)
        tiny = torch.finfo(self.dtype).tiny  # a state may have been replaced by zeros
        return max(
            float(
                (found[name] - seen[name])[real].abs().max()
                / seen[name][real].abs().max().clamp_min(tiny)
            )
            for name in found
        )

    def tensor(self, *shape: int) -> Tensor:
        return torch.from_numpy(2 * self.rng.normal(size=shape)).to(self.dtype)

    def positions(self) -> Tensor | None:
        """Some positions that every row has, others in each, or all."""
        n = int(self.rng.integers(0, 4))
        if n == 0:
            return None
        rows = [np.sort(self.rng.permutation(int(length))[:n]) for length in self.lengths]
        return torch.from_numpy(np.stack(rows))

    def value(self, at: Tensor | None) -> Callable[[Tensor], Tensor]:
        n = LENGTH if at is None else at.shape[1]
        other, factor = self.tensor(ROWS, n, WIDTH), float(self.rng.uniform(-1, 3))
        return [
            lambda _: other,
            torch.zeros_like,
            lambda own: own * factor,
            lambda own: own + 0.3 * other,
        ][int(self.rng.integers(4))]

    def places(self) -> dict[str, What]:
        """Every place that can be named, as it is written, with ranges of neurons drawn."""
        graph = self.model.graph
        found: dict[str, What] = {stream: State(stream) for stream in graph.streams}
        for component in graph.components:
            if component.name == graph.output:
                continue
            found[component.name] = Part(component.name)
            ports = component.port_names
            found |= {f"{component.name}<{p}>": Input(component.name, p) for p in ports}
            if component.neurons:
                for _ in range(8):
                    first = int(self.rng.integers(0, NEURONS))
                    part = Part(component.name, (first, int(self.rng.integers(first, NEURONS))))
                    found[str(part)] = part
        return found

    def both(self, name: str, what: What) -> tuple[Edit, Change]:
        at = self.positions()
        value = self.value(at)
        return Edit(what, value, at), Change(name, value, at)

    def some(self, most: int) -> list[tuple[Edit, Change]]:
        places = self.places()
        names = self.rng.choice(list(places), int(self.rng.integers(1, most + 1)))
        return [self.both(str(name), places[str(name)]) for name in names]


def ours(pairs: Sequence[tuple[Edit, Change]]) -> list[Edit]:
    return [edit for edit, _ in pairs]


def theirs(pairs: Sequence[tuple[Edit, Change]]) -> list[Change]:
    return [change for _, change in pairs]


def made(world: World, *steps: Sequence[tuple[Edit, Change]]) -> World:
    """Step upon step; parts of which too little is left to be edited are no case."""
    try:
        for pairs in steps:
            world = edited(world, ours(pairs))
    except InputRefused:
        reject()
    return world


def told(case: Case, seen: dict[str, Tensor]) -> bool:
    """Whether an intervention is seen at the output at all."""
    return bool((seen["logits"] - case.by_hand()["logits"]).abs().max() > 1e-3)
