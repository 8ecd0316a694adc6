"""Features of an image in the places of some tokens: what comes in there, and what the tokens keep.

The two are recorded at the same place, the input of the first block, and share its positions out:
those of the placeholder token hold the image, all others hold tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from scrub.graph import Kind, Site, Space
from scrub.models.anatomy import Organ
from scrub.models.base import Call
from scrub.models.keywords import mask_of
from scrub.models.pieces import Found, Piece, Tensor, narrow, watch_output
from scrub.models.spots import Spot, Watch, first, hidden_of


@dataclass(eq=False)
class WordsPiece(Piece):
    """The embeddings of tokens that are no placeholders."""

    space: Space

    def watch(self, watch: Watch, site: Site, found: Found) -> None:
        _watch_places(watch, self.organ, self.organ.whole[0], self.space, site, found, False)


@dataclass(eq=False)
class BridgePiece(Piece):
    """An image's features, through a module of their own, at the placeholders."""

    space: Space
    skipped: int  # positions of the image at its beginning that nothing reads

    def watch(self, watch: Watch, site: Site, found: Found) -> None:
        if site.kind is Kind.STREAM:
            assert self.organ.source is not None
            watch_output(watch, self.organ.source, site, found)
        else:
            _watch_places(watch, self.organ, self.organ.whole[1], self.space, site, found, True)

    def run(self, calls: Sequence[Call]) -> list[Tensor]:
        return [narrow(self._placed(call), call) for call in calls]

    def _placed(self, call: Call) -> Tensor:
        image = call.ports["in"][:, self.skipped :].to(self.dtype)
        features = first(self.organ.whole[0].module(image))
        tokens = call.frame.fields[self.space.name]
        there = mask_of(tokens, call.frame.lengths[self.space.name]).bool()
        places = (tokens == self.space.placeholder) & there
        placed = features.new_zeros(*tokens.shape, features.shape[-1])
        filled: Tensor = placed.masked_scatter(places[..., None], features)
        return filled


def _watch_places(
    watch: Watch, organ: Organ, spot: Spot, space: Space, site: Site, found: Found, image: bool
) -> None:
    """The first block's input, at the placeholders or elsewhere."""
    tokens: list[Tensor] = []

    def remember(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        tokens.append(kwargs["input_ids"])

    def keep(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        places = (tokens[-1] == space.placeholder) == image
        hidden = hidden_of(args, kwargs)
        found[site] = torch.where(places[..., None], hidden, hidden.new_zeros(()))

    assert organ.entrance is not None
    watch.before(organ.entrance, remember)
    watch.before(spot, keep)
