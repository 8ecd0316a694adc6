"""A batch as the keywords of a model's own forward: tokens, masks, images, by their names there."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from scrub.graph import ModelGraph, Space
from scrub.models.base import Batch
from scrub.models.past import Past
from scrub.models.sending import sent

# the names in a forward's signature, in the order in which they are preferred
NAMES = {
    "tokens": ("input_ids", "input"),
    "decoder_tokens": ("decoder_input_ids",),
    "token_types": ("token_type_ids",),
    "image": ("pixel_values",),
}
MASKS = {"tokens": "attention_mask", "decoder_tokens": "decoder_attention_mask"}
SETTINGS = {"use_cache": False, "return_dict": True}


def keywords(
    module: nn.Module, batch: Batch, masked: tuple[str, ...], past: Past | None = None
) -> dict[str, Any]:
    """What to call a module with; the batch's positions come after those of a `past`.

    A mask is passed where padding has to be hidden and there is some: right-padded rows of a
    causal stack never read it.
    """
    known = inspect.signature(module.forward).parameters
    open_ended = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in known.values())
    given: dict[str, Any] = {}
    for field, names in NAMES.items():
        name = next((name for name in names if name in known), names[0] if open_ended else "")
        if name and field in batch.fields:
            given[name] = batch.fields[field]
    for space, name in MASKS.items():
        if space in masked and space in batch.fields and name in known:
            tokens, lengths = batch.fields[space], batch.lengths[space]
            if int(lengths.min()) < tokens.shape[1]:
                given[name] = mask_of(tokens, lengths)
    settings = {name: v for name, v in SETTINGS.items() if name in known or open_ended}
    own = past.keywords(module, batch.fields["tokens"]) if past is not None else {}
    return given | settings | own


def entrance(module: nn.Module, path: str, batch: Batch) -> nn.Module:
    """The innermost module on the way to a path that takes the batch's fields by name."""
    while path and not _takes(module.get_submodule(path), batch):
        path = path.rpartition(".")[0]
    return module.get_submodule(path)


def _takes(module: nn.Module, batch: Batch) -> bool:
    known = inspect.signature(module.forward).parameters
    wanted = (names for field, names in NAMES.items() if field in batch.fields)
    return all(any(name in known for name in names) for names in wanted)


def mask_of(tokens: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """1 where a row has a token, 0 where it has padding, [row, length]."""
    spots = torch.arange(tokens.shape[1], device=tokens.device)
    return (spots[None] < sent(lengths, tokens.device)[:, None]).long()


def dummy(graph: ModelGraph, like: torch.Tensor, rows: int, lengths: Mapping[str, int]) -> Batch:
    """Rows of nothing in particular, as long as asked in each space; images in `like`'s type."""
    fields: dict[str, torch.Tensor] = {}
    known: dict[str, torch.Tensor] = {}
    for space in (space for space in graph.spaces if space.given):
        length = space.length or max(lengths.get(space.name, 1), space.placeholders)
        if space.shape:
            fields[space.name] = like.new_zeros(rows, *space.shape)
        else:
            zeros = like.new_zeros(rows, length, dtype=torch.int64)
            fields[space.name] = with_places(space, zeros)
        known[space.name] = torch.full((rows,), length)
    return Batch(fields, known)


def with_places(space: Space, tokens: torch.Tensor) -> torch.Tensor:
    """Tokens [row, length] with as many placeholders of an image as there must be, and no more."""
    if not space.placeholders:
        return tokens
    spared = torch.where(tokens == space.placeholder, _another(space), tokens)
    start = min(1, max(0, tokens.shape[1] - space.placeholders))
    spared[:, start : start + space.placeholders] = space.placeholder
    return spared


def unplaced(spaces: Sequence[Space], batch: Batch) -> Batch:
    """The batch with no placeholder in its padding, which repeats a row's first token."""
    fields = dict(batch.fields) if any(space.placeholders for space in spaces) else {}
    for space in (space for space in spaces if space.placeholders and space.name in fields):
        tokens = fields[space.name]
        padding = mask_of(tokens, batch.lengths[space.name]) == 0
        there = padding & (tokens == space.placeholder)
        fields[space.name] = torch.where(there, _another(space), tokens)
    return replace(batch, fields=fields) if fields else batch


def _another(space: Space) -> int:
    return 0 if space.placeholder else 1
