"""Positions that all inputs begin with: gone through once, by one row, and not by every input.

A prompt of examples before each question is the same for all of them. In a model whose mixing is
causal nothing that comes later changes what it computes there, so one row of it is recorded with
the model's own cache, and every batch goes on from a copy. That the model does go on as it would
have without is looked at on two of the inputs; where it does not, all are recorded in full.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from scrub.graph import TOKENS, Kind, Reach, Site
from scrub.models.adapter import TransformersModel
from scrub.models.base import Batch
from scrub.models.batches import Inputs
from scrub.models.keywords import mask_of
from scrub.models.measure import difference, rounding
from scrub.models.past import Past

LEAST_POSITIONS = 16  # a shorter prefix is recorded with each input
# positions spared for each that looking goes through: on two cores the two come to the same at 4
# in a model of 6 layers of width 256, and at about 15 in one so small that it is over in 50 ms
LEAST_SPARED = 8


@dataclass(frozen=True, eq=False)
class Prefix:
    """The first positions of all inputs: what was recorded of them, and what comes after them.

    `values[site]` is [1, length, stored], as a whole recording has it in each of its rows.
    """

    model: TransformersModel
    length: int
    values: Mapping[Site, torch.Tensor]
    past: Past

    @property
    def device(self) -> torch.device:
        return self.model.device

    def record(self, batch: Batch, sites: Sequence[Site]) -> dict[Site, torch.Tensor]:
        """One pass over what comes after the prefix: each site's [row, length of that, stored]."""
        tokens = batch.fields[TOKENS][:, self.length :]
        rest = Batch({TOKENS: tokens}, {TOKENS: batch.lengths[TOKENS] - self.length})
        return self.model.record(rest, sites, self.past.copied(len(tokens)))

    def rows_at_once(self, planned: int, row: int) -> int:
        """How many rows may go on from it at a time, where so many of `row` bytes were planned:
        each brings its copy of the model's cache."""
        return max(1, planned * row // (row + self.past.bytes))

    def put(self, site: Site, rest: torch.Tensor, room: torch.Tensor) -> None:
        """What a whole recording of these rows would be, into the room for it [row, length, …]."""
        first = self.values[site]
        if room.device == rest.device:
            room[:, : self.length].copy_(first)
            room[:, self.length :].copy_(rest)
        else:  # in one piece: copies between devices are slow where it is not
            room.copy_(torch.cat([first.expand(len(rest), -1, -1), rest], dim=1))


def shared_prefix(model: TransformersModel, inputs: Inputs, sites: Sequence[Site]) -> Prefix | None:
    """What can be recorded once for all inputs; None where nothing can, or it does not pay."""
    if not _can_be_split(model, inputs):
        return None
    length = common(inputs)
    if length < LEAST_POSITIONS or not _pays(inputs, length):
        return None
    try:
        return _looked_at(model, inputs, sites, length)
    except Exception:  # the model's own code, on a path of which we know nothing
        return None


def common(inputs: Inputs) -> int:
    """How many tokens all inputs begin with, with one left over in each.

    >>> common(Inputs({"tokens": [np.array([5, 6, 7, 8]), np.array([5, 6, 9]), np.array([5, 6])]}))
    1
    """
    rows = inputs.fields[TOKENS]
    most = int(inputs.lengths[TOKENS].min()) - 1
    first = np.stack([row[:most] for row in rows])  # [input, position]
    differ = (first != first[0]).any(axis=0)
    return int(differ.argmax()) if differ.any() else most


def _can_be_split(model: TransformersModel, inputs: Inputs) -> bool:
    """Whether all that the model has is laid out along its tokens, and reads backwards alone."""
    graph = model.graph
    alone = [s.name for s in graph.spaces] == [TOKENS] and set(inputs.fields) == {TOKENS}
    ports = [port for component in graph.components for port in component.ports]
    return alone and len(inputs) > 1 and all(port.reach is not Reach.ANY for port in ports)


def _pays(inputs: Inputs, length: int) -> bool:
    """Looking goes through two inputs whole, and again from the prefix on."""
    looked = 2 * inputs.longest[TOKENS] + 2 * (inputs.longest[TOKENS] - length)
    return (len(inputs) - 1) * length >= LEAST_SPARED * looked


def _looked_at(
    model: TransformersModel, inputs: Inputs, sites: Sequence[Site], length: int
) -> Prefix | None:
    """The prefix, if the shortest and the longest input come out as they do in full."""
    # embeddings are looked up token by token: a depth of rounding is no excuse for them
    first = [Site(Kind.OUTPUT, c.name) for c in model.graph.components if not c.ports]
    sites = list(dict.fromkeys([*sites, *first]))
    lengths = inputs.lengths[TOKENS]
    shortest, longest = int(lengths.argmin()), len(lengths) - 1 - int(lengths[::-1].argmax())
    batch = inputs.batch([shortest, longest], model.device)
    whole = model.record(batch, sites)
    tokens, past = batch.fields[TOKENS][:1, :length], Past.empty(model.module)
    values = model.record(Batch.of_tokens(tokens), sites, past)
    prefix = Prefix(model, length, values, Past(past.cache, length))
    rest = prefix.record(batch, sites)
    # passes of another length round otherwise, and a deep model makes more of it
    tolerance = 10 * rounding(model.dtype)
    there = mask_of(batch.fields[TOKENS], batch.lengths[TOKENS]).bool()  # [row, position]
    for site, value in whole.items():
        made = torch.empty_like(value)
        prefix.put(site, rest[site], made)
        most = 4 * torch.finfo(model.dtype).eps if site in first else tolerance
        if not difference(made[there], value[there]) <= most:
            return None
    return prefix
