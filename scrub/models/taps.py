"""Where in a forward pass the plain value of each site is seen, and the hook that takes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from scrub.models.anatomy import Anatomy
from scrub.models.base import Kind, Site
from scrub.models.sites import What, place_of

Found = dict[Site, torch.Tensor]


def tap(anatomy: Anatomy, site: Site, found: Found) -> RemovableHandle:
    """A hook that puts what passes at a site (any but the logits) into `found`."""
    if site.kind is Kind.STREAM:
        return _tap_input(norm_of(anatomy, site.name), site, found)
    place = place_of(site.name)
    if place.what is What.EMBED:
        return _tap_input(anatomy.blocks[0].whole, site, found)
    block = anatomy.blocks[place.layer]
    if place.what is What.HEAD:
        start, stop = anatomy.z_slice(place.head)
        # a copy: a view would keep the z of all heads alive for the sake of one
        return _tap_input(block.out, site, found, lambda z: z[..., start:stop].contiguous())
    if site.kind is Kind.NEURONS:
        return _tap_input(block.down, site, found)
    return _tap_output(block.mlp, site, found)


def norm_of(anatomy: Anatomy, stream: str) -> nn.Module:
    """The norm that reads a stream."""
    kind, _, layer = stream.partition(".")
    if kind == "final":
        return anatomy.final_norm
    block = anatomy.blocks[int(layer)]
    return block.attention_norm if kind == "resid" else block.mlp_norm


def first_input(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
    """What a module is applied to, passed by position or by name."""
    value = args[0] if args else kwargs["hidden_states"]
    assert isinstance(value, torch.Tensor)
    return value


def _tap_input(
    module: nn.Module,
    site: Site,
    found: Found,
    of: Callable[[torch.Tensor], torch.Tensor] = lambda x: x,
) -> RemovableHandle:
    def hook(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        found[site] = of(first_input(args, kwargs))

    return module.register_forward_pre_hook(hook, with_kwargs=True)


def _tap_output(module: nn.Module, site: Site, found: Found) -> RemovableHandle:
    def hook(_: nn.Module, args: object, output: torch.Tensor) -> None:
        found[site] = output

    return module.register_forward_hook(hook)
